// roster check
internal import ArgumentParser
internal import DaemonProtocol

/// The configuration's findings, and what is withheld.
struct CheckCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Show what keeps accounts from being seen, and what is wrong.")

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        let reply: ControlReply
        do throws(CommandFailure) {
            reply = try environment.daemon(.check)
        } catch {
            guard error.status == .unreachable else { throw error }
            throw CommandFailure(
                message: "\(error.message), and only it knows what is withheld",
                remedy: "rosterd --check checks the configuration without it. "
                    + (error.remedy ?? ""),
                status: .unreachable)
        }
        guard case .check(let report) = reply else { throw .otherReply }
        return CommandOutcome(
            text: checkText(report, environment.times), report: report,
            status: report.hasFindings ? .negative : .done)
    }
}

/// The report for people.
private func checkText(_ report: CheckReport, _ times: TimeText) -> String {
    var lines = report.errors.map { "error: \(printable($0))" }
    lines += report.warnings.map { "warning: \(printable($0))" }
    let entries = report.withheld ?? []
    for kind in EntryKind.allCases {
        let some = entries.filter { $0.kind == kind }
        if some.isEmpty { continue }
        lines.append("Withheld, a \(kind.rawValue) that no program on this host sees:")
        for entry in some { lines += withheldLines(entry) }
    }
    if let held = report.held, !held.isEmpty {
        lines.append(
            "Removals held for confirmation (roster sync --accept-removals applies them):")
        lines += held.map { heldLine($0, times) }
    }
    if let notes = report.notes, !notes.isEmpty {
        lines.append("Published, but noteworthy:")
        for note in notes {
            lines.append("  \(printable(note.name)): \(printable(note.text))")
            lines.append("    \(printable(note.dn))")
        }
    }
    lines.append(summary(report))
    return lines.joined(separator: "\n")
}

private func withheldLines(_ entry: WithheldEntry) -> [String] {
    let name = entry.name.map { printable($0) } ?? "(no usable name)"
    var lines = ["  \(name): \(printable(entry.reason))"]
    lines.append("    \(printable(entry.dn)), \(printable(entry.uuid))")
    if entry.canAllow, let name = entry.name, isShellWord(name) {
        lines.append("    to release it: roster allow \(name)")
    }
    return lines
}

/// Whether a shell takes the name as it is, so that the line can be copied without danger.
private func isShellWord(_ name: String) -> Bool {
    name.utf8.first != UInt8(ascii: "-")
        && name.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
}

private func heldLine(_ removal: HeldRemoval, _ times: TimeText) -> String {
    let what = removal.group.map { "\(removal.name) in \($0)" } ?? removal.name
    return "  \(removal.kind.rawValue) \(printable(what)), since \(times.moment(removal.since))"
}

private func summary(_ report: CheckReport) -> String {
    guard report.hasFindings || report.noteCount > 0 else {
        return "Nothing is withheld, nothing is held, nothing is wrong."
    }
    var line =
        [
            count(report.errors.count, "error", "errors"),
            count(report.warnings.count, "warning", "warnings"),
            "\(number(report.withheldCount)) withheld", "\(number(report.heldCount)) held",
            count(report.noteCount, "note", "notes"),
        ].joined(separator: ", ") + "."
    if report.withheld == nil { line += " sudo roster check shows them." }
    return line
}
