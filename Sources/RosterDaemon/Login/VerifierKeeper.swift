// Verifiers: made and renewed after a login, held against a password while the directory is away.
//
// After each bind that the directory accepted the verifier is renewed: if this process knows (by a
// fingerprint in memory) that the password is the one the verifier was made of, and the directory
// shows the same password stamp, only the time is written; otherwise a new one is derived, on one
// thread that has a low priority. A password that the directory refuses though the verifier would
// accept it costs the verifier.

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
    /// It is the right one.
    case accepted
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
    private let directory: String
    private let policy: OfflinePolicy
    private let clock: DaemonClock
    private let logger: Logger
    private let cost: ScryptCost
    private let state = Mutex(State())
    private let fingerprints = PasswordFingerprints()
    /// The threads of checks: so many go on at once, others wait.
    private let checks = NIOThreadPool(numberOfThreads: 2)
    /// The thread that derives.
    private let work = NIOThreadPool(numberOfThreads: 1)

    /// How many people's fingerprints are kept, and how many derivations may wait.
    private static let mostFingerprints = 10_000
    private static let mostWaiting = 256

    private struct State {
        var store: VerifierStore?
        var reader: StoreReader?
        /// Of the password that the person's verifier was made of.
        var fingerprints: [EntryUUID: PasswordFingerprint] = [:]
        /// Who waits for a derivation.
        var waiting: Set<EntryUUID> = []
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

    /// The store was opened or filled: opens the file if it is not open, and holds it against the
    /// store; verifiers are used from then on.
    ///
    /// Does not block; the work is done on the thread that derives.
    func storeOpened(_ reader: StoreReader) {
        work.submit { state in
            if state == .active { self.open(with: reader) }
        }
    }

    private func open(with reader: StoreReader) {
        do throws(StoreError) {
            let store = try openedStore()
            guard policy.isAllowed else { return try forgetAll(store) }
            state.withLock { $0.store = store }
            // While a first load goes on nobody is published; the end of the load comes here again.
            guard try !reader.summary().isLoading else { return }
            try store.reconcile(with: reader)
            state.withLock { $0.reader = reader }
        } catch {
            logger.error("no verifiers can be kept: \(error)")
        }
    }

    private func openedStore() throws(StoreError) -> VerifierStore {
        if let store = state.withLock({ $0.store }) { return store }
        let store = try VerifierStore(directory: directory)
        if let reason = store.discarded {
            logger.notice("the verifiers were unusable and are begun anew: \(reason)")
        }
        return store
    }

    /// Where nobody is to be admitted offline, nothing is kept that could be stolen.
    private func forgetAll(_ store: VerifierStore) throws(StoreError) {
        try store.forgetEverybody()
        store.close()
    }

    /// Forgets what a change of what is published makes void; to be called after its commit.
    func forget(after change: PublicationChange) {
        attempt("forget") { store throws(StoreError) in try store.forget(after: change) }
    }

    /// When the directory last accepted the password that a person's verifier is of, in seconds
    /// since the epoch; `nil`: there is none.
    func acceptedAt(_ person: EntryUUID) -> Int64? {
        let store = state.withLock { $0.store }
        return (try? store?.verifier(of: person))?.acceptedAt.at
    }

    /// Forgets a person's verifier.
    func forget(_ person: EntryUUID) {
        state.withLock { $0.fingerprints[person] = nil }
        attempt("forget") { store throws(StoreError) in try store.forget(people: [person]) }
    }

    private func attempt(_ what: String, _ body: (VerifierStore) throws(StoreError) -> Void) {
        guard let store = state.withLock({ $0.store }) else { return }
        do throws(StoreError) {
            try body(store)
        } catch {
            logger.error("a verifier cannot be kept up: \(error)", metadata: ["step": "\(what)"])
        }
    }

    private func moment() -> VerifierMoment {
        let clock = clock.gate()
        return VerifierMoment(at: clock.now, uptime: clock.uptime, boot: clock.boot)
    }
}

// MARK: - After the directory's answer

extension VerifierKeeper {
    /// The directory accepted the password: renews the verifier in the background.
    func accepted(_ password: Password, of person: LoginPerson) {
        guard policy.isAllowed else { return }
        submit(person) { self.renew(password, of: person) }
    }

    /// The directory refused the password: a verifier that would accept it is forgotten, in the
    /// background.
    func refused(_ password: Password, of person: LoginPerson) {
        guard let known = state.withLock({ $0.fingerprints[person.uuid] }),
            known == fingerprint(password, person)
        else { return }
        submit(person) { self.forget(person.uuid) }
    }

    private func submit(_ person: LoginPerson, _ body: @escaping @Sendable () -> Void) {
        let isTaken = state.withLock { state in
            guard state.waiting.count < Self.mostWaiting else { return false }
            return state.waiting.insert(person.uuid).inserted
        }
        guard isTaken else { return }
        work.submit { state in
            _ = self.state.withLock { $0.waiting.remove(person.uuid) }
            if state == .active { body() }
        }
    }

    private func renew(_ password: Password, of person: LoginPerson) {
        guard let print = fingerprint(password, person) else { return }
        let isKnown = state.withLock { $0.fingerprints[person.uuid] == print }
        attempt("renew") { store throws(StoreError) in
            if isKnown, try store.verifier(of: person.uuid)?.stamp == person.stamp {
                return try store.noteAccepted(person.uuid, at: moment())
            }
            guard let made = derive(password) else { return }
            let verifier = StoredVerifier(
                uuid: person.uuid, name: person.name, verifier: made.octets, stamp: person.stamp,
                acceptedAt: moment())
            try store.put(verifier, ifStill: { isStill(person) })
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

// MARK: - Without the directory

extension VerifierKeeper {
    /// Whether there is a verifier that may be used for the person now; `newest` is the latest time
    /// ever published.
    ///
    /// Blocks on the disk.
    func hasVerifier(of person: LoginPerson, newest: Int64) -> Bool {
        usable(person, newest: newest) != nil
    }

    private func usable(_ person: LoginPerson, newest: Int64) -> (VerifierStore, StoredVerifier)? {
        let (store, isOpen) = state.withLock { ($0.store, $0.reader != nil) }
        guard policy.isAllowed, isOpen, let store,
            let stored = try? store.verifier(of: person.uuid),
            policy.mayUse(stored, for: person, at: moment(), newest: newest)
        else { return nil }
        return (store, stored)
    }

    /// Holds a password against the verifier; those who come while others are held wait until
    /// `deadline` (by the steady clock) at most.
    func check(
        _ password: Password, of person: LoginPerson, newest: Int64, by deadline: Duration
    ) async -> OfflineFinding {
        let finding = try? await checks.runIfActive {
            guard self.clock.uptime() < deadline else { return OfflineFinding.noTime }
            return self.checkNow(password, of: person, newest: newest)
        }
        return finding ?? .noTime
    }

    private func checkNow(
        _ password: Password, of person: LoginPerson, newest: Int64
    ) -> OfflineFinding {
        guard let (store, stored) = usable(person, newest: newest),
            let verifier = PasswordVerifier(octets: stored.verifier)
        else { return .noVerifier }
        let delay = policy.delay(after: stored, at: moment(), newest: newest)
        guard delay == 0 else { return .delayed(seconds: delay) }
        let isRight = unsafe password.secret.withBytes { unsafe verifier.matches($0) }
        do throws(StoreError) {
            switch isRight {
            case true?:
                if stored.failures > 0 { try store.noteSuccess(person.uuid) }
                return .accepted
            case false?:
                try store.noteFailure(person.uuid, at: moment())
                return .wrong
            case nil: return .noTime
            }
        } catch {
            // What cannot be counted cannot be guessed at either.
            logger.error("a failed login cannot be counted: \(error)")
            return .noTime
        }
    }
}
