// Whether the daemon runs and keeps up with the directory, as it says itself.
internal import DaemonProtocol
internal import Settings

/// Checks the daemon and the mirror through the control socket.
func checkMirror(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.sync)
    guard host.isJoined else { return result }
    let report: StatusReport
    do throws(DaemonError) {
        guard case .status(let answer) = try host.ask(.status) else {
            throw .notUnderstood
        }
        report = answer
    } catch {
        away(error, host, &result)
        return result
    }
    version(report, &result)
    age(report, host, &result)
    state(report, host, &result)
    held(report, host, &result)
    following(report, &result)
    if !host.isRoot { result.couldNotSee("what is wrong with the access rules: only root may") }
    for problem in report.accessProblems ?? [] {
        result.found(
            .accessRules, problem,
            fix: "correct [access] in \(host.paths.configuration) and systemctl restart rosterd, "
                + "or let it mean what the directory shows: roster confirm NAME")
    }
    return result
}

private func away(_ error: DaemonError, _ host: DoctorHost, _ result: inout CheckResult) {
    switch error {
    case .notUnderstood:
        result.found(
            .daemonVersion, error.message, fix: "systemctl restart rosterd")
    case .notRunning, .noAnswer, .lost:
        result.found(
            .daemonAway,
            "\(error.message), so passwords cannot be checked and changes do not arrive",
            fix: "systemctl restart rosterd; journalctl -u rosterd says what is wrong")
    }
}

private func version(_ report: StatusReport, _ result: inout CheckResult) {
    guard report.version != RosterVersion.current else {
        result.isFine("rosterd \(report.version) runs")
        return
    }
    result.found(
        .daemonVersion,
        "rosterd \(report.version) runs, and \(RosterVersion.current) is installed",
        fix: "systemctl restart rosterd")
}

/// The age of the mirror against what the administrator allows.
private func age(_ report: StatusReport, _ host: DoctorHost, _ result: inout CheckResult) {
    guard let limit = host.usableSettings?.login.maxStaleness?.components.seconds else { return }
    let fix = "see why the directory does not answer: roster status; journalctl -u rosterd"
    let allowed = host.times.duration(UInt64(clamping: limit))
    guard let verified = report.lastVerifiedAt else {
        result.found(
            .mirrorTooOld,
            "the mirror was never verified, so nobody of the directory is admitted", fix: fix)
        return
    }
    let (age, _) = host.times.now.subtractingReportingOverflow(verified)
    let when = host.times.moment(verified)
    if age > limit {
        result.found(
            .mirrorTooOld,
            "the mirror was last verified \(when), longer ago than \(allowed), so nobody of the "
                + "directory is admitted", fix: fix)
    } else if age > limit / 2 {
        result.found(
            .mirrorAging,
            "the mirror was last verified \(when); after \(allowed) nobody of the directory is "
                + "admitted", fix: fix)
    } else {
        result.isFine("the mirror was verified \(when)")
    }
}

private func state(_ report: StatusReport, _ host: DoctorHost, _ result: inout CheckResult) {
    let since = host.times.moment(report.since)
    let why = report.lastError.map { ": \($0)" } ?? ""
    switch report.state {
    case .inSync: result.isFine("in sync since \(since)")
    case .starting, .loading:
        result.found(
            .mirrorNotInSync, "the mirror is being loaded since \(since)\(why)",
            fix: "roster wait shows the progress")
    case .stale, .error:
        result.found(
            .mirrorNotInSync, "the mirror is not in sync since \(since)\(why)",
            fix: "roster status; journalctl -u rosterd")
    }
    if report.storeSetAside || report.journalLost {
        result.found(
            .mirrorRebuilt,
            report.storeSetAside
                ? "the store was unusable, was set aside and is built anew from the directory"
                : "the history of changes was begun anew with what could be saved of it",
            fix: "journalctl -u rosterd says why: if a newer roster wrote it, before a return to "
                + "this one, nothing is to be done; otherwise look for a full or failing disk: "
                + "df \(host.paths.stateFolder); dmesg")
    }
}

private func held(_ report: StatusReport, _ host: DoctorHost, _ result: inout CheckResult) {
    if report.held.total > 0 {
        result.found(
            .mirrorHeld,
            "removals are held for confirmation (\(heldText(report.held))), so these people still "
                + "get in",
            fix: "roster check shows them; roster sync --accept-removals applies them")
    }
    if report.counts.withheld > 0 {
        result.found(
            .mirrorWithheld,
            "\(count(report.counts.withheld, "entry is", "entries are")) withheld from this host",
            fix: "roster check shows which and why")
    }
}

/// How changes are followed, what the daemon promises of that, and what would be quicker.
private func following(_ report: StatusReport, _ result: inout CheckResult) {
    guard let strategy = report.strategy, let promise = report.promise else { return }
    result.isFine("followed by \(strategyInWords(strategy)): \(promise)")
    guard let advice = report.advice else { return }
    if strategy == "poll" {
        result.found(
            .mirrorPolled, "the directory is asked for changes again and again: \(promise)",
            fix: "to be quicker: \(advice)")
    } else {
        result.found(
            .mirrorLateDeletions, "deletions are seen by comparisons alone: \(promise)",
            fix: "to be quicker: \(advice)")
    }
}

/// Checks roster.toml, and what the daemon found when it asked the directory about it.
func checkConfiguration(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.configuration)
    let path = host.paths.configuration
    switch host.settings() {
    case .absent:
        result.found(
            .notJoined, "this host follows no directory: there is no \(path)",
            fix: "roster join ldaps://SERVER, or write the file: man roster.toml")
        return result
    case .refused:
        result.couldNotSee("\(path): this user may not read it")
    case .invalid(let problems):
        for problem in problems {
            result.found(
                .configInvalid, problem,
                fix: "correct \(path) until this is silent: rosterd --check")
        }
    case .settings:
        result.isFine("\(path) is in order")
    }
    directory(host, &result)
    return result
}

private func directory(_ host: DoctorHost, _ result: inout CheckResult) {
    guard host.isRoot else {
        result.couldNotSee("what the directory says to the configuration: only root may")
        return
    }
    guard case .check(let report) = try? host.ask(.check) else { return }
    for problem in report.errors + report.warnings {
        result.found(
            .configDirectory, problem,
            fix: "correct \(host.paths.configuration), then: "
                + "systemctl restart rosterd")
    }
}
