// roster confirm GROUP
internal import ArgumentParser
internal import DaemonProtocol

/// Accepts what the directory shows under a name of an access rule.
struct ConfirmCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Let an access rule mean the group that has its name now (root).")

    @Argument(help: "The group as the rule names it; roster check shows what waits.")
    var name: String

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        guard case .confirm(let report) = try environment.daemon(.confirm(name: name)) else {
            throw .otherReply
        }
        return CommandOutcome(
            text: "\(printable(report.name)): \(printable(report.message)).", report: report,
            status: report.changed > 0 ? .done : .negative)
    }
}
