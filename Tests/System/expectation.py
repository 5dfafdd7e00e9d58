#!/usr/bin/python3
"""Compares what getent and id answer with what ldapsearch says, by a small model of its own.

With `administrator_dn` in the environment the directory is Active Directory at `ldap_uri`.

The model covers valid entries only: a test that uses it makes no hostile ones. Exits non-zero and
prints the differences. `wait(seconds)` retries, because changes may still be on their way.
"""
import os
import subprocess
import sys
import time

import ldap
import ldap.dn

IS_AD = "administrator_dn" in os.environ
SUFFIX = os.environ["suffix"] if IS_AD else "dc=example,dc=org"
NAME, HOME = ("sAMAccountName", "unixHomeDirectory") if IS_AD else ("uid", "homeDirectory")
GROUP_NAME = "sAMAccountName" if IS_AD else "cn"
FILTER = ("(|(&(objectCategory=person)(objectClass=user)(uidNumber=*))(objectClass=group))" if IS_AD else
          "(|(objectClass=posixAccount)(objectClass=posixGroup)(objectClass=groupOfNames)"
          "(objectClass=groupOfMembers))")


def connect():
    """A connection as the administrator."""
    if not IS_AD:
        connection = ldap.initialize(os.environ.get("ldapi_uri", "ldapi://%2Frun%2Fldapi"))
        connection.sasl_external_bind_s()
        return connection
    ldap.set_option(ldap.OPT_X_TLS_CACERTFILE, os.environ["ca_file"])
    connection = ldap.initialize(os.environ["ldap_uri"])
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.simple_bind_s(os.environ["administrator_dn"], os.environ["administrator_password"])
    return connection


def directory():
    """The expected passwd lines by name, and the expected members by (group name, gid)."""
    connection = connect()
    base = os.environ.get("search_base", SUFFIX)
    entries = connection.search_s(base, ldap.SCOPE_SUBTREE, FILTER)
    connection.unbind_s()
    people, groups = {}, {}
    for dn, attributes in entries:
        if dn is None:
            continue  # a reference to another server
        classes = {value.decode().lower() for value in attributes["objectClass"]}
        if classes & {"posixaccount", "user"}:
            people[dn.lower()] = passwd_line(dn, attributes)
        else:
            groups[dn.lower()] = attributes
    lines = {line.split(":")[0]: line for line in people.values()}
    return lines, {
        (text(group, GROUP_NAME), text(group, "gidNumber")): closure(dn, groups, people, lines)
        for dn, group in groups.items() if "gidNumber" in group}


def text(attributes, name):
    return attributes[name][0].decode()


def passwd_line(dn, attributes):
    name = text(attributes, NAME)
    rdn = ldap.dn.str2dn(dn)[0][0][1]
    other = [value.decode() for value in attributes["cn"] if value.decode() != rdn]
    if "displayName" in attributes:
        other.append(text(attributes, "displayName"))
    gecos = text(attributes, "gecos") if "gecos" in attributes else (other or [rdn])[0]
    shell = text(attributes, "loginShell") if "loginShell" in attributes else "/bin/bash"
    return ":".join([name, "*", text(attributes, "uidNumber"), text(attributes, "gidNumber"),
                     gecos, text(attributes, HOME), shell])


def closure(start, groups, people, lines):
    """Names of the people in a group, nested ones included."""
    members, seen, waiting = set(), set(), [start]
    while waiting:
        dn = waiting.pop()
        if dn in seen:
            continue
        seen.add(dn)
        for value in groups[dn].get("member", []):
            reference = value.decode().lower()
            if reference in people:
                members.add(people[reference].split(":")[0])
            elif reference in groups:
                waiting.append(reference)
        members.update(name for name in map(bytes.decode, groups[dn].get("memberUid", []))
                       if name in lines)
    return members


def getent(database):
    return subprocess.run(["getent", "-s", "roster", database], capture_output=True, text=True,
                          check=False).stdout.splitlines()


def groups_of(name, primary):
    """The gids that a login of that person gets; None if the host does not know the name."""
    try:
        return set(os.getgrouplist(name, primary))
    except KeyError:
        return None


def differences():
    """What the host shows that the directory does not say, and the other way round."""
    people, groups = directory()
    found = []
    seen = {line.split(":")[0]: line for line in getent("passwd")}
    for name in sorted(people.keys() | seen.keys()):
        if people.get(name) != seen.get(name):
            found.append(f"passwd {name}: expected {people.get(name)}, got {seen.get(name)}")
    shown = {}
    for line in getent("group"):
        name, _, gid, members = line.split(":")
        shown[(name, gid)] = set(filter(None, members.split(",")))
    for key in sorted(groups.keys() | shown.keys()):
        if groups.get(key) != shown.get(key):
            found.append(f"group {key}: expected {groups.get(key)}, got {shown.get(key)}")
    for name in list(people)[:200]:
        expected = {int(gid) for (_, gid), members in groups.items() if name in members}
        primary = int(people[name].split(":")[3])
        answered = groups_of(name, primary)
        if answered != expected | {primary}:
            found.append(f"groups of {name}: expected {expected | {primary}}, got {answered}")
    return found


def wait(seconds):
    """The differences that are left after at most so long; an empty list is equality."""
    end = time.monotonic() + seconds
    found = differences()
    while found and time.monotonic() < end:
        time.sleep(0.1)
        found = differences()
    return found


if __name__ == "__main__":
    LEFT = wait(float(sys.argv[1]) if len(sys.argv) > 1 else 5)
    print("\n".join(LEFT[:10]))
    sys.exit(1 if LEFT else 0)
