// A stopped slapd still acknowledges at the TCP level: only an answer proves that somebody is there.

/// Watches a stream for silence.
///
/// Times are any clock's that does not jump.
public struct StreamHealth: Equatable, Sendable {
    /// What to do.
    public enum Action: Equatable, Sendable {
        /// Nothing before this moment.
        case wait(until: Duration)
        /// Send a "who am I" now and say so by ``StreamHealth/probeSent(now:)``.
        case sendProbe
        /// Close the connection and connect anew.
        case giveUp(reason: String)
    }

    private let probeInterval: Duration
    private let probeDeadline: Duration
    private let refreshLimit: Duration
    private var lastMessage: Duration
    private var lastAnswer: Duration
    private var probe: Duration?
    private var lastProgress: Duration?

    /// A watch over a search that was just sent.
    ///
    /// - Parameters:
    ///   - probeInterval: between two questions.
    ///   - probeDeadline: how long an answer, or any other message, may take.
    ///   - refreshLimit: how long a refresh may go without a message of its own.
    ///   - now: the time.
    public init(
        probeInterval: Duration = .seconds(30), probeDeadline: Duration = .seconds(10),
        refreshLimit: Duration = .seconds(300), now: Duration
    ) {
        self.probeInterval = probeInterval
        self.probeDeadline = probeDeadline
        self.refreshLimit = refreshLimit
        lastMessage = now
        lastAnswer = now
        lastProgress = now
    }

    /// A message of the search came, or a part of one: on a narrow line a large one takes long.
    public mutating func messageReceived(now: Duration) {
        lastMessage = now
        if lastProgress != nil { lastProgress = now }
    }

    /// The refresh is over; from now on silence is normal.
    public mutating func refreshEnded() {
        lastProgress = nil
    }

    /// The question was sent.
    public mutating func probeSent(now: Duration) {
        probe = now
    }

    /// The question was answered.
    public mutating func probeAnswered(now: Duration) {
        probe = nil
        lastAnswer = now
    }

    /// What to do now.
    ///
    /// While messages stream in, an answer may stand in line behind them: the deadline of a question
    /// counts from the last message of any kind, or part of one.
    public func action(now: Duration) -> Action {
        if let lastProgress, now >= lastProgress + refreshLimit {
            return .giveUp(reason: "the refresh made no progress for \(refreshLimit)")
        }
        let progressEnd = lastProgress.map { $0 + refreshLimit } ?? .seconds(Int64.max / 4)
        if let probe {
            let end = max(probe, lastMessage) + probeDeadline
            guard now < end else {
                return .giveUp(reason: "the server did not answer within \(probeDeadline)")
            }
            return .wait(until: min(end, progressEnd))
        }
        let due = lastAnswer + probeInterval
        return now >= due ? .sendProbe : .wait(until: min(due, progressEnd))
    }
}
