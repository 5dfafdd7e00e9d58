// Whether one person can log in, as far as that can be said beforehand.
internal import DaemonProtocol

/// Checks one person: known to the host, admitted, with a shell that sshd accepts.
func checkUser(_ name: String, _ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.user)
    guard let account = host.account(name) else {
        unknown(name, host, &result)
        return result
    }
    if isListed(name, host) {
        result.found(
            .userLocal, "\(name) is a local account, which roster leaves to the others",
            fix: "nothing, or rename the local account if the directory's is meant")
    } else {
        verdict(name, host, &result)
    }
    let nologin = ["/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false"]
    if nologin.contains(account.shell) || !isProgram(account.shell, host) {
        result.found(
            .userShell, "the shell of \(name), \(account.shell), is none that sshd accepts",
            fix: "install it, or in roster.toml write: [accounts] replace_shells = "
                + "[\"\(account.shell)\"]; then: systemctl restart rosterd")
    }
    if host.state(account.home) == nil {
        result.found(
            .userHome, "the home folder of \(name), \(account.home), does not exist yet",
            fix: "pam-auth-update --enable roster-mkhomedir makes it at the first login")
    }
    return result
}

private func isListed(_ name: String, _ host: DoctorHost) -> Bool {
    (host.read("/etc/passwd").text ?? "").split(separator: "\n").contains {
        $0.hasPrefix("\(name):")
    }
}

/// A link counts as what it points to; nobody puts a folder there.
private func isProgram(_ path: String, _ host: DoctorHost) -> Bool {
    guard let state = host.state(path) else { return false }
    return state.kind == .link || (state.kind == .file && state.mode & 0o111 != 0)
}

private func unknown(_ name: String, _ host: DoctorHost, _ result: inout CheckResult) {
    if case .user(let report?) = try? host.ask(.user(name: name)), report.published {
        result.found(
            .userNotSeen, "the mirror has \(name), but name lookups on this host do not find it",
            fix: "the findings about nsswitch.conf above; then: getent passwd \(name)")
        return
    }
    result.found(
        .userUnknown, "neither the directory's published people nor this host know \(name)",
        fix: "roster check shows who is withheld; roster history \(name) whether it was known")
}

private func verdict(_ name: String, _ host: DoctorHost, _ result: inout CheckResult) {
    let reply = try? host.ask(.explain(name: name, service: "sshd"))
    guard case .explain(let report?) = reply else {
        result.couldNotSee(
            "whether \(name) is admitted: roster explain \(name) needs root and rosterd")
        return
    }
    if report.admitted || report.local {
        result.isFine("\(name) is admitted: \(report.rule)")
        return
    }
    let reason = report.decidedBy.map { " (\($0))" } ?? ""
    result.found(
        .userRefused,
        "\(name) is refused: \(report.verdict.split(separator: "_").joined(separator: " "))\(reason)",
        fix: "roster explain \(name) --service sshd tells all of it")
}
