"""dns_server.py FILE: a name server on 127.0.0.1 that knows SRV records only, and says "ready".

FILE has a line "NAME PRIORITY WEIGHT PORT HOST" for each record, and is read anew for each question;
"silent" alone lets every question go unanswered.
"""
import socket
import struct
import sys


def encoded(name):
    labels = [label for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def question(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += packet[at] + 1
    return ".".join(labels).lower(), packet[12:at + 5]


def answer(packet, lines):
    name, asked = question(packet)
    is_srv = asked[-4:-2] == b"\0\x21"
    records = [line[1:] for line in lines if line[0] == name and is_srv]
    body = b""
    for priority, weight, port, host in records:
        data = struct.pack("!HHH", int(priority), int(weight), int(port)) + encoded(host)
        body += b"\xc0\x0c" + struct.pack("!HHIH", 33, 1, 60, len(data)) + data
    code = 0 if any(line[0] == name for line in lines) else 3
    return packet[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(records), 0, 0) + asked + body


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    packet, client = server.recvfrom(4096)
    with open(sys.argv[1], encoding="ascii") as file:
        lines = [line.split() for line in file if line.strip()]
    if lines != [["silent"]]:
        server.sendto(answer(packet, lines), client)
