"""The benchmarks of logins with the real programs; bench.py imports this, see Tests/bench."""
import contextlib
import os
import pathlib
import pwd
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from bench import REPOSITORY, ROUNDS, USUAL, act, bench, figures, following, run, seen

sys.path.insert(0, str(REPOSITORY / "packaging/lib"))
import logins  # noqa: E402  pylint: disable=wrong-import-position,import-error

SLAPD_LOG = pathlib.Path("/run/slapd.log")
# A request in slapd's log; not rosterd's signs of life: the root entry, and who it is.
REQUEST = re.compile(r' op=\d+ (?:BIND dn="[^"]|SRCH base="[^"]|CMP |MOD |ADD |DEL |MODRDN '
                     r'|EXT oid=(?!1\.3\.6\.1\.4\.1\.4203\.1\.11\.3\b))')
# People of the directory and of the host who differ in nothing else.
LOCAL, OURS = "lora", "bench.person"


def services():
    """PAM services with one module each, so that a call costs what that module costs."""
    for name, module in (("bench-roster", "pam_roster.so"), ("bench-permit", "pam_permit.so")):
        pathlib.Path(f"/etc/pam.d/{name}").write_text(
            f"auth required {module}\naccount required {module}\n", encoding="ascii")


@contextlib.contextmanager
def host(bed, people=USUAL, uri=None):
    """A host that follows a directory, with sshd and PAM as Debian has them; adds OURS."""
    with following(bed, people, uri) as follow:
        if not pathlib.Path(logins.KEY).exists():
            act("login_make")
            services()
            act("login_start")
        follow.start()
        with open(f"{logins.KEY}.pub", "rb") as file:
            key = file.read().strip()
        follow.connection.add_s(follow.dn(OURS), [
            ("objectClass", [b"inetOrgPerson", b"posixAccount", b"ldapPublicKey"]),
            ("cn", OURS.encode()), ("sn", b"x"), ("uid", OURS.encode()), ("uidNumber", b"2500000"),
            ("gidNumber", b"10000"), ("homeDirectory", f"/home/{OURS}".encode()),
            ("userPassword", b"bench-secret"), ("sshPublicKey", key)])
        run("roster", "wait", "--timeout", "20s")
        time.sleep(1.2)  # until this process looks at the path again
        yield follow


def person(name):
    entry = pwd.getpwnam(name)
    return logins.Person(name, entry.pw_uid, "bench-secret", gid=entry.pw_gid)


@bench
def ssh_login(bed, table):
    """time that roster adds to an ssh login by key, against the same login of a local user"""
    with host(bed):
        def once(who):
            start = time.perf_counter()
            subprocess.run([*logins.ssh(who, "publickey")[:-1], "true"], check=True,
                           stdin=subprocess.DEVNULL, capture_output=True)
            return (time.perf_counter() - start) * 1000
        ours, theirs = person(OURS), person(LOCAL)
        for who in (ours, theirs, ours, theirs):
            once(who)  # the first one makes the home directory
        mine, local = bed.turns(lambda: once(ours), lambda: once(theirs), 100)
        value = statistics.median(a - b for a, b in zip(mine, local))
        table.add("time that roster adds to an ssh login by key", value, "ms", "at most 3",
                  value <= 3, ms=round(statistics.median(mine), 1),
                  local_ms=round(statistics.median(local), 1))


@bench
def account_gate(bed, table):
    """pam_acct_mgmt of an accepted account, against pam_permit; sockets"""
    with host(bed):
        def once(service):
            result = figures(run(bed.folder / "pam", "account", service, OURS, 2000))
            if result["accepted"] != 2000:
                raise RuntimeError(f"{service} accepted {result['accepted']:.0f} of 2,000 calls")
            return result["ns"] / 1000
        ours, theirs = bed.turns(lambda: once("bench-roster"), lambda: once("bench-permit"))
        value = statistics.median(a - b for a, b in zip(ours, theirs))
        table.add("account gate through libpam, per call, over pam_permit", value, "µs",
                  "at most 100", value <= 100, us=round(statistics.median(ours), 1),
                  permit_us=round(statistics.median(theirs), 1))
        sockets = {}
        for service in ("bench-roster", "bench-permit"):
            trace = bed.work / "trace"
            run("strace", "-f", "-e", "trace=socket,connect", "-o", trace, bed.folder / "pam",
                "account", service, OURS, 100)
            sockets[service] = trace.read_text(encoding="ascii", errors="replace").count("(")
        # libpam itself opens one for the kernel's audit in each call.
        more = sockets["bench-roster"] - sockets["bench-permit"]
        table.add("sockets opened by 100 calls of the account gate, over pam_permit", more,
                  "sockets", "0", more == 0, permit=sockets["bench-permit"])


@bench
def disable(bed, table):
    """from the directory's acknowledgement of a disable until PAM refuses, 100,000 accounts"""
    import PAM  # only here: the other benchmarks do without it

    def refused():
        caller = PAM.pam()
        caller.start("bench-roster")
        caller.set_item(PAM.PAM_USER, OURS)
        caller.set_item(PAM.PAM_CONV, lambda _, asked, __: [("", 0) for _ in asked])
        try:
            caller.acct_mgmt()
            return False
        except PAM.error:
            return True
    with host(bed) as follow:
        spent, mod = [], follow.ldap
        for _ in range(200):
            follow.connection.modify_s(follow.dn(OURS), [
                (mod.MOD_REPLACE, "employeeType", b"disabled")])
            spent.append(seen(refused))
            follow.connection.modify_s(follow.dn(OURS), [(mod.MOD_DELETE, "employeeType", None)])
            seen(lambda: not refused())
            time.sleep(0.002)
        spent.sort()
        value = statistics.median(spent)
        table.add("disable acknowledged until the gate refuses, median", value, "ms",
                  "at most 10", value <= 10, p99=round(spent[len(spent) * 99 // 100], 2),
                  largest=round(spent[-1], 2))


@bench
def unknown_names(bed, table):
    """requests that reach the directory when somebody tries names that nobody has"""
    with host(bed) as follow:
        def requests():
            return len(REQUEST.findall(SLAPD_LOG.read_text(encoding="utf-8", errors="replace")))

        def attempt(number):
            who = logins.Person(f"nobody.{number}", 0, "some password")
            return logins.ssh_password(who).is_in
        before, start = requests(), time.monotonic()
        with ThreadPoolExecutor(64) as pool:
            if any(pool.map(attempt, range(1000))):
                raise RuntimeError("a name that nobody has was let in")
        seconds = time.monotonic() - start
        more = requests() - before
        table.add("requests to the directory by 1,000 ssh attempts of unknown names", more,
                  "requests", "0", more == 0, seconds=round(seconds, 1))
        before = requests()
        result = figures(run(bed.folder / "pam", "authenticate", "bench-roster", 100_000))
        names = bed.keys("nobody", [f"nobody.{number}" for number in range(1000)])
        found = figures(run(bed.folder / "lookup", "pass", "name", names, 100))
        if result["refused"] != 100_000 or found["found"]:
            raise RuntimeError("a name that nobody has is known")
        more = requests() - before
        table.add("requests by 100,000 pam_authenticate and 100,000 getpwnam of them", more,
                  "requests", "0", more == 0, us_each=round(result["ns"] / 1000, 1))
        follow.connection.search_s(follow.dn(OURS), follow.ldap.SCOPE_BASE)
        if requests() == before:
            raise RuntimeError("a real request was not counted either")
