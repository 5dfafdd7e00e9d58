"""The benchmarks of password logins, through the login socket; bench.py imports this."""
import contextlib
import pathlib
import socket
import statistics
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from bench import REPOSITORY, act, bench
from login_bench import OURS, host

LOGIN_SOCKET = "/run/roster/login.sock"
# The words of the verdicts that are told apart here, see Sources/Accounts/LoginVerdict.swift.
ACCEPTED, UNDECIDABLE = 1, 16
RELAY, DELAY = 6636, pathlib.Path("/run/bench.delay")


def ask(name, password):
    """One request as the PAM module makes it: the verdict, whether a verifier gave it, seconds."""
    fields = (name, "bench", "", password, "")
    payload = bytes([1, 0]) + b"".join(
        struct.pack(">H", len(text)) + text.encode() for text in fields)
    start = time.perf_counter()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(LOGIN_SOCKET)
        client.sendall(struct.pack(">IB", len(payload) + 1, 1) + payload)
        reply = b""
        while octets := client.recv(4096):
            reply += octets
    return reply[5], bool(reply[6]), time.perf_counter() - start


def login(name=OURS, is_offline=False):
    """Seconds that a login takes that must be accepted."""
    verdict, by_verifier, seconds = ask(name, "bench-secret")
    if (verdict, by_verifier) != (ACCEPTED, is_offline):
        raise RuntimeError(f"verdict {verdict}, by a verifier: {by_verifier}")
    return seconds


@bench
def password(bed, table):
    """password login through the login socket against the bare bind; with the directory frozen"""
    with host(bed) as follow:
        follow.ldap.set_option(follow.ldap.OPT_X_TLS_CACERTFILE, "/run/tls/ca.pem")
        bare = follow.ldap.initialize("ldaps://127.0.0.1:636")

        def bind():
            start = time.perf_counter()
            bare.simple_bind_s(follow.dn(OURS), "bench-secret")
            return time.perf_counter() - start
        for _ in range(20):
            bind()
            login()
        ours, theirs = bed.turns(login, bind, 300)
        ours, theirs = [statistics.median(list) * 1000 for list in (ours, theirs)]
        more = ours - 1.3 * theirs
        table.add("password login, over 1.3 times the bare bind on a kept connection", more, "ms",
                  "at most 2", more <= 2, ms=round(ours, 2), bind_ms=round(theirs, 2))
        time.sleep(1)  # until the verifier is made
        act("directory_freeze")
        try:
            first = login(is_offline=True)
            following = [login(is_offline=True) for _ in range(20)]
        finally:
            act("directory_thaw")
        table.add("password login, directory frozen: the first", first, "s", "at most 3.3",
                  first <= 3.3)
        table.add("password login, directory frozen: the largest of 20 following",
                  max(following) * 1000, "ms", "at most 300", max(following) <= 0.3,
                  median=round(statistics.median(following) * 1000))


@contextlib.contextmanager
def relay():
    """slapd by way of a relay whose answers can be late."""
    DELAY.unlink(missing_ok=True)
    with subprocess.Popen(["/usr/bin/python3", REPOSITORY / "Tests/System/relay.py", str(RELAY),
                           "636", "0", DELAY], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@bench
def many_passwords(bed, table):
    """100 password logins at once, the directory answers in 200 ms"""
    with relay(), host(bed, uri=f"ldaps://127.0.0.1:{RELAY}"):
        login()
        DELAY.write_text("0.2", encoding="ascii")
        with ThreadPoolExecutor(100) as pool:
            spent = sorted(pool.map(lambda _: login(), range(100)))
        table.add("100 password logins at once, answers in 200 ms: the slowest", spent[-1], "s",
                  "at most 2", spent[-1] <= 2, median=round(statistics.median(spent), 2))
