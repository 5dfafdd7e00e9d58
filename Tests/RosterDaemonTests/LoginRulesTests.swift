// Breaker, limiter and offline rules: pure, with a clock by hand.

import AccountStore
import Accounts
import DaemonProtocol
import Logging
import Testing

@testable import RosterDaemon

@Suite struct CircuitBreakerTests {
    @Test("a failure opens it; those who fail with the first change nothing")
    func opens() {
        var breaker = CircuitBreaker()
        #expect(breaker.isClosed)
        #expect(breaker.failed(at: .seconds(100), random: 0.5) == true)
        let due = breaker.probeAt
        #expect(due == .seconds(101))
        for _ in 0..<100 { #expect(breaker.failed(at: .seconds(101), random: 0.9) == false) }
        #expect(breaker.probeAt == due)
        #expect(!breaker.isClosed)
    }

    @Test("one probe at a time, when it is due")
    func probes() {
        var breaker = CircuitBreaker()
        #expect(breaker.beginProbe(at: .seconds(1000)) == false)
        _ = breaker.failed(at: .zero, random: 0.5)
        #expect(breaker.beginProbe(at: .milliseconds(999)) == false)
        #expect(breaker.beginProbe(at: .seconds(1)) == true)
        #expect(breaker.beginProbe(at: .seconds(100)) == false)
        #expect(!breaker.isClosed)
        #expect(breaker.probeSucceeded() == true)
        #expect(breaker.isClosed)
    }

    @Test("pauses grow up to a limit, differ between hosts, and begin anew after a success")
    func pauses() throws {
        var breaker = CircuitBreaker()
        var now = Duration.zero
        _ = breaker.failed(at: now, random: 0.5)
        var pauses: [Double] = []
        for _ in 0..<12 {
            let due = try #require(breaker.probeAt)
            pauses.append((due - now).inSeconds)
            now = due
            #expect(breaker.beginProbe(at: now) == true)
            breaker.probeFailed(at: now, random: 0.5)
        }
        #expect(pauses[..<5] == [1, 2, 4, 8, 16])
        #expect(pauses[5...].allSatisfy { $0 == 30 })
        #expect(breaker.beginProbe(at: now + .seconds(60)) == true)
        _ = breaker.probeSucceeded()
        _ = breaker.failed(at: now, random: 0)
        #expect(breaker.probeAt == now + .milliseconds(750))
        breaker.probeFailed(at: now, random: 1)
        #expect(breaker.probeAt == now + .milliseconds(2500))
    }
}

@Suite struct RequestLimiterTests {
    @Test("a burst is admitted, then one by one as time passes; root and others are not held up")
    func burst() {
        var limiter = RequestLimiter(burst: 3, interval: 2)
        for _ in 0..<3 { #expect(limiter.admission(of: 1000, at: .zero) == .admitted) }
        #expect(limiter.admission(of: 1000, at: .seconds(1)) != .admitted)
        #expect(limiter.admission(of: 1001, at: .seconds(1)) == .admitted)
        for _ in 0..<100 { #expect(limiter.admission(of: 0, at: .seconds(1)) == .admitted) }
        #expect(limiter.admission(of: 1000, at: .seconds(3)) == .admitted)
        #expect(limiter.admission(of: 1000, at: .seconds(3)) != .admitted)
        for _ in 0..<3 { #expect(limiter.admission(of: 1000, at: .seconds(3600)) == .admitted) }
        #expect(limiter.admission(of: 1000, at: .seconds(3600)) != .admitted)
    }

    @Test("of many refusals one in a minute is reported, of each user")
    func reports() {
        var limiter = RequestLimiter(burst: 1, interval: 1e9)
        var reported: [UInt32: Int] = [:]
        for second in 0..<180 {
            for uid in [UInt32(1000), 1001] {
                let admission = limiter.admission(of: uid, at: .seconds(second))
                if admission == .refusedAndDue { reported[uid, default: 0] += 1 }
            }
        }
        #expect(reported == [1000: 3, 1001: 3])
    }

    @Test("users other than root make the log grow no further than they are let")
    func levels() {
        for verdict in LoginVerdict.allCases {
            #expect(verdict.logLevel(.refused, uid: 1000) == nil)
            #expect(verdict.logLevel(.refusedAndDue, uid: 1000) == .notice)
            let other = verdict.logLevel(.admitted, uid: 1000)
            #expect(other == (verdict == .unknownUser ? nil : .info))
            #expect(verdict.logLevel(.admitted, uid: 0) != nil)
        }
        #expect(LoginVerdict.wrongPassword.logLevel(.admitted, uid: 0) == .notice)
    }

    @Test("a limited number of users is counted")
    func users() {
        var limiter = RequestLimiter(burst: 1, interval: 100, users: 2)
        #expect(limiter.admission(of: 1, at: .seconds(1)) == .admitted)
        #expect(limiter.admission(of: 2, at: .seconds(2)) == .admitted)
        #expect(limiter.admission(of: 3, at: .seconds(3)) == .admitted)
        #expect(limiter.admission(of: 3, at: .seconds(3)) != .admitted)
        #expect(limiter.admission(of: 1, at: .seconds(4)) == .admitted)
    }
}

@Suite struct OfflinePolicyTests {
    private let policy = OfflinePolicy(isAllowed: true, maxAge: 86400)
    private let person = LoginPerson(
        uuid: EntryUUID(high: 1, low: 2), name: "anna", dn: "uid=anna", stamp: "s1")

    private func moment(_ seconds: Int64, boot: UInt64 = 7, clock: Int64 = 0) -> VerifierMoment {
        VerifierMoment(at: 1_800_000_000 + seconds + clock, uptime: 500 + seconds, boot: boot)
    }

    private func verifier(failures: Int = 0, lastFailure: Int64 = 0) -> StoredVerifier {
        var stored = StoredVerifier(
            uuid: person.uuid, name: "anna", verifier: [], stamp: "s1", acceptedAt: moment(0))
        stored.failures = failures
        stored.lastFailure = failures > 0 ? moment(lastFailure) : nil
        return stored
    }

    private func mayUse(
        _ stored: StoredVerifier, at now: VerifierMoment, newest: Int64 = 0,
        policy: OfflinePolicy? = nil
    ) -> Bool {
        (policy ?? self.policy).mayUse(stored, for: person, at: now, newest: newest)
    }

    @Test("a verifier is good for its person, name, stamp and age, where verifiers are allowed")
    func conditions() {
        #expect(mayUse(verifier(), at: moment(60)))
        var other = verifier()
        other.uuid = EntryUUID(high: 1, low: 3)
        #expect(!mayUse(other, at: moment(60)))
        other = verifier()
        other.name = "anne"
        #expect(!mayUse(other, at: moment(60)))
        other = verifier()
        other.stamp = "s2"
        #expect(!mayUse(other, at: moment(60)))
        let forbidden = OfflinePolicy(isAllowed: false, maxAge: 86400)
        #expect(!mayUse(verifier(), at: moment(60), policy: forbidden))
        #expect(mayUse(verifier(), at: moment(86399)))
        #expect(!mayUse(verifier(), at: moment(86400)))
    }

    @Test("setting the clock back makes no verifier young")
    func clocks() {
        #expect(!mayUse(verifier(), at: moment(86400, clock: -1_000_000)))
        let rebooted = moment(-400, boot: 8)
        #expect(mayUse(verifier(), at: rebooted, newest: 1_800_000_000 + 86399))
        #expect(!mayUse(verifier(), at: rebooted, newest: 1_800_000_000 + 86400))
    }

    @Test("the first wrong passwords cost nothing, the next ones ever more, up to a limit")
    func delays() {
        func delay(_ failures: Int, after seconds: Int64 = 0) -> Int64 {
            policy.delay(
                after: verifier(failures: failures, lastFailure: 100), at: moment(100 + seconds),
                newest: 0)
        }
        #expect((0...6).map { delay($0) } == [0, 0, 0, 2, 4, 8, 16])
        #expect(delay(4, after: 3) == 1)
        #expect(delay(4, after: 4) == 0)
        #expect(delay(1000) == 900)
    }

    @Test(
        "a restart does not shorten a delay, a reboot makes it no longer than the wall clock says")
    func delayAcrossBoots() {
        let stored = verifier(failures: 6, lastFailure: 100)
        #expect(policy.delay(after: stored, at: moment(104), newest: 0) == 12)
        let rebooted = VerifierMoment(at: moment(110).at, uptime: 3, boot: 9)
        #expect(policy.delay(after: stored, at: rebooted, newest: 0) == 6)
        // The new boot has lasted longer than the delay, whatever the wall clock says.
        #expect(policy.delay(after: stored, at: moment(110, boot: 9), newest: 0) == 0)
    }
}

@Suite struct GateAgreementTests {
    private let uuid = EntryUUID(high: 1, low: 2)

    private func agreed(
        _ verdict: LoginVerdict, _ change: (inout LoginPerson) -> Void
    ) -> LoginVerdict {
        var person = LoginPerson(uuid: uuid, name: "anna", dn: "uid=anna", stamp: "", uid: 20001)
        change(&person)
        let finding = GateFinding(verdict: verdict, uid: 20001, uuid: uuid)
        return finding.agreed(with: person).verdict
    }

    @Test("index and store have to mean the same account; what the store takes away is taken away")
    func agreement() {
        for verdict in [LoginVerdict.accepted, .mustChangePassword] {
            #expect(agreed(verdict) { _ in } == verdict)
            #expect(agreed(verdict) { $0.uid = 20002 } == .undecidable)
            #expect(agreed(verdict) { $0.uuid = EntryUUID(high: 1, low: 3) } == .undecidable)
            #expect(agreed(verdict) { $0.refusal = .disabled } == .disabled)
            #expect(agreed(verdict) { $0.refusal = .blocked } == .blocked)
        }
        for verdict in [LoginVerdict.removed, .denied, .stale, .unknownUser] {
            #expect(agreed(verdict) { $0.refusal = .disabled } == verdict)
            #expect(agreed(verdict) { $0.uid = 20002 } == verdict)
        }
        let nobody = GateFinding(verdict: .accepted)
        let person = LoginPerson(uuid: uuid, name: "anna", dn: "uid=anna", stamp: "", uid: 0)
        #expect(nobody.agreed(with: person).verdict == .undecidable)
    }
}

@Suite struct LoginQuestionTests {
    @Test("a question describes itself without the passwords, however it is printed")
    func silence() throws {
        let name = Array("anna".utf8)
        let secrets = (Array("old-secret".utf8), Array("new-secret".utf8))
        let question = unsafe name.withUnsafeBytes { name in
            unsafe secrets.0.withUnsafeBytes { old in
                unsafe secrets.1.withUnsafeBytes { new in
                    var request = unsafe LoginRequest(.change, name: name)
                    unsafe request.password = old
                    unsafe request.newPassword = new
                    return LoginQuestion(request)
                }
            }
        }
        var dumped = ""
        dump(question, to: &dumped)
        dump(question.password, to: &dumped)
        for text in [
            "\(question)", String(reflecting: question), dumped, "\(question.password)",
            String(reflecting: question.password), "\(question.kind)",
        ] {
            #expect(!text.contains("secret"), "\(text)")
            #expect(!text.contains("111, 108, 100"), "\(text)")
        }
        #expect("\(question)" == "change of anna for ")
    }

    @Test("octets of a request are collected in pieces of any size, and one frame only")
    func collected() throws {
        let frame = try ControlRequest.user(name: "ada").frame()
        for cut in 0...frame.count {
            let octets = try RequestOctets(limit: 100)
            let first = try receive(Array(frame[..<cut]), octets)
            #expect(first == (cut == frame.count))
            guard cut < frame.count else { continue }
            #expect(try receive(Array(frame[cut...]), octets))
            let payload = unsafe octets.withPayload { unsafe Array($0) }
            #expect(payload == Array(frame[5...]))
        }
        for (bad, error) in [
            (frame + [0], FrameError.trailing), ([0, 0, 0, 200, 1], .tooLong),
            ([0, 0, 0, 1, 1], .empty), ([0, 0, 0, 9, 2], .otherVersion),
        ] as [([UInt8], FrameError)] {
            let octets = try RequestOctets(limit: 100)
            #expect(throws: error) { _ = try receive(bad, octets) }
        }
    }

    private func receive(_ piece: [UInt8], _ octets: RequestOctets) throws -> Bool {
        try unsafe piece.withUnsafeBytes { try unsafe octets.receive($0) }
    }
}
