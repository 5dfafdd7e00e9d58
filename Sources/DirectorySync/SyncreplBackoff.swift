// How long to wait before the next attempt to connect.

/// A back-off that doubles up to a limit and never ends.
public struct Backoff: Equatable, Sendable {
    private let first: Duration
    private let limit: Duration
    private var current: Duration

    /// A back-off at its beginning.
    public init(first: Duration = .milliseconds(250), limit: Duration = .seconds(60)) {
        self.first = min(max(first, .milliseconds(1)), limit)
        self.limit = limit
        current = self.first
    }

    /// How long to wait now; doubles the next wait.
    ///
    /// `random` is from 0 to 1: the wait lies between half of the nominal one and all of it, so that a
    /// thousand hosts do not come back to a restarted server in one instant.
    public mutating func next(random: Double) -> Duration {
        let nominal = current
        current = min(current * 2, limit)
        return nominal * (0.5 + min(max(random, 0), 1) / 2)
    }

    /// A connection worked: begin anew.
    public mutating func reset() {
        current = first
    }

    /// How long to wait after a connection was lost that had brought us up to date; begins anew.
    ///
    /// A server that is restarted loses all its hosts in one instant, and may be back before the
    /// back-off has drawn them apart. `random` is from 0 to 1 and spreads them over two seconds.
    public mutating func afterLoss(random: Double) -> Duration {
        reset()
        return Self.lossSpread * min(max(random, 0), 1)
    }

    private static let lossSpread = Duration.seconds(2)
}

/// Draws hosts apart that would all compare with their directory in one instant, as after a restart
/// of the server.
public enum ComparisonSpread {
    /// The longest wait; a directory with so many seconds' entries is compared no later.
    private static let limit = Duration.seconds(60)

    /// How long to wait with a comparison that a resumed search calls for.
    ///
    /// At most a millisecond per stored entry, for a server lists an entry in some ten
    /// microseconds: a small directory is compared at once. `random` is from 0 to 1.
    public static func wait(entries: Int, random: Double) -> Duration {
        min(.milliseconds(max(entries, 0)), limit) * min(max(random, 0), 1)
    }
}
