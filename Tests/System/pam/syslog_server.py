"""syslog_server.py SOCKET FILE: writes what arrives on a syslog socket to FILE, a line each, as
`facility.level program: text` with the numbers of syslog(3)."""
import os
import re
import socket
import sys


def main():
    if os.path.lexists(sys.argv[1]):
        os.unlink(sys.argv[1])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log, \
            open(sys.argv[2], "a", encoding="utf-8", errors="backslashreplace") as out:
        log.bind(sys.argv[1])
        os.chmod(sys.argv[1], 0o666)
        while True:
            text = log.recv(65536).decode("utf-8", "backslashreplace").rstrip("\0\n")
            number, rest = re.match(r"<(\d+)>\w+ +\d+ [\d:]+ (.*)", text, re.S).groups()
            out.write(f"{int(number) // 8}.{int(number) % 8} {rest!r}\n")
            out.flush()


main()
