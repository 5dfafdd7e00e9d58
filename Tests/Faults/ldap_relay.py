#!/usr/bin/python3
"""ldap_relay.py FROM TO TLS FILE: a relay that ends TLS and reads LDAP messages on their way.

It speaks TLS with the certificate in the folder TLS to who connects to 127.0.0.1:FROM, and LDAP
without TLS to 127.0.0.1:TO. FILE, while it exists, holds a JSON object with one fault:

    {"reset": N}            resets the connection after N entries of it
    {"reset_inside": N}     sends half of entry N, then resets
    {"close_after_bind": 1} closes after the answer to a bind
    {"result": [N, CODE]}   after N entries of a search its result is CODE, and nothing more
    {"rewrite": [[OLD, NEW], ...]}  replaces octets in entries by as many others, in hexadecimal
    {"without_value": TEXT} the last attribute of entries with TEXT loses its values
    {"lie": KIND}           entries with lengths that are not true, see lie()
"""
import json
import select
import socket
import ssl
import struct
import sys
import threading
import time

BIND_RESPONSE, ENTRY, DONE = 0x61, 0x64, 0x65


def fault():
    """What is wrong right now."""
    try:
        with open(sys.argv[4], encoding="ascii") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def element(tag, contents):
    """A BER element."""
    size = len(contents)
    if size < 128:
        return bytes([tag, size]) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + contents


def parse(octets, start=0):
    """Tag, contents and the end of the element at `start`; None while it is incomplete."""
    if len(octets) < start + 2:
        return None
    size, head = octets[start + 1], start + 2
    if size & 0x80:
        head, count = head + (size & 0x7F), size & 0x7F
        if len(octets) < head:
            return None
        size = int.from_bytes(octets[head - count:head], "big")
    if len(octets) < head + size:
        return None
    return octets[start], octets[head:head + size], head + size


def children(contents):
    """The elements inside an element, as (tag, contents)."""
    found, start = [], 0
    while start < len(contents):
        tag, inner, start = parse(contents, start)
        found.append((tag, inner))
    return found


def without_value(message):
    """The same entry; the last attribute has an empty set of values."""
    parts = children(parse(message)[1])
    name, attributes = children(parts[1][1])
    listed = children(attributes[1])
    kind = children(listed[-1][1])[0]
    listed[-1] = (0x30, element(*kind) + element(0x31, b""))
    entry = element(*name) + element(0x30, b"".join(element(*one) for one in listed))
    rest = b"".join(element(*part) for part in parts[2:])
    return element(0x30, element(*parts[0]) + element(ENTRY, entry) + rest)


def lie(message, kind):
    """A message whose lengths contradict each other or its octets."""
    parts = children(parse(message)[1])
    name, attributes = children(parts[1][1])
    number, rest = element(*parts[0]), b"".join(element(*part) for part in parts[2:])

    def entry(contents):
        return element(0x30, number + element(ENTRY, contents) + rest)

    wrong = b"\x30\x82\x7f\xff"
    return {
        # The attributes claim more octets than the message has.
        "attributes": lambda: entry(element(*name) + wrong + attributes[1]),
        # The name claims more than the entry has.
        "name": lambda: entry(b"\x04\x84\x7f\xff\xff\xff" + name[1] + element(*attributes)),
        # A value that reaches beyond its attribute.
        "value": lambda: entry(element(*name) + element(0x30, element(
            0x30, element(0x04, b"uid") + b"\x31\x05\x04\x7f\x61\x62\x63"))),
        # Two gigabytes, and four.
        "message": lambda: b"\x30\x84\x7f\xff\xff\xff" + number + element(*parts[1]),
        "huge": lambda: b"\x30\x84\xff\xff\xff\xff" + number + element(*parts[1]),
        # Indefinite length, which LDAP forbids (RFC 4511 section 5.1).
        "indefinite": lambda: b"\x30\x80" + number + element(*parts[1]) + b"\0\0",
        # More octets in the length than any machine has.
        "wide": lambda: b"\x30\x8a" + b"\0" * 9 + b"\x10" + number + element(*parts[1]),
        # The control of the entry, which holds its UUID, cut short.
        "control": lambda: element(0x30, number + element(*parts[1]) + b"\xa0\x40\x30\x3e\x04"),
        # The UUID in the control one octet too short.
        "uuid": lambda: element(0x30, number + element(*parts[1]) + element(0xA0, element(
            0x30, element(0x04, b"1.3.6.1.4.1.4203.1.9.1.2")
            + element(0x04, element(0x30, b"\x0a\x01\x01" + element(0x04, b"x" * 15)))))),
    }[kind]()


def changed(message, wrong):
    """What becomes of an entry."""
    for old, new in wrong.get("rewrite", []):
        message = message.replace(bytes.fromhex(old), bytes.fromhex(new))
    if "without_value" in wrong and wrong["without_value"].encode() in message:
        message = without_value(message)
    if "lie" in wrong:
        message = lie(message, wrong["lie"])
    return message


class Connection:
    """One client, and the connection to the server for it."""

    def __init__(self, client, context):
        self.client = context.wrap_socket(client, server_side=True)
        self.server = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
        self.entries = 0
        self.ended = set()

    def run(self):
        """Until either side ends."""
        waiting = b""
        with self.client, self.server:
            while True:
                ready, _, _ = select.select([self.client, self.server], [], [])
                if self.client in ready:
                    octets = self.client.recv(65536)
                    while self.client.pending():
                        octets += self.client.recv(65536)
                    if not octets:
                        return
                    self.server.sendall(octets)
                if self.server in ready:
                    octets = self.server.recv(65536)
                    if not octets:
                        return
                    waiting += octets
                    while found := parse(waiting):
                        self.answer(waiting[:found[2]])
                        waiting = waiting[found[2]:]

    def reset(self):
        """RST instead of FIN; raises OSError, which ends the connection."""
        time.sleep(0.05)  # so that what was sent before is read first
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionResetError

    def answer(self, message):
        """One message from the server."""
        parts = children(parse(message)[1])
        number, kind = parts[0][1], parts[1][0]
        if number in self.ended:
            return
        wrong = fault()
        if kind == ENTRY:
            self.entries += 1
            if self.entries > wrong.get("reset", 1 << 62):
                self.reset()
            if self.entries >= wrong.get("reset_inside", 1 << 62):
                self.client.sendall(message[:len(message) // 2])
                self.reset()
            count, code = wrong.get("result", (1 << 62, 0))
            if self.entries > count:
                self.ended.add(number)
                result = bytes([0x0A, 1, code]) + element(0x04, b"") * 2
                if code == 10:
                    result += element(0xA3, element(0x04, b"ldap://other.test/dc=other"))
                self.client.sendall(
                    element(0x30, element(0x02, number) + element(DONE, result)))
                return
            message = changed(message, wrong)
        self.client.sendall(message)
        if kind == BIND_RESPONSE and wrong.get("close_after_bind"):
            raise ConnectionAbortedError


def serve(client, context):
    """One connection, if it comes to one."""
    try:
        Connection(client, context).run()
    except OSError:
        pass
    finally:
        client.close()


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3] + "/cert.pem", sys.argv[3] + "/key.pem")
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, context), daemon=True).start()


if __name__ == "__main__":
    main()
