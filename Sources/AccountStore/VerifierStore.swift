// verifiers.sqlite: the verifiers of passwords, apart from what others may read and from what has to
// be kept. It can be thrown away at any time: the next login makes a new verifier.

public import Accounts
internal import GRDB
internal import Glibc
internal import Synchronization

/// Keeps verifiers, and forgets them when the directory says so.
///
/// Used from any thread; each call blocks for one short transaction. What is forgotten is overwritten
/// in the file.
public final class VerifierStore: Sendable {
    /// Why the file that was there could not be used and was removed; `nil`: it could, or was not there.
    public let discarded: String?

    private let pool: DatabasePool
    private let path: String
    private let damaged: @Sendable () -> Void
    private let hasDamage = Mutex(false)
    /// Who has a verifier, and under which name: so that a change of anybody else costs nothing.
    private let known: Mutex<[EntryUUID: String]>

    /// `PRAGMA user_version`, as for the store.
    static let version: Int64 = 2

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("verifiers") { database in
            try database.execute(
                sql: """
                    CREATE TABLE verifiers (
                        uuid BLOB PRIMARY KEY, name TEXT NOT NULL, verifier BLOB NOT NULL,
                        stamp TEXT NOT NULL,
                        at INTEGER NOT NULL, uptime INTEGER NOT NULL, boot INTEGER NOT NULL,
                        failures INTEGER NOT NULL DEFAULT 0, failedAt INTEGER NOT NULL DEFAULT 0,
                        failedUptime INTEGER NOT NULL DEFAULT 0,
                        failedBoot INTEGER NOT NULL DEFAULT 0
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("refusals") { database in
            try database.execute(
                sql: """
                    ALTER TABLE verifiers ADD COLUMN mustChange INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE verifiers ADD COLUMN refusedAt INTEGER;
                    """)
        }
        return migrator
    }

    private static let columns = """
        uuid, name, verifier, stamp, at, uptime, boot, failures, failedAt, failedUptime, failedBoot,
        mustChange, refusedAt
        """

    /// Opens the file in `directory`, mode 0600.
    ///
    /// One that is damaged, from a newer program or unusable is removed and a new one begun.
    /// `damaged` is called, on the thread that met it, when the file is found damaged while in use:
    /// close it and open it again.
    public init(
        directory: String, damaged: @escaping @Sendable () -> Void = {}
    ) throws(StoreError) {
        path = directory + "/verifiers.sqlite"
        self.damaged = damaged
        let file = StoreFile(path: path)
        do {
            Self.makePrivate(path)
            var opened = try file.open(Self.migrator, version: Self.version)
            discarded = opened.refused
            if opened.pool == nil {
                file.discard()
                Self.makePrivate(path)
                opened = try file.open(Self.migrator, version: Self.version)
            }
            guard let pool = opened.pool else {
                throw StoreError(.unusable, file: path, detail: opened.refused ?? "unusable")
            }
            let people = try pool.writeWithoutTransaction { database in
                // What is deleted is overwritten, and does not live on in the write-ahead log.
                try database.run("PRAGMA secure_delete = ON")
                return try database.sql("SELECT uuid, name FROM verifiers").all {
                    (EntryUUID(octets: $0.octets(0)), $0.text(1))
                }
            }
            self.pool = pool
            var names: [EntryUUID: String] = [:]
            for case (let person?, let name) in people { names[person] = name }
            known = Mutex(names)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(SQLFault(error), file: path)
        }
    }

    /// Makes the file before SQLite does, which would ask the umask; its companions take its mode.
    private static func makePrivate(_ path: String) {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { return }
        _ = fchmod(descriptor, 0o600)
        Glibc.close(descriptor)
    }

    /// Whether the file was found damaged while in use.
    public var isDamaged: Bool { hasDamage.withLock { $0 } }

    /// How many people have a verifier.
    public var count: Int { known.withLock { $0.count } }

    /// Closes the file.
    public func close() {
        // An empty log tells the next opening that the end was in order.
        _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try? pool.close()
    }
}

// MARK: - Logins

extension VerifierStore {
    /// The verifier of a person; `nil`: there is none.
    public func verifier(of person: EntryUUID) throws(StoreError) -> StoredVerifier? {
        guard known.withLock({ $0[person] != nil }) else { return nil }
        return try access { database throws(SQLFault) in
            try database.sql("SELECT \(Self.columns) FROM verifiers WHERE uuid = ?").first(
                .blob(person.octets), read: StoredVerifier.init) ?? nil
        }
    }

    /// Whether a person has a verifier; does not block.
    public func hasVerifier(of person: EntryUUID) -> Bool { known.withLock { $0[person] != nil } }

    /// Keeps a verifier in place of the person's former one, failures and refusals forgotten; false
    /// if it was not kept.
    ///
    /// `isCurrent` is asked while nothing can be forgotten: answers it no, nothing is kept. So what
    /// the directory said since the password was accepted is not undone.
    @discardableResult
    public func put(
        _ verifier: StoredVerifier, ifStill isCurrent: () -> Bool = { true }
    ) throws(StoreError) -> Bool {
        try access { database throws(SQLFault) in
            // Before the question: whoever forgets after a change that the answer does not know yet
            // finds the person here, and waits for the end of this transaction.
            let former = known.withLock { $0.updateValue(verifier.name, forKey: verifier.uuid) }
            var isKept = false
            defer { if !isKept { known.withLock { $0[verifier.uuid] = former } } }
            guard isCurrent() else { return false }
            var values: [SQLValue] = [.blob(verifier.uuid.octets), .text(verifier.name)]
            values += [.blob(verifier.verifier), .text(verifier.stamp)]
            values += verifier.acceptedAt.values + [.int(verifier.mustChange ? 1 : 0)]
            try database.sql(
                """
                INSERT OR REPLACE INTO verifiers
                    (uuid, name, verifier, stamp, at, uptime, boot, mustChange)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
            ).run(all: values)
            isKept = true
            return true
        }
    }

    /// The directory accepted the same password again; `mustChange`: and wants a new one first.
    public func noteAccepted(
        _ person: EntryUUID, at moment: VerifierMoment, mustChange: Bool = false
    ) throws(StoreError) {
        try update(
            person,
            """
            at = ?, uptime = ?, boot = ?, failures = 0, refusedAt = NULL,
            mustChange = \(mustChange ? 1 : 0)
            """, moment)
    }

    /// The directory refused the account, whatever the password: the verifier is kept, and not to be
    /// used until the directory accepts the password again.
    ///
    /// Forgetting it would let everybody who can guess wrong passwords take it away.
    public func noteRefused(_ person: EntryUUID, at moment: VerifierMoment) throws(StoreError) {
        guard known.withLock({ $0[person] != nil }) else { return }
        try access { database throws(SQLFault) in
            try database.sql("UPDATE verifiers SET refusedAt = ? WHERE uuid = ?").run(
                .int(moment.at), .blob(person.octets))
        }
    }

    /// A password was held against the verifier and was wrong.
    public func noteFailure(_ person: EntryUUID, at moment: VerifierMoment) throws(StoreError) {
        try update(
            person, "failedAt = ?, failedUptime = ?, failedBoot = ?, failures = failures + 1",
            moment)
    }

    /// A password was held against the verifier and was right.
    public func noteSuccess(_ person: EntryUUID) throws(StoreError) {
        try access { database throws(SQLFault) in
            try database.sql("UPDATE verifiers SET failures = 0 WHERE uuid = ?").run(
                .blob(person.octets))
        }
    }

    private func update(
        _ person: EntryUUID, _ what: String, _ moment: VerifierMoment
    ) throws(StoreError) {
        try access { database throws(SQLFault) in
            try database.sql("UPDATE verifiers SET \(what) WHERE uuid = ?").run(
                all: moment.values + [.blob(person.octets)])
        }
    }

    /// One transaction on the only connection that writes.
    private func access<Value>(
        _ body: (Database) throws(SQLFault) -> Value
    ) throws(StoreError) -> Value {
        do {
            return try pool.write { try body($0) }
        } catch {
            let failure = StoreError(SQLFault(error), file: path)
            if failure.kind == .corrupt {
                StoreFile(path: path).markDamaged()
                hasDamage.withLock { $0 = true }
                damaged()
            }
            throw failure
        }
    }
}

// MARK: - Forgetting

extension VerifierStore {
    /// Forgets what a change of what is published makes void.
    ///
    /// That is everybody who went, was disabled or blocked, whose name now stands for another entry,
    /// or whose password the directory shows to be another one. Costs nothing for people without a
    /// verifier.
    public func forget(after change: PublicationChange) throws(StoreError) {
        let known = known.withLock { $0 }
        guard !known.isEmpty else { return }
        var names: Set<String> = []
        var gone: [EntryUUID] = []
        for person in change.people {
            if let was = person.was, was.name != person.now?.passwd.name { names.insert(was.name) }
            guard let now = person.now else { continue }
            guard known[now.uuid] != nil else {
                names.insert(now.passwd.name)
                continue
            }
            guard let verifier = try verifier(of: now.uuid) else { continue }
            if !isGood(verifier, for: now) { gone.append(now.uuid) }
        }
        try forget(people: gone, names: names)
    }

    /// Forgets the verifiers of people, by entry or by name.
    public func forget(
        people: [EntryUUID] = [], names: Set<String> = []
    ) throws(StoreError) {
        var gone = people
        if !names.isEmpty {
            known.withLock { gone += $0.filter { names.contains($0.value) }.map(\.key) }
        }
        gone = known.withLock { known in gone.filter { known[$0] != nil } }
        guard !gone.isEmpty else { return }
        var former: [EntryUUID: String] = [:]
        do throws(StoreError) {
            try access { database throws(SQLFault) in
                for person in gone {
                    try database.sql("DELETE FROM verifiers WHERE uuid = ?").run(
                        .blob(person.octets))
                }
                // Here nobody puts: what is put afterwards stays known.
                known.withLock { known in
                    for person in gone { former[person] = known.removeValue(forKey: person) }
                }
            }
        } catch {
            known.withLock { $0.merge(former) { now, _ in now } }
            throw error
        }
        _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    }

    /// Forgets every verifier.
    public func forgetEverybody() throws(StoreError) {
        try forget(people: known.withLock { Array($0.keys) })
    }

    /// Forgets what the store no longer bears out: to be called once, when both are open.
    ///
    /// Changes that were stored while nobody forgot (the daemon was killed) are made up for.
    public func reconcile(with reader: StoreReader) throws(StoreError) {
        let kept = try access { database throws(SQLFault) in
            try database.sql("SELECT \(Self.columns) FROM verifiers").all(read: StoredVerifier.init)
        }
        var gone: [EntryUUID] = []
        for case let verifier? in kept {
            let people = try reader.people(named: verifier.name)
            let person = people.first { $0.uuid == verifier.uuid }?.published
            if person.map({ isGood(verifier, for: $0) }) != true { gone.append(verifier.uuid) }
        }
        try forget(people: gone)
    }

    private func isGood(_ verifier: StoredVerifier, for person: PublishedPerson) -> Bool {
        verifier.uuid == person.uuid && verifier.name == person.passwd.name
            && verifier.stamp == person.login.passwordStamp
            && !person.state.isDisabled && !person.login.isBlocked
    }
}
