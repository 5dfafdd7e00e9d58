// The pool's promises against a directory that does whatever is worst.

import Foundation
import LDAPClient
import Logging
import Synchronization
import Testing

@testable import RosterDaemon

/// A directory by script: it counts, answers, hangs until it is released, or fails.
private final class ScriptedDirectory: BindDirectory {
    struct Script: Sendable {
        var connectHangs: Set<Int> = []
        var connectFails: Set<Int> = []
        var bindHangs = false
        var lost = 0
    }

    struct Counts: Equatable, Sendable {
        var connects: [Int] = []
        var binds = 0
        var stuck = 0
        var mostStuck = 0
    }

    let serverCount: Int
    let script: Mutex<Script>
    let counts = Mutex(Counts())
    private let isReleased = Atomic(false)

    init(_ script: Script = Script(), servers: Int = 1) {
        self.script = Mutex(script)
        serverCount = servers
    }

    deinit { release() }

    func release() { isReleased.store(true, ordering: .relaxed) }

    fileprivate func hang() {
        counts.withLock {
            $0.stuck += 1
            $0.mostStuck = max($0.mostStuck, $0.stuck)
        }
        while !isReleased.load(ordering: .relaxed) { usleep(2000) }
        counts.withLock { $0.stuck -= 1 }
    }

    func connect(to server: Int, within limit: Duration) throws(LDAPError) -> any BindSession {
        counts.withLock { $0.connects.append(server) }
        let script = script.withLock { $0 }
        if script.connectHangs.contains(server) { hang() }
        if script.connectFails.contains(server) { throw fault(.connectError) }
        return ScriptedSession(self)
    }
}

private func fault(_ code: LDAPResultCode) -> LDAPError {
    LDAPError(server: "test", step: .bind, code: code, diagnostic: "scripted", remedy: "")
}

private final class ScriptedSession: BindSession {
    private let directory: ScriptedDirectory
    init(_ directory: ScriptedDirectory) { self.directory = directory }

    func authenticate(
        dn: String, password: Password, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer {
        let script = directory.script.withLock { script in
            defer { script.lost = max(0, script.lost - 1) }
            return script
        }
        directory.counts.withLock { $0.binds += 1 }
        if script.bindHangs { directory.hang() }
        if script.lost > 0 { throw fault(.serverDown) }
        return PasswordAnswer(LDAPResult(code: .success))
    }

    func changePassword(
        of dn: String, old: Password, new: Password, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer {
        PasswordAnswer(LDAPResult(code: .success))
    }

    func ping(within limit: Duration) throws(LDAPError) {
        if directory.script.withLock({ $0.bindHangs }) { directory.hang() }
    }

    func isQuiet() -> Bool { true }
}

@Suite(.timeLimit(.minutes(1))) struct BindPoolTests {
    private let clock = DaemonClock.system

    private func login(
        _ pool: BindPool, within limit: Duration = .seconds(30)
    ) async -> BindOutcome<PasswordAnswer> {
        await pool.perform(by: clock.uptime() + limit) { session, left throws(LDAPError) in
            try session.authenticate(dn: "uid=anna", password: Password([1]), within: left())
        }
    }

    private func isAnswered(_ outcome: BindOutcome<PasswordAnswer>) -> Bool {
        if case .answered = outcome { true } else { false }
    }

    @Test("one connection serves one login after the other")
    func reuse() async {
        let directory = ScriptedDirectory()
        let pool = BindPool(directory, clock: clock)
        for _ in 0..<5 { #expect(isAnswered(await login(pool))) }
        #expect(directory.counts.withLock { $0 }.connects == [0])
        #expect(directory.counts.withLock { $0 }.binds == 5)
        #expect(pool.idleCount == 1)
    }

    @Test("when every thread hangs, deadlines hold all the same and no further thread is taken")
    func stuck() async {
        let directory = ScriptedDirectory(.init(connectHangs: [0]))
        let pool = BindPool(directory, size: 4, clock: clock)
        let began = ContinuousClock.now
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<40 {
                group.addTask { isAnswered(await login(pool, within: .milliseconds(200))) }
            }
            for await isAnswered in group { #expect(!isAnswered) }
        }
        #expect(ContinuousClock.now - began < .seconds(20))
        #expect(directory.counts.withLock { $0 }.mostStuck == 4)
        directory.script.withLock { $0.connectHangs = [] }
        directory.release()
        #expect(isAnswered(await login(pool)))
        // What nobody waited for any more was never sent.
        #expect(directory.counts.withLock { $0 }.binds == 1)
    }

    @Test("those who never got a thread are told apart from those whom nobody answered")
    func queued() async {
        let directory = ScriptedDirectory(.init(bindHangs: true))
        let pool = BindPool(directory, size: 1, clock: clock)
        async let first = login(pool, within: .seconds(2))
        while directory.counts.withLock({ $0.stuck }) == 0 {
            try? await Task.sleep(for: .milliseconds(1))
        }
        let second = await login(pool, within: .milliseconds(20))
        guard case .notTried = second, case .failed = await first else {
            Issue.record("not told apart")
            return
        }
    }

    @Test("a kept connection that the server closed is replaced, once, without anybody noticing")
    func lost() async {
        let directory = ScriptedDirectory()
        let pool = BindPool(directory, clock: clock)
        #expect(isAnswered(await login(pool)))
        directory.script.withLock { $0.lost = 1 }
        #expect(isAnswered(await login(pool)))
        #expect(directory.counts.withLock { $0 }.connects == [0, 0])
        directory.script.withLock { $0.lost = 2 }
        #expect(!isAnswered(await login(pool)))
        #expect(pool.idleCount == 0)
    }

    @Test("servers are tried in order, one that failed last of all for a while")
    func servers() async {
        let directory = ScriptedDirectory(.init(connectFails: [0], lost: 1), servers: 3)
        let pool = BindPool(directory, clock: clock)
        #expect(!isAnswered(await login(pool)))
        #expect(directory.counts.withLock { $0 }.connects == [0, 1])
        #expect(isAnswered(await login(pool)))
        #expect(directory.counts.withLock { $0 }.connects == [0, 1, 2])
        #expect(pool.hasTrustedServer)
    }

    @Test("a connection is made before anybody needs one, and asked after a while")
    func warm() async {
        let directory = ScriptedDirectory()
        let uptime = Mutex(Duration.seconds(1000))
        var clock = DaemonClock.system
        clock.uptime = { uptime.withLock { $0 } }
        let pool = BindPool(directory, clock: clock)
        #expect(await pool.tend(within: .seconds(30)))
        #expect(pool.idleCount == 1)
        uptime.withLock { $0 += BindPool.checkTime }
        directory.script.withLock { $0.bindHangs = true }
        #expect(await !pool.tend(within: .milliseconds(50)))
    }

    @Test("while the breaker is open nobody asks; a probe in the background closes it")
    func breaker() async {
        let directory = ScriptedDirectory(.init(connectFails: [0]))
        let pool = BindPool(directory, clock: clock)
        let logins = LoginDirectory(
            pool, timeout: .seconds(30), clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let ask = {
            await logins.ask(by: clock.uptime() + .seconds(30)) { session, left throws(LDAPError) in
                try session.authenticate(dn: "x", password: Password([1]), within: left())
            }
        }
        #expect(!isAnswered(await ask()))
        #expect(!logins.isAsked)
        let connects = directory.counts.withLock { $0.connects.count }
        for _ in 0..<50 { #expect(!isAnswered(await ask())) }
        #expect(directory.counts.withLock { $0.connects.count } == connects)
        directory.script.withLock { $0.connectFails = [] }
        let tending = Task { await logins.tend() }
        while !logins.isAsked { try? await Task.sleep(for: .milliseconds(5)) }
        tending.cancel()
        #expect(isAnswered(await ask()))
    }
}
