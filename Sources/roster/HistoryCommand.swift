// roster history [NAME]
internal import ArgumentParser
internal import DaemonProtocol

/// What changed.
struct HistoryCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show the changes of identity, newest first (root).")

    @Argument(help: "Only changes of this person or group.")
    var name: String?

    @Option(name: .long, help: "At most this many changes, 1 to 10000.")
    var limit = 50

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard (1...ControlRequest.longestHistory).contains(limit) else {
            throw ValidationError("--limit is a number from 1 to \(ControlRequest.longestHistory).")
        }
    }

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        guard case .history(let report) = try environment.daemon(.history(name: name, limit: limit))
        else { throw .otherReply }
        return CommandOutcome(
            text: historyText(report, environment.times), report: report,
            status: report.changes.isEmpty && name != nil ? .negative : .done)
    }
}

/// The report for people.
private func historyText(_ report: HistoryReport, _ times: TimeText) -> String {
    let width = report.changes.map { printable($0.name).count }.max() ?? 0
    var lines = report.changes.map { change in
        let name = printable(change.name)
        let padded = name + String(repeating: " ", count: width - name.count)
        let kind = change.kind.rawValue
        let kindWidth = 10
        let paddedKind = kind + String(repeating: " ", count: kindWidth - kind.count)
        let line =
            "\(times.iso(change.effectiveAt))  \(paddedKind)  \(padded)  "
            + printable(change.what)
        return change.directoryAt.map { "\(line) (directory: \(times.iso($0)))" } ?? line
    }
    if report.changes.isEmpty { lines.append("No change is recorded.") }
    if report.truncated { lines.append("There are more; --limit shows them.") }
    if report.journalLost {
        lines.append(
            "The journal was begun anew with what could be saved: older changes may be missing.")
    }
    return lines.joined(separator: "\n")
}
