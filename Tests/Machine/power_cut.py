#!/usr/bin/python3
"""power_cut.py: what power-cut writes and how it judges what it reads.

    write                changes the directory 20 times a second until SIGTERM, from where it was on
    judge PASSWD GROUP   whether what getent printed is a state that the directory really had
    newest PASSWD        the newest change in it
    equal SECONDS SSH... whether the guest that SSH... reaches comes to show what the directory says

The changes are those of kills.py: change n writes n into the gecos of person n modulo 300, and some
more. How many were written is in /run/written.
"""
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "System"))

import expectation  # noqa: E402
import kills  # noqa: E402

WRITTEN = pathlib.Path("/run/written")


def written():
    """The number of the last change that was, or was about to be, written."""
    return int(WRITTEN.read_text()) if WRITTEN.exists() else 0


def write():
    writer = kills.Writer()
    # Where a writer before this one was stopped, its last change may or may not have been written.
    writer.number = written()
    signal.signal(signal.SIGTERM, lambda *_: writer.ends.set())
    writer.start()
    while not writer.ends.wait(0.02):
        WRITTEN.with_suffix(".new").write_text(str(writer.number))
        WRITTEN.with_suffix(".new").rename(WRITTEN)
    writer.join()
    WRITTEN.write_text(str(writer.number))


def people(path):
    """The passwd lines of people of the directory, as lists of fields, by name."""
    lines = [line.split(":") for line in pathlib.Path(path).read_text().splitlines()]
    return {fields[0]: fields for fields in lines}


def gecos_number(fields):
    return int(fields[4]) if re.fullmatch(r"[0-9]+", fields[4]) else 0


def newest(path):
    return max(map(gecos_number, people(path).values()), default=0)


def faults(passwd, group):
    """Everything in the two listings that the directory never said."""
    seen, last = people(passwd), written()
    for number in range(kills.POPULATION):
        if kills.name_of(number) not in seen:
            yield f"{kills.name_of(number)} is missing"
    for name, fields in seen.items():
        rest = [name, "*", fields[2], "10000", fields[4], f"/home/{name}", "/bin/bash"]
        number = gecos_number(fields) if name.startswith("p") else 0
        if name.startswith("p"):
            uid = 20000 + int(name[1:])
            good = fields[4] == f"The {name}" or 0 < number <= last and kills.name_of(number) == name
        else:
            uid = 40000 + int(name[3:]) % 10000
            good = fields[4] == f"The {name}" and int(name[3:]) <= last
        if fields != rest or fields[2] != str(uid) or not good:
            yield f"never so: {':'.join(fields)}"
    for line in pathlib.Path(group).read_text().splitlines():
        name, _, gid, members = line.split(":")
        if (name, gid) not in {("makers", "30001"), ("all", "30002")}:
            yield f"never so: {line[:80]}"
        for member in filter(None, members.split(",")):
            if member not in seen:
                yield f"{member} is in {name} and nobody"


def equal(seconds, ssh):
    """What differs in the guest at last."""
    def command(*words):
        return subprocess.run([*ssh, *words], capture_output=True, text=True, check=False).stdout

    groups = {}

    def getent(database):
        if database == "passwd":
            groups.clear()
        return command("getent", "-s", "roster", database).splitlines()

    def groups_of(name, primary):
        if not groups:
            names = [kills.name_of(number) for number in range(kills.POPULATION)]
            for line in command("getent", "initgroups", *names).splitlines():
                first, *gids = line.split()
                groups[first] = set(map(int, gids))
        return groups[name] | {primary} if name in groups else {primary}

    expectation.getent, expectation.groups_of = getent, groups_of
    return expectation.wait(seconds)


def main():
    match sys.argv[1:]:
        case ["write"]:
            write()
        case ["newest", passwd]:
            print(newest(passwd))
        case ["judge", passwd, group]:
            found = list(faults(passwd, group))
            print("\n".join(found[:10]))
            sys.exit(bool(found))
        case ["equal", seconds, *ssh]:
            found = equal(float(seconds), ssh)
            print("\n".join(found[:10]))
            sys.exit(bool(found))


if __name__ == "__main__":
    main()
