#!/usr/bin/python3
"""lookups.py time NAME | watch FILE: what a host asks while its directory has a fault.

    time NAME    the lower quartile and the longest of getent and id, of a hit and of a miss, in
                 milliseconds, and the lower quartile for an account of the host itself, which tells
                 how busy the host is
    watch FILE   asks until it is ended: the names in FILE must all be there at every moment, in a
                 process that lives on and in new ones. Each violation is a line on standard output.
"""
import pwd
import statistics
import subprocess
import sys
import time

ROUNDS = 20
# No lookup waits for anything: this is a thousand times what one takes.
LIMIT = 2.0


def run(*command):
    """A command's success and how long it took, in seconds."""
    start = time.monotonic()
    code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode
    return code == 0, time.monotonic() - start


def quartile(times):
    """What a quarter stays below; other programs that run disturb it less than the median."""
    return statistics.quantiles(times, n=4)[0]


def measure(name):
    """Prints "QUARTILE LONGEST LOCAL"; leaves non-zero if an answer is wrong."""
    times, local = [], []
    for _ in range(ROUNDS):
        for is_there, command in ((True, ("getent", "passwd", name)), (True, ("id", name)),
                                  (False, ("getent", "passwd", "nobody.here"))):
            found, took = run(*command)
            if found != is_there:
                print(f"{' '.join(command)}: {'found' if found else 'not found'}")
                return 1
            times.append(took * 1000)
        local.append(run("getent", "passwd", "root")[1] * 1000)
    print(f"{quartile(times):.2f} {max(times):.1f} {quartile(local):.2f}")
    return 0


def tell(text):
    """One violation."""
    print(f"{time.strftime('%T')} {text}", flush=True)


def watch(path):
    """Never returns."""
    with open(path, encoding="utf-8") as file:
        names = file.read().split()
    turn = 0
    while True:
        name = names[turn % len(names)]
        start = time.monotonic()
        try:
            pwd.getpwnam(name)
        except KeyError:
            tell(f"{name} is not found")
        took = time.monotonic() - start
        if took > LIMIT:
            tell(f"{name} took {took:.1f} s")
        if turn % 10 == 0:
            missing = set(names) - {person.pw_name for person in pwd.getpwall()}
            if missing:
                tell(f"{len(missing)} are missing, {sorted(missing)[0]} among them")
            found, took = run("getent", "passwd", name)
            if not found or took > LIMIT:
                tell(f"getent passwd {name}: {'found' if found else 'not found'} in {took:.1f} s")
        turn += 1
        time.sleep(0.05)


if __name__ == "__main__":
    if sys.argv[1] == "time":
        sys.exit(measure(sys.argv[2]))
    watch(sys.argv[2])
