// Whether files belong to whom they must, and nobody else can change or read them.
internal import Settings

/// What a file or folder must be.
private struct FileRule {
    let path: String
    let id: FindingID
    let kind: FileState.Kind
    /// The users whom it may belong to, by name.
    let owners: [String]
    /// The group it must have; `nil`: any.
    var group: String?
    /// The permissions it must not have.
    let forbidden: UInt32
    /// The permissions it must have.
    let needed: UInt32
    /// What sets it right.
    let fix: String
}

/// Checks owners and modes.
func checkFiles(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.files)
    guard host.isJoined else { return result }
    for rule in rules(host) { check(rule, host, &result) }
    if let settings = host.usableSettings { checkSecrets(settings, host, &result) }
    return result
}

private func rules(_ host: DoctorHost) -> [FileRule] {
    let file = host.paths.configuration
    let folder = file.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    let state = host.paths.stateFolder
    let run = host.paths.runFolder
    return [
        FileRule(
            path: folder, id: .filesConfiguration, kind: .folder, owners: ["root"],
            forbidden: 0o022, needed: 0o755, fix: "chown root:root \(folder); chmod 0755 \(folder)"),
        FileRule(
            path: file, id: .filesConfiguration, kind: .file, owners: ["root"],
            forbidden: 0o022, needed: 0o444, fix: "chown root:root \(file); chmod 0644 \(file)"),
        FileRule(
            path: state, id: .filesState, kind: .folder, owners: ["roster"], forbidden: 0o022,
            needed: 0o755, fix: "chown roster:roster \(state); chmod 0755 \(state)"),
        FileRule(
            path: "\(state)/store", id: .filesStore, kind: .folder, owners: ["roster"],
            forbidden: 0o077, needed: 0o700,
            fix: "chown roster:roster \(state)/store; chmod 0700 \(state)/store"),
        FileRule(
            path: "\(state)/index", id: .filesIndex, kind: .folder, owners: ["roster"],
            forbidden: 0o022, needed: 0o755,
            fix: "chown roster:roster \(state)/index; chmod 0755 \(state)/index"),
        FileRule(
            path: "\(state)/index/public.1", id: .filesIndex, kind: .file,
            owners: ["roster", "root"], forbidden: 0o022, needed: 0o444,
            fix: "chown roster \(state)/index/public.1; chmod 0644 \(state)/index/public.1"),
        FileRule(
            path: "\(state)/index/gate.1", id: .filesGate, kind: .file, owners: ["roster", "root"],
            group: "roster-keys", forbidden: 0o037, needed: 0o440,
            fix: "chown roster:roster-keys \(state)/index/gate.1; chmod 0640 \(state)/index/gate.1"),
        FileRule(
            path: run, id: .filesSocket, kind: .folder, owners: ["root", "roster"],
            forbidden: 0o022, needed: 0o755, fix: "chmod 0755 \(run)"),
        FileRule(
            path: "\(run)/login.sock", id: .filesSocket, kind: .socket, owners: ["root", "roster"],
            forbidden: 0, needed: 0o666, fix: "systemctl restart rosterd.socket rosterd"),
        FileRule(
            path: "\(run)/control.sock", id: .filesSocket, kind: .socket,
            owners: ["root", "roster"], forbidden: 0, needed: 0o666,
            fix: "systemctl restart rosterd.socket rosterd"),
    ]
}

/// What is not there is another check's business.
private func check(_ rule: FileRule, _ host: DoctorHost, _ result: inout CheckResult) {
    guard let state = host.state(rule.path) else { return }
    var faults: [String] = []
    if state.kind != rule.kind { faults.append("is not what it should be") }
    let owners = rule.owners.compactMap { name in
        name == "root" ? 0 : host.account(name)?.uid
    }
    if owners.count < rule.owners.count {
        result.couldNotSee("whose \(rule.path) is: lookups of local accounts fail")
    } else if !owners.contains(state.owner) {
        faults.append("belongs to uid \(state.owner) and not to \(rule.owners[0])")
    }
    if let group = rule.group.flatMap({ host.group($0) }), state.group != group {
        faults.append("has gid \(state.group) and not that of \(rule.group ?? "")")
    }
    if state.mode & rule.forbidden != 0 {
        faults.append("is open to others (mode \(octal(state.mode)))")
    } else if state.mode & rule.needed != rule.needed {
        faults.append("cannot be used by all who need it (mode \(octal(state.mode)))")
    }
    if faults.isEmpty {
        result.isFine(rule.path)
    } else {
        result.found(
            rule.id, "\(rule.path) \(faults.joined(separator: " and "))", fix: rule.fix)
    }
}

/// Four digits.
private func octal(_ mode: UInt32) -> String {
    let digits = String(mode & 0o7777, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

/// The passwords of the directory: nobody but root changes them, others never read them.
private func checkSecrets(
    _ settings: Settings, _ host: DoctorHost, _ result: inout CheckResult
) {
    var paths: [String] = []
    if case .simple(_, let path?) = settings.directory.bind { paths.append(path) }
    if let path = settings.login.resetPasswordFile { paths.append(path) }
    let group = host.group("roster")
    for path in paths {
        guard let state = host.state(path) else {
            result.found(
                .filesSecret, "the password file \(path) is not there",
                fix: "write the password of the bind DN into it: install -m 600 /dev/stdin \(path)")
            continue
        }
        let isOpen =
            state.mode & 0o037 != 0
            || (state.mode & 0o040 != 0 && group != nil && state.group != group)
        if state.kind != .file || state.owner != 0 || isOpen {
            result.found(
                .filesSecret,
                "the password file \(path) must belong to root and be readable by nobody else but "
                    + "the group roster (mode \(octal(state.mode)), uid \(state.owner))",
                fix: "chown root:roster \(path); chmod 0640 \(path)")
        } else if state.mode & 0o040 == 0, !isCredential(path, host) {
            result.found(
                .filesSecret,
                "the password file \(path) can be read by root only, and systemd does not hand it to "
                    + "rosterd",
                fix: "chown root:roster \(path); chmod 0640 \(path)")
        } else {
            result.isFine(path)
        }
    }
}

/// Whether a drop-in of the unit hands the file over: LoadCredential=NAME:PATH.
private func isCredential(_ path: String, _ host: DoctorHost) -> Bool {
    let folder = "/etc/systemd/system/rosterd.service.d"
    return (host.list(folder) ?? []).contains { name in
        (host.read("\(folder)/\(name)").text ?? "").split(separator: "\n").contains {
            $0.hasPrefix("LoadCredential=") && $0.hasSuffix(":\(path)")
        }
    }
}
