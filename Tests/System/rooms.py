"""rooms.py REPOSITORY [TRAIT]: holds the package against the table of rooms; prints what differs."""
import json
import pathlib
import re
import subprocess
import sys

# room: (rooms it may import, packages' products it may import). CLibc, the C library's own headers,
# is open to all. Rooms that are not built yet stay in the table.
ROOMS = {
    "CLibc": (set(), set()),
    "CPAM": (set(), set()),
    "CLDAP": (set(), set()),
    "COpenSSL": (set(), set()),
    "Accounts": (set(), set()),
    "AccountIndex": ({"Accounts"}, set()),
    "DaemonProtocol": ({"Accounts"}, set()),
    "NSSModule": ({"AccountIndex", "Accounts"}, set()),
    "PAMModule": ({"AccountIndex", "DaemonProtocol", "Accounts", "CPAM"}, set()),
    "AuthorizedKeys": ({"AccountIndex", "Accounts"}, set()),
    "LDAPClient": ({"CLDAP", "COpenSSL"}, {"SwiftASN1"}),
    "DirectorySync": ({"LDAPClient", "Accounts"}, set()),
    "AccountStore": ({"Accounts"}, {"GRDB", "GRDBSQLite"}),
    "Credentials": ({"COpenSSL"}, set()),
    "Settings": ({"Accounts"}, {"TOMLKit"}),
    "RosterDaemon": ({"DirectorySync", "LDAPClient", "AccountStore", "AccountIndex", "Credentials",
                      "Settings", "DaemonProtocol", "Accounts"},
                     {"Logging", "NIOCore", "NIOPosix", "ServiceLifecycle", "UnixSignals"}),
    "rosterd": ({"RosterDaemon", "roster", "Settings"}, {"ArgumentParser", "Logging"}),
    "roster": ({"RosterDaemon", "Settings", "LDAPClient", "DaemonProtocol", "AccountIndex",
                "Accounts"}, {"ArgumentParser"}),
}
# Rooms that also run inside other people's processes: no Foundation, no package.
EMBEDDED = {"Accounts", "AccountIndex", "DaemonProtocol", "NSSModule", "PAMModule",
            "AuthorizedKeys"}
# A C library is one room's business (OpenSSL: two rooms, two duties).
ONLY_FOR = {"CLDAP": {"LDAPClient"}, "COpenSSL": {"LDAPClient", "Credentials"},
            "CPAM": {"PAMModule"}, "GRDB": {"AccountStore"}, "GRDBSQLite": {"AccountStore"},
            "TOMLKit": {"Settings"}}
TOP_LEVEL = {"Package.swift", "Package.resolved", "Sources", "Tests", "pam", "nss", "packaging",
             "README.md", "LICENSE"}
IMPORT = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public |internal |private |fileprivate |package )?"
                    r"import (?:struct |class |enum |func |typealias |var |let )?(\w+)", re.M)


def shared_part(text):
    """The lines that Embedded Swift compiles too: without what `#if !hasFeature(Embedded)` holds."""
    kept, depth, skipped_at = [], 0, None
    for line in text.splitlines():
        word = line.strip()
        if word.startswith("#if"):
            depth += 1
            if skipped_at is None and word == "#if !hasFeature(Embedded)":
                skipped_at = depth
        if skipped_at is None:
            kept.append(line)
        if word.startswith("#else") and skipped_at == depth:
            skipped_at = None
        if word.startswith("#endif"):
            if skipped_at == depth:
                skipped_at = None
            depth -= 1
    return "\n".join(kept)


def described(repository, trait):
    command = ["swift", "package", "--package-path", repository, "describe", "--type", "json"]
    if trait:
        command[2:2] = ["--traits", trait]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def faults_of_target(target):
    name = target["name"]
    if target["type"] == "test" or target["path"].startswith("Tests/"):
        return
    if name not in ROOMS:
        yield f"{name} is not in the table of rooms"
        return
    rooms, products = ROOMS[name]
    for other in target.get("target_dependencies", []):
        if other not in rooms | {"CLibc"}:
            yield f"{name} may not depend on {other}"
    for other in target.get("product_dependencies", []):
        if other not in products:
            yield f"{name} may not depend on the product {other}"


def faults_of_imports(repository, target):
    name = target["name"]
    if target["path"].startswith("Tests/") or name not in ROOMS:
        return
    declared = set(target.get("target_dependencies", [])) | set(target.get("product_dependencies", []))
    for file in sorted((pathlib.Path(repository) / target["path"]).rglob("*.swift")):
        text = file.read_text(encoding="utf-8")
        for module in IMPORT.findall(shared_part(text)):
            if name in EMBEDDED and module.startswith("Foundation"):
                yield f"{file.relative_to(repository)} imports {module} into other people's processes"
        for module in IMPORT.findall(text):
            where = f"{file.relative_to(repository)} imports {module}"
            if module in ROOMS and module not in declared and module != name:
                yield f"{where}, which its room does not declare"
            if module in ONLY_FOR and name not in ONLY_FOR[module]:
                yield f"{where}, which belongs to {', '.join(sorted(ONLY_FOR[module]))}"


def cycles():
    """The table itself: a room never reaches itself."""
    for start in ROOMS:
        seen, waiting = set(), list(ROOMS[start][0])
        while waiting:
            room = waiting.pop()
            if room == start:
                yield f"{start} reaches itself"
                break
            if room not in seen:
                seen.add(room)
                waiting.extend(ROOMS[room][0])


def main():
    repository = sys.argv[1]
    package = described(repository, sys.argv[2] if len(sys.argv) > 2 else None)
    faults = list(cycles())
    for target in package["targets"]:
        faults.extend(faults_of_target(target))
        faults.extend(faults_of_imports(repository, target))
    for entry in pathlib.Path(repository).iterdir():
        if not entry.name.startswith(".") and entry.name not in TOP_LEVEL \
                and not entry.name.startswith("bench-"):
            faults.append(f"{entry.name} does not belong on the top level")
    if not [target for target in package["targets"] if target["name"] == "rosterd"]:
        faults.append("there is no rosterd in the package: was this the right folder?")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
