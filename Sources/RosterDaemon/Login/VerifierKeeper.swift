// Verifiers: made and renewed after a login, held against a password while the directory is away.
//
// After each bind that the directory accepted the verifier is renewed: if this process knows (by a
// fingerprint in memory) that the password is the one the verifier was made of, and the directory
// shows the same password stamp, only the time is written; otherwise a new one is derived, on one
// thread that has a low priority. A password that the directory refuses though the verifier would
// accept it costs the verifier. What follows from the directory's answers happens on that thread in
// the order of the answers; a verifier that is to go is not used from the answer on.

internal import AccountIndex
internal import AccountStore
internal import Accounts
internal import Credentials
internal import Glibc
internal import LDAPClient
internal import Logging
internal import NIOPosix
internal import Synchronization

/// What came of holding a password against a verifier.
enum OfflineFinding: Equatable, Sendable {
    /// It is the right one; the directory wanted a new one when it last saw it, or did not.
    case accepted(mustChange: Bool)
    /// It is not; counted.
    case wrong
    /// There is no verifier that may be used.
    case noVerifier
    /// Too many wrong ones: the next is looked at in so many seconds.
    case delayed(seconds: Int64)
    /// No time was left to find out.
    case noTime
}

/// Keeps and uses verifiers.
final class VerifierKeeper: Sendable {
    let directory: String
    let policy: OfflinePolicy
    let clock: DaemonClock
    let logger: Logger
    private let cost: ScryptCost
    let state = Mutex(State())
    private let fingerprints = PasswordFingerprints()
    /// The threads of checks: so many go on at once, others wait.
    let checks = NIOThreadPool(numberOfThreads: 2)
    /// The thread that derives.
    let work = NIOThreadPool(numberOfThreads: 1)

    /// How many people's fingerprints are kept; for how many people derivations, and checks of
    /// refused passwords, may wait; how many such passwords of one person.
    private static let mostFingerprints = 10_000
    fileprivate static let mostWaiting = 256
    fileprivate static let mostRefused = 4

    struct State {
        var store: VerifierStore?
        var reader: StoreReader?
        /// The reader of the store that was opened last.
        var newestReader: StoreReader?
        /// Of the password that the person's verifier was made of.
        var fingerprints: [EntryUUID: PasswordFingerprint] = [:]
        /// Who waits for a derivation.
        var waiting: Set<EntryUUID> = []
        /// Who waits for a check of passwords that the directory refused.
        var refused: [EntryUUID: [Refused]] = [:]
        /// Whose verifiers are about to go or to be marked, and for how many answers.
        var barred: [EntryUUID: Int] = [:]
    }

    /// A password that the directory refused.
    struct Refused {
        var password: Password
        var print: PasswordFingerprint
    }

    init(
        directory: String, policy: OfflinePolicy, clock: DaemonClock, logger: Logger,
        cost: ScryptCost = .standard
    ) {
        self.directory = directory
        self.policy = policy
        self.clock = clock
        self.logger = logger
        self.cost = cost
        checks.start()
        work.start()
        work.submit { _ in
            // On Linux the priority is the calling thread's; see sched(7).
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        }
    }

    /// Forgets what a change of what is published makes void; to be called after its commit.
    func forget(after change: PublicationChange) {
        attempt("forget") { store throws(StoreError) in try store.forget(after: change) }
    }

    /// When the directory last accepted the password that a person's verifier is of, in seconds
    /// since the epoch; `nil`: there is none that may be used.
    func acceptedAt(_ person: EntryUUID) -> Int64? {
        let store = state.withLock { $0.barred[person] == nil ? $0.store : nil }
        guard let stored = try? store?.verifier(of: person), stored.refusedAt == nil else {
            return nil
        }
        return stored.acceptedAt.at
    }

    /// False if it failed, which is logged.
    @discardableResult
    private func attempt(
        _ what: String, _ body: (VerifierStore) throws(StoreError) -> Void
    ) -> Bool {
        guard let store = state.withLock({ $0.store }) else { return true }
        do throws(StoreError) {
            try body(store)
            return true
        } catch {
            logger.error("a verifier cannot be kept up: \(error)", metadata: ["step": "\(what)"])
            return false
        }
    }

    func moment() -> VerifierMoment {
        let clock = clock.gate()
        return VerifierMoment(at: clock.now, uptime: clock.uptime, boot: clock.boot)
    }
}

// MARK: - After the directory's answer

extension VerifierKeeper {
    /// The directory accepted the password: renews the verifier in the background; `mustChange`: it
    /// wants a new one before anything else.
    func accepted(_ password: Password, of person: LoginPerson, mustChange: Bool = false) {
        guard policy.isAllowed else { return }
        let isTaken = state.withLock { state in
            guard state.waiting.count < Self.mostWaiting else { return false }
            return state.waiting.insert(person.uuid).inserted
        }
        guard isTaken else { return }
        work.submit { state in
            _ = self.state.withLock { $0.waiting.remove(person.uuid) }
            if state == .active { self.renew(password, of: person, mustChange: mustChange) }
        }
    }

    /// The directory refused the password: a verifier that would accept it is forgotten, in the
    /// background.
    ///
    /// Where a fingerprint tells, that costs nothing; else the password is held against the verifier.
    /// Where too many passwords wait for that, the verifier is not used until one is accepted again.
    func refused(_ password: Password, of person: LoginPerson) {
        guard let print = fingerprint(password, person) else { return locked(person.uuid) }
        switch state.withLock({ $0.note(Refused(password: password, print: print), person.uuid) }) {
        case .nothing: break
        case .forget: forget(person.uuid)
        case .tooMany: locked(person.uuid)
        case .check:
            bar(person.uuid, "refuse") { store throws(StoreError) in
                let refused = self.state.withLock { $0.refused.removeValue(forKey: person.uuid) }
                try self.forgetIfOf(refused ?? [], person.uuid, in: store)
            }
        }
    }

    /// What a refusal by the directory means for the verifier; nothing if it is none.
    func learn(_ verdict: LoginVerdict, of password: Password, _ person: LoginPerson) {
        switch verdict {
        case .wrongPassword: refused(password, of: person)
        case .locked, .denied: locked(person.uuid)
        case .disabled, .expired, .passwordExpired: forget(person.uuid)
        case .accepted, .mustChangePassword, .unknownUser, .removed, .blocked, .notAllowed, .stale,
            .newPasswordRefused, .changeNotPermitted, .undecidable:
            break
        }
    }

    /// The directory said no to the account, or its password is another one: forgets the verifier.
    func forget(_ person: EntryUUID) {
        bar(person, "forget") { store throws(StoreError) in try store.forget(people: [person]) }
    }

    /// The directory locked the account, or does not admit it now: its verifier is not used until the
    /// directory accepts the password again.
    func locked(_ person: EntryUUID) {
        bar(person, "lock") { store throws(StoreError) in
            try store.noteRefused(person, at: self.moment())
        }
    }

    /// The person's verifier is not used from now on until `body` is done.
    private func bar(
        _ person: EntryUUID, _ what: String,
        _ body: @escaping @Sendable (VerifierStore) throws(StoreError) -> Void
    ) {
        state.withLock { $0.barred[person, default: 0] += 1 }
        work.submit { state in
            // What fails leaves it barred.
            guard state == .active, self.attempt(what, body) else { return }
            self.state.withLock { state in
                let left = (state.barred[person] ?? 0) - 1
                state.barred[person] = left > 0 ? left : nil
            }
        }
    }

    private func forgetIfOf(
        _ refused: [Refused], _ person: EntryUUID, in store: VerifierStore
    ) throws(StoreError) {
        guard let stored = try store.verifier(of: person) else { return }
        let known = state.withLock { $0.fingerprints[person] }
        let isOne = refused.contains { one in
            known.map { $0 == one.print } ?? matches(one.password, stored)
        }
        if isOne { try store.forget(people: [person]) }
    }

    /// Whether a verifier accepts a password; one that cannot be used accepts everything here.
    private func matches(_ password: Password, _ stored: StoredVerifier) -> Bool {
        guard let verifier = PasswordVerifier(octets: stored.verifier) else { return true }
        return unsafe password.secret.withBytes { unsafe verifier.matches($0) } ?? true
    }

    private func renew(_ password: Password, of person: LoginPerson, mustChange: Bool) {
        openIfDamaged()
        guard let print = fingerprint(password, person) else { return }
        let isKnown = state.withLock { $0.fingerprints[person.uuid] == print }
        attempt("renew") { store throws(StoreError) in
            if isKnown, try store.verifier(of: person.uuid)?.stamp == person.stamp {
                return try store.noteAccepted(person.uuid, at: moment(), mustChange: mustChange)
            }
            guard let made = derive(password) else { return }
            let verifier = StoredVerifier(
                uuid: person.uuid, name: person.name, verifier: made.octets, stamp: person.stamp,
                acceptedAt: moment(), mustChange: mustChange)
            // A fingerprint is that of the verifier that is kept, or there is none.
            guard try store.put(verifier, ifStill: { isStill(person) }) else { return }
            state.withLock { state in
                if state.fingerprints.count >= Self.mostFingerprints { state.fingerprints = [:] }
                state.fingerprints[person.uuid] = print
            }
        }
    }

    private func derive(_ password: Password) -> PasswordVerifier? {
        unsafe password.secret.withBytes { unsafe PasswordVerifier(deriving: $0, cost: cost) }
    }

    private func fingerprint(_ password: Password, _ person: LoginPerson) -> PasswordFingerprint? {
        guard let fingerprints else { return nil }
        return unsafe password.secret.withBytes {
            unsafe fingerprints.of($0, person: person.uuid.octets)
        }
    }

    /// Whether the person is as at the login: neither gone nor with another password.
    private func isStill(_ person: LoginPerson) -> Bool {
        guard let reader = state.withLock({ $0.reader }),
            let now = try? reader.people(named: person.name).first(where: { $0.uuid == person.uuid }
            ),
            let published = now.published
        else { return false }
        return published.login.passwordStamp == person.stamp && !published.state.isDisabled
            && !published.login.isBlocked
    }
}

extension VerifierKeeper.State {
    /// What is to be done about a refused password.
    fileprivate enum Step { case nothing, forget, check, tooMany }

    /// Notes a refused password that has to be held against the verifier.
    fileprivate mutating func note(_ refused: VerifierKeeper.Refused, _ person: EntryUUID) -> Step {
        // What waits may bring a verifier, or change what is known; it is done first.
        if !waiting.contains(person) {
            guard store?.hasVerifier(of: person) == true else { return .nothing }
            if let known = fingerprints[person] {
                return known == refused.print ? .forget : .nothing
            }
        }
        guard let others = self.refused[person] else {
            guard self.refused.count < VerifierKeeper.mostWaiting else { return .tooMany }
            self.refused[person] = [refused]
            return .check
        }
        guard !others.contains(where: { $0.print == refused.print }) else { return .nothing }
        guard others.count < VerifierKeeper.mostRefused else { return .tooMany }
        self.refused[person] = others + [refused]
        return .nothing
    }
}

// MARK: - What is used without the directory

extension VerifierKeeper {
    /// The person's verifier, if verifiers are open and it is not about to go.
    func unbarred(_ person: EntryUUID) -> (VerifierStore, StoredVerifier)? {
        let (store, isOpen) = state.withLock { state in
            (state.store, state.reader != nil && state.barred[person] == nil)
        }
        guard isOpen, let store, let stored = try? store.verifier(of: person) else { return nil }
        return (store, stored)
    }
}
