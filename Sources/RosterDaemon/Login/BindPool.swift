// The threads and connections on which people's passwords are held against the directory.
//
// Everything that can block does so on one of these threads: the resolver, connecting, libldap. A
// login hands its work in and waits for the answer or its deadline, whichever is first; a thread that
// is stuck stays stuck, and there are never more of them than the pool has.

internal import LDAPClient
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// How the work on a connection ended.
enum BindOutcome<Answer: Sendable>: Sendable {
    /// The directory answered.
    case answered(Answer)
    /// It did not, for this reason, though it was tried.
    case failed(String)
    /// The deadline passed before any thread was free to try.
    case notTried
}

/// A bounded number of connections, each used by one thread at a time.
final class BindPool: Sendable {
    /// What is to be done on a connection; `left` is the time that is left for it.
    typealias Work<Answer> =
        @Sendable (_ session: any BindSession, _ left: () -> Duration)
        throws(LDAPError) -> Answer

    /// How many connections, and threads, there are at most.
    let size: Int
    private let directory: any BindDirectory
    private let clock: DaemonClock
    private let threads: NIOThreadPool
    private let state = Mutex(State())

    /// How long a connection nobody uses is kept beyond the one that always is.
    static let idleTime: Duration = .seconds(60)
    /// After how long the one that is always kept is asked whether it still works.
    static let checkTime: Duration = .seconds(30)
    /// How long a server that failed is tried last.
    static let distrustTime: Duration = .seconds(30)

    private struct State {
        /// Those nobody uses, the one used last at the end.
        var idle: [Idle] = []
        var failedAt: [Int: Duration] = [:]
        var isWarming = false

        func isDistrusted(_ server: Int, at now: Duration) -> Bool {
            guard let failedAt = failedAt[server] else { return false }
            return now - failedAt < BindPool.distrustTime
        }
    }

    /// Unchecked: only the thread that took it out of the pool uses the session.
    private struct Idle: @unchecked Sendable {
        let session: any BindSession
        let server: Int
        var since: Duration
    }

    init(_ directory: any BindDirectory, size: Int = 16, clock: DaemonClock) {
        self.directory = directory
        self.size = size
        self.clock = clock
        threads = NIOThreadPool(numberOfThreads: size)
        threads.start()
    }

    /// How many connections wait for work.
    var idleCount: Int { state.withLock { $0.idle.count } }

    /// Whether there is a server that has not failed of late.
    var hasTrustedServer: Bool {
        let now = clock.uptime()
        return state.withLock { state in
            (0..<directory.serverCount).contains { !state.isDistrusted($0, at: now) }
        }
    }

    /// Has `work` done on a connection; returns at `deadline` (by the steady clock) at the latest.
    ///
    /// Work that was not begun by then is not begun any more.
    func perform<Answer: Sendable>(
        by deadline: Duration, _ work: @escaping Work<Answer>
    ) async -> BindOutcome<Answer> {
        await withCheckedContinuation { continuation in
            let order = Order(continuation, deadline: deadline, clock: clock)
            order.startTimer()
            threads.submit { state in
                guard state == .active, order.begin() else { return }
                order.finish(self.carryOut(order, work))
            }
        }
    }

    private func carryOut<Answer: Sendable>(
        _ order: Order<Answer>, _ work: Work<Answer>
    ) -> BindOutcome<Answer> {
        while let kept = takeIdle() {
            do throws(LDAPError) {
                return .answered(try use(kept, work, order))
            } catch {
                // A server that closed an idle connection has not looked at what was sent on it; but
                // a change that was sent after a bind may have been carried out.
                guard error.code == .serverDown, error.step != .changePassword, !order.isOver else {
                    return failed(kept, error)
                }
                dropIdle(of: kept.server)
            }
        }
        var last = "no server"
        let servers = serversInOrder()
        for (position, server) in servers.enumerated() where !order.isOver {
            let share = order.left() / (servers.count - position)
            let made: Idle
            do throws(LDAPError) {
                let session = try directory.connect(to: server, within: share)
                made = Idle(session: session, server: server, since: clock.uptime())
            } catch {
                noteFailure(of: server)
                last = error.description
                continue
            }
            guard !order.isOver else {
                giveBack(made)
                break
            }
            do throws(LDAPError) {
                return .answered(try use(made, work, order))
            } catch {
                return failed(made, error)
            }
        }
        return .failed(last)
    }

    private func use<Answer: Sendable>(
        _ kept: Idle, _ work: Work<Answer>, _ order: Order<Answer>
    ) throws(LDAPError) -> Answer {
        let answer = try work(kept.session, order.left)
        state.withLock { $0.failedAt[kept.server] = nil }
        giveBack(kept)
        return answer
    }

    private func failed<Answer>(_ kept: Idle, _ error: LDAPError) -> BindOutcome<Answer> {
        noteFailure(of: kept.server)
        dropIdle(of: kept.server)
        return .failed(error.description)
    }
}

// MARK: - Connections

extension BindPool {
    /// Makes a connection if none is kept, closes those that are too many, asks one that was idle for
    /// long whether it still works; false when the directory did not answer.
    ///
    /// To be called now and then; returns after `limit` at the latest.
    func tend(within limit: Duration) async -> Bool {
        let now = clock.uptime()
        let (needsWork, dropped) = state.withLock { state in
            let newest = state.idle.popLast()
            let dropped = state.idle.filter { now - $0.since > Self.idleTime }
            state.idle.removeAll { now - $0.since > Self.idleTime }
            if let newest { state.idle.append(newest) }
            let isFresh = newest.map { now - $0.since < Self.checkTime } ?? false
            guard !isFresh, !state.isWarming else { return (false, dropped) }
            state.isWarming = true
            return (true, dropped)
        }
        // Closing a connection is for a thread that may block.
        if !dropped.isEmpty { threads.submit { _ in _ = dropped } }
        guard needsWork else { return true }
        let outcome = await probe(within: limit)
        state.withLock { $0.isWarming = false }
        if case .failed = outcome { return false }
        return true
    }

    /// Asks the directory something that is nobody's password.
    func probe(within limit: Duration) async -> BindOutcome<Void> {
        await perform(by: clock.uptime() + limit) { session, left throws(LDAPError) in
            try session.ping(within: left())
        }
    }

    /// The newest connection that nobody uses and that is still open.
    private func takeIdle() -> Idle? {
        while let kept = state.withLock({ $0.idle.popLast() }) {
            if kept.session.isQuiet() { return kept }
        }
        return nil
    }

    private func giveBack(_ kept: Idle) {
        var kept = kept
        kept.since = clock.uptime()
        state.withLock { $0.idle.append(kept) }
    }

    private func dropIdle(of server: Int) {
        // Closing happens outside the lock, on this thread.
        let dropped = state.withLock { state in
            let dropped = state.idle.filter { $0.server == server }
            state.idle.removeAll { $0.server == server }
            return dropped
        }
        _ = consume dropped
    }

    private func noteFailure(of server: Int) {
        let now = clock.uptime()
        state.withLock { $0.failedAt[server] = now }
    }

    /// Servers in the order of the configuration, those that failed of late last.
    private func serversInOrder() -> [Int] {
        let now = clock.uptime()
        return state.withLock { state in
            let all = Array(0..<directory.serverCount)
            return all.filter { !state.isDistrusted($0, at: now) }
                + all.filter { state.isDistrusted($0, at: now) }
        }
    }
}

/// One piece of work, and whoever waits for it.
private final class Order<Answer: Sendable>: Sendable {
    private let deadline: Duration
    private let clock: DaemonClock
    private let state: Mutex<State>

    private struct State {
        var waiting: CheckedContinuation<BindOutcome<Answer>, Never>?
        var isBegun = false
        var timer: Scheduled<Void>?
    }

    init(
        _ waiting: CheckedContinuation<BindOutcome<Answer>, Never>, deadline: Duration,
        clock: DaemonClock
    ) {
        self.deadline = deadline
        self.clock = clock
        state = Mutex(State(waiting: waiting))
    }

    /// Answers for the work when the deadline passes.
    ///
    /// On an event loop: neither a stuck thread nor a busy cooperative pool delays it.
    func startTimer() {
        let timer = MultiThreadedEventLoopGroup.singleton.next().scheduleTask(
            in: TimeAmount(left())
        ) {
            let isBegun = self.state.withLock { $0.isBegun }
            self.finish(isBegun ? .failed("no answer in time") : .notTried)
        }
        state.withLock { $0.timer = timer }
    }

    /// Whether the work is to be begun: not if nobody waits for it any more.
    func begin() -> Bool {
        state.withLock { state in
            state.isBegun = true
            return state.waiting != nil && left() > .zero
        }
    }

    /// Whether nobody waits any more.
    var isOver: Bool {
        left() <= .zero || state.withLock { $0.waiting == nil }
    }

    /// The time until the deadline.
    func left() -> Duration {
        max(.zero, deadline - clock.uptime())
    }

    /// Hands the outcome to whoever waits; the first one counts.
    func finish(_ outcome: BindOutcome<Answer>) {
        let (waiting, timer) = state.withLock { state in
            defer { state.waiting = nil }
            return (state.waiting, state.timer)
        }
        timer?.cancel()
        waiting?.resume(returning: outcome)
    }
}
