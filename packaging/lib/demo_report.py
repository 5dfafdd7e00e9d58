"""What the steps of packaging/demo share: the lines on the terminal, waiting, running commands."""
import contextlib
import grp
import os
import pwd
import subprocess
import time

import ldap
import ldap.modlist

SUFFIX = os.environ["suffix"]
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
LIMIT = 10.0  # seconds until a step counts as failed


class StepFailed(Exception):
    """What did not happen."""


class Report:
    """The lines on the terminal."""

    def __init__(self):
        self.number = 0

    def step(self, text, milliseconds=None):
        self.number += 1
        value = "" if milliseconds is None else f"{milliseconds:9.2f} ms"
        print(f"{self.number:3}  {text:<68}{value}", flush=True)

    @staticmethod
    def detail(text):
        for line in text.rstrip("\n").split("\n"):
            print(f"       {line}", flush=True)


def passwd(name):
    """The passwd entry, or None."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def group_names(name):
    """The names of the groups `id` would show."""
    entry = pwd.getpwnam(name)
    names = set()
    for gid in os.getgrouplist(name, entry.pw_gid):
        with contextlib.suppress(KeyError):
            names.add(grp.getgrgid(gid).gr_name)
    return names


def until(condition, what, since=None):
    """Milliseconds from `since` until `condition()` holds."""
    since = since if since is not None else time.perf_counter()
    while not condition():
        if time.perf_counter() - since > LIMIT:
            raise StepFailed(f"{what}: not seen within {LIMIT:.0f} s")
    return (time.perf_counter() - since) * 1000


def run(*command):
    """The command's output; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepFailed(f"{' '.join(command)} left with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def timed(*command):
    """The command's output and the milliseconds it took."""
    start = time.perf_counter()
    output = run(*command)
    return output, (time.perf_counter() - start) * 1000


def expect(condition, what):
    if not condition:
        raise StepFailed(what)


def connect():
    connection = ldap.initialize(os.environ["ldapi_uri"])
    connection.sasl_external_bind_s()
    return connection


def person(name, uid, display, surname):
    """An entry as the connector creates it: at first without a password."""
    return ldap.modlist.addModlist({
        "objectClass": [b"inetOrgPerson", b"posixAccount", b"shadowAccount"],
        "cn": [name.encode(), display.encode()], "sn": [surname.encode()],
        "mail": [f"{name}@example.org".encode()], "uid": [name.encode()],
        "uidNumber": [str(uid).encode()], "gidNumber": [b"10000"],
        "homeDirectory": [f"/home/{name}".encode()],
    })


def person_dn(name):
    return f"cn={name},{PEOPLE}"
