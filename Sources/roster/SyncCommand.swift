// roster sync [--full] [--accept-removals]
internal import ArgumentParser
internal import DaemonProtocol

/// Compares or reads again.
struct SyncCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Compare the mirror with the directory now (root).")

    @Flag(name: .long, help: "Read all of the directory again instead of comparing.")
    var full = false

    @Flag(name: .long, help: "Apply the removals that are held for confirmation.")
    var acceptRemovals = false

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        let progress = LoadProgressDisplay(environment, isQuiet: shared.json)
        defer { progress.finish() }
        let reply = try environment.daemon(
            .sync(full: full, acceptRemovals: acceptRemovals)
        ) { progress.tick() }
        guard case .sync(let report) = reply else { throw .otherReply }
        return CommandOutcome(
            text: text(report), report: report,
            status: report.state == .inSync ? .done : .negative)
    }

    private func text(_ report: SyncReport) -> String {
        let verb = report.full ? "Read" : "Compared"
        var lines = [
            "\(verb) \(count(report.entries, "entry", "entries")), put \(number(report.changed)) "
                + "right; \(label(report.state)), generation \(number(report.generation))."
        ]
        if report.accepted.total > 0 {
            lines.append("Applied held removals: \(heldText(report.accepted)).")
        }
        if report.held.total > 0 {
            lines.append(
                "Held for confirmation: \(heldText(report.held)); roster check lists them, "
                    + "roster sync --accept-removals applies them.")
        }
        return lines.joined(separator: "\n")
    }
}
