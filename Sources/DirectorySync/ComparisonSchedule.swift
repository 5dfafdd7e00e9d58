// When to compare: now and then by itself, at once when asked, and never so often that the directory
// feels it.

/// Decides when the next comparison runs.
///
/// Times are any clock's that does not jump.
public struct ComparisonSchedule: Equatable, Sendable {
    /// A comparison may use at most this part of the time: it waits 50 times its own duration.
    public static let leastRest = 50

    private var interval: Duration
    /// The longest rest: a mirror that must be verified more often is compared more often.
    private let longestRest: Duration
    private var lastStart: Duration?
    private var restUntil = Duration.zero
    private var next: Duration

    /// A schedule.
    ///
    /// - Parameters:
    ///   - interval: `compare_interval`.
    ///   - longestRest: the rest after a comparison is no longer than this, however long it took.
    ///   - now: the time.
    ///   - jitter: a random number from 0 to 1; spreads hosts over a tenth of the interval.
    public init(
        interval: Duration, longestRest: Duration = .seconds(Int64.max / 4), now: Duration,
        jitter: Double
    ) {
        self.interval = interval
        self.longestRest = longestRest
        next = now + Self.spread(interval, jitter)
    }

    /// When the next comparison is due.
    public var dueAt: Duration {
        max(next, restUntil)
    }

    /// A comparison is wanted at once (a reconnect that resumed, a renamed container, something that
    /// changed out of sight), or at a moment to come.
    public mutating func request(at moment: Duration) {
        next = min(next, moment)
    }

    /// Another interval from now on; what is due earlier stays so.
    public mutating func adopt(interval: Duration, now: Duration, jitter: Double) {
        self.interval = interval
        guard lastStart == nil else { return }
        next = min(next, now + Self.spread(interval, jitter))
    }

    /// A comparison begins; requests from now on ask for another one.
    public mutating func started(now: Duration) {
        lastStart = now
        next = .seconds(Int64.max / 4)
    }

    /// A comparison ended, or was made superfluous by a complete refresh.
    public mutating func ended(now: Duration, jitter: Double) {
        let taken = max(.zero, now - (lastStart ?? now))
        lastStart = nil
        restUntil = now + min(taken * Self.leastRest, longestRest)
        next = min(next, max(now + Self.spread(interval, jitter), restUntil))
    }

    /// From 0.95 to 1.05 of the interval.
    private static func spread(_ interval: Duration, _ jitter: Double) -> Duration {
        interval * (0.95 + min(max(jitter, 0), 1) / 10)
    }
}
