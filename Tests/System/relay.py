#!/usr/bin/python3
"""relay.py FROM TO [OCTETS [FILE]]: hands connections to 127.0.0.1:FROM on to 127.0.0.1:TO.

A server that can be taken away without ending slapd: killed, it refuses; stopped, it is silent.
OCTETS is the most that it hands to the client per second, so that a load takes time; 0 is no limit.
FILE, while it exists, holds the seconds by which every answer is late.
"""
import socket
import sys
import threading
import time

FROM, TO = int(sys.argv[1]), int(sys.argv[2])
RATE = int(sys.argv[3]) if len(sys.argv) > 3 else 0
DELAY = sys.argv[4] if len(sys.argv) > 4 else None


def late():
    """Seconds that the next answer has to wait."""
    try:
        with open(DELAY, encoding="ascii") as file:
            return float(file.read())
    except (TypeError, OSError):
        return 0


def copy(source, target, rate, is_answer):
    """Copies until either side ends."""
    try:
        while octets := source.recv(max(rate // 50, 1) if rate else 65536):
            if is_answer:
                time.sleep(late())
            target.sendall(octets)
            if rate:
                time.sleep(len(octets) / rate)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def main():
    listener = socket.create_server(("127.0.0.1", FROM))
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", TO))
        except OSError:
            client.close()
            continue
        for way in ((client, server, 0, False), (server, client, RATE, True)):
            threading.Thread(target=copy, args=way, daemon=True).start()


if __name__ == "__main__":
    main()
