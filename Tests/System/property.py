"""property.py people | run SEED TURNS: the random history of property.sh.

It keeps the removals below the limits of the mass-removal brake (20 % of people, groups and
memberships within ten minutes), so that nothing may be held: equality is then exact.
"""
import contextlib
import os
import pwd
import random
import signal
import subprocess
import sys
import time

import ldap
import ldap.modlist

import expectation

SUFFIX = "dc=example,dc=org"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
ELSEWHERE = f"ou=elsewhere,{SUFFIX}"
POPULATION = 400
GROUP_COUNT = 40


def person(name, uid):
    return {
        "objectClass": [b"inetOrgPerson", b"posixAccount", b"shadowAccount"],
        "cn": [name.encode(), f"The {name}".encode()], "sn": [name.encode()],
        "uid": [name.encode()], "uidNumber": [str(uid).encode()], "gidNumber": [b"10000"],
        "homeDirectory": [f"/home/{name}".encode()],
    }


def write_people():
    """The starting point, as LDIF."""
    generator = random.Random(7)
    names = [f"u{number:03}" for number in range(POPULATION)]
    for number, name in enumerate(names):
        print(f"dn: cn={name},{PEOPLE}")
        for key, values in person(name, 20000 + number).items():
            print("\n".join(f"{key}: {value.decode()}" for value in values))
        print()
    for number in range(GROUP_COUNT):
        print(f"dn: cn=g{number:02},{GROUPS}\nobjectClass: groupOfMembers\nobjectClass: posixGroup")
        print(f"cn: g{number:02}\ngidNumber: {30000 + number}")
        for name in generator.sample(names, 25):
            print(f"member: cn={name},{PEOPLE}")
        if number % 4 == 3:
            print(f"member: cn=g{number - 1:02},{GROUPS}")
        print()


class Host:
    """slapd and rosterd as processes that can be stopped in every way."""

    def __init__(self):
        self.daemon = None
        self.start_daemon()

    def start_daemon(self):
        if self.daemon is None:
            keys = subprocess.run(["getent", "group", "roster-keys"], capture_output=True, text=True,
                                  check=True).stdout.split(":")[2]
            with open(os.environ["daemon_log"], "ab") as log:
                self.daemon = subprocess.Popen(
                    ["setpriv", "--reuid=roster", "--regid=roster", "--groups", keys,
                     "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs",
                     "/usr/sbin/rosterd", "--config", os.environ["config"]],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop_daemon(self, how):
        if self.daemon is not None:
            self.daemon.send_signal(how)
            self.daemon.wait(timeout=10)
            self.daemon = None

    @staticmethod
    def slapd_pid():
        with open("/run/slapd.pid", encoding="ascii") as file:
            return int(file.read())

    def restart_slapd(self):
        pid = self.slapd_pid()
        os.kill(pid, signal.SIGTERM)
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            while True:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                    if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                        break
                time.sleep(0.01)
        with contextlib.suppress(FileNotFoundError):
            os.remove("/run/slapd.pid")
        urls = f"ldap://127.0.0.1:389 {os.environ['ldap_uri']} {os.environ['ldapi_uri']}"
        subprocess.Popen(["slapd", "-d", "0", "-F", os.environ["directory_home"] + "/conf", "-h", urls],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
        return connect()


def connect():
    end = time.monotonic() + 10
    while True:
        try:
            connection = ldap.initialize(os.environ["ldapi_uri"])
            connection.sasl_external_bind_s()
            return connection
        except ldap.LDAPError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class History:
    """The random changes, and what may still be removed."""

    def __init__(self, generator, host):
        self.generator = generator
        self.host = host
        self.connection = connect()
        self.dns = {f"u{number:03}": f"cn=u{number:03},{PEOPLE}" for number in range(POPULATION)}
        self.removed = {}
        self.next_number = POPULATION
        self.people_left, self.groups_left, self.edges_left = 35, 6, 60
        self.actions = [
            (self.add_person, 6), (self.change_person, 10), (self.rename_person, 3),
            (self.remove_person, 3), (self.person_returns, 3), (self.move_person, 3),
            (self.add_member, 8), (self.remove_member, 5), (self.nest, 3), (self.change_group, 3),
            (self.no_change, 3), (self.kill_daemon, 3), (self.stop_daemon, 2), (self.start_daemon, 5),
            (self.disconnect, 3), (self.full_refresh, 2), (self.pause, 4),
        ]

    def turn(self):
        actions, weights = zip(*self.actions)
        action = self.generator.choices(actions, weights)[0]
        with contextlib.suppress(ldap.TYPE_OR_VALUE_EXISTS, ldap.NO_SUCH_ATTRIBUTE):
            action()
        return action.__name__

    def somebody(self):
        return self.generator.choice(sorted(self.dns))

    def group(self):
        return f"cn=g{self.generator.randrange(GROUP_COUNT):02},{GROUPS}"

    def add_person(self):
        name = f"u{self.next_number:03}"
        dn = f"cn={name},{PEOPLE}"
        self.connection.add_s(dn, ldap.modlist.addModlist(person(name, 20000 + self.next_number)))
        self.dns[name] = dn
        self.next_number += 1

    def change_person(self):
        attribute, value = self.generator.choice(
            [("loginShell", "/bin/sh"), ("loginShell", "/bin/bash"), ("gecos", "Somebody Else"),
             ("gecos", "A Person"), ("gidNumber", "10001"), ("employeeType", "disabled"),
             ("description", "nothing that is published")])
        self.connection.modify_s(self.dns[self.somebody()],
                                 [(ldap.MOD_REPLACE, attribute, value.encode())])

    def rename_person(self):
        name = self.somebody()
        new = f"{name}r" if len(name) < 12 else name
        if new == name:
            return
        self.connection.modify_s(self.dns[name], [(ldap.MOD_REPLACE, "uid", new.encode())])
        self.dns[new] = self.dns.pop(name)

    def remove_person(self):
        if self.people_left == 0:
            return
        self.people_left -= 1
        name = self.somebody()
        dn = self.dns.pop(name)
        found = self.connection.read_s(dn)
        self.removed[name] = (dn, {key: found[key] for key in found})
        self.connection.delete_s(dn)

    def person_returns(self):
        """Deleted and created again with both name and number: the same person."""
        if not self.removed:
            return
        name = self.generator.choice(sorted(self.removed))
        dn, attributes = self.removed.pop(name)
        self.connection.add_s(dn, ldap.modlist.addModlist(attributes))
        self.dns[name] = dn

    def move_person(self):
        name = self.somebody()
        rdn, parent = self.dns[name].split(",", 1)
        target = ELSEWHERE if parent == PEOPLE else PEOPLE
        if self.edges_left < 15:
            return
        self.edges_left -= 5
        self.connection.rename_s(self.dns[name], rdn, newsuperior=target)
        self.dns[name] = f"{rdn},{target}"

    def add_member(self):
        self.connection.modify_s(
            self.group(), [(ldap.MOD_ADD, "member", self.dns[self.somebody()].encode())])

    def remove_member(self):
        if self.edges_left < 15:
            return
        self.edges_left -= 1
        group = self.group()
        members = self.connection.read_s(group, attrlist=["member"]).get("member", [])
        plain = [member for member in members if GROUPS.encode() not in member]
        if plain:
            self.connection.modify_s(
                group, [(ldap.MOD_DELETE, "member", self.generator.choice(plain))])

    def nest(self):
        self.connection.modify_s(self.group(), [(ldap.MOD_ADD, "member", self.group().encode())])

    def change_group(self):
        self.connection.modify_s(
            self.group(), [(ldap.MOD_REPLACE, "description", str(self.next_number).encode())])

    def no_change(self):
        name = self.somebody()
        self.connection.modify_s(self.dns[name], [(ldap.MOD_REPLACE, "sn", b"same")])
        with contextlib.suppress(ldap.LDAPError):
            probe = ldap.initialize(os.environ["ldapi_uri"])
            probe.simple_bind_s(self.dns[name], "wrong")

    def kill_daemon(self):
        self.host.stop_daemon(signal.SIGKILL)

    def stop_daemon(self):
        self.host.stop_daemon(signal.SIGTERM)

    def start_daemon(self):
        self.host.start_daemon()

    def disconnect(self):
        self.connection = self.host.restart_slapd()

    def full_refresh(self):
        if self.host.daemon is not None:
            subprocess.run(["roster", "sync", "--full"], capture_output=True, check=False, timeout=30)

    def pause(self):
        time.sleep(self.generator.random() * 0.3)


def run(seed, turns):
    generator = random.Random(seed)
    print(f"      seed {seed}, {turns} turns", flush=True)
    host = Host()
    history = History(generator, host)
    done = []
    for number in range(1, turns + 1):
        done.append(history.turn())
        if number % 30 == 0 or number == turns:
            host.start_daemon()
            left = expectation.wait(60)
            if left:
                print(f"      after turn {number} ({', '.join(done[-30:])}):")
                print("\n".join(f"      | {line}" for line in left[:10]))
                return 1
    try:
        pwd.getpwnam("root")
    finally:
        host.stop_daemon(signal.SIGTERM)
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "people":
        write_people()
    else:
        sys.exit(run(int(sys.argv[2]), int(sys.argv[3])))
