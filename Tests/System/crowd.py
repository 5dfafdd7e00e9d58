#!/usr/bin/python3
"""crowd.py SOCKET CONNECTIONS UID...: so many connections to a socket of rosterd, until it is ended.

They are spread over processes of these users. Half of the connections never say a word; the others
say what no client says: noise, half a frame, a length of 4 GB, a request cut in two. Whatever is
closed is opened again at once, at most 200 times a second.
"""
import contextlib
import os
import random
import select
import signal
import socket
import sys
import time

NOISE = [b"GET / HTTP/1.0\r\n\r\n", b"\xff\xff\xff\xff\x01", b"\0\0\0\x09\x01{\"sta", b"\0\0\0",
         b"\0\0\0\x05\x01{}", b"\0" * 64]
PACE = 0.005


def connect(path, is_silent):
    """One of the crowd; None if it is not let in."""
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    try:
        client.connect(path)
        if not is_silent:
            client.send(random.choice(NOISE))
    except OSError:
        client.close()
        return None
    return client


def crowd(path, count):
    """Never returns."""
    poller, clients = select.poll(), {}
    while True:
        for descriptor, _ in poller.poll(0):
            client = clients[descriptor][0]
            with contextlib.suppress(OSError):
                if client.recv(4096):
                    continue
            poller.unregister(descriptor)
            clients.pop(descriptor)[0].close()
        if len(clients) < count:
            is_silent = sum(silent for _, silent in clients.values()) * 2 <= len(clients)
            client = connect(path, is_silent)
            if client is not None:
                clients[client.fileno()] = (client, is_silent)
                poller.register(client, select.POLLIN)
        time.sleep(PACE if len(clients) >= count // 2 else 0.001)


def main():
    path, count, users = sys.argv[1], int(sys.argv[2]), [int(user) for user in sys.argv[3:]]
    children = []
    for user in users:
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            crowd(path, count // len(users))
        children.append(child)

    def end(*_):
        for child in children:
            os.kill(child, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
