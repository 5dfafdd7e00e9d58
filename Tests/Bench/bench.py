"""bench.py BENCH_FOLDER INDEX_TOOL MODULE_FOLDER [NAME...]: measures, in a room. See Tests/bench.

Every ratio compares two things that took turns in this run; medians throughout.
"""
import contextlib
import json
import os
import pathlib
import pwd
import random
import re
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
STATE = pathlib.Path("/var/lib/roster")
DISK = pathlib.Path("/run/room/disk")  # a real file system; the rest of the room is memory
ROUNDS = 9
# The usual and the large number of accounts; smaller ones only to try the benchmarks themselves.
USUAL = int(os.environ.get("BENCH_USUAL") or "100000")
LARGE = int(os.environ.get("BENCH_LARGE") or "1000000")
BENCHES = {}


def bench(function):
    """Registers a benchmark under its name; its docstring is what `list` shows."""
    BENCHES[function.__name__.replace("_", "-")] = function
    return function


class Table:
    """The rows: figure, value, target, verdict."""

    def __init__(self):
        self.rows = []

    def add(self, figure, value, unit, target, met, **details):
        """`met` is None for a figure that is only stated."""
        verdict = "stated" if met is None else "met" if met else "MISSED"
        self.rows.append({"figure": figure, "value": round(value, 4), "unit": unit,
                          "target": target, "verdict": verdict, **details})
        shown = f"{value:.2f} {unit}" if unit else f"{value:.2f} times"
        extra = ", ".join(f"{key} {value}" for key, value in details.items())
        print(f"{figure:<62} {shown:>14}   {target:<18} {verdict:<7} {extra}", flush=True)

    def ratio(self, figure, ours, theirs, limit, **details):
        """`ours` and `theirs` are the results of rounds that took turns."""
        value = statistics.median(a / b for a, b in zip(ours, theirs))
        self.add(figure, value, "", f"at most {limit}", value <= limit, **details)


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} left with {done.returncode}: "
                           f"{done.stdout[-500:]}{done.stderr[-2000:]}")
    return done.stdout


def act(*words, **environment):
    """A shell function of directory.sh or daemon.sh."""
    return run(HERE / "in-room", "act", *words, env={**os.environ, **environment})


def figures(text):
    """The "key value" lines of lookup.c."""
    return {key: float(value) for key, value in (line.split() for line in text.splitlines())}


def pairs(text):
    """The last line of index-tool: "key value key value"."""
    words = text.splitlines()[-1].split()
    return {key: float(value) for key, value in zip(words[::2], words[1::2])}


def name_service(service):
    """Names the one service that answers, for processes started from now on."""
    text = f"passwd: {service}\ngroup: {service}\ninitgroups: {service}\n"
    pathlib.Path("/etc/nsswitch.new").write_text(text, encoding="ascii")
    os.rename("/etc/nsswitch.new", "/etc/nsswitch.conf")


class Bed:
    """What the benchmarks share: folders, generated indexes, lists of names."""

    def __init__(self, folder, tool, modules):
        self.folder, self.tool, self.modules = pathlib.Path(folder), tool, pathlib.Path(modules)
        self.random = random.Random(1)
        self.names = {}
        self.mounted = False
        self.work = pathlib.Path("/run/bench")
        self.work.mkdir()

    def index(self, people):
        """Makes an index of so many people, each in 20 groups, the one in force; generated once."""
        data = DISK / f"bench-{people}"
        if not data.exists():
            groups = max(min(people // 20, 500), 20)
            members = people * 20 // groups
            (data / "index").mkdir(parents=True)
            run(self.tool, "generate", data / "index", people, groups, members)
        self.unmount()
        run("mount", "--bind", data, STATE)
        self.mounted = True
        name_service("roster")
        if people not in self.names:
            self.names[people] = [line.split(":")[0] for line in
                                  run("getent", "passwd").splitlines()]
            if len(self.names[people]) != people:
                raise RuntimeError(f"{len(self.names[people])} of {people} people in the index")
        return self.names[people]

    def unmount(self):
        if self.mounted:
            run("umount", STATE)
            self.mounted = False

    def keys(self, label, values):
        path = self.work / label
        path.write_text("".join(f"{value}\n" for value in values), encoding="ascii")
        return path

    def sample(self, people, kind, count=1000):
        """A file of keys: kind is name, uid, missing-name or missing-uid."""
        names = self.random.sample(self.index(people), min(count, people))
        if kind == "uid":
            names = [run("getent", "passwd", name).split(":")[2] for name in names]
        elif kind == "missing-name":
            names = [f"no.such.{number}" for number in range(count)]
        elif kind == "missing-uid":
            names = [1_900_000_000 + number * 7 for number in range(count)]
        return self.keys(f"{kind}-{people}-{count}", names)

    def lookup(self, service, *words, environment=None):
        name_service(service)
        return figures(run(self.folder / "lookup", *words,
                           env={**os.environ, **(environment or {})}))

    def turns(self, first, second, rounds=ROUNDS):
        """Two measurements that take turns; the lists of their results."""
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(first())
            theirs.append(second())
        return ours, theirs


def passes(bed, service, kind, file, count=100, found=None):
    result = bed.lookup(service, "pass", kind, file, count)
    if found is not None and service == "roster" and result["found"] != found:
        raise RuntimeError(f"{service} found {result['found']:.0f} of {found} in {file}")
    return result["ns"]


@bench
def lookups(bed, table):
    """hit and miss by name and number at 100,000 accounts, against the floor"""
    for label, kind, keys, found in [
            ("getpwnam_r, hit", "name", "name", 1000), ("getpwuid_r, hit", "uid", "uid", 1000),
            ("getpwnam_r, miss", "name", "missing-name", 0),
            ("getpwuid_r, miss", "uid", "missing-uid", 0)]:
        file = bed.sample(USUAL, keys)
        ours, floor = bed.turns(lambda: passes(bed, "roster", kind, file, found=found),
                                lambda: passes(bed, "floor", kind, file))
        table.ratio(f"{label}, 100,000 accounts, against the floor", ours, floor, 1.3,
                    ns=round(statistics.median(ours)), floor_ns=round(statistics.median(floor)))


@bench
def scale(bed, table):
    """1,000,000 accounts against 1,000, and drawn uniformly over all"""
    for label, kind in [("getpwnam_r, hit", "name"), ("getpwuid_r, hit", "uid"),
                        ("getpwnam_r, miss", "missing-name"), ("getpwuid_r, miss", "missing-uid")]:
        call = "uid" if "uid" in label else "name"
        large, small = bed.sample(LARGE, kind), bed.sample(1000, kind)

        def at(people, file):
            bed.index(people)
            return passes(bed, "roster", call, file)
        ours, theirs = bed.turns(lambda: at(LARGE, large), lambda: at(1000, small))
        table.ratio(f"{label}, 1,000,000 against 1,000 accounts", ours, theirs, 1.3,
                    ns=round(statistics.median(ours)), small_ns=round(statistics.median(theirs)))
    file = bed.sample(LARGE, "name", LARGE)
    ours, floor = bed.turns(lambda: passes(bed, "roster", "name", file, 1, LARGE),
                            lambda: passes(bed, "floor", "name", file, 1), 5)
    table.ratio("getpwnam_r uniformly over 1,000,000, against the floor", ours, floor, 2,
                ns=round(statistics.median(ours)), floor_ns=round(statistics.median(floor)))


@bench
def first(bed, table):
    """the first lookup of a fresh process, against the floor"""
    name = bed.index(USUAL)[USUAL // 2]

    def one(service):
        result = bed.lookup(service, "first", "name", name)
        if not result["found"]:
            raise RuntimeError(f"{service} did not find {name}")
        return result["ns"]
    ours, floor = bed.turns(lambda: one("roster"), lambda: one("floor"), 300)
    value = statistics.median(ours) / statistics.median(floor)
    table.add("first lookup in a fresh process, against the floor", value, "", "at most 1.25",
              value <= 1.25, us=round(statistics.median(ours) / 1000, 1),
              floor_us=round(statistics.median(floor) / 1000, 1))


@bench
def threads(bed, table):
    """two threads against one"""
    file = bed.sample(USUAL, "name")
    name_service("roster")
    result = figures(run(bed.folder / "lookup", "direct", bed.modules / "libnss_roster.so.2", file,
                         "0.2"))
    table.add("two threads against one, module called directly", result["gain"], "",
              "at least 1.8", result["gain"] >= 1.8, per_second=round(result["two"]),
              by_cpu_time=round(result["cpugain"], 2))
    ours, floor = bed.turns(lambda: bed.lookup("roster", "threads", "name", file, "0.1")["gain"],
                            lambda: bed.lookup("floor", "threads", "name", file, "0.1")["gain"], 5)
    value = statistics.median(a / b for a, b in zip(ours, floor))
    table.add("gain through glibc against the floor's own gain", value, "", "at least 0.95",
              value >= 0.95, gain=round(statistics.median(ours), 2),
              floor_gain=round(statistics.median(floor), 2))


@bench
def calls(bed, table):
    """system calls and allocations of warm lookups"""
    for kind in ("name", "missing-name", "groups"):
        file = bed.sample(USUAL, "name" if kind == "groups" else kind)
        counts, seconds = {}, 0.0
        for service in ("roster", "floor"):
            name_service(service)
            trace = bed.work / "trace"
            start = time.monotonic()
            shown = figures(run("strace", "-f", "-o", trace, bed.folder / "lookup", "marked",
                                "groups" if kind == "groups" else "name", file, 3))
            seconds = max(seconds, time.monotonic() - start)
            marks = trace.read_text(encoding="ascii", errors="replace").split("getppid()")
            if len(marks) != 3:
                raise RuntimeError("the marks are not in the trace")
            counts[service] = len(marks[1].splitlines()) - 2
        more = counts["roster"] - counts["floor"]
        table.add(f"system calls inside the module, {kind}, {shown['lookups']:.0f} warm lookups",
                  more, "calls", "one a second", more <= 2 * (seconds + 2),
                  seconds=round(seconds, 1), floor_calls=counts["floor"])
    name_service("roster")
    file = bed.sample(USUAL, "name")
    result = figures(run(bed.folder / "lookup", "allocations", bed.modules / "libnss_roster.so.2",
                         file, env={**os.environ,
                                    "LD_PRELOAD": str(bed.folder / "allocations.so")}))
    table.add(f"allocations in {result['lookups']:.0f} warm lookups", result["allocations"],
              "allocations", "0", result["allocations"] == 0)


@bench
def memory(bed, table):
    """private memory that the module adds to a process"""
    file = bed.sample(USUAL, "name")
    os.sync()  # pages of the index that still wait for the disk would count as dirty, and as private
    ours, floor = bed.turns(lambda: bed.lookup("roster", "memory", "name", file)["dirty"],
                            lambda: bed.lookup("floor", "memory", "name", file)["dirty"])
    value = statistics.median(ours) - statistics.median(floor)
    table.add("private memory that the module adds to a process", value, "KiB", "at most 40",
              value <= 40, with_glibc=statistics.median(ours), floor=statistics.median(floor))


@bench
def groups(bed, table):
    """getgrouplist for a member of 20 groups, against getpwnam_r"""
    names = bed.random.sample(bed.index(USUAL), 20_000)
    members = run(bed.folder / "lookup", "groups", bed.keys("any", names), 20).split()
    if len(members) < 200:
        raise RuntimeError(f"only {len(members)} of 20,000 people are in exactly 20 groups")
    file = bed.keys("members", members[:1000])
    ours, theirs = bed.turns(lambda: passes(bed, "roster", "groups", file),
                             lambda: passes(bed, "roster", "name", file))
    table.ratio("getgrouplist, member of 20 groups, against getpwnam_r", ours, theirs, 2,
                ns=round(statistics.median(ours)), getpwnam_ns=round(statistics.median(theirs)))


@bench
def enumeration(bed, table):
    """full getent passwd of 100,000, against libnss-extrausers over the same data"""
    if not (bed.modules / "libnss_extrausers.so.2").exists():
        raise RuntimeError("libnss-extrausers could not be fetched")
    bed.index(USUAL)
    listed = run("getent", "passwd")
    pathlib.Path("/var/lib/extrausers").mkdir(exist_ok=True)
    pathlib.Path("/var/lib/extrausers/passwd").write_text(
        "".join(re.sub(r"^([^:]*):[^:]*", r"\1:x", line) + "\n" for line in listed.splitlines()),
        encoding="utf-8")

    def all_of(service):
        name_service(service)
        with open(bed.work / "listed", "wb") as file:
            start = time.monotonic()
            subprocess.run(["getent", "passwd"], stdout=file, check=True)
            spent = (time.monotonic() - start) * 1000
        lines = run("wc", "-l", bed.work / "listed").split()[0]
        if lines != str(USUAL):
            raise RuntimeError(f"{service} listed {lines} people")
        return spent
    ours, theirs = bed.turns(lambda: all_of("roster"), lambda: all_of("extrausers"))
    value = statistics.median(a / b for a, b in zip(ours, theirs))
    table.add("full getent passwd, 100,000, against libnss-extrausers", value, "", "below 1",
              value < 1, ms=round(statistics.median(ours), 1),
              extrausers_ms=round(statistics.median(theirs), 1))


@bench
def publishing(bed, table):
    """publishing one change at 1,000,000 against 1,000 accounts; one member of 100,000"""
    results = {}
    for people in (LARGE, 1000):
        bed.index(people)
        bed.unmount()
        index = DISK / f"bench-{people}/index"
        run(bed.tool, "change", index, 50)
        results[people] = pairs(run(bed.tool, "change", index, 300))
    large, small = results[LARGE], results[1000]
    value = large["median_us"] / small["median_us"]
    table.add("publishing one change, 1,000,000 against 1,000: time", value, "", "at most 2",
              value <= 2, us=large["median_us"], small_us=small["median_us"],
              p99_us=large["p99_us"])
    value = large["bytes"] / small["bytes"]
    table.add("publishing one change, 1,000,000 against 1,000: bytes", value, "", "at most 2",
              value <= 2, octets=large["bytes"], small_octets=small["bytes"])
    data = DISK / "bench-member/index"
    data.mkdir(parents=True)
    run(bed.tool, "generate", data, USUAL + 1, 1, USUAL)
    written = pairs(run(bed.tool, "add-member", data, "group0", f"user{USUAL}"))
    table.add("one member added to a group of 100,000: bytes written", written["bytes"] / 1024,
              "KiB", "at most 64", written["bytes"] <= 65536, us=written["us"])
    run("rm", "-rf", data.parent, DISK / f"bench-{LARGE}", DISK / "bench-1000")


# The attributes that rosterd asks for; whether the directory knows them or not costs time.
ASKED = ("objectClass uid cn uidNumber gidNumber gecos homeDirectory loginShell displayName memberUid "
         "member uniqueMember employeeType pwdAccountLockedTime nsAccountLock userAccountControl "
         "accountExpires msDS-UserAccountDisabled loginDisabled loginExpirationTime shadowExpire "
         "ds-pwp-account-disabled ds-pwp-account-expiration-time pwdReset shadowLastChange pwdLastSet "
         "pwdChangedTime passwordExpirationTime sshPublicKey entryUUID entryCSN modifyTimestamp "
         "createTimestamp whenCreated").split()


class Follow:
    """slapd with made-up people and rosterd following it."""

    def __init__(self, bed, people, uri=None):
        self.bed, self.people = bed, people
        bed.unmount()
        name_service("files roster")
        self.ldif = pathlib.Path(f"/var/tmp/people-{people}.ldif")
        if not self.ldif.exists():
            with open(self.ldif, "wb") as file:
                subprocess.run([REPOSITORY / "packaging/lib/sample-people", "--people", str(people),
                                "--groups", "500", "--first-uid", "100000"], stdout=file, check=True)
        act("directory_stop")
        act("directory_make", self.ldif)
        act("directory_start")
        act("write_config", "max_id = 3000000")
        if uri:
            config = pathlib.Path("/etc/roster/roster.toml")
            text = config.read_text(encoding="utf-8")
            config.write_text(text.replace("ldaps://127.0.0.1:636", uri), encoding="utf-8")
        name_service("files roster")
        import ldap  # only here: the other benchmarks do without it
        self.ldap = ldap
        self.connection = ldap.initialize("ldapi://%2Frun%2Fldapi")
        self.connection.sasl_external_bind_s()
        with open(self.ldif, encoding="utf-8") as file:
            names = re.findall(r"^uid: (.*)$", file.read(), re.M)
        self.names = names
        self.daemon = None

    def start(self):
        """Starts rosterd with nothing stored; seconds until the index is complete."""
        self.stop()
        run("find", STATE, "-mindepth", "1", "-delete")
        run("chown", "roster:roster", STATE)
        command = ["setpriv", "--reuid=roster", "--regid=roster", "--groups",
                   run("getent", "-s", "files", "group", "roster-keys").split(":")[2], "--inh-caps=-all",
                   "--bounding-set=-all", "--no-new-privs", "/usr/sbin/rosterd", "--config",
                   "/etc/roster/roster.toml"]
        with open("/run/rosterd.log", "ab") as log:
            start = time.monotonic()
            self.daemon = subprocess.Popen(command, stdout=log, stderr=log,
                                           stdin=subprocess.DEVNULL)
        # A fresh process each time: this one may still hold the index that was there before.
        last = ["getent", "passwd", self.names[-1]]
        while subprocess.run(last, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            time.sleep(0.01)  # a busy loop would take one of the cores that are measured
            if time.monotonic() - start > 300 or self.daemon.poll() is not None:
                raise RuntimeError("rosterd did not load: " + pathlib.Path(
                    "/run/rosterd.log").read_text(encoding="utf-8", errors="replace")[-2000:])
        spent = time.monotonic() - start
        count = run("getent", "-s", "roster", "passwd").count("\n")
        if count != self.people:
            raise RuntimeError(f"{count} of {self.people} people after the first load")
        run("roster", "wait", "--timeout", "60s")
        time.sleep(1.2)  # until this process looks at the path again
        return spent

    def stop(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(timeout=20)
            self.daemon = None

    def resident(self, key):
        text = pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M)[1]) / 1024

    def dn(self, name):
        return f"cn={name},ou=people,dc=example,dc=org"

    def search(self):
        """Seconds ldapsearch takes for the same data over the same kind of connection."""
        start = time.monotonic()
        subprocess.run(
            ["ldapsearch", "-x", "-LLL", "-H", "ldaps://127.0.0.1:636", "-D",
             "cn=roster,ou=services,dc=example,dc=org", "-w", "reader-secret", "-b",
             "dc=example,dc=org", "(|(objectClass=posixAccount)(objectClass=posixGroup))",
             *ASKED],
            stdout=subprocess.DEVNULL, check=True,
            env={**os.environ, "LDAPTLS_CACERT": "/run/tls/ca.pem"})
        return time.monotonic() - start

    def close(self):
        self.stop()
        act("directory_stop")


def known(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


@contextlib.contextmanager
def following(bed, people, uri=None):
    follow = Follow(bed, people, uri)
    try:
        yield follow
    finally:
        follow.close()


@bench
def load(bed, table):
    """first load of 100,000 accounts against ldapsearch; rosterd's memory"""
    with following(bed, USUAL) as follow:
        follow.search()
        ours, theirs = bed.turns(follow.start, follow.search, 3)
        table.ratio("first load of 100,000, against ldapsearch", ours, theirs, 3,
                    seconds=round(statistics.median(ours), 2),
                    ldapsearch=round(statistics.median(theirs), 2))
        time.sleep(5)
        resident(follow, table, 60, 120)


def resident(follow, table, idle_limit, peak_limit):
    """What rosterd holds; the targets are for 100,000 accounts."""
    idle, peak = follow.resident("VmRSS"), follow.resident("VmHWM")
    table.add(f"rosterd resident, {follow.people:,} accounts, idle", idle, "MB",
              f"at most {idle_limit}" if idle_limit else "stated",
              idle <= idle_limit if idle_limit else None)
    table.add(f"rosterd resident, {follow.people:,} accounts, peak of the load", peak, "MB",
              f"at most {peak_limit}" if peak_limit else "stated",
              peak <= peak_limit if peak_limit else None)


@bench
def latency(bed, table):
    """from the directory's acknowledgement to getpwnam, 100,000 accounts"""
    with following(bed, USUAL) as follow:
        follow.start()
        spent = {"add": [], "modify": [], "delete": []}
        for number in range(400):
            name, dn = f"late.comer{number}", follow.dn(f"late.comer{number}")
            follow.connection.add_s(dn, [
                ("objectClass", [b"inetOrgPerson", b"posixAccount"]), ("cn", name.encode()),
                ("sn", b"x"), ("uid", name.encode()), ("uidNumber", str(2_500_000 + number).encode()),
                ("gidNumber", b"10000"), ("homeDirectory", f"/home/{name}".encode())])
            spent["add"].append(seen(lambda: known(name)))
            follow.connection.modify_s(dn, [(follow.ldap.MOD_REPLACE, "loginShell", b"/bin/sh")])
            spent["modify"].append(seen(lambda: known(name).pw_shell == "/bin/sh"))
            follow.connection.delete_s(dn)
            spent["delete"].append(seen(lambda: not known(name)))
            time.sleep(0.002)
        everything = sorted(value for values in spent.values() for value in values)
        median, high = statistics.median(everything), everything[len(everything) * 99 // 100]
        medians = {key: round(statistics.median(values), 2) for key, values in spent.items()}
        table.add("change acknowledged until getpwnam shows it, median", median, "ms",
                  "at most 10", median <= 10, **medians)
        table.add("change acknowledged until getpwnam shows it, 99th percentile", high, "ms",
                  "at most 50", high <= 50, largest=round(everything[-1], 1))


def seen(condition):
    """Milliseconds until the condition holds."""
    start = time.perf_counter()
    while not condition():
        if time.perf_counter() - start > 10:
            raise RuntimeError("a change was not seen within 10 s")
    return (time.perf_counter() - start) * 1000


@bench
def burst(bed, table):
    """5,000 changes of persons until all are visible, against ldapmodify's own time"""
    with following(bed, USUAL) as follow:
        follow.start()
        ratios, spent = [], []
        for turn in range(3):
            shell = ["/bin/sh", "/bin/bash", "/bin/sh"][turn]
            chosen = bed.random.sample(follow.names, 5000)
            chosen = [name for name in chosen if known(name).pw_shell != shell]
            file = bed.work / "burst.ldif"
            file.write_text("".join(
                f"dn: {follow.dn(name)}\nchangetype: modify\nreplace: loginShell\n"
                f"loginShell: {shell}\n\n" for name in chosen), encoding="ascii")
            start = time.monotonic()
            run("ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", "ldapi://%2Frun%2Fldapi", "-f", file)
            modified = time.monotonic() - start
            waiting = chosen
            while waiting:
                waiting = [name for name in waiting if known(name).pw_shell != shell]
                if time.monotonic() - start > 120:
                    raise RuntimeError(f"{len(waiting)} changes of the burst never came")
            spent.append(time.monotonic() - start)
            ratios.append(spent[-1] / modified)
        value = statistics.median(ratios)
        table.add("burst of 5,000 changes until all visible, against ldapmodify", value, "",
                  "at most 1.2", value <= 1.2, seconds=round(statistics.median(spent), 2))


@bench
def silence(bed, table):
    """index publications caused by 1,000 failed binds and 1,000 no-op modifies"""
    with following(bed, 1000) as follow:
        follow.start()

        def publications():
            return json.loads(run("roster", "status", "--json"))["publications"]
        before = publications()
        for number in range(1000):
            name = follow.names[number]
            with contextlib.suppress(follow.ldap.INVALID_CREDENTIALS):
                probe = follow.ldap.initialize("ldapi://%2Frun%2Fldapi")
                probe.simple_bind_s(follow.dn(name), "wrong")
            probe.unbind_s()
            follow.connection.modify_s(follow.dn(name), [
                (follow.ldap.MOD_REPLACE, "homeDirectory", f"/home/{name}".encode())])
        time.sleep(2)
        more = publications() - before
        table.add("publications by 1,000 failed binds and 1,000 no-op modifies", more,
                  "publications", "0", more == 0)
        follow.connection.modify_s(follow.dn(follow.names[0]),
                                   [(follow.ldap.MOD_REPLACE, "loginShell", b"/bin/sh")])
        seen(lambda: known(follow.names[0]).pw_shell == "/bin/sh")
        if publications() == before:
            raise RuntimeError("a real change published nothing either")


@bench
def million(bed, table):
    """rosterd's memory and load time with 1,000,000 accounts (takes minutes)"""
    with following(bed, LARGE) as follow:
        seconds = follow.start()
        table.add("first load of 1,000,000 accounts", seconds, "s", "stated", None)
        time.sleep(10)
        resident(follow, table, None, None)


# Those of logins are in a file of their own, which registers them here.
sys.modules["bench"] = sys.modules[__name__]
import login_bench  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
import password_bench  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
import fleet_bench  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import


def is_long(function):
    """Whether it takes too long for a run without names, other than that of the night."""
    return getattr(function, "by_name_only", False)


def main():
    if sys.argv[1] == "list":
        for name, function in BENCHES.items():
            print(f"{name:<13} {function.__doc__}{' (by name only)' if is_long(function) else ''}")
        return 0
    bed, table = Bed(*sys.argv[1:4]), Table()
    wanted = sys.argv[4:] or [name for name, function in BENCHES.items()
                              if not is_long(function) or os.environ.get("NIGHTLY") == "1"]
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"bench: there is no {', '.join(unknown)}; see Tests/bench list", file=sys.stderr)
        return 2
    problems = []
    for name in wanted:
        try:
            BENCHES[name](bed, table)
        except Exception as problem:  # pylint: disable=broad-except
            problems.append({"name": name, "problem": str(problem)})
            print(f"{name}: could not be measured: {problem}", flush=True)
    bed.unmount()
    result = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cores": os.cpu_count(),
              "kernel": os.uname().release, "rows": table.rows, "not_measured": problems}
    (REPOSITORY / "bench-latest.json").write_text(json.dumps(result, indent=1) + "\n",
                                                  encoding="utf-8")
    missed = [row for row in table.rows if row["verdict"] == "MISSED"]
    print(f"\n{len(table.rows)} figures, {len(missed)} targets missed, "
          f"{len(problems)} not measured; written to bench-latest.json")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
