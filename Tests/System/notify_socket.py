"""notify_socket.py PATH LOG: the service manager's end of sd_notify(3); a line "SECONDS WORD" each."""
import os
import socket
import sys
import time

path, log = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(path)
os.chmod(path, 0o666)
with open(log, "w", encoding="utf-8") as file:
    print("ready", flush=True)
    while True:
        for line in listener.recv(4096).decode().splitlines():
            file.write(f"{time.monotonic():.3f} {line}\n")
            file.flush()
