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
}
