"""The steps of packaging/demo in which people log in, and are refused. See demo_steps.py."""
import contextlib
import os
import pwd
import signal
import time

import ldap
import PAM

import logins
from demo_report import expect, passwd, person, person_dn, until

LIN = logins.Person("lin.chen", 25010, "Lin-s own password")
MAY = logins.Person("may.ito", 25011, "May-s own password")
AT_ONCE = 2.5  # seconds that an accepted login may take when nobody waits for the directory
WAITED = 6.0  # and when the first one waits for it: 3 s by default, and the verifier


def account_refused(name):
    """Whether PAM's account phase refuses the name; it asks no password and starts no program."""
    caller = PAM.pam()
    caller.start("sshd")
    caller.set_item(PAM.PAM_USER, name)
    caller.set_item(PAM.PAM_CONV, lambda _, asked, __: [("", 0) for _ in asked])
    with contextlib.suppress(PAM.error):
        caller.acct_mgmt()
        return False
    return True


def provision(directory, who, display):
    """A person with a password and an ssh key."""
    entry = dict(person(who.name, who.uid, display, display.split()[-1]))
    with open(f"{logins.KEY}.pub", "rb") as file:
        entry["sshPublicKey"] = [file.read().strip()]
    entry["objectClass"] = [*entry["objectClass"], b"ldapPublicKey"]
    entry["userPassword"] = [who.password.encode()]
    directory.add_s(person_dn(who.name), list(entry.items()))


def disable(directory, who):
    directory.modify_s(person_dn(who.name), [(ldap.MOD_REPLACE, "employeeType", b"disabled")])


def enable(directory, who):
    directory.modify_s(person_dn(who.name), [(ldap.MOD_DELETE, "employeeType", None)])


def logs_in(report, text, how, who, limit=None):
    """One login that must succeed."""
    tried = how(who)
    expect(tried.is_in, f"{text}: refused\n{tried.text}")
    expect(limit is None or tried.seconds <= limit, f"{text}: took {tried.seconds:.1f} s")
    report.step(text, tried.seconds * 1000)


def is_refused(report, text, how, who):
    """One login that must be refused; shows what the person sees."""
    tried = how(who)
    expect(not tried.is_in, f"{text}: it was let in")
    report.step(text, tried.seconds * 1000)
    for line in filter(None, map(str.strip, tried.text.splitlines())):
        report.detail(line)


def steps(report, directory, slapd):
    """Provisioned, in by key and password; disabled, out; and again with the directory frozen."""
    for who, display in ((LIN, "Lin Chen"), (MAY, "May Ito")):
        provision(directory, who, display)
        spent = until(lambda name=who.name: passwd(name), f"{who.name}")
        report.step(f"provisioned: {who.name}, with an ssh key and a password", spent)
    local = logins.Person("lora", pwd.getpwnam("lora").pw_uid, "local-secret")
    logs_in(report, "ssh by key: lora, a local user, to compare with", logins.ssh_key, local)
    logs_in(report, f"ssh by key: {LIN.name}", logins.ssh_key, LIN)
    logs_in(report, f"ssh by password: {LIN.name}", logins.ssh_password, LIN)
    logs_in(report, f"ssh by password: {MAY.name}", logins.ssh_password, MAY)
    logs_in(report, f"sudo, with the password: {LIN.name}", logins.sudo, LIN)

    disable(directory, LIN)
    report.step(f"{LIN.name} is disabled in the directory; PAM refuses the account",
                until(lambda: account_refused(LIN.name), "the refusal"))
    is_refused(report, f"ssh by key, the next attempt: {LIN.name} is refused", logins.ssh_key, LIN)
    is_refused(report, "ssh by password, refused like a wrong one (PAM waits 2 s)",
               logins.ssh_password, LIN)
    enable(directory, LIN)
    report.step(f"{LIN.name} is enabled again",
                until(lambda: not account_refused(LIN.name), "the account"))
    logs_in(report, f"ssh by key: {LIN.name}", logins.ssh_key, LIN)

    disable(directory, LIN)
    os.kill(slapd, signal.SIGSTOP)
    report.step("disabled, and slapd frozen (SIGSTOP) right after the acknowledgement")
    is_refused(report, f"ssh by key, the next attempt: {LIN.name} is refused", logins.ssh_key, LIN)
    is_refused(report, "ssh by password: refused", logins.ssh_password, LIN)
    logs_in(report, f"still frozen, ssh by key: {MAY.name}", logins.ssh_key, MAY, AT_ONCE)
    logs_in(report, f"still frozen, ssh by password: {MAY.name}, by the verifier of the last login",
            logins.ssh_password, MAY, WAITED)
    logs_in(report, "and once more: a frozen directory is not waited for twice",
            logins.ssh_password, MAY, AT_ONCE)
    logs_in(report, "still frozen, ssh by key: root", logins.ssh_key, logins.Person("root", 0),
            AT_ONCE)
    os.kill(slapd, signal.SIGCONT)
    time.sleep(0.1)
    for who in (LIN, MAY):
        directory.delete_s(person_dn(who.name))
        report.step(f"deleted: {who.name}",
                    until(lambda name=who.name: passwd(name) is None, f"{who.name} gone"))
