// roster deny NAME
internal import ArgumentParser
internal import DaemonProtocol

/// Blocks a name on this host.
struct DenyCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "deny",
        abstract: "Keep a person out of this host from the next login on (root).")

    @Argument(help: "The login name.")
    var name: String

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        guard case .deny(let report) = try environment.daemon(.deny(name: name)) else {
            throw .otherReply
        }
        return CommandOutcome(
            text: "\(printable(report.message)).", report: report, status: .done,
            remark: "Running sessions go on; roster allow takes the block back.")
    }
}
