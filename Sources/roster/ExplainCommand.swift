// roster explain USER
internal import ArgumentParser
internal import DaemonProtocol

/// Whether a person could log in now, and why.
struct ExplainCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show whether a person could log in now, and why (others than oneself: root).")

    @Argument(help: "The login name.")
    var name: String

    @Option(name: .long, help: "The PAM service, such as sshd or sudo.")
    var service: String?

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        let request = ControlRequest.explain(name: name, service: service)
        guard case .explain(let found) = try environment.daemon(request) else { throw .otherReply }
        guard let report = found else {
            throw CommandFailure(
                message: "neither the directory nor this host knows \(name)",
                remedy: "sudo roster history \(name) shows whether the name was known",
                status: .negative)
        }
        return CommandOutcome(
            text: explainText(report, environment.times), report: report,
            status: report.admitted || report.local ? .done : .negative)
    }
}

/// The report for people.
private func explainText(_ report: ExplainReport, _ times: TimeText) -> String {
    var table = Table()
    table.add("login", answer(report))
    table.add("decided by", ifAny: report.local ? nil : report.decidedBy)
    table.add("told", ifAny: report.local ? nil : report.text)
    table.add("rule", report.rule)
    if let entry = report.entry { add(entry, to: &table, times) }
    if report.keys.isEmpty { table.add("keys", "none") }
    for key in report.keys {
        let comment = key.comment.isEmpty ? "" : ", \(key.comment)"
        table.add("key", key.type + (key.options ? " with options" : "") + comment)
    }
    for note in report.notes { table.add("note", note) }
    table.add("offline", offline(report.offline, times))
    table.add("last contact", ifAny: report.freshness.lastContactAt.map(times.moment))
    table.add("last verified", verified(report.freshness, times))
    table.add("sessions", "what runs already goes on: roster does not end sessions")
    return table.text
}

private func answer(_ report: ExplainReport) -> String {
    let service = report.service.map { " through \($0)" } ?? ""
    if report.local {
        return "\(report.name) is a local account, which roster leaves to the others"
    }
    let verdict = report.verdict.split(separator: "_").joined(separator: " ")
    guard report.admitted else { return "\(report.name) is refused\(service): \(verdict)" }
    return report.verdict == "accepted"
        ? "\(report.name) is admitted\(service)"
        : "\(report.name) is admitted\(service): \(verdict)"
}

private func add(_ entry: ExplainReport.Entry, to table: inout Table, _ times: TimeText) {
    table.add("entry", entry.dn)
    table.add("uuid", entry.uuid)
    table.add("withheld", ifAny: entry.withheld)
    table.add("state", state(entry, times))
    table.add("blocked", ifAny: entry.blocked ? "by roster deny on this host" : nil)
    let groups = entry.groups.map { "\($0.name ?? "?") (\($0.id))" }
    table.add("groups", groups.isEmpty ? "none" : groups.joined(separator: ", "))
    table.add(
        "named groups",
        ifAny: entry.accessGroups.isEmpty ? nil : entry.accessGroups.joined(separator: ", "))
    table.add("held", ifAny: heldText(since: entry.heldSince, times))
    table.add("confirmed", ifAny: entry.confirmedAt.map(times.moment))
}

private func state(_ entry: ExplainReport.Entry, _ times: TimeText) -> String {
    var parts: [String] = []
    if let source = entry.disabledBy { parts.append("disabled (\(source))") }
    if let expires = entry.expiresAt {
        let word = expires <= times.now ? "expired" : "expires"
        parts.append("\(word) \(times.moment(expires)) (\(entry.expiresBy ?? "?"))")
    }
    if let source = entry.mustChangeBy { parts.append("must change the password (\(source))") }
    return parts.isEmpty ? "active" : parts.joined(separator: ", ")
}

private func offline(_ offline: ExplainReport.Offline, _ times: TimeText) -> String {
    guard offline.allowed else { return "not allowed: passwords need the directory" }
    let age = times.duration(UInt64(clamping: offline.maxAgeSeconds))
    let made =
        offline.madeAt.map { "verifier made \(times.moment($0)), good" }
        ?? "no verifier; one would be good"
    let change =
        offline.changeSeen
        ? "dropped when the directory shows a changed password"
        : "the directory does not show when the password changes, so only this age bounds it"
    return "\(made) for \(age); \(change)"
}

private func verified(_ freshness: ExplainReport.Freshness, _ times: TimeText) -> String {
    let limit =
        freshness.maxStalenessSeconds.map {
            "may be \(times.duration(UInt64(clamping: $0))) old"
        } ?? "may be of any age"
    guard let verified = freshness.lastVerifiedAt else { return "never; \(limit)" }
    return "\(times.iso(verified)), \(age(freshness, times)); \(limit)"
}

private func age(_ freshness: ExplainReport.Freshness, _ times: TimeText) -> String {
    freshness.ageSeconds.map { "\(times.duration(UInt64(clamping: $0))) old" } ?? "age unknown"
}
