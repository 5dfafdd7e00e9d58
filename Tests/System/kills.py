#!/usr/bin/python3
"""kills.py KILLS SEED: rosterd killed at random moments while 20 changes a second arrive.

A writer numbers its changes: change n writes n into the gecos of person n modulo 300, and now and
then adds or removes somebody or a membership as well. A reader enumerates all the while: everybody is
there, no number was ever unwritten, none goes back. After each kill the store is looked at: what its
cookie covers it holds. In the end the mirror equals the directory.
"""
import contextlib
import pathlib
import pwd
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time

import ldap
import ldap.modlist
from ldap.controls.readentry import PostReadControl

import expectation
import property as history

PEOPLE, GROUPS = history.PEOPLE, history.GROUPS
POPULATION = 300
INTERVAL = 0.05
STORE = pathlib.Path("/var/lib/roster/store")


def name_of(number):
    """The person that change `number` is about."""
    return f"p{number % POPULATION + 1:03}"


class Writer(threading.Thread):
    """Changes the directory, 20 times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.connection = history.connect()
        self.number = 0
        self.stamps = []  # (entryCSN, name, number), in the order of the directory
        self.ends = threading.Event()

    def run(self):
        due = time.monotonic()
        while not self.ends.is_set():
            self.change(self.number + 1)
            due += INTERVAL
            time.sleep(max(0.0, due - time.monotonic()))

    def change(self, number):
        """One numbered change, and what goes with it."""
        name = name_of(number)
        dn = f"cn={name},{PEOPLE}"
        # Before it is written: a reader may see it before we are told that it is.
        self.number = number
        answer = self.connection.modify_ext_s(
            dn, [(ldap.MOD_REPLACE, "gecos", str(number).encode())],
            serverctrls=[PostReadControl(attrList=["entryCSN"])])
        stamp = answer[3][0].entry["entryCSN"][0]
        self.stamps.append((stamp if isinstance(stamp, str) else stamp.decode(), name, number))
        with contextlib.suppress(ldap.TYPE_OR_VALUE_EXISTS, ldap.NO_SUCH_OBJECT):
            if number % 7 == 0:
                new = f"new{number}"
                self.connection.add_s(f"cn={new},{PEOPLE}", ldap.modlist.addModlist(
                    history.person(new, 40000 + number % 10000)))
            if number % 5 == 0:
                self.connection.modify_s(
                    f"cn=makers,{GROUPS}", [(ldap.MOD_ADD, "member", dn.encode())])
            if number % 70 == 35:
                self.connection.delete_s(f"cn=new{number - 35 + 7},{PEOPLE}")


class Reader(threading.Thread):
    """Enumerates, and knows what was there before."""

    def __init__(self, writer):
        super().__init__(daemon=True)
        self.writer = writer
        self.last = {}
        self.faults = []
        self.rounds = 0
        self.ends = threading.Event()

    def run(self):
        while not self.ends.is_set():
            self.look()
            time.sleep(0.002)

    def look(self):
        """One enumeration."""
        people = {person.pw_name: person.pw_gecos for person in pwd.getpwall()}
        written = self.writer.number
        self.rounds += 1
        for number in range(POPULATION):
            name = name_of(number)
            gecos = people.get(name)
            if gecos is None:
                self.faults.append(f"{name} is missing")
                continue
            value = int(gecos) if gecos.isdigit() else 0
            if value > written or value and name_of(value) != name:
                self.faults.append(f"{name} has {gecos}, which was never written")
            if value < self.last.get(name, 0):
                self.faults.append(f"{name} goes back from {self.last[name]} to {gecos}")
            self.last[name] = value


def cookie_ahead(stamps):
    """What the store lacks although its cookie covers it; to be called while rosterd is dead."""
    with tempfile.TemporaryDirectory() as copy:
        for file in STORE.glob("store.sqlite*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, copy)
        with contextlib.closing(sqlite3.connect(f"{copy}/store.sqlite")) as store:
            cookies = store.execute("SELECT bytes FROM cookies").fetchall()
            held = dict(store.execute("SELECT name, stamp FROM entries WHERE name IS NOT NULL"))
    found = []
    for (cookie,) in cookies:
        covered = bytes(cookie).decode().split("csn=")[1].split(";")[0].split(",")[0]
        newest = {name: (stamp, number) for stamp, name, number in stamps if stamp <= covered}
        for name, (stamp, number) in newest.items():
            if held.get(name, "") < stamp:
                found.append(f"the cookie covers {covered}, change {number} of {name} at {stamp} "
                             f"is not stored: {held.get(name)}")
    return len(cookies), found


def run(kills, seed):
    """Kills so often; returns what was wrong."""
    generator = random.Random(seed)
    print(f"      seed {seed}, {kills} kills", flush=True)
    host = history.Host()
    writer = Writer()
    reader = Reader(writer)
    writer.start()
    reader.start()
    found, covered = [], 0
    for _ in range(kills):
        time.sleep(generator.random() * 0.4)
        host.stop_daemon(signal.SIGKILL)
        count, ahead = cookie_ahead(list(writer.stamps))
        covered += count
        found += ahead
        host.start_daemon()
    writer.ends.set()
    writer.join()
    left = expectation.wait(60)
    reader.ends.set()
    reader.join()
    host.stop_daemon(signal.SIGTERM)
    print(f"      {writer.number} changes, {reader.rounds} enumerations, {covered} cookies looked at")
    if covered < kills / 2:
        found.append(f"only {covered} stores had a cookie")
    if reader.rounds < kills:
        reader.faults.append(f"only {reader.rounds} enumerations")
    return {"ahead": found, "seen": reader.faults, "left": left}


def main():
    found = run(int(sys.argv[1]), int(sys.argv[2]))
    for what, lines in found.items():
        pathlib.Path(f"/run/kills.{what}").write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
