"""login_server.py SOCKET LOG: answers the login socket as a daemon would whose directory knows the
password `right` for everybody; a password that is a verdict's word gets that verdict. Every request
is a line of LOG: kind, name, service, length of both passwords, whether it is a reset."""
import os
import pwd
import socket
import struct
import sys
import threading
import time

VERDICTS = {"accepted": 1, "mustchange": 2, "unknown": 3, "removed": 4, "disabled": 6, "expired": 7,
            "wrong": 11, "locked": 12, "passwordexpired": 13, "refused": 14, "notpermitted": 15,
            "undecidable": 16}
KINDS = {1: "authenticate", 2: "account", 3: "check", 4: "change"}


def receive(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def fields(payload):
    place = 2
    for _ in range(5):
        length = struct.unpack_from(">H", payload, place)[0]
        yield payload[place + 2:place + 2 + length]
        place += 2 + length


def decide(kind, is_reset, name, password, new, peer):
    if kind == 2:
        own = peer == 0 or pwd.getpwnam(name).pw_uid == peer
        return ("accepted", []) if own and name == "active" else ("disabled", ["Not you."])
    if is_reset:
        return "notpermitted", ["Passwords are set in the directory, at https://id.example/."]
    if password == "right":
        if kind == 4 and len(new) < 4:
            return "refused", ["The new password is too short."]
        return "accepted", []
    return (password, ["As you wish."]) if password in VERDICTS else ("wrong", [])


def serve(connection, log):
    with connection:
        peer = struct.unpack("3i", connection.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
        try:
            length, _ = struct.unpack(">IB", receive(connection, 5))
            payload = receive(connection, length - 1)
        except EOFError:
            return  # whoever does not trust us says nothing
        name, service, _, password, new = (part.decode("latin-1") for part in fields(payload))
        kind, is_reset = payload[0], payload[1] & 1 != 0
        log.write(f"{KINDS[kind]} {name} {service} {len(password)} {len(new)} {int(is_reset)}\n")
        log.flush()
        if password == "slow":
            time.sleep(300)
        if password == "gone":
            return
        word, messages = decide(kind, is_reset, name, password, new, peer)
        reply = bytes([VERDICTS[word], 0, len(messages)])
        for message in messages:
            reply += struct.pack(">H", len(message.encode())) + message.encode()
        connection.sendall(struct.pack(">IB", len(reply) + 1, 1) + reply)


def main():
    path = sys.argv[1]
    if os.path.exists(path):
        os.unlink(path)
    with open(sys.argv[2], "a", encoding="utf-8") as log, \
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen(64)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, log), daemon=True).start()


main()
