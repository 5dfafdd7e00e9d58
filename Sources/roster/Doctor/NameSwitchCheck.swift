// Whether lookups reach roster, and local accounts are safe from it.

/// Checks nsswitch.conf and the module that it names.
func checkNameSwitch(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.nsswitch)
    let path = "/etc/nsswitch.conf"
    let text: String
    switch host.read(path) {
    case .text(let content): text = content
    case .absent: text = ""
    case .refused(let reason):
        result.couldNotSee("\(path): \(reason)")
        return result
    }
    let table = NameSwitch(text)
    for database in ["passwd", "group"] {
        check(table.lines[database] ?? SwitchLine.builtIn, database, host, &result)
    }
    checkOthers(table, &result)
    checkModule(table, host, &result)
    return result
}

extension SwitchLine {
    /// What glibc does for passwd and group without a line.
    fileprivate static let builtIn = SwitchLine(services: [Service(name: "files")])
}

/// The line that belongs into the file, without `service` if one is named.
///
/// It begins with `files` whatever the line was, so that local accounts are never lost by it.
private func wanted(
    _ line: SwitchLine, _ database: String, without service: String? = nil
) -> String {
    let others = line.services.map(\.name).filter {
        !["files", "roster", "compat"].contains($0) && $0 != service
    }
    return "in /etc/nsswitch.conf write: \(database): "
        + (["files", "roster"] + others).joined(separator: " ")
}

private func check(
    _ line: SwitchLine, _ database: String, _ host: DoctorHost, _ result: inout CheckResult
) {
    let fix = wanted(line, database)
    let local = line.place(of: "files") ?? line.place(of: "compat")
    let isKnownLocally = { (name: String) -> SwitchStatus in
        ["files", "compat"].contains(name) ? .success : .notFound
    }
    if local == nil || !line.finds(isKnownLocally) {
        result.found(
            .nssLocalLost, "the line \(database) loses what the local files say", fix: fix)
    }
    guard let place = line.place(of: "roster") else {
        if host.isJoined {
            result.found(
                .nssMissing,
                "lookups of \(database) do not ask roster, so nobody of the directory is known",
                fix: fix)
        }
        return
    }
    if let local, place < local {
        result.found(
            .nssBeforeFiles, "lookups of \(database) ask roster before the local files", fix: fix)
    }
    let isReached = [SwitchStatus.notFound, .unavailable].allSatisfy { other in
        line.reaches("roster") {
            ["files", "compat"].contains($0) ? .notFound : other
        }
    }
    if !isReached {
        result.found(
            .nssCutOff, "an action in the line \(database) ends lookups before they reach roster",
            fix: fix)
    }
    for name in ["sss", "ldap", "winbind", "nis", "compat"] where line.place(of: name) != nil {
        result.found(
            .nssBeside,
            "lookups of \(database) also ask \(name), whose accounts roster cannot judge",
            fix: (name == "compat" ? "replace compat by files: " : "if it serves the same people, ")
                + wanted(line, database, without: name))
    }
    result.isFine("\(database): \(line.services.map(\.name).joined(separator: ", "))")
}

private func checkOthers(_ table: NameSwitch, _ result: inout CheckResult) {
    if let line = table.lines["initgroups"], line.place(of: "roster") == nil {
        result.found(
            .nssInitgroups,
            "the line initgroups does not name roster, so people have none of their groups",
            fix: "take the line initgroups out of /etc/nsswitch.conf, or add roster to it")
    }
    for database in ["shadow", "gshadow"] where table.lines[database]?.place(of: "roster") != nil {
        result.found(
            .nssShadow, "the line \(database) names roster, which serves no passwords",
            fix: "take roster out of the line \(database) of /etc/nsswitch.conf")
    }
}

private func checkModule(
    _ table: NameSwitch, _ host: DoctorHost, _ result: inout CheckResult
) {
    let file = "libnss_roster.so.2"
    let isNamed = table.lines.values.contains { $0.place(of: "roster") != nil }
    let fix = "reinstall the package: apt-get install --reinstall roster"
    guard let path = host.library(file), let state = host.state(path) else {
        if isNamed || host.isJoined {
            result.found(.nssModule, "the module \(file) is in no library folder", fix: fix)
        }
        return
    }
    if state.kind == .file,
        state.owner != 0 || state.mode & 0o022 != 0 || state.mode & 0o444 != 0o444
    {
        result.found(
            .nssModule, "\(path) must belong to root, be readable by all and writable by root only",
            fix: "chown root:root \(path); chmod 0644 \(path)")
    }
    result.isFine(path)
}

/// Checks for programs that go on giving old answers.
func checkCaches(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.caches)
    for name in ["nscd", "unscd"] {
        if host.runs(name) {
            result.found(
                .nscdRunning,
                "\(name) keeps old answers: changes of the directory are seen minutes late",
                fix: "systemctl disable --now \(name), or in /etc/nscd.conf write: "
                    + "enable-cache passwd no, and the same for group")
        } else if host.state("/usr/sbin/\(name)") != nil {
            result.found(
                .nscdInstalled, "\(name) is installed and would keep old answers if it ran",
                fix: "apt-get remove \(name)")
        } else {
            result.isFine("\(name) is not installed")
        }
    }
    return result
}
