// roster allow NAME
internal import ArgumentParser
internal import DaemonProtocol

/// Takes a block back, and releases a withheld re-use.
struct AllowCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "allow",
        abstract:
            "Take back what deny did, and release who is withheld because of re-use (root).")

    @Argument(help: "The name, as roster check shows it.")
    var name: String

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        guard case .allow(let report) = try environment.daemon(.allow(name: name)) else {
            throw .otherReply
        }
        return CommandOutcome(
            text: "\(printable(report.name)): \(printable(report.message)).", report: report,
            status: report.released ? .done : .negative)
    }
}
