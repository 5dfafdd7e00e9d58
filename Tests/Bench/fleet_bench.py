"""The benchmark of a fleet: many simulated hosts on one slapd; bench.py imports this, see Tests/bench.

The hosts are Tests/FleetTool: the connection, requests, waits and comparisons of rosterd without its
store, and without looking into the entries of a load, one thread each in one process. They and slapd
share the cores of this machine, so times are those of both together; processor seconds are slapd's
alone, and what arithmetic for other machines starts from.
"""
import os
import pathlib
import re
import resource
import statistics
import subprocess
import time

from bench import act, bench, following, run

READER, PASSWORD = "cn=roster,ou=services,dc=example,dc=org", "reader-secret"
PEOPLE = int(os.environ.get("BENCH_FLEET_PEOPLE") or "20000")
SIZES = [int(size) for size in (os.environ.get("BENCH_FLEET") or "1 10 100 500").split()]
CHANGES, PER_SECOND = 200, 20
# What rosterd lets pass between two comparisons by default.
COMPARE_INTERVAL = 3600
# Descriptors that slapd may have; its table of connections is made for as many.
DESCRIPTORS = 4096


class Slapd:
    """The process, as the kernel accounts for it."""

    def __init__(self):
        self.began = 0.0  # when it was started last
        self.restart()

    def restart(self):
        act("directory_stop")
        self.begin()

    def begin(self):
        self.began = time.monotonic()
        act("directory_start")
        self.pid = int(pathlib.Path("/run/slapd.pid").read_text(encoding="ascii"))

    def cpu(self):
        """Processor seconds so far: the processor clock of another process, see clock_getcpuclockid(3)."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def memory(self, key="Anonymous", file="smaps_rollup"):
        """KiB; Anonymous: without the mapped database, which is the page cache's."""
        text = pathlib.Path(f"/proc/{self.pid}/{file}").read_text(encoding="ascii")
        return int(re.search(rf"^{key}:\s+(\d+)", text, re.M)[1])

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))


def carried():
    """Octets that the loopback interface of the room carried so far, both ways, with all headers."""
    for line in pathlib.Path("/proc/net/dev").read_text(encoding="ascii").splitlines():
        if line.strip().startswith("lo:"):
            return int(line.split()[1])
    raise RuntimeError("no loopback interface")


class Hosts:
    """A process of fleet-tool."""

    def __init__(self, tool, count):
        self.count = count
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [tool, "ldaps://127.0.0.1:636", "/run/tls/ca.pem", READER, PASSWORD, "dc=example,dc=org",
             str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.syncs = 0

    def ask(self, *words):
        """The lines before the last, and the pairs of the last."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError("fleet-tool ended")
            words = line.split()
            if words[0] == "done":
                return lines, {key: int(value) for key, value in zip(words[1::2], words[2::2])}
            lines.append(line.rstrip())

    def start(self, spread=0.0, jitter=True):
        self.ask("start", round(spread * 1000), int(jitter))

    def settled(self, began, limit=1800):
        """Waits until every host came in sync once more; what they say then, with seconds."""
        self.syncs += self.count
        while True:
            notes, state = self.ask("state")
            if state["syncs"] >= self.syncs and state["insync"] == self.count:
                break
            if time.monotonic() - began > limit:
                raise RuntimeError(f"{state['insync']} of {self.count} hosts in sync after {limit} s: "
                                   + "; ".join(notes))
            time.sleep(0.05)
        state["seconds"] = state["last"] / 1e9 - began
        state["median_seconds"] = state["median"] / 1e9 - began
        return state

    def compared(self, count, limit=600):
        """Waits until so many comparisons were made; the state then."""
        began = time.monotonic()
        while True:
            notes, state = self.ask("state")
            if state["comparisons"] >= count:
                return state
            if time.monotonic() - began > limit:
                raise RuntimeError(f"{state['comparisons']} of {count} comparisons: {notes}")
            time.sleep(0.2)

    def quiet(self, slapd):
        """Waits until slapd has nothing left to do."""
        before = slapd.cpu()
        while True:
            time.sleep(1)
            now = slapd.cpu()
            if now - before < 0.03 + 0.0005 * self.count:
                return
            before = now

    def close(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.wait(timeout=60)


class Fleet:
    """slapd, its people, and what was measured with one host, to compare with."""

    def __init__(self, follow, tool, table):
        self.follow, self.tool, self.table = follow, tool, table
        self.slapd = Slapd()
        self.first = {}
        self.change = 0

    def row(self, count, figure, value, unit, **details):
        """A stated figure, with its ratio to that of the smallest fleet."""
        base = self.first.setdefault(figure, value)
        if count != SIZES[0] and base:
            details["ratio"] = round(value / base, 2)
        self.table.add(f"{count} hosts: {figure}", value, unit, "stated", None, **details)

    def modify(self, count, pause=0.0):
        """Changes of a person's shell; when each was sent to slapd."""
        sent, due = {}, time.monotonic()
        for _ in range(count):
            self.change += 1
            name = self.follow.names[self.change % len(self.follow.names)]
            sent[self.change] = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            self.follow.connection.modify_s(self.follow.dn(name), [
                (self.follow.ldap.MOD_REPLACE, "loginShell", f"/fleet/{self.change}".encode())])
            due += pause
            time.sleep(max(0.0, due - time.monotonic()))
        return sent

    def reconnect(self):
        """The connection that changes are made on, after a restart."""
        self.follow.connection = self.follow.ldap.initialize("ldapi://%2Frun%2Fldapi")
        self.follow.connection.sasl_external_bind_s()

    def restart(self):
        self.slapd.restart()
        self.reconnect()

    def measure(self, count):
        self.restart()
        self.follow.search()  # what the first reading of the database costs is nobody's price
        hosts = Hosts(self.tool, count)
        try:
            self.cold(hosts, "cold start, all at once", 0.0)
            hosts.ask("pause")
            self.restart()
            self.follow.search()
            hosts.close()
            hosts = Hosts(self.tool, count)
            before = self.slapd.memory(), self.slapd.descriptors
            self.cold(hosts, "cold start within 60 s", min(60.0, 0.5 * count))
            hosts.quiet(self.slapd)
            self.held(hosts, *before)
            self.idle(hosts)
            self.changes(hosts)
            self.compare(hosts)
            self.resume(hosts, "resume, session log kept", False)
            self.resume(hosts, "resume, session log lost", True)
            for jitter in (False, True):
                self.bounce(hosts, jitter)
        finally:
            hosts.close()

    def cold(self, hosts, label, spread):
        self.slapd.forget_peak()
        cpu, octets, began = self.slapd.cpu(), carried(), time.monotonic()
        hosts.start(spread)
        state = hosts.settled(began)
        spent, octets = self.slapd.cpu() - cpu, carried() - octets
        if state["entries"] < PEOPLE * hosts.count:
            raise RuntimeError(f"{state['entries']} entries for {hosts.count} hosts")
        self.row(hosts.count, f"{label}: until the last is in sync", state["seconds"], "s",
                 median=round(state["median_seconds"], 2), failures=state["failures"])
        self.row(hosts.count, f"{label}: slapd's processor time a host", spent / hosts.count, "s",
                 mb_a_host=round(octets / hosts.count / 1e6, 2))
        self.row(hosts.count, f"{label}: slapd's peak memory",
                 self.slapd.memory("VmHWM", "status") / 1024, "MB")

    def held(self, hosts, memory, descriptors):
        more = self.slapd.memory() - memory
        self.row(hosts.count, "memory that slapd holds more, a host", more / hosts.count, "KiB",
                 all_kib=more, pss_mb=round(self.slapd.memory("Pss") / 1024),
                 threads=self.slapd.threads)
        self.row(hosts.count, "descriptors a host",
                 (self.slapd.descriptors - descriptors) / hosts.count, "descriptors")

    def idle(self, hosts):
        """Every host asks every 30 s whether slapd still answers."""
        before = hosts.ask("state")[1]["syncs"]
        cpu = self.slapd.cpu()
        time.sleep(30)
        self.row(hosts.count, "idle: slapd's processor time in an hour, a host",
                 (self.slapd.cpu() - cpu) * 120 / hosts.count, "s",
                 reconnects=hosts.ask("state")[1]["syncs"] - before)

    def changes(self, hosts):
        hosts.ask("changes")
        octets = carried()
        cpu, began = self.slapd.cpu(), time.monotonic()
        sent = self.modify(CHANGES, 1 / PER_SECOND)
        lasted = time.monotonic() - began
        hosts.quiet(self.slapd)
        spent, octets = self.slapd.cpu() - cpu, carried() - octets
        seen = {}
        for line in hosts.ask("changes")[0]:
            words = line.split()
            seen[int(words[1])] = dict(zip(words[2::2], map(int, words[3::2])))
        short = [number for number in sent
                 if seen.get(number, {}).get("hosts") != hosts.count]
        if short:
            raise RuntimeError(f"{len(short)} of {CHANGES} changes did not reach every host")
        for place in ("last", "median"):
            delays = sorted((seen[number][place] - at) / 1e6 for number, at in sent.items())
            self.row(hosts.count, f"change until the {place} host has it, median",
                     statistics.median(delays), "ms",
                     p99=round(delays[len(delays) * 99 // 100], 1))
        self.row(hosts.count, "slapd's processor time a change", spent * 1000 / CHANGES, "ms",
                 a_host_us=round(spent * 1e6 / CHANGES / hosts.count),
                 octets_a_host=round(octets / CHANGES / hosts.count),
                 share=f"{spent / lasted:.0%} of a core", per_second=round(CHANGES / lasted, 1))

    def compare(self, hosts):
        together = min(hosts.count, 50)
        cpu, octets = self.slapd.cpu(), carried()
        _, result = hosts.ask("compare", together)
        spent = (self.slapd.cpu() - cpu) / together
        if result["failures"] or result["entries"] < PEOPLE * together:
            raise RuntimeError(f"comparisons failed: {result}")
        self.row(hosts.count, "slapd's processor time a comparison", spent, "s", at_once=together,
                 each_hour_all=f"{spent * hosts.count / COMPARE_INTERVAL:.2%} of a core",
                 took=round(result["took"] / 1e9, 2),
                 mb=round((carried() - octets) / together / 1e6, 2))

    def resume(self, hosts, label, restarts):
        """All hosts come back at once after 100 changes; each compares, as rosterd does."""
        hosts.ask("pause")
        before = hosts.ask("state")[1]
        self.modify(100)
        if restarts:
            self.restart()
        cpu, began = self.slapd.cpu(), time.monotonic()
        hosts.start()
        state = hosts.settled(began)
        resumed = self.slapd.cpu() - cpu
        after = hosts.compared(before["comparisons"] + hosts.count)
        hosts.quiet(self.slapd)
        spent = self.slapd.cpu() - cpu
        self.row(hosts.count, f"{label}: until the last is in sync", state["seconds"], "s",
                 median=round(state["median_seconds"], 2),
                 named_a_host=round((state["named"] - before["named"]) / hosts.count),
                 failures=after["failures"] - before["failures"])
        self.row(hosts.count, f"{label}: slapd's processor time a host", spent / hosts.count, "s",
                 until_in_sync=round(resumed / hosts.count, 4))

    def bounce(self, hosts, jitter):
        """slapd is restarted under its hosts, which find back by themselves."""
        label = "slapd restarted, jitter " + ("on" if jitter else "off")
        hosts.ask("start", 0, int(jitter))
        before = hosts.ask("state")[1]
        self.restart()
        cpu, began = self.slapd.cpu(), self.slapd.began
        state = hosts.settled(began)
        after = hosts.compared(before["comparisons"] + hosts.count)
        compared = time.monotonic() - began
        self.row(hosts.count, f"{label}: until the last is in sync", state["seconds"], "s",
                 median=round(state["median_seconds"], 2),
                 compared=round(compared, 1), failures=after["failures"] - before["failures"],
                 slapd_cpu=round(self.slapd.cpu() - cpu, 2))


@bench
def fleet(bed, table):
    """1 to 500 hosts on one slapd (a quarter of an hour)"""
    tool = pathlib.Path(bed.tool).with_name("fleet-tool")
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with following(bed, PEOPLE) as follow:
        run("ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", "ldapi://%2Frun%2Fldapi",
            input="dn: cn=config\nchangetype: modify\nreplace: olcLogLevel\nolcLogLevel: none\n")
        whole = Fleet(follow, tool, table)
        for count in SIZES:
            whole.measure(count)


fleet.by_name_only = True
