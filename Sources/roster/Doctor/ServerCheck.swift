// Whether the servers of the directory can be trusted, today and in two weeks; and the host's clock.
internal import LDAPClient
internal import Settings

/// Warn when a certificate ends within so many seconds.
private let soon: Int64 = 14 * 86400

/// Checks the certificates of each configured server; blocks on the network, bounded for each.
func checkTLS(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.tls)
    guard let settings = host.usableSettings else { return result }
    let usesTLS = settings.directory.uris.contains { $0.tls != .off }
    if usesTLS, !checkCAFile(settings.directory.caFile, host, &result) { return result }
    for uri in settings.directory.uris where uri.scheme != .ldapi {
        judge(host.examine(uri, settings), of: uri, settings, host, &result)
    }
    return result
}

/// Whether there is a file that rosterd, an unprivileged user, can read.
private func checkCAFile(
    _ path: String, _ host: DoctorHost, _ result: inout CheckResult
) -> Bool {
    guard let state = host.state(path) else {
        result.found(
            .tlsCAFile, "the CA file \(path) is not there, so no server can be trusted",
            fix: path == LDAPConnectOptions.systemCAFile
                ? "apt-get install ca-certificates"
                : "put the CA's certificate there, or name another file: [directory] ca_file")
        return false
    }
    if state.kind == .file, state.mode & 0o004 == 0 {
        result.found(
            .tlsCAFile, "rosterd cannot read the CA file \(path)", fix: "chmod 0644 \(path)")
    }
    return true
}

private func judge(
    _ seen: ServerExamination, of uri: DirectoryURI, _ settings: Settings, _ host: DoctorHost,
    _ result: inout CheckResult
) {
    let problem = seen.problem ?? "\(uri.text) cannot be examined"
    let fix = seen.remedy ?? "look at the server's log"
    let now = host.times.now
    for authority in seen.chain.dropFirst() where authority.ends <= now {
        result.found(
            .tlsCAExpired,
            "the CA \(authority.subject) expired \(host.times.moment(authority.ends))",
            fix: "get the CA's new certificate and name its file in [directory] ca_file")
    }
    switch seen.outcome {
    case .unreachable:
        result.found(.tlsUnreachable, problem, fix: fix)
    case .unusableCAFile:
        result.found(.tlsCAFile, problem, fix: fix)
    case .untrusted:
        result.found(.tlsFails, problem, fix: fix)
    case .fine:
        var isGood = true
        for one in seen.chain where one.ends - now < soon {
            isGood = false
            result.found(
                .tlsExpires,
                "the certificate of \(one.subject) for \(uri.text) ends "
                    + host.times.moment(one.ends),
                fix: "renew it on the server, and on this host if its CA changes")
        }
        if isGood { result.isFine(fineText(uri, seen, host.times)) }
    }
}

private func fineText(
    _ uri: DirectoryURI, _ seen: ServerExamination, _ times: TimeText
) -> String {
    guard let end = seen.chain.map(\.ends).min() else { return "\(uri.text) answers" }
    return "\(uri.text): certificates good until \(times.iso(end))"
}

/// Checks the host's clock against what was published and against the kernel's time service.
func checkClock(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.clock)
    switch host.index().aheadSeconds {
    case .some(let ahead) where ahead > 60:
        result.found(
            .clockBehind,
            "the newest time that was published is \(host.times.duration(UInt64(ahead))) ahead of "
                + "this host's clock, so accounts expire and the mirror ages by that time",
            fix: "correct the clock: timedatectl; if it is right and stays so: "
                + "\(removalOfIndex(host)) (see rosterd(8), CLOCKS)")
    case .some: result.isFine("the clock is not behind what was published")
    case nil: break
    }
    switch host.clockIsSynchronised() {
    case false:
        result.found(
            .clockUnsynchronised, "no time service keeps this host's clock",
            fix: "apt-get install systemd-timesyncd; timedatectl set-ntp true")
    case true: result.isFine("a time service keeps the clock")
    case nil: result.couldNotSee("whether a time service keeps the clock")
    }
    return result
}
