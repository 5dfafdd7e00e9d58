// What every subcommand does alike: get an outcome, print it as text or JSON, exit.
internal import ArgumentParser
internal import DaemonProtocol
internal import FoundationEssentials

/// A subcommand.
protocol RosterSubcommand: ParsableCommand {
    /// The options that all subcommands take.
    var shared: SharedOptions { get }

    /// Does the work; blocks until it is done.
    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome
}

/// What a subcommand found out.
struct CommandOutcome {
    /// For people: whole lines without the last newline.
    var text: String
    /// For programs: what `--json` prints, in snake case.
    var report: any Encodable
    /// How the command exits.
    var status: ExitStatus
    /// A remark for people, on standard error.
    var remark: String?
}

/// Why a subcommand found out nothing.
struct CommandFailure: Error, Equatable {
    /// What happened, a sentence without full stop.
    var message: String
    /// What to do next, a sentence without full stop.
    var remedy: String?
    /// How the command exits.
    var status: ExitStatus
}

extension CommandFailure {
    /// The daemon's refusal or failure.
    init(_ failure: ControlFailure) {
        let status: ExitStatus
        switch failure.kind {
        case .refused: status = .refused
        case .notFound, .malformed, .busy, .failed: status = .negative
        }
        self.init(message: failure.message, remedy: failure.remedy, status: status)
    }

    /// A reply that does not belong to the request.
    static let otherReply = CommandFailure(
        message: "rosterd answered something else than was asked",
        remedy: "Restart it if the package was upgraded: systemctl restart rosterd",
        status: .unreachable)
}

extension RosterSubcommand {
    /// Runs on the live system; the main entry does not come through here.
    func run() throws {
        let status = execute(in: CommandEnvironment(live: shared.paths))
        if status != .done { throw ExitCode(status.rawValue) }
    }

    /// Does the work, prints the outcome and says how to exit.
    func execute(in environment: CommandEnvironment) -> ExitStatus {
        do throws(CommandFailure) {
            let outcome = try outcome(in: environment)
            environment.print(shared.json ? try json(outcome.report) : outcome.text)
            if let remark = outcome.remark, !shared.json { environment.complain(remark) }
            return outcome.status
        } catch {
            environment.complain("roster: " + printable(error.message))
            if let remedy = error.remedy { environment.complain("  " + printable(remedy)) }
            return error.status
        }
    }
}

/// The report as JSON: sorted keys in snake case, nothing in it that a terminal would obey.
private func json(_ report: any Encodable) throws(CommandFailure) -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
        let octets = try encoder.encode(report)
        return printable(
            String(decoding: octets, as: UTF8.self), keepingNewlines: true, escape: .json)
    } catch {
        throw CommandFailure(message: "the report cannot be written as JSON", status: .negative)
    }
}
