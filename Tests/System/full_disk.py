#!/usr/bin/python3
"""full_disk.py STEP SEED: no space from the n-th write of rosterd on, for every STEP-th n.

Each turn begins with an empty state: a first load, changes, a block, a login by password, an index that
has to be built anew, more changes, an end in order and a second start. full_disk.c lets the n-th write
and all after it fail, until the fault was looked at; then the space comes back, and without a restart
all has to end well. The turns end when n is greater than the writes of a whole turn. What was wrong
goes to /run/full.* by kind; the last line on stdout says how much was looked at.
"""
import contextlib
import ctypes
import json
import mmap
import os
import pathlib
import pwd
import random
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time

import ldap
import ldap.modlist

import expectation
import kills
import property as history

STATE = pathlib.Path("/var/lib/roster")
CONTROL, NOTES = "/run/full_disk.control", "/run/full_disk.notify"
BASE = {f"p{number:03}": 20000 + number for number in range(1, 41)}
PATIENCE = 60
ACCEPTED = 1
NEWCOMER = re.compile(r"new\d+")


class Control:
    """The counters of full_disk.c."""

    def __init__(self):
        with open(CONTROL, "wb") as file:
            file.write(bytes(256))
        os.chmod(CONTROL, 0o666)
        with open(CONTROL, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 256)

    def number(self, place):
        return struct.unpack_from("Q", self.memory, place * 8)[0]

    def arm(self, fail_at):
        self.memory[:] = struct.pack("QQQ", 0, fail_at, 0) + bytes(232)

    def lift(self):
        struct.pack_into("Q", self.memory, 8, 0)

    @property
    def count(self):
        return self.number(0)

    @property
    def failed(self):
        return self.number(2)

    @property
    def first(self):
        return bytes(self.memory[24:]).split(b"\0")[0].decode()


class Reader(threading.Thread):
    """Enumerates all the while: everybody is there as the directory has them, or nobody at all."""

    def __init__(self, stamps):
        super().__init__(daemon=True)
        self.stamps, self.faults, self.rounds = stamps, [], 0
        self.may_be_empty, self.turn = True, ""

    def run(self):
        while True:
            optional = self.may_be_empty
            people = {person.pw_name: person for person in pwd.getpwall()
                      if person.pw_name in BASE or NEWCOMER.fullmatch(person.pw_name)}
            self.rounds += 1
            if not people and (optional or self.may_be_empty):
                time.sleep(0.002)
                continue
            for name, uid in BASE.items():
                if name not in people:
                    self.faults.append(f"{self.turn}: {name} is missing of {len(people)}")
                elif people[name].pw_uid != uid or people[name].pw_dir != f"/home/{name}":
                    self.faults.append(f"{self.turn}: {people[name]}")
            time.sleep(0.002)


class Manager(threading.Thread):
    """The service manager: takes what rosterd tells it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(NOTES)
        os.chmod(NOTES, 0o666)
        self.is_ready = threading.Event()

    def run(self):
        while True:
            if b"READY=1" in self.socket.recv(4096):
                self.is_ready.set()


class Turns:
    """All turns, and what they found."""

    def __init__(self):
        self.control = Control()
        self.directory = history.connect()
        self.stamps = []
        self.found = {"seen": [], "ahead": [], "left": [], "denied": [], "lookups": [], "ends": []}
        self.daemon = None
        self.manager = Manager()
        self.manager.start()
        self.reader = Reader(self.stamps)
        self.cookies, self.newcomer, self.places = 0, None, set()

    def fault(self, kind, text):
        self.found[kind].append(f"{self.title}: {text}")

    # The daemon.

    def start(self):
        keys = subprocess.run(["getent", "group", "roster-keys"], capture_output=True, text=True,
                              check=True).stdout.split(":")[2]
        self.manager.is_ready.clear()
        environment = dict(os.environ, LD_PRELOAD="/run/full_disk.so", FULL_DISK=CONTROL,
                           FULL_DISK_BELOW=str(STATE), NOTIFY_SOCKET=NOTES)
        with open(os.environ["daemon_log"], "ab") as log:
            log.write(f"-- {self.title}\n".encode())
            log.flush()
            self.daemon = subprocess.Popen(
                ["setpriv", "--reuid=roster", "--regid=roster", "--groups", keys,
                 "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs",
                 "/usr/sbin/rosterd", "--config", os.environ["config"]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def stop(self, how):
        if self.daemon:
            self.daemon.send_signal(how)
            try:
                self.daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.fault("ends", "SIGTERM does not end it in 10 s")
                self.daemon.kill()
                self.daemon.wait()
            self.daemon = None

    def revive(self):
        """What systemd would do: a daemon that could not begin is started again."""
        if self.daemon.poll() is not None:
            self.start()

    def until(self, what, condition):
        """Waits for the condition, or for the fault, which is looked at and then lifted."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.control.failed and self.control.number(1):
                self.look_and_lift()
            if condition():
                return True
            self.revive()
            time.sleep(0.01)
        self.fault("left", f"in vain for {what} ({self.control.first})")
        return False

    def look_and_lift(self):
        """The disk has been full for a moment: nothing but changes may suffer."""
        self.places.add(self.control.first.rsplit("-", 1)[0])
        time.sleep(0.3)
        if not self.reader.may_be_empty and not all(map(self.knows, BASE)):
            self.fault("lookups", "people are missing while the disk is full")
        # As it lies on the disk at this moment; nothing of it moves meanwhile.
        self.daemon.send_signal(signal.SIGSTOP)
        with contextlib.suppress(sqlite3.DatabaseError, OSError, IndexError):
            count, ahead = kills.cookie_ahead(self.stamps)
            self.cookies += count
            self.found["ahead"] += [f"{self.title}: {line}" for line in ahead]
        self.daemon.send_signal(signal.SIGCONT)
        self.control.lift()

    # What is done in a turn.

    def change(self, name, gecos):
        answer = self.directory.modify_ext_s(
            f"cn={name},{history.PEOPLE}", [(ldap.MOD_REPLACE, "gecos", gecos.encode())],
            serverctrls=[kills.PostReadControl(attrList=["entryCSN"])])
        stamp = answer[3][0].entry["entryCSN"][0]
        self.stamps.append((stamp if isinstance(stamp, str) else stamp.decode(), name, gecos))

    def come_and_go(self, number):
        new = f"new{number}"
        self.directory.add_s(f"cn={new},{history.PEOPLE}", ldap.modlist.addModlist(
            history.person(new, 40000 + number)))
        if self.newcomer:
            self.directory.delete_s(f"cn={self.newcomer},{history.PEOPLE}")
        self.newcomer = new
        self.until(f"{new} to come", lambda: self.knows(new))

    @staticmethod
    def knows(name):
        with contextlib.suppress(KeyError):
            return bool(pwd.getpwnam(name))
        return False

    @staticmethod
    def login(name):
        """The verdict on a right password; None without an answer."""
        fields = b"".join(struct.pack(">H", len(field)) + field for field in (
            name.encode(), b"sshd", b"", f"secret-{name}".encode(), b""))
        payload = b"\1\0" + fields
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect("/run/roster/login.sock")
            client.sendall(struct.pack(">IB", len(payload) + 1, 1) + payload)
            answer = client.recv(4096)
            return answer[5] if len(answer) > 5 else None
        return None

    @staticmethod
    def blocks():
        """The names that are blocked for the gate: what sshd would be told."""
        answer = subprocess.run(["roster", "explain", "p002", "--service", "sshd", "--json"],
                                capture_output=True, text=True, check=False)
        with contextlib.suppress(json.JSONDecodeError, KeyError):
            return json.loads(answer.stdout)["verdict"] == "blocked"
        return None

    def deny(self):
        """`roster deny` is in force when it says so."""
        answer = subprocess.run(["roster", "deny", "p002"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            if self.blocks() is False:
                self.fault("denied", f"p002 is let in after: {answer.stdout.strip()}")
            return True
        if not answer.stderr.strip():
            self.fault("denied", "refused without a word")
        return False

    def verifiers(self):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(
                sqlite3.connect(f"file:{STATE}/store/verifiers.sqlite?mode=ro", uri=True)) as store:
            return store.execute("SELECT count(*) FROM verifiers").fetchone()[0]
        return 0

    @staticmethod
    def status():
        answer = subprocess.run(["roster", "status", "--json"], capture_output=True, text=True,
                                check=False)
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(answer.stdout)
        return {}

    def turn(self, number):
        """One turn; whether the fault came at all."""
        self.reader.turn = self.title = f"write {number}"
        self.reader.may_be_empty = True
        self.stop(signal.SIGKILL)
        subprocess.run("rm -rf /var/lib/roster/* /run/roster/*", shell=True, check=True)
        self.control.arm(number)
        self.start()
        ready = self.until("READY", self.manager.is_ready.is_set)
        if ready and self.until("the first load", lambda: self.knows("p001")):
            self.reader.may_be_empty = False
        self.change("p001", f"first {number}")
        self.come_and_go(number * 2)
        is_denied = self.deny()
        self.until("a login", lambda: self.login("p003") == ACCEPTED)
        self.until("a verifier", lambda: self.login("p003") == ACCEPTED and self.verifiers() == 1)
        self.reader.may_be_empty = True
        subprocess.run("rm -f /var/lib/roster/index/*", shell=True, check=True)
        if self.until("the index", lambda: self.knows("p001")):
            self.reader.may_be_empty = False
        self.change("p001", f"second {number}")
        self.come_and_go(number * 2 + 1)
        self.stop(signal.SIGTERM)
        self.start()
        self.until("the second start", lambda: self.status().get("state") == "in_sync")
        came = self.control.failed > 0
        self.control.lift()
        left = expectation.wait(PATIENCE)
        self.found["left"] += [f"{self.title} ({self.control.first}): {line}" for line in left[:3]]
        if self.status().get("journal_lost"):
            self.fault("left", f"the history is said to be lost ({self.control.first})")
        if is_denied and not self.blocks():
            self.fault("denied", f"the block was lost ({self.control.first})")
        return came

    def run(self, step, seed):
        """All turns."""
        self.title = "before"
        number = 1 + random.Random(seed).randrange(step)
        began, turns = time.monotonic(), 0
        self.reader.start()
        only = [int(at) for at in os.environ.get("AT", "").split(",") if at]
        while self.turn(only[0] if only else number):
            turns += 1
            number += step
            only = only[1:]
            if os.environ.get("AT") and not only:
                break
        self.reader.may_be_empty = True
        self.found["seen"] += self.reader.faults
        total = self.control.count
        self.stop(signal.SIGTERM)
        print(f"      {total} writes in a turn, {turns} turns with a full disk (seed {seed}) in "
              f"{time.monotonic() - began:.0f} s, {len(self.places)} kinds of writes failed first, "
              f"{self.reader.rounds} enumerations, {self.cookies} cookies looked at")
        if turns >= 10 and self.cookies == 0:
            self.fault("ahead", f"no cookie in {turns} turns")
        return self.found


def main():
    found = Turns().run(int(sys.argv[1]), int(sys.argv[2]))
    for what, lines in found.items():
        pathlib.Path(f"/run/full.{what}").write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
