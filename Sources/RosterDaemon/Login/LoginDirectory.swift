// The directory as logins see it: a pool behind a circuit breaker.

internal import LDAPClient
internal import Logging
internal import Synchronization

/// Asks the directory while it answers, and finds out in the background when it does so again.
final class LoginDirectory: Sendable {
    let pool: BindPool
    private let breaker = Mutex(CircuitBreaker())
    private let timeout: Duration
    private let clock: DaemonClock
    private let logger: Logger

    /// How often connections and breaker are looked after.
    private static let tendInterval: Duration = .milliseconds(250)

    init(_ pool: BindPool, timeout: Duration, clock: DaemonClock, logger: Logger) {
        self.pool = pool
        self.timeout = timeout
        self.clock = clock
        self.logger = logger
    }

    /// Whether the directory is asked at all.
    var isAsked: Bool { breaker.withLock { $0.isClosed } }

    /// Has `work` done on a connection by `deadline` (steady clock); at once if nobody asks now.
    func ask<Answer: Sendable>(
        by deadline: Duration, _ work: @escaping BindPool.Work<Answer>
    ) async -> BindOutcome<Answer> {
        guard isAsked else { return .failed("the directory did not answer a moment ago") }
        let outcome = await pool.perform(by: deadline, work)
        // Whoever did not come to ask says nothing about the directory.
        if case .failed(let reason) = outcome { failed(reason) }
        return outcome
    }

    /// Keeps a connection ready and probes a directory that failed, until the task is cancelled.
    func tend() async {
        while !Task.isCancelled {
            if isAsked {
                if await !pool.tend(within: timeout) { failed("a connection cannot be kept ready") }
            } else {
                await probeIfDue()
            }
            try? await Task.sleep(for: Self.tendInterval)
        }
    }

    private func failed(_ reason: String) {
        let opened = breaker.withLock { $0.failed(at: clock.uptime(), random: clock.random()) }
        guard opened else { return }
        logger.warning(
            "the directory does not answer logins; verifiers stand in",
            metadata: ["why": "\(reason)"])
    }

    private func probeIfDue() async {
        // Another server of the list may answer at once.
        let isDue = breaker.withLock { breaker in
            let now = pool.hasTrustedServer ? breaker.probeAt ?? clock.uptime() : clock.uptime()
            return breaker.beginProbe(at: now)
        }
        guard isDue else { return }
        let outcome = await pool.probe(within: timeout)
        if case .answered = outcome {
            if breaker.withLock({ $0.probeSucceeded() }) {
                logger.notice("the directory answers logins again")
            }
        } else {
            breaker.withLock { $0.probeFailed(at: clock.uptime(), random: clock.random()) }
        }
    }
}
