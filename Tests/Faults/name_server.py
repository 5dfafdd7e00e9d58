#!/usr/bin/python3
"""name_server.py: answers every question for an address with 127.0.0.1, on port 53 of loopback."""
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("127.0.0.1", 53))
    print("ready", flush=True)
    while True:
        question, client = server.recvfrom(512)
        end = question.index(0, 12) + 5
        is_address = question[end - 4:end - 2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if is_address else b""
        server.sendto(question[:2] + b"\x81\x80\0\1" + bytes([0, int(is_address)]) + b"\0\0\0\0"
                      + question[12:end] + answer, client)
