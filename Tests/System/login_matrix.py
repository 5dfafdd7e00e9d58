#!/usr/bin/python3
"""The login matrix: which cells there are, what becomes of each, and how they run.

    login_matrix.py people            the LDIF of everybody who will try
    login_matrix.py seed              each of them logs in once, while all is well
    login_matrix.py changes           the LDIF that makes them disabled, expired, ...
    login_matrix.py run ENVIRONMENT   the cells of one environment; results go to $RESULTS
    login_matrix.py table             every cell that ran, and what failed

Runs in a room; login-matrix.sh sets the environments up.
"""
import contextlib
import itertools
import json
import os
import pathlib
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "packaging/lib"))
import logins  # noqa: E402  pylint: disable=wrong-import-position,import-error

PATHS = ["ssh key", "ssh password", "ssh keyboard", "login", "su", "sudo", "cron", "passwd",
         "pamtester", "python"]
STATES = ["active", "disabled", "deleted", "expired", "must change", "not allowed",
          "wrong password", "unknown"]
ENVIRONMENTS = ["healthy", "slow", "frozen", "black hole", "refused", "daemon stopped",
                "index missing", "index corrupt", "mirror too old"]
LOCAL = ["root", "local"]

# Paths that show no password; for the rest "wrong password" is a wrong password, for ssh by key a
# key that is not theirs, and for cron nothing at all.
WITHOUT_PASSWORD = {"ssh key", "cron"}
REACHABLE = {"healthy"}
# The directory gives no answer in time, the daemon is there: verifiers decide.
UNREACHABLE = {"slow", "frozen", "black hole", "refused"}
INDEX_UNUSABLE = {"index missing", "index corrupt"}

TIMEOUT = 3.0  # [login] timeout, seconds
SLACK = 4.0  # for a machine that does several things at once, seconds
# libpam waits after a refusal: 3 s that login(1) asks for, up to half more by chance.
FAIL_DELAY = 4.5
AT_ONCE = int(os.environ.get("AT_ONCE") or "12")
# Verifiers are costly on purpose, and checked one after the other: the matrix is no load test.
VERIFIERS = threading.Semaphore(2)
RESULTS = pathlib.Path(os.environ.get("RESULTS", "/run/matrix.results"))


def exists(path, state):
    """Whether the cell means anything."""
    return not (path == "cron" and state == "wrong password")


def expected(path, state, environment):
    """Whether this attempt lets the person in, by the rules of the design."""
    if state in LOCAL:
        return True  # always, everywhere
    if environment in INDEX_UNUSABLE or environment == "mirror too old":
        return False  # fail closed
    if state in ("disabled", "deleted", "expired", "not allowed", "wrong password", "unknown"):
        return False
    if path in WITHOUT_PASSWORD:
        # No directory and no daemon are needed. A required change cannot be made here.
        return state == "active"
    if environment == "daemon stopped":
        return False  # nobody can judge a password
    if path == "passwd":
        return environment in REACHABLE  # only the directory changes a password
    if state == "must change":
        # Where a conversation can go on, the change is made; pamtester, python and ssh's password
        # method without a terminal have none.
        return environment in REACHABLE and path not in ("ssh password", "pamtester", "python")
    return True  # by the directory, or by the verifier of the login before


def limit(path, state, environment):
    """Seconds within which the attempt is over."""
    if expected(path, state, environment):
        # Less than the slow directory takes: these do not wait for it.
        if path in WITHOUT_PASSWORD or state in LOCAL:
            return 4.5
        return SLACK + (TIMEOUT if environment in UNREACHABLE else 0)
    waits = environment in UNREACHABLE and path not in WITHOUT_PASSWORD
    return FAIL_DELAY + SLACK + (2 * TIMEOUT if waits else 0)  # twice: old password, then new one


# PAM's own codes, where a caller shows them: (phase, code) by state, the healthy directory.
CODES = {"disabled": "authenticate 7", "expired": "authenticate 7", "not allowed": "authenticate 7",
         "wrong password": "authenticate 7", "must change": "acct_mgmt 12"}


def cells(nightly):
    """The (path, state, environment) to run: all of them, or every pair and what matters most."""
    everything = [cell for cell in itertools.product(PATHS, STATES, ENVIRONMENTS)
                  if exists(cell[0], cell[1])]
    if nightly:
        return everything
    chosen = [cell for cell in everything if cell[0] == "ssh key" or (
        cell[1] == "active" and cell[2] in ("healthy", "frozen"))]
    missing = {pair for cell in everything for pair in pairs(cell)}
    for cell in chosen:
        missing -= pairs(cell)
    random.Random(1).shuffle(everything)  # of equals any, but every run the same
    while missing:
        best = max(everything, key=lambda cell: len(pairs(cell) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def pairs(cell):
    return set(itertools.combinations(enumerate(cell), 2))


def person_name(path, state, environment):
    """One person per path and state, so that attempts do not get in each other's way.

    A successful change of the password must not disturb other environments.
    """
    name = f"{state}.{path}".replace(" ", "-")
    changes = path == "passwd" or state == "must change"
    return name + (".now" if changes and environment in REACHABLE else "")


class People:
    """Everybody in the directory, by the cells to run."""

    def __init__(self, chosen):
        self.names = sorted({person_name(*cell) for cell in chosen if cell[1] != "unknown"})
        self.uids = {name: 20001 + number for number, name in enumerate(self.names)}

    def person(self, path, state, environment):
        if state in LOCAL:
            return local_person(path, state)
        name = person_name(path, state, environment)
        wrong = state == "wrong password"
        return logins.Person(
            name, self.uids.get(name, 29999),
            "not-the-password" if wrong else password(name),
            logins.OTHER_KEY if wrong else logins.KEY, "New-" + password(name))

    def ldif(self):
        with open(f"{logins.KEY}.pub", encoding="ascii") as file:
            key = file.read().strip()
        for name, uid in self.uids.items():
            yield (f"dn: {dn(name)}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n"
                   "objectClass: shadowAccount\nobjectClass: ldapPublicKey\n"
                   f"cn: {name}\nsn: {name}\nuid: {name}\nuidNumber: {uid}\ngidNumber: 10000\n"
                   f"homeDirectory: /home/{name}\nuserPassword: {password(name)}\n"
                   f"sshPublicKey: {key}\n\n")
        yield ("dn: cn=colleagues,ou=groups,dc=example,dc=org\nobjectClass: groupOfMembers\n"
               "objectClass: posixGroup\ncn: colleagues\ngidNumber: 30001\n"
               + "".join(f"member: {dn(name)}\n" for name in self.names) + "\n")

    def changes(self):
        """What happens to them after they have logged in once."""
        edits = {"disabled": "replace: employeeType\nemployeeType: disabled",
                 "expired": "replace: shadowExpire\nshadowExpire: 20000",
                 "must-change": "replace: pwdReset\npwdReset: TRUE"}
        for name in self.names:
            state = name.split(".")[0]
            if state in edits:
                yield f"dn: {dn(name)}\nchangetype: modify\n{edits[state]}\n\n"
            elif state == "deleted":
                yield f"dn: {dn(name)}\nchangetype: delete\n\n"
            elif state == "not-allowed":
                yield ("dn: cn=colleagues,ou=groups,dc=example,dc=org\nchangetype: modify\n"
                       f"delete: member\nmember: {dn(name)}\n\n")


def dn(name):
    return f"cn={name},ou=people,dc=example,dc=org"


def password(name):
    return f"Secret-of-{name}"


def local_person(path, state):
    if state == "root":
        return logins.Person("root", 0, "root-secret", new_password="root-secret", gid=0)
    name, uid = ("lena", 5002) if path == "passwd" else ("lora", 5001)
    return logins.Person(name, uid, "local-secret", new_password="Another-9secret", gid=uid)


def attempt(path, person):
    """One login by this path; cron's are started together, see `run`."""
    if path == "su":
        return logins.su(person, logins.Person("otto", 5003, gid=5003))
    return {"ssh key": logins.ssh_key, "ssh password": logins.ssh_password,
            "ssh keyboard": logins.ssh_keyboard, "login": logins.login, "sudo": logins.sudo,
            "passwd": logins.passwd, "pamtester": logins.pamtester,
            "python": logins.python_pam}[path](person)


def run(chosen, environment):
    """Runs the cells of one environment side by side, root and a local user beside each path."""
    people = People(chosen)
    mine = [(path, state) for path, state, where in chosen if where == environment]
    mine += [(path, state) for path in PATHS for state in LOCAL]
    jobs = [(path, state, people.person(path, state, environment)) for path, state in mine]
    others = [job for job in jobs if job[0] != "cron"]
    # Refused passwords first: they wait the longest, and cost nothing while they do.
    others.sort(key=lambda job: (expected(job[0], job[1], environment), job[0] == "ssh key"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        cron = pool.submit(logins.cron, [person for path, _, person in jobs if path == "cron"])
        results = list(pool.map(lambda job: guarded(*job, environment), others))
        ran = cron.result()
    results = list(zip(others, results))
    results += [(job, ran[job[2].name]) for job in jobs if job[0] == "cron"]
    with open(RESULTS, "a", encoding="utf-8") as file:
        for (path, state, person), result in results:
            file.write(json.dumps({
                "path": path, "state": state, "environment": environment, "name": person.name,
                "in": result.is_in, "seconds": round(result.seconds, 2), "code": result.code,
                "text": result.text[-2000:]}) + "\n")


def guarded(path, state, person, environment):
    needs_verifier = (environment in UNREACHABLE and path not in WITHOUT_PASSWORD
                      and state in ("active", "must change", "wrong password"))
    try:
        with VERIFIERS if needs_verifier else contextlib.nullcontext():
            return attempt(path, person)
    except Exception as problem:  # pylint: disable=broad-except
        return logins.Attempt(None, 0.0, f"could not be tried: {problem}")


def seed(chosen):
    """Everybody proves their password once, so that there is a verifier for those who may use it."""
    people = People(chosen)
    everybody = [logins.Person(name, uid, password(name)) for name, uid in people.uids.items()
                 if not name.endswith((".ssh-key", ".cron"))]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(logins.python_pam, everybody))
    failed = [(person.name, result) for person, result in zip(everybody, results)
              if not result.is_in]
    for name, result in failed[:5]:
        print(f"{name}: {result.text.strip()}")
    print(f"{len(everybody) - len(failed)} of {len(everybody)} people logged in")
    return 1 if failed else 0


def fault(row):
    """What is wrong with a result, or nothing."""
    path, state, environment = row["path"], row["state"], row["environment"]
    wanted = expected(path, state, environment)
    if row["in"] is None:
        return row["text"]
    if row["in"] != wanted:
        return f"is {'in' if row['in'] else 'out'}, expected {'in' if wanted else 'out'}"
    if row["seconds"] > (most := limit(path, state, environment)):
        return f"took {row['seconds']:.1f} s, allowed are {most:.1f} s"
    code = CODES.get(state) if path == "python" and environment == "healthy" else None
    if code and row["code"] != code:
        return f"PAM said {row['code']}, expected {code}"
    return None


def table():
    """Prints every cell that ran, then the faults; the last line counts for the shell."""
    with open(RESULTS, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    shown = {(row["environment"], row["state"], row["path"]): row for row in rows}
    print(f"{'':30}" + "".join(f"{path:>13}" for path in PATHS))
    for environment in ENVIRONMENTS:
        for state in STATES + LOCAL:
            found = [shown.get((environment, state, path)) for path in PATHS]
            if any(found):
                print(f"{environment:<15}{state:<15}" + "".join(map(show, found)))
    print("in, out: as expected, with the seconds it took; IN, OUT, LATE, CODE: not; '.': not run\n")
    faults = [(row, fault(row)) for row in rows if fault(row)]
    for row, why in faults:
        print(f"FAIL  {row['environment']}: {row['path']}, {row['state']} ({row['name']}) {why}")
        for line in row["text"].strip().splitlines()[-4:]:
            print(f"      | {line.strip()[:150]}")
    print(f"cells {len(rows) - len(faults)} {len(faults)}")


def show(row):
    if row is None:
        return f"{'.':>13}"
    word = "in" if row["in"] else "out"
    why = fault(row)
    if why:
        word = ("LATE" if why.startswith("took") else "CODE" if why.startswith("PAM")
                else "ERROR" if row["in"] is None else word.upper())
    return f"{word:>7} {row['seconds']:5.1f}"


def main():
    chosen = cells(os.environ.get("NIGHTLY") == "1")
    match sys.argv[1]:
        case "people": print("".join(People(chosen).ldif()), end="")
        case "changes": print("".join(People(chosen).changes()), end="")
        case "seed": return seed(chosen)
        case "run":
            start = time.monotonic()
            run(chosen, sys.argv[2])
            print(f"      {sys.argv[2]}: {time.monotonic() - start:.1f} s")
        case "table": table()
        case "count": print(len(chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
