// A running load, drawn while a command waits for it.
internal import DaemonProtocol

/// Draws a bar on a terminal, writes a line every 10 s otherwise; both on standard error.
final class LoadProgressDisplay {
    private let environment: CommandEnvironment
    private let isQuiet: Bool
    private var nextLine: Int64
    private var hasBar = false

    /// A display that shows nothing if `isQuiet`.
    init(_ environment: CommandEnvironment, isQuiet: Bool) {
        self.environment = environment
        self.isQuiet = isQuiet
        nextLine = environment.monotonicMilliseconds()
    }

    /// Shows how far the load is, if one is running; called about twice a second.
    func tick() {
        let now = environment.monotonicMilliseconds()
        guard !isQuiet, environment.drawsProgress || now >= nextLine else { return }
        guard let reply = try? environment.ask(.status, {}), case .status(let report) = reply,
            let load = report.load
        else { return }
        if environment.drawsProgress {
            environment.writeError("\r\(progressBar(load))\u{1b}[K")
            hasBar = true
        } else {
            nextLine = now + 10_000
            environment.complain("loading: \(progressText(load, environment.times))")
        }
    }

    /// Takes the bar away.
    func finish() {
        if hasBar { environment.writeError("\r\u{1b}[K") }
        hasBar = false
    }
}

/// `[########------------]  40 %  40,000 of about 100,000 entries`, at most 80 columns.
func progressBar(_ load: StatusReport.LoadProgress) -> String {
    guard let expected = load.expected, expected > 0 else {
        return "loading: \(number(load.entries)) entries"
    }
    let share = min(1, max(0, Double(load.entries) / Double(expected)))
    let filled = Int(share * 24)
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 24 - filled)
    let percent = "\(min(99, Int(share * 100)))"
    let padding = String(repeating: " ", count: 3 - percent.count)
    return "[\(bar)] \(padding)\(percent) %  \(number(load.entries)) of about "
        + "\(number(expected)) entries"
}
