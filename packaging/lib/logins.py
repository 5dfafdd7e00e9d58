"""Logins with the real programs, as a person would do them. In a room (see login.sh) or a machine
of the tests (see Tests/Machine) only; LOGINS names the folder with the keys.

The demo, the system tests and the benchmarks share this. Every function makes one attempt and
returns an `Attempt`: whether it let the person in, after how many seconds, and what was printed.
"""
import os
import pty
import re
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field

HOME = os.environ.get("LOGINS", "/run/logins")
KEY, OTHER_KEY = f"{HOME}/key", f"{HOME}/other-key"
PORTS = {"password": 22, "keyboard-interactive": 2222}
PATIENCE = 40.0  # seconds until an attempt is given up
MARK = 'echo "in $((6*7))-$(id -u)"'  # the typed line does not hold what it prints

# What programs ask, by the last line on the terminal; the first that matches counts.
CURRENT = re.compile(r"(?i)(current|old)\b.*password.*: *$")
AGAIN = re.compile(r"(?i)(retype|repeat|again|re-?enter|re-?type|confirm).*: *$")
NEW = re.compile(r"(?i)new\b.*password.*: *$")
PASSWORD = re.compile(r"(?i)password.*: *$")
LOGIN_NAME = re.compile(r"(?<!Last )login: *$")
SHELL = re.compile(r"[$#] $")


@dataclass
class Person:
    """Who tries, and with what."""
    name: str
    uid: int
    password: str = ""
    key: str = KEY
    new_password: str = ""  # what a required change or `passwd` sets
    gid: int = 10000

    def answers(self):
        """The replies to each kind of question, in the order in which they are used up."""
        return [(CURRENT, [self.password]), (AGAIN, [self.new_password]),
                (NEW, [self.new_password]), (PASSWORD, [self.password])]


@dataclass
class Attempt:
    """What came of it."""
    is_in: bool
    seconds: float
    text: str = field(repr=False, default="")
    code: str = ""  # phase and PAM code, where the program says it


def converse(command, answers, patience=PATIENCE, until=None):
    """Runs a command on a terminal of its own and answers what it asks.

    Ends with the command, when a question comes once more than there are replies, when `until`
    (a compiled pattern) was printed, or after `patience` seconds. Returns the text and the exit code.
    """
    master, slave = pty.openpty()
    # setsid makes the pty its controlling terminal: ssh, su and sudo ask there.
    with subprocess.Popen(["setsid", "--ctty", *command], stdin=slave, stdout=slave, stderr=slave,
                          env=environment(), cwd="/") as process:
        os.close(slave)
        try:
            text = dialogue(master, [(pattern, list(replies)) for pattern, replies in answers],
                            time.monotonic() + patience, until)
        finally:
            os.close(master)  # whatever still runs is hung up
            finish(process)
    return text, process.returncode


def environment():
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8",
            "HOME": "/root"}


def dialogue(master, answers, end, until):
    """Reads and answers; returns everything that was printed."""
    text, answered = "", 0
    while (left := end - time.monotonic()) > 0:
        if not select.select([master], [], [], left)[0]:
            break
        try:
            octets = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not octets:
            break
        text += octets.decode(errors="replace")
        if until and until.search(text):
            break
        question = text[answered:].rsplit("\n", 1)[-1]
        replies = next((replies for pattern, replies in answers if pattern.search(question)), None)
        if replies is None:
            continue
        if not replies:
            break  # asked again: refused
        answered = len(text)
        os.write(master, replies.pop(0).encode() + b"\r")
    return text


def finish(process):
    """Waits for its end; after a second it is killed, the whole session with it."""
    for ending in (None, signal.SIGHUP, signal.SIGKILL):
        if ending:
            try:
                os.killpg(process.pid, ending)
            except (ProcessLookupError, PermissionError):
                pass
        try:
            process.wait(timeout=1)
            return
        except subprocess.TimeoutExpired:
            continue


def attempt(command, person, answers=None, patience=PATIENCE, uid=None):
    """In, if the command printed the mark with the uid that it should run as."""
    mark = re.compile(rf"\bin 42-{person.uid if uid is None else uid}\b")
    start = time.monotonic()
    text, _ = converse(command, person.answers() if answers is None else answers, patience, mark)
    return Attempt(bool(mark.search(text)), time.monotonic() - start, text)


def as_person(person):
    """The beginning of a command that the person runs."""
    return ["setpriv", f"--reuid={person.uid}", f"--regid={person.gid}", "--clear-groups"]


def ssh(person, method, *options):
    """The command line of an ssh that may use this method only."""
    return ["ssh", "-F", "/dev/null", "-p", str(PORTS.get(method, 22)),
            "-o", f"UserKnownHostsFile={HOME}/known_hosts", "-o", "GlobalKnownHostsFile=/dev/null",
            "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "ConnectTimeout=30",
            "-o", "NumberOfPasswordPrompts=1", "-o", f"PreferredAuthentications={method}",
            "-i", person.key if method == "publickey" else "/dev/null", *options,
            f"{person.name}@127.0.0.1", MARK]


def ssh_key(person):
    return attempt(ssh(person, "publickey"), person)


def ssh_password(person):
    return attempt(ssh(person, "password"), person)


def ssh_keyboard(person):
    return attempt(ssh(person, "keyboard-interactive"), person)


def login(person):
    """login(1) on a terminal."""
    answers = [(LOGIN_NAME, [person.name]), *person.answers(), (SHELL, [MARK + "; exit"])]
    return attempt(["login"], person, answers)


def su(person, caller):
    """Somebody else becomes the person with the person's password."""
    return attempt([*as_person(caller), "su", "-", person.name, "-c", MARK], person)


def sudo(person):
    """The person becomes root with their own password."""
    return attempt([*as_person(person), "sudo", "-k", "sh", "-c", MARK], person, uid=0)


def passwd(person, *names):
    """The person changes their password; in, if the program says so."""
    start = time.monotonic()
    text, code = converse([*as_person(person), "passwd", *names], person.answers())
    return Attempt(code == 0, time.monotonic() - start, text)


def pamtester(person, service="lock"):
    """As a screen locker: the person's own process asks, without any privilege."""
    start = time.monotonic()
    text, code = converse([*as_person(person), "pamtester", "-v", service, person.name,
                           "authenticate", "acct_mgmt"], person.answers())
    return Attempt(code == 0 and "account management done" in text, time.monotonic() - start, text)


PAM_CALLER = """
import sys, PAM
def answer(auth, questions, data):
    for text, kind in questions:
        if kind not in (PAM.PAM_PROMPT_ECHO_OFF, PAM.PAM_PROMPT_ECHO_ON): print(text)
    return [(sys.argv[3], 0) for _ in questions]
auth = PAM.pam()
auth.start(sys.argv[1])
auth.set_item(PAM.PAM_USER, sys.argv[2])
auth.set_item(PAM.PAM_CONV, answer)
for phase in ("authenticate", "acct_mgmt"):
    try:
        getattr(auth, phase)()
    except PAM.error as error:
        sys.exit(f"out {phase} {error.args[1]} ({error.args[0]})")
"""


def python_pam(person, service="web"):
    """As a web application: a process of root asks libpam directly, and says which code it got."""
    start = time.monotonic()
    done = subprocess.run(["/usr/bin/python3", "-c", PAM_CALLER, service, person.name,
                           person.password], capture_output=True, text=True, timeout=PATIENCE,
                          env=environment(), check=False)
    code = re.search(r"out (\w+ \d+)", done.stderr)
    return Attempt(done.returncode == 0, time.monotonic() - start, done.stdout + done.stderr,
                   code[1] if code else "")


CRONTABS = "/var/spool/cron/crontabs"


def cron(people):
    """Starts cron(8) with an @reboot job of each; who is in by name, when all jobs were decided.

    Such jobs run once, at the start, so that nobody waits for the next full minute.
    """
    done = f"{HOME}/cron"
    subprocess.run(f"rm -rf {done} {CRONTABS}/* /run/crond.reboot && mkdir -p -m 1777 {done}",
                   shell=True, check=True)
    for person in people:
        path = f"{CRONTABS}/{person.name}"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"@reboot id -u >{done}/{person.name}.new && "
                       f"mv {done}/{person.name}.new {done}/{person.name}\n")
        os.chmod(path, 0o600)
        os.chown(path, person.uid, -1)
    start = time.monotonic()
    with subprocess.Popen(["cron", "-f"], env=environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as daemon:
        try:
            return cron_results(people, daemon.pid, done, start)
        finally:
            daemon.kill()
            for person in people:
                os.unlink(f"{CRONTABS}/{person.name}")


def cron_results(people, daemon, done, start):
    """Waits until cron has no job left; a job that ran left its uid in a file of its person's."""
    quiet = 0
    seconds = {}
    while quiet < 8 and time.monotonic() - start < PATIENCE:
        time.sleep(0.05)
        with open(f"/proc/{daemon}/task/{daemon}/children", encoding="ascii") as file:
            quiet = 0 if file.read().split() else quiet + 1
        for person in people:
            if person.name not in seconds and os.path.exists(f"{done}/{person.name}"):
                seconds[person.name] = time.monotonic() - start
    results = {}
    for person in people:
        ran = ""
        if person.name in seconds:
            with open(f"{done}/{person.name}", encoding="ascii") as file:
                ran = file.read()
        results[person.name] = Attempt(ran.strip() == str(person.uid),
                                       seconds.get(person.name, time.monotonic() - start), ran)
    return results
