// roster wait [--timeout SECONDS]
internal import ArgumentParser
internal import DaemonProtocol

/// Waits for the mirror.
struct WaitCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Return when the mirror has caught up with the directory.")

    @Option(
        name: .long,
        help: "Give up after this time, as 30, 30s, 5m or 2h; without it after a day.")
    var timeout: WaitTime?

    @OptionGroup var shared: SharedOptions

    private var timeoutSeconds: Int { timeout?.seconds ?? ControlRequest.longestWaitSeconds }

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        let start = environment.monotonicMilliseconds()
        let now = try firstAnswer(environment)
        if now.inSync { return outcome(now) }
        let spent = Int(environment.monotonicMilliseconds() - start) / 1000
        let progress = LoadProgressDisplay(environment, isQuiet: shared.json)
        defer { progress.finish() }
        let request = ControlRequest.wait(timeoutSeconds: max(0, timeoutSeconds - spent))
        let reply = try environment.daemon(request) { progress.tick() }
        guard case .wait(let report) = reply else { throw .otherReply }
        progress.finish()
        return outcome(report)
    }

    private func outcome(_ report: WaitReport) -> CommandOutcome {
        CommandOutcome(
            text: text(report), report: report, status: report.inSync ? .done : .negative)
    }

    /// What is so already; gives a daemon that is being started up to 5 s to open its socket.
    private func firstAnswer(
        _ environment: CommandEnvironment
    ) throws(CommandFailure) -> WaitReport {
        let patience = Int64(min(timeoutSeconds, 5)) * 1000
        let start = environment.monotonicMilliseconds()
        while true {
            do throws(CommandFailure) {
                let reply = try environment.daemon(.wait(timeoutSeconds: 0))
                guard case .wait(let report) = reply else { throw .otherReply }
                return report
            } catch {
                let spent = environment.monotonicMilliseconds() - start
                guard error.status == .unreachable, spent < patience else { throw error }
                environment.sleep(100)
            }
        }
    }

    private func text(_ report: WaitReport) -> String {
        if report.inSync { return "In sync, generation \(number(report.generation))." }
        var text =
            "Not in sync after \(count(timeoutSeconds, "second", "seconds")): \(label(report.state))"
        if let error = report.lastError { text += ", \(printable(error))" }
        return text + ". roster status says more."
    }
}

/// A time on the command line, at most a day.
struct WaitTime: ExpressibleByArgument, Equatable {
    /// The time in seconds, rounded up.
    let seconds: Int

    /// Reads `30`, `30s`, `500ms`, `5m`, `2h`, `1d`.
    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let amount = Int(digits), amount <= 1_000_000_000 else { return nil }
        let seconds: Int
        switch argument.dropFirst(digits.count) {
        case "", "s": seconds = amount
        case "ms": seconds = (amount + 999) / 1000
        case "m": seconds = amount * 60
        case "h": seconds = amount * 3600
        case "d": seconds = amount * 86400
        default: return nil
        }
        guard seconds <= ControlRequest.longestWaitSeconds else { return nil }
        self.seconds = seconds
    }
}
