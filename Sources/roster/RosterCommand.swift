// roster: the administrator's command.
internal import ArgumentParser
internal import DaemonProtocol
internal import Glibc

/// Runs the command line of this process as `roster`, and exits with the status of roster(8).
public func runRosterCommand() -> Never {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let status = RosterCommand.run(arguments) { CommandEnvironment(live: $0) }
    Glibc.exit(status.rawValue)
}

/// The command with its subcommands; see roster(8).
struct RosterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roster",
        abstract: "Show and steer the host's mirror of the company's directory.",
        discussion: """
            Everything that is public works for any user, and without the daemon as well; history, \
            details of what is withheld and everything that changes something need root. \
            Exit status: 0 done, 1 not found, not in sync or findings, 2 wrong usage, 3 rosterd \
            cannot be reached, 4 refused. See roster(8).
            """,
        version: RosterVersion.current,
        subcommands: [
            StatusCommand.self, UserCommand.self, GroupCommand.self, CheckCommand.self,
            ExplainCommand.self, HistoryCommand.self, WaitCommand.self, SyncCommand.self,
            DenyCommand.self, AllowCommand.self, ConfirmCommand.self, JoinCommand.self,
            LeaveCommand.self, DoctorCommand.self,
        ])

    /// Runs the command line `arguments` in the environment that `environment` makes of its options.
    static func run(
        _ arguments: [String], in environment: (CommandPaths) -> CommandEnvironment
    ) -> ExitStatus {
        do {
            let command = try parseAsRoot(arguments)
            if let subcommand = command as? any RosterSubcommand {
                return subcommand.execute(in: environment(subcommand.shared.paths))
            }
            var other = command
            try other.run()
            return .done
        } catch {
            let environment = environment(CommandPaths())
            let message = fullMessage(for: error)
            if exitCode(for: error) == .success {
                environment.print(message)
                return .done
            }
            environment.complain(message)
            return .usage
        }
    }
}

/// The exit status of every subcommand, documented in roster(8).
enum ExitStatus: CInt, Sendable {
    /// Done; and what was asked about is in order.
    case done = 0
    /// Not found, not in sync, findings, or the daemon could not do it.
    case negative = 1
    /// The command line is wrong.
    case usage = 2
    /// The daemon cannot be reached.
    case unreachable = 3
    /// Only root may do this.
    case refused = 4
}

/// What all subcommands take.
struct SharedOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of text.")
    var json = false

    @Option(name: .long, help: ArgumentHelp("The folder of the sockets.", visibility: .hidden))
    var runDir = CommandPaths().runFolder

    @Option(name: .long, help: ArgumentHelp("The folder of the state.", visibility: .hidden))
    var stateDir = CommandPaths().stateFolder

    @Option(name: .long, help: ArgumentHelp("The configuration file.", visibility: .hidden))
    var config = CommandPaths().configuration

    /// Where things are, as the options say.
    var paths: CommandPaths {
        CommandPaths(runFolder: runDir, stateFolder: stateDir, configuration: config)
    }
}

/// Where the command finds things.
struct CommandPaths: Equatable {
    /// The folder of the sockets.
    var runFolder = "/run/roster"
    /// The folder of the state.
    var stateFolder = "/var/lib/roster"
    /// The configuration file.
    var configuration = "/etc/roster/roster.toml"
}
