// A directory that did not answer is not waited for again and again.

/// Whether the directory is asked at all; times are those of the steady clock.
///
/// Closed: everybody asks. Open, after a failure: nobody does, until a probe in the background has
/// succeeded; the pause before each probe grows, and is not the same on every host.
struct CircuitBreaker: Equatable {
    /// The pause before the first probe.
    static let firstPause: Duration = .seconds(1)
    /// The longest pause between probes.
    static let longestPause: Duration = .seconds(30)

    private enum State: Equatable {
        case closed
        case open(probeAt: Duration)
        case probing
    }

    private var state = State.closed
    private var failures = 0

    /// Whether the directory may be asked.
    var isClosed: Bool { state == .closed }

    /// When the next probe is due; `nil`: none is.
    var probeAt: Duration? {
        if case .open(let at) = state { at } else { nil }
    }

    /// The directory did not answer one who asked; true if that opened the breaker.
    ///
    /// Those who asked at the same time and fail after the first change nothing.
    mutating func failed(at now: Duration, random: Double) -> Bool {
        guard isClosed else { return false }
        failures = 0
        open(at: now, random: random)
        return true
    }

    /// Begins a probe if one is due; the caller then says how it ended.
    mutating func beginProbe(at now: Duration) -> Bool {
        guard let probeAt, now >= probeAt else { return false }
        state = .probing
        return true
    }

    /// The probe failed.
    mutating func probeFailed(at now: Duration, random: Double) {
        failures += 1
        open(at: now, random: random)
    }

    /// The probe succeeded; true if the breaker was not closed.
    mutating func probeSucceeded() -> Bool {
        defer { state = .closed }
        return !isClosed
    }

    private mutating func open(at now: Duration, random: Double) {
        let pause = min(Self.firstPause * (1 << min(failures, 10)), Self.longestPause)
        state = .open(probeAt: now + pause * (0.75 + random / 2))
    }
}
