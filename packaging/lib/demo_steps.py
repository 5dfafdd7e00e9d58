"""The steps of packaging/demo. Runs in a room, with slapd up; starts and stops rosterd itself.

Each time is taken from the directory's acknowledgement of the change until this process, calling
getpwnam(3) and getgrouplist(3) in a loop, sees it.
"""
import grp
import json
import os
import pwd
import signal
import statistics
import subprocess
import sys
import time

import ldap

import demo_logins
from demo_report import (GROUPS, LIMIT, Report, StepFailed, connect, expect, group_names, passwd,
                         person, person_dn, run, timed, until)

ADA = "ada.lovelace"
SLAPD = int(sys.argv[1])


class Daemon:
    """rosterd as the unprivileged user."""

    def __init__(self):
        self.process = None

    def start(self):
        keys = str(grp.getgrnam("roster-keys").gr_gid)
        with open(os.environ["daemon_log"], "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--reuid=roster", "--regid=roster", "--groups", keys,
                 "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs",
                 "/usr/sbin/rosterd", "--config", os.environ["config"]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=LIMIT)
        if code not in (0, -signal.SIGTERM):
            raise StepFailed(f"rosterd left with {code}")


def is_disabled(name):
    return json.loads(run("roster", "user", name, "--json"))["details"]["disabled"]


def lookups(names):
    """Microseconds of each of a thousand lookups, a tenth of them of names nobody has."""
    times = []
    for number in range(1000):
        name = f"nobody.{number}" if number % 10 == 9 else names[number % len(names)]
        start = time.perf_counter_ns()
        entry = passwd(name)
        times.append((time.perf_counter_ns() - start) / 1000)
        expect((entry is None) == (number % 10 == 9), f"the lookup of {name} answered {entry}")
    return times


def first_load(report, daemon):
    """Starts rosterd; returns the names of the people and the groups."""
    started = time.perf_counter()
    daemon.start()
    spent = until(lambda: passwd(ADA), "the first load", started)
    run("roster", "wait", "--timeout", "20s")
    people = [entry.pw_name for entry in pwd.getpwall() if 20000 <= entry.pw_uid < 30000]
    groups = [entry for entry in grp.getgrall() if 30000 <= entry.gr_gid < 40000]
    expect(len(people) == 1000 and len(groups) == 50,
           f"{len(people)} people and {len(groups)} groups instead of 1000 and 50")
    report.step("rosterd starts; 1,000 people and 50 groups are there", spent)
    owner = pwd.getpwuid(os.stat(f"/proc/{daemon.process.pid}").st_uid).pw_name
    expect(owner == "roster", f"rosterd runs as {owner}")
    report.detail("rosterd runs as the user roster, without capabilities")
    return people, groups


def usual_tools(report, groups):
    """What every Linux tool shows."""
    output, spent = timed("getent", "passwd", ADA)
    report.step(f"getent passwd {ADA}", spent)
    report.detail(output)
    group = next(entry for entry in groups if entry.gr_name.startswith("all-") and entry.gr_mem)
    member = group.gr_mem[0]
    output, spent = timed("id", member)
    expect(group.gr_name in output, f"id {member} does not show the nested group {group.gr_name}")
    report.step(f"id {member}   (in {group.gr_name} through a group in it)", spent)
    report.detail(output)
    os.makedirs("/tmp/demo")
    with open("/tmp/demo/notes.txt", "w", encoding="ascii"):
        pass
    entry = pwd.getpwnam(ADA)
    os.chown("/tmp/demo/notes.txt", entry.pw_uid, group.gr_gid)
    output, spent = timed("ls", "-l", "/tmp/demo")
    expect(f" {ADA} {group.gr_name} " in output, f"ls -l does not show the owner: {output}")
    report.step("ls -l", spent)
    report.detail(output.split("\n", 1)[1])


def live_changes(report, directory, groups):
    """The directory changes; the time runs from its acknowledgement."""
    directory.add_s(person_dn("grace.hopper"), person("grace.hopper", 25000, "Grace Hopper", "Hopper"))
    report.step("a new person: grace.hopper",
                until(lambda: passwd("grace.hopper"), "the new person"))
    report.detail(run("getent", "passwd", "grace.hopper"))

    directory.modify_s(person_dn(ADA), [(ldap.MOD_REPLACE, "loginShell", b"/bin/sh")])
    report.step("a changed login shell",
                until(lambda: passwd(ADA).pw_shell == "/bin/sh", "the changed shell"))
    memberships(report, directory, groups)

    directory.modify_s(person_dn(ADA), [(ldap.MOD_REPLACE, "employeeType", b"disabled")])
    report.step("a disabled person (time includes running `roster user`)",
                until(lambda: is_disabled(ADA), "the disabled person"))
    expect(passwd(ADA), "a disabled person must stay resolvable: files keep their owner's name")
    report.detail(f"{ADA} stays resolvable: files keep their owner. What it means for logins is below.")

    directory.delete_s(person_dn(ADA))
    report.step("a deleted person", until(lambda: passwd(ADA) is None, "the deleted person"))
    report.detail(run("ls", "-l", "/tmp/demo").split("\n", 1)[1])


def memberships(report, directory, groups):
    """A group gained and lost, and with it the group around it."""
    around = next(entry.gr_name for entry in groups if entry.gr_name.startswith("all-"))
    area, block = around.split("-")[1:]
    direct = f"{area}-{int(block) * 5}"
    change = ("member", person_dn("grace.hopper").encode())
    directory.modify_s(f"cn={direct},{GROUPS}", [(ldap.MOD_ADD, *change)])
    report.step(f"a group gained: {direct}, and {around}, which holds it",
                until(lambda: {direct, around} <= group_names("grace.hopper"), "the gained group"))
    report.detail(run("id", "grace.hopper"))
    directory.modify_s(f"cn={direct},{GROUPS}", [(ldap.MOD_DELETE, *change)])
    report.step("and lost again, both",
                until(lambda: not {direct, around} & group_names("grace.hopper"), "the lost group"))


def compared(report, text, names, normal):
    """A thousand lookups that must take what they took before."""
    times = lookups(names)
    now = statistics.median(times)
    expect(now <= 2 * normal + 2, f"a lookup took {now:.1f} µs instead of {normal:.1f} µs")
    expect(max(times) < 100_000, f"one lookup took {max(times) / 1000:.0f} ms")
    report.step(text, sum(times) / 1000)
    report.detail(f"median {now:.2f} µs each, {normal:.2f} µs before")


def outages(report, daemon, directory, names):
    """The directory freezes, the daemon stops, both come back."""
    lookups(names)
    normal = statistics.median(lookups(names))
    os.kill(SLAPD, signal.SIGSTOP)
    compared(report, "slapd frozen (SIGSTOP): 1,000 lookups", names, normal)
    stopping = time.perf_counter()
    daemon.stop()
    stopped = (time.perf_counter() - stopping) * 1000
    expect(stopped < 2000, f"rosterd took {stopped:.0f} ms to stop")
    report.step("rosterd stopped, slapd still frozen", stopped)
    compared(report, "no daemon, no directory: 1,000 lookups", names, normal)

    os.kill(SLAPD, signal.SIGCONT)
    directory.add_s(person_dn("alan.turing"), person("alan.turing", 25001, "Alan Turing", "Turing"))
    directory.delete_s(person_dn("grace.hopper"))
    directory.modify_s(person_dn(names[0]), [(ldap.MOD_REPLACE, "loginShell", b"/bin/sh")])
    expect(passwd("alan.turing") is None, "the new person cannot be known without a daemon")
    started = time.perf_counter()
    daemon.start()
    report.step("both back: the three changes made meanwhile", until(
        lambda: passwd("alan.turing") and passwd("grace.hopper") is None
        and passwd(names[0]).pw_shell == "/bin/sh", "the changes made meanwhile", started))
    everybody = {entry.pw_name for entry in pwd.getpwall()}
    expect(everybody.issuperset(names), "somebody else is gone")
    daemon.stop()


def steps(report, daemon, directory):
    people, groups = first_load(report, daemon)
    usual_tools(report, groups)
    live_changes(report, directory, groups)
    demo_logins.steps(report, directory, SLAPD)
    outages(report, daemon, directory, [name for name in people if name != ADA])


def main():
    report, daemon = Report(), Daemon()
    print("roster follows a throw-away OpenLDAP, shaped as Microsoft Entra ID's connector writes it."
          "\nTimes of changes run from the directory's acknowledgement to what getpwnam(3) answers."
          "\nThe groups and ssh keys stand for an administrator's own: the connector writes none."
          "\nLogins are Debian's own sshd on loopback, with PAM as pam-auth-update writes it.\n",
          flush=True)
    start = time.perf_counter()
    try:
        steps(report, daemon, connect())
    except (StepFailed, ldap.LDAPError, subprocess.SubprocessError) as problem:
        print(f"\nFAILED after step {report.number}: {problem}\n\nThe end of rosterd's log:")
        with open(os.environ["daemon_log"], encoding="utf-8", errors="replace") as log:
            print("".join(log.readlines()[-15:]))
        return 1
    print(f"\nAll {report.number} steps happened, in {time.perf_counter() - start:.1f} s. "
          "Nothing of it is left on this host.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
