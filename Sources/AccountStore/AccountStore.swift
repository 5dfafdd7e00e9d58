// The daemon's durable, transactional mirror of the directory: SQLite through GRDB.
//
// store.sqlite can be thrown away: the directory fills it again. journal.sqlite can not, and
// outlives it. Both are used by one process; one thread writes, others read snapshots.

internal import Accounts
internal import GRDB
internal import Glibc

/// The mirror of the directory, and the judge of what of it the host sees.
///
/// Used from one thread, which it blocks; ``reader`` may be used from any other at the same time.
public final class AccountStore {
    /// What was found when the store was opened.
    public let opening: StoreOpening
    /// Reads what is stored, from any thread.
    public let reader: StoreReader

    private let file: StoreFile
    private let pool: DatabasePool
    private let journal: Journal
    private let rules: StoreRules
    /// Where the journal stands; `nil`: to be asked.
    private var journalSequence: Int64?
    /// The version of the access tables that the journal has; `nil`: to be written.
    private var journalAccess: Int64?
    /// What the last transaction left; `nil` after a failure: to be read again.
    private var memory: StoreMemory?
    private var isClosed = false
    /// The first load under way.
    private var firstLoad: FirstLoad?

    /// Opens the files in `directory`, which is made (mode 0700) if it is missing.
    ///
    /// A store that is corrupt, from a newer program or unusable is set aside and a new one begun;
    /// so is a journal, but one of a newer program only if it lacks something (see Journal.swift).
    /// See ``opening``. `progress` is called now and then while a statement that
    /// writes or opens runs long, on the thread that runs it, and must not use the store.
    public convenience init(
        directory: String, rules: StoreRules = StoreRules(), now: Int64,
        progress: @escaping @Sendable () -> Void = {}
    ) throws(StoreError) {
        try self.init(
            directory: directory, rules: rules, now: now, progress: StoreProgress(progress),
            testing: StoreTesting())
    }

    init(
        directory: String, rules: StoreRules, now: Int64, progress: StoreProgress? = nil,
        testing: StoreTesting
    ) throws(StoreError) {
        if unsafe mkdir(directory, 0o700) != 0 && errno != EEXIST {
            let detail = unsafe String(cString: strerror(errno))
            throw StoreError(.unusable, file: directory, detail: detail)
        }
        file = StoreFile(
            path: directory + "/store.sqlite", progress: progress, testing: testing)
        let journalFile = StoreFile(
            path: directory + "/journal.sqlite", progress: progress,
            testing: StoreTesting(killAtStatement: testing.killAtJournalStatement))
        var opening = StoreOpening()
        let hadStore = file.exists
        let hadJournal = journalFile.exists
        journal = Journal(
            pool: try Self.open(
                journalFile, Journal.migrator, version: Journal.version, isExtended: true,
                &opening.journal),
            path: journalFile.path)
        pool = try Self.openStore(file, &opening.store)
        if !hadJournal && hadStore {
            opening.journal = .setAside("it was missing beside the store")
        }
        do {
            try Self.begin(pool, journal, opening, now: now)
            try Self.adaptAccess(pool, journal, rules, now: now)
        } catch {
            throw StoreError(SQLFault(error), file: file.path)
        }
        self.opening = opening
        self.rules = rules
        reader = StoreReader(pool: pool, journal: journal, path: file.path)
    }

    /// Stores a batch in one transaction and says what it changed for the host.
    ///
    /// After an error nothing of the batch is stored; the same batch may be handed in again.
    /// The journal is not written yet: publish first, then call ``writeJournal()``. May be called
    /// inside a closure of ``reader``, which then goes on to see the state before.
    public func apply(_ batch: StoreBatch, now: Int64) throws(StoreError) -> StoreOutcome {
        let outcome: StoreOutcome
        do {
            outcome = try commit(batch, now: now)
        } catch {
            // It may be ahead of the disk.
            memory = nil
            firstLoad?.rollBack()
            let failure = StoreError(SQLFault(error), file: file.path)
            if failure.kind == .corrupt { file.markDamaged() }
            throw failure
        }
        firstLoad?.commit()
        if outcome.firstLoadFinished { firstLoad = nil }
        return outcome
    }

    /// Copies what the batches so far told the journal into its file; gives the problem if it fails.
    ///
    /// To be called after a batch is published, which need not wait for it. What could not be
    /// written waits in the store, for the next call or the next opening.
    public func writeJournal() -> StoreError? {
        guard let memory else { return nil }
        do {
            let last = try journalSequence ?? journal.lastSequence()
            if memory.lastSequence > last {
                journalSequence = nil
                journalSequence = try journal.takeOver(from: pool, after: last)
            }
            if memory.access.version != journalAccess {
                try journal.take(memory.access)
                journalAccess = memory.access.version
            }
            return nil
        } catch {
            return StoreError(SQLFault(error), file: journal.path)
        }
    }

    /// Closes the files; the store is not used after that.
    public func close() {
        guard !isClosed else { return }
        // What fails is repeated at the next opening.
        _ = writeJournal()
        isClosed = true
        // Nothing is lost if it fails: every transaction is on disk already. An empty log tells the
        // next opening that the end was in order.
        for pool in [pool, journal.pool] {
            _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            try? pool.close()
        }
    }

    /// Makes the indices that a first load left for later; blocks for a second per million entries.
    ///
    /// To be called when the building of the published index was begun, which does without them.
    /// The next batch makes them otherwise.
    public func completeFirstLoad() throws(StoreError) {
        do {
            try pool.write { database in
                let memory = try self.memory ?? StoreMemory(database)
                self.memory = nil
                try memory.completeIndices(database)
                // The large cache has done its work.
                database.releaseMemory()
                self.memory = memory
            }
        } catch {
            throw StoreError(SQLFault(error), file: file.path)
        }
    }

    /// Moves what a first load left in the write-ahead log into the file; blocks for the copying.
    ///
    /// A first load writes each page once by letting its log grow. To be called when the index that
    /// the load led to is published, so that nobody waits for the copying.
    public func shrinkLog() {
        _ = try? pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 1000")
            try database.checkpoint(.truncate)
        }
    }

    // MARK: - One batch

    private func commit(_ batch: StoreBatch, now: Int64) throws -> StoreOutcome {
        try pool.write { database in
            var memory = try self.memory ?? StoreMemory(database)
            self.memory = nil
            let outcome: StoreOutcome
            if memory.isLoading {
                outcome = try load(batch, database, &memory, now: now)
            } else {
                try memory.completeIndices(database)
                let transaction = try StoreTransaction(
                    database, memory: memory, rules: rules, phase: batch.phase, now: now)
                try transaction.run(batch)
                outcome = transaction.outcome
                try trimOutbox(database, memory)
            }
            self.memory = memory
            return outcome
        }
    }

    /// A batch of a first load; only the end of the refresh publishes.
    private func load(
        _ batch: StoreBatch, _ database: Database, _ memory: inout StoreMemory, now: Int64
    ) throws -> StoreOutcome {
        var outcome = StoreOutcome()
        if let identity = batch.identity, identity != memory.identity {
            if memory.identity != nil { try database.run("DELETE FROM cookies") }
            memory.identity = identity
            try database.setMeta("identity", .text(identity))
        }
        if let fingerprint = batch.rulesFingerprint {
            try database.setMeta("rules", .int(Int64(bitPattern: fingerprint)))
        }
        var load = firstLoad ?? FirstLoad(hash: memory.hash)
        firstLoad = nil
        defer { firstLoad = load }
        try load.store(batch.changes, in: database, now: now)
        memory.totals = load.totals
        try outcome.obeyWhileLoading(batch.changes, in: database, memory, now: now)
        // A cookie covers what is stored of its search, published or not.
        if let cookie = batch.cookie { try database.store(cookie) }
        guard batch.phase == .refreshEnd else {
            try database.store(memory.totals)
            return outcome
        }
        let end = FirstLoadEnd(
            database: database, rules: rules, now: now, hash: memory.hash,
            mayConflict: load.mayConflict)
        if let problem = try end.run(&memory) {
            // Every search is to be read anew.
            try database.run("DELETE FROM cookies")
            try database.store(memory.totals)
            load.goOn()
            outcome.firstLoadProblem = problem
            return outcome
        }
        memory.verifiedAt = now
        memory.revision += 1
        try database.setMeta("verifiedAt", .int(now))
        try database.setMeta("revision", .int(memory.revision))
        outcome.firstLoadFinished = true
        outcome.revision = memory.revision
        outcome.counts = memory.counts
        return outcome
    }

    // MARK: - Journal

    /// How many entries the outbox keeps although the journal has them: what a power cut may take
    /// from the end of the journal.
    private static let outboxKept: Int64 = 1000

    private func trimOutbox(_ database: Database, _ memory: StoreMemory) throws(SQLFault) {
        guard let journalSequence else { return }
        let last = min(journalSequence, memory.lastSequence - Self.outboxKept)
        guard last > 0, last % 100 == 0 else { return }
        try database.sql("DELETE FROM outbox WHERE seq <= ?").run(.int(last))
    }

    // MARK: - Opening

    private static func open(
        _ file: StoreFile, _ migrator: DatabaseMigrator, version: Int64,
        isExtended: Bool = false, _ found: inout StoreOpening.File
    ) throws(StoreError) -> DatabasePool {
        found = file.exists ? .existing : .new
        do {
            let first = try file.open(migrator, version: version, isExtended: isExtended)
            if let pool = first.pool { return pool }
            file.setAside()
            found = .setAside(first.refused ?? "it cannot be used")
            let second = try file.open(migrator, version: version)
            if let pool = second.pool { return pool }
            throw StoreError(.unusable, file: file.path, detail: second.refused ?? "unusable")
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(SQLFault(error), file: file.path)
        }
    }

    /// Opens the store; the rest of an interrupted first load is thrown away.
    private static func openStore(
        _ file: StoreFile, _ found: inout StoreOpening.File
    ) throws(StoreError) -> DatabasePool {
        let pool = try open(file, Schema.migrator, version: Schema.version, &found)
        do {
            let loading = try pool.read { try $0.metaNumber("loading") }
            guard loading == StoreMemory.isLoading else { return pool }
            try pool.close()
            file.setAside()
        } catch {
            throw StoreError(SQLFault(error), file: file.path)
        }
        var again = StoreOpening.File.new
        let fresh = try open(file, Schema.migrator, version: Schema.version, &again)
        if found == .existing { found = .setAside("its first load was interrupted") }
        return fresh
    }

    /// Lets store and journal agree on access, and the names that rules have now take effect.
    private static func adaptAccess(
        _ pool: DatabasePool, _ journal: Journal, _ rules: StoreRules, now: Int64
    ) throws {
        let kept = try journal.pool.read { try AccessMemory($0) }
        let access = try pool.write { database in
            let stored = try AccessMemory(database)
            if kept.version > stored.version { try kept.write(into: database) }
            guard try database.metaNumber("loading") != StoreMemory.isLoading else {
                return try AccessMemory(database)
            }
            let memory = try StoreMemory(database)
            let before = memory.access
            let binder = AccessBinder(
                database: database, hash: memory.hash, rules: rules, now: now,
                groups: memory.groups)
            try binder.bind(&memory.access)
            try memory.access.write(over: before, into: database)
            if memory.access != before {
                try database.setMeta("revision", .int(memory.revision + 1))
            }
            return memory.access
        }
        if access.version > kept.version { try journal.take(access) }
    }

    /// Makes a new store ready, and lets store and journal agree.
    private static func begin(
        _ pool: DatabasePool, _ journal: Journal, _ opening: StoreOpening, now: Int64
    ) throws {
        let isNew = try pool.read { try $0.metaNumber("hashHigh") } == nil
        let kept = isNew ? try journal.freed() : nil
        let last = try journal.lastSequence()
        try pool.write { database in
            if isNew {
                let key = ReferenceHash().key
                try database.setMeta("hashHigh", .int(Int64(bitPattern: key.0)))
                try database.setMeta("hashLow", .int(Int64(bitPattern: key.1)))
                try database.setMeta("loading", .int(StoreMemory.isLoading))
            }
            try kept?.write(into: database)
            let sequence = try database.metaNumber("sequence") ?? 0
            try database.setMeta("sequence", .int(max(sequence, last)))
        }
        try journal.agree(with: pool, isLost: opening.isJournalLost, now: now)
    }
}
