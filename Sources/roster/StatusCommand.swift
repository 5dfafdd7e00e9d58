// roster status
internal import ArgumentParser
internal import DaemonProtocol

/// How the mirror is.
struct StatusCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show whether the mirror is in sync, and since when.")

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        let reply: ControlReply
        do throws(CommandFailure) {
            reply = try environment.daemon(.status)
        } catch {
            guard error.status == .unreachable else { throw error }
            return try withoutDaemon(error, environment)
        }
        guard case .status(let report) = reply else { throw .otherReply }
        return CommandOutcome(
            text: statusText(report, environment.times), report: report,
            status: report.state == .inSync ? .done : .negative)
    }

    /// What the index alone tells.
    private func withoutDaemon(
        _ failure: CommandFailure, _ environment: CommandEnvironment
    ) throws(CommandFailure) -> CommandOutcome {
        let index = try environment.fromIndex { (index) throws(PublicIndexError) in index }
        let report = IndexStatus(
            message: failure.message, generation: index.generation, people: index.peopleCount,
            groups: index.groupCount, lastVerifiedAt: index.lastVerifiedAt)
        var text =
            "\(failure.message); the index of generation \(number(index.generation)) answers for "
            + "\(count(index.peopleCount, "person", "people")) and "
            + "\(count(index.groupCount, "group", "groups"))"
        if let verified = index.lastVerifiedAt {
            text += ", last verified \(environment.times.moment(verified))"
        }
        return CommandOutcome(
            text: printable(text), report: report, status: .unreachable, remark: failure.remedy)
    }
}

/// What `roster status --json` prints without the daemon.
private struct IndexStatus: Encodable {
    /// In place of the daemon's state.
    let state = "not_running"
    let message: String
    let generation: UInt64
    let people: Int
    let groups: Int
    let lastVerifiedAt: Int64?
}

/// The report for people.
func statusText(_ report: StatusReport, _ times: TimeText) -> String {
    var table = Table()
    table.add("state", "\(label(report.state)) since \(times.moment(report.since))")
    table.add("last error", ifAny: report.lastError)
    table.add("directory", ifAny: directory(report))
    table.add("promise", ifAny: report.promise)
    table.add("advice", ifAny: report.advice)
    table.add("last contact", ifAny: report.lastContactAt.map(times.moment))
    table.add("last verified", ifAny: report.lastVerifiedAt.map(times.moment))
    table.add("next comparison", ifAny: report.nextComparisonAt.map(times.moment))
    if let load = report.load { table.add("loading", progressText(load, times)) }
    table.add("published", published(report.counts))
    table.add("withheld", ifAny: withheld(report.counts.withheld))
    table.add("held removals", ifAny: held(report.held))
    table.add("blocked", ifAny: blocked(report.blocked, times))
    for problem in report.accessProblems ?? [] { table.add("notice", problem) }
    table.add("index", index(report))
    table.add("store", size(report.storeOctets))
    if let delay = report.publicationDelay {
        table.add(
            "delay",
            "median \(tenths(delay.medianMilliseconds)) ms, 99th percentile "
                + "\(tenths(delay.p99Milliseconds)) ms from arrival to visible "
                + "(last \(count(delay.changes, "change", "changes")))")
    }
    for cookie in report.cookies ?? [] { table.add("cookie", cookie) }
    table.add(
        "daemon",
        "version \(report.version), pid \(report.pid), started "
            + times.moment(report.startedAt))
    if report.storeSetAside {
        table.add(
            "notice", "the store was unusable, was set aside and is rebuilt from the directory")
    }
    if report.journalLost {
        table.add(
            "notice", "the journal was begun anew with what could be saved: history may be missing")
    }
    return table.text
}

/// A state in words.
func label(_ state: MirrorState) -> String {
    switch state {
    case .starting: "starting"
    case .loading: "loading"
    case .inSync: "in sync"
    case .stale: "not in sync"
    case .error: "error"
    }
}

/// `40,000 of about 100,000 entries (40 %)`.
func progressText(_ load: StatusReport.LoadProgress, _ times: TimeText) -> String {
    var text = "\(number(load.entries)) entries"
    if let expected = load.expected, expected > 0 {
        let percent = min(99, Int(Double(load.entries) / Double(expected) * 100))
        text = "\(number(load.entries)) of about \(number(expected)) entries (\(percent) %)"
    }
    return "\(text), begun \(times.age(load.startedAt))"
}

private func directory(_ report: StatusReport) -> String? {
    guard let uri = report.serverURI else { return nil }
    return report.strategy.map { "\(uri), by \(strategyInWords($0))" } ?? uri
}

/// How changes are followed, where the word of `--json` says little to who did not choose it.
func strategyInWords(_ strategy: String) -> String {
    strategy == "usn" ? "change numbers (Active Directory)" : strategy
}

private func published(_ counts: StatusReport.Counts) -> String {
    [
        count(counts.people, "person", "people"), count(counts.groups, "group", "groups"),
        count(counts.memberships, "membership", "memberships"),
    ].joined(separator: ", ")
}

private func withheld(_ withheld: Int) -> String? {
    withheld == 0
        ? nil : "\(count(withheld, "entry", "entries")); roster check says which and why"
}

private func index(_ report: StatusReport) -> String {
    "generation \(number(report.generation)), \(size(report.indexOctets)), "
        + "\(count(report.publications, "publication", "publications")), "
        + count(report.rebuilds, "rebuild", "rebuilds")
}

private func held(_ held: StatusReport.HeldCounts) -> String? {
    held.total == 0
        ? nil
        : "\(heldText(held)); roster check lists them, roster sync --accept-removals applies them"
}

/// The names that are blocked, the first few with their moment.
private func blocked(_ names: [BlockedName]?, _ times: TimeText) -> String? {
    guard let names, !names.isEmpty else { return nil }
    let shown = names.prefix(20).map { "\($0.name) since \(times.iso($0.since))" }
    let more = names.count > shown.count ? ", ..." : ""
    return "\(count(names.count, "name", "names")): \(shown.joined(separator: ", "))\(more)"
}

/// `12 people, 1 group`; only what there is.
func heldText(_ held: StatusReport.HeldCounts) -> String {
    [
        held.people == 0 ? nil : count(held.people, "person", "people"),
        held.groups == 0 ? nil : count(held.groups, "group", "groups"),
        held.memberships == 0 ? nil : count(held.memberships, "membership", "memberships"),
    ].compactMap { $0 }.joined(separator: ", ")
}
