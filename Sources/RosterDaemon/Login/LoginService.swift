// The decision on a password: the gate first, then the directory, then the cached verifier.

internal import AccountStore
internal import Accounts
internal import DaemonProtocol
internal import LDAPClient
internal import Logging
internal import NIOPosix
internal import Synchronization

/// An identity of roster's own in the directory: `[login] reset_dn`, by whose rights root sets a
/// person's password; `[directory] bind_dn`, on whose connection somebody changes a password with
/// which nobody can bind any more.
struct ServiceIdentity: Sendable {
    var dn: String
    /// Reads the password; blocks on the disk.
    var password: @Sendable () throws -> Password
}

/// Answers what is asked on the login socket.
///
/// One deadline holds for a question, whatever threads, resolver and directory do. Nothing here
/// blocks; files are read on ``lookups``.
final class LoginService: Sendable {
    let timeout: Duration
    let gate: LoginGate
    let directory: LoginDirectory
    let keeper: VerifierKeeper
    let reset: ServiceIdentity?
    let reader: ServiceIdentity?
    let clock: DaemonClock
    private let storeReader: StoreReaderSlot
    private let logger: Logger
    /// Threads for what reads files.
    let lookups = NIOThreadPool(numberOfThreads: 2)
    private let limiter = Mutex(RequestLimiter())
    /// How long the directory takes to refuse a password, for refusals that it is not asked about.
    private let refusalTime = Mutex(Duration.zero)

    /// Of the deadline, what is left to the verifiers when the directory does not answer: enough for
    /// those who come in the moment in which it freezes, two of whom are checked at a time.
    private var offlineShare: Duration { max(.milliseconds(250), timeout / 4) }
    /// A question that came before the store was open waits so long for it: less than who asks about
    /// an account waits for the answer.
    private static let longestOpening: Duration = .milliseconds(1500)
    /// A refusal that the directory is not asked about takes no longer than this.
    private static let longestPretence: Duration = .milliseconds(300)

    init(
        timeout: Duration, gate: LoginGate, directory: LoginDirectory, keeper: VerifierKeeper,
        storeReader: StoreReaderSlot, reset: ServiceIdentity?, reader: ServiceIdentity?,
        clock: DaemonClock, logger: Logger
    ) {
        self.timeout = timeout
        self.gate = gate
        self.directory = directory
        self.keeper = keeper
        self.storeReader = storeReader
        self.reset = reset
        self.reader = reader
        self.clock = clock
        self.logger = logger
        lookups.start()
    }

    /// Answers a question of `peer` and logs how.
    func answer(_ question: LoginQuestion, of peer: PeerCredentials) async -> LoginAnswer {
        let beganAt = clock.uptime()
        let admission = limiter.withLock { $0.admission(of: peer.uid, at: beganAt) }
        var answer = LoginAnswer(.undecidable, source: "too many requests")
        if admission == .admitted {
            answer = await decide(question, of: peer, deadline: beganAt + timeout)
        }
        if answer.messages.isEmpty, answer.verdict.isTold {
            let verdict = answer.verdict
            let text = try? await lookups.runIfActive { self.gate.text(for: verdict) }
            answer.messages = text.map { $0.isEmpty ? [] : [$0] } ?? []
        }
        if let level = answer.verdict.logLevel(admission, uid: peer.uid) {
            log(question, answer, of: peer, took: clock.uptime() - beganAt, as: level)
        }
        return answer
    }

    private func log(
        _ question: LoginQuestion, _ answer: LoginAnswer, of peer: PeerCredentials, took: Duration,
        as level: Logger.Level
    ) {
        var values: Logger.Metadata = [
            "user": "\(question.nameText)", "service": "\(question.serviceText)",
            "verdict": "\(answer.verdict)", "uid": "\(peer.uid)",
            "ms": "\(Int(took.inSeconds * 1000))",
        ]
        if !question.remoteHost.isEmpty { values["rhost"] = "\(question.remoteHost)" }
        if !answer.source.isEmpty { values["source"] = "\(answer.source)" }
        if answer.isOffline { values["offline"] = "yes" }
        logger.log(level: level, "\(question.kind)", metadata: values)
    }

    private func decide(
        _ question: LoginQuestion, of peer: PeerCredentials, deadline: Duration
    ) async -> LoginAnswer {
        await storeReader.waitUntilOpen(
            atMost: min(Self.longestOpening, deadline - clock.uptime() - offlineShare),
            clock: clock)
        let now = clock.gate()
        let found = try? await lookups.runIfActive {
            let finding = self.gate.decide(
                name: question.name, service: question.service, clock: now)
            let person = try self.storeReader.reader?.loginPerson(named: question.nameText)
            return (finding, person)
        }
        guard let (published, person) = found else {
            return LoginAnswer(.undecidable, source: "store")
        }
        let finding = published.agreed(with: person)
        if finding.verdict == .unknownUser { return LoginAnswer(.unknownUser) }
        guard peer.uid == 0 || peer.uid == finding.uid else {
            return LoginAnswer(.undecidable, source: "asked by another user")
        }
        switch question.kind {
        case .account:
            return LoginAnswer(finding.verdict, source: finding.source, messages: [finding.text])
        case .authenticate, .checkChange, .change:
            guard finding.verdict.admitsPasswords else { return await refuse(finding) }
            guard let person else { return LoginAnswer(.undecidable, source: "store") }
            let login = Login(person: person, finding: finding, deadline: deadline)
            return switch question.kind {
            case .change: await change(question, login, by: peer)
            case .checkChange: await checkChange(question, login, by: peer)
            case .authenticate, .account: await authenticate(question, login)
            }
        }
    }

    /// A refusal by the gate: without the directory, and to the caller like a wrong password.
    private func refuse(_ finding: GateFinding) async -> LoginAnswer {
        guard finding.verdict != .undecidable else {
            return LoginAnswer(.undecidable, source: finding.source)
        }
        await pretend()
        return LoginAnswer(
            .wrongPassword, source: "gate: \(finding.verdict), \(finding.source)")
    }

    private func pretend() async {
        let time = refusalTime.withLock { $0 }
        if time > .zero { try? await Task.sleep(for: time) }
    }
}

/// A login that the gate admits.
struct Login: Sendable {
    var person: LoginPerson
    var finding: GateFinding
    /// When it has to be decided, by the steady clock.
    var deadline: Duration
}

extension LoginVerdict {
    /// How the answer to a user is logged; `nil`: not at all.
    ///
    /// Nobody but root can make the log grow faster than the limiter lets through.
    func logLevel(_ admission: RequestLimiter.Admission, uid: UInt32) -> Logger.Level? {
        switch admission {
        case .refused: return nil
        case .refusedAndDue: return .notice
        case .admitted: break
        }
        guard uid == 0 else { return self == .unknownUser ? nil : .info }
        return self == .accepted || self == .unknownUser ? .info : .notice
    }

    /// Whether the person is told the verdict's text with it.
    fileprivate var isTold: Bool {
        switch self {
        case .mustChangePassword, .disabled, .expired, .denied, .locked, .passwordExpired,
            .newPasswordRefused, .changeNotPermitted, .undecidable:
            true
        case .accepted, .unknownUser, .removed, .blocked, .notAllowed, .stale, .wrongPassword:
            false
        }
    }
}

// MARK: - Is it the password?

extension LoginService {
    private func authenticate(_ question: LoginQuestion, _ login: Login) async -> LoginAnswer {
        let password = question.password
        guard password.isAdmissible else {
            await pretend()
            return LoginAnswer(.wrongPassword, source: "password not admissible")
        }
        let outcome = await bind(login, password, keeping: offlineShare)
        guard case .decided(let verdict, let answer) = outcome else {
            return await offline(password, login, why: outcome.reason)
        }
        if verdict == .accepted || verdict == .mustChangePassword {
            keeper.accepted(
                password, of: login.person, mustChange: verdict == .mustChangePassword)
        }
        guard verdict == .accepted, login.finding.verdict == .mustChangePassword else {
            return answer
        }
        return LoginAnswer(.mustChangePassword, source: login.finding.source)
    }

    /// How a bind ended.
    enum BindVerdict: Sendable {
        /// The directory said so.
        case decided(LoginVerdict, LoginAnswer)
        /// It said nothing, for this reason.
        case noAnswer(String)

        fileprivate var reason: String {
            if case .noAnswer(let reason) = self { reason } else { "" }
        }
    }

    /// Binds as the person; `share` of the time is left over.
    func bind(
        _ login: Login, _ password: Password, keeping share: Duration = .zero
    ) async -> BindVerdict {
        let beganAt = clock.uptime()
        let dn = login.person.dn
        let deadline = login.deadline - min(share, timeout / 4)
        let outcome = await directory.ask(by: deadline) { session, left throws(LDAPError) in
            try session.authenticate(dn: dn, password: password, within: left())
        }
        switch outcome {
        case .failed(let reason): return .noAnswer(reason)
        case .notTried: return .noAnswer("too many logins at once")
        case .answered(let answer):
            let found = PasswordVerdict(bind: answer)
            guard let verdict = found.verdict else { return .noAnswer(found.source) }
            if verdict == .wrongPassword { noteRefusal(took: clock.uptime() - beganAt) }
            keeper.learn(verdict, of: password, login.person)
            return .decided(
                verdict, LoginAnswer(verdict, source: found.source, messages: found.messages))
        }
    }

    private func noteRefusal(took time: Duration) {
        refusalTime.withLock { $0 = min(($0 + time) / 2, Self.longestPretence) }
    }

    /// The directory gave no answer: the verifier, if there is one that may be used.
    private func offline(
        _ password: Password, _ login: Login, why: String
    ) async -> LoginAnswer {
        let finding = await keeper.check(
            password, of: login.person, newest: login.finding.now,
            by: max(login.deadline, clock.uptime() + offlineShare))
        var answer: LoginAnswer
        switch finding {
        case .accepted(let mustChange):
            let isDue = mustChange || login.finding.verdict == .mustChangePassword
            answer = LoginAnswer(isDue ? .mustChangePassword : .accepted, source: why)
            answer.isOffline = true
        case .wrong:
            answer = LoginAnswer(.wrongPassword, source: why)
            answer.isOffline = true
        case .noVerifier: answer = LoginAnswer(.undecidable, source: "\(why); no verifier")
        case .noTime: answer = LoginAnswer(.undecidable, source: "\(why); no time for the verifier")
        case .delayed(let seconds):
            answer = LoginAnswer(
                .undecidable, source: "\(why); delayed after wrong passwords",
                messages: ["Too many wrong passwords; please try again in \(seconds) seconds."])
        }
        return answer
    }
}

extension Password {
    /// Whether it may be sent anywhere; see ``PasswordRules``.
    var isAdmissible: Bool {
        unsafe secret.withBytes { unsafe PasswordRules.isAdmissible($0) }
    }
}
