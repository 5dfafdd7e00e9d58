// The pool's promises against a directory that does whatever is worst.

import Accounts
import DaemonProtocol
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
        var changeIsLost = false
        var bindTakes: Duration = .zero
    }

    struct Counts: Equatable, Sendable {
        var connects: [Int] = []
        var binds = 0
        var changes = 0
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

private func fault(_ code: LDAPResultCode, _ step: LDAPError.Step = .bind) -> LDAPError {
    LDAPError(server: "test", step: step, code: code, diagnostic: "scripted", remedy: "")
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
        if script.bindTakes > .zero { usleep(UInt32(script.bindTakes.inSeconds * 1e6)) }
        if script.lost > 0 { throw fault(.serverDown) }
        return PasswordAnswer(LDAPResult(code: .success))
    }

    func passwordChangeMethod(within limit: Duration) throws(LDAPError) -> PasswordChangeMethod {
        .extended
    }

    func changePassword(
        of dn: String, old: Password, new: Password, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer {
        directory.counts.withLock { $0.changes += 1 }
        if directory.script.withLock({ $0.changeIsLost }) {
            throw fault(.serverDown, .changePassword)
        }
        return PasswordAnswer(LDAPResult(code: .success))
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

    @Test("a change of a password whose connection is lost is sent once, on whatever connection")
    func lostChange() async {
        let directory = ScriptedDirectory(.init(changeIsLost: true))
        let pool = BindPool(directory, clock: clock)
        for kept in 0...1 {
            if kept == 1 { #expect(isAnswered(await login(pool))) }
            #expect(pool.idleCount == kept)
            let before = directory.counts.withLock { $0.changes }
            let outcome: BindOutcome<PasswordAnswer> = await pool.perform(
                by: clock.uptime() + .seconds(30)
            ) { session, left throws(LDAPError) in
                try session.changePassword(
                    of: "uid=anna", old: Password([1]), new: Password([2]), within: left())
            }
            #expect(!isAnswered(outcome))
            #expect(directory.counts.withLock { $0.changes } == before + 1)
        }
    }

    @Test("a change is sent or given up, never both")
    func sending() {
        let sent = ChangeSending()
        #expect(sent.begin())
        #expect(!sent.begin())
        #expect(sent.end())
        let givenUp = ChangeSending()
        #expect(!givenUp.end())
        #expect(!givenUp.begin())
        #expect(!givenUp.end())
    }

    @Test("a change for which the bind left no time is not sent, nobody is told it may have been")
    func lateChange() async throws {
        let directory = ScriptedDirectory(.init(bindTakes: .milliseconds(900)))
        let service = service(directory, timeout: .seconds(1))
        let late = await service.change(Self.change, login(by: service.timeout), by: root)
        #expect(late.verdict == .undecidable)
        #expect(late.messages.isEmpty)
        #expect(directory.counts.withLock { $0.changes } == 0)
        directory.script.withLock { $0 = .init() }
        let patient = self.service(directory, timeout: .seconds(30))
        let answer = await patient.change(Self.change, login(by: patient.timeout), by: root)
        #expect(answer.verdict == .accepted)
        #expect(directory.counts.withLock { $0.changes } == 1)
    }

    private func login(by timeout: Duration) -> Login {
        let person = LoginPerson(
            uuid: EntryUUID(high: 1, low: 2), name: "anna", dn: "uid=anna", stamp: "")
        return Login(
            person: person, finding: GateFinding(verdict: .accepted),
            deadline: clock.uptime() + timeout)
    }

    private let root = PeerCredentials(pid: 1, uid: 0, gid: 0)

    private static var change: LoginQuestion {
        unsafe Array("anna".utf8).withUnsafeBytes { octets in
            var request = unsafe LoginRequest(.change, name: octets)
            unsafe request.password = octets
            unsafe request.newPassword = octets
            return LoginQuestion(request)
        }
    }

    private func service(_ directory: ScriptedDirectory, timeout: Duration) -> LoginService {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let pool = BindPool(directory, clock: clock)
        let keeper = VerifierKeeper(
            directory: "/nonexistent", policy: OfflinePolicy(isAllowed: false, maxAge: 0),
            clock: clock, logger: logger)
        return LoginService(
            timeout: timeout, gate: LoginGate(directory: "/nonexistent"),
            directory: LoginDirectory(pool, timeout: timeout, clock: clock, logger: logger),
            keeper: keeper, storeReader: StoreReaderSlot(), reset: nil, reader: nil, clock: clock,
            logger: logger)
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
        #expect(await !pool.tend(within: .seconds(2)))
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
