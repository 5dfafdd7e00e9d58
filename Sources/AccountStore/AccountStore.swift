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
    /// Entries of the outbox up to this one are gone.
    private var outboxTrimmed: Int64 = 0
    /// The version of the access tables that the journal has; `nil`: to be written.
    private var journalAccess: Int64?
    /// What the last transaction left; `nil` after a failure: to be read again.
    private var memory: StoreMemory?
    private var isClosed = false
    private let met = StoreDamage()
    /// The first load under way.
    private var firstLoad: FirstLoad?

    /// Damage that the writer or a reader met, on any thread: open the store again, which sets the
    /// damaged file aside; `nil`: none.
    public var damage: StoreError? { met.met }

    /// Opens the files in `directory`, which is made (mode 0700) if it is missing.
    ///
    /// A store that is corrupt, from a newer program or unusable is set aside and a new one begun;
    /// so is a journal, but one of a newer program only if it lacks something (see Journal.swift),
    /// and never without its local blocks (see JournalRescue.swift). See ``opening``.
    /// `blocksInForce` is asked if the files cannot tell all of these; `nil`: it is not known either.
    /// `progress` is called now and then while a statement that writes or opens runs long, on the
    /// thread that runs it, and must not use the store.
    public convenience init(
        directory: String, rules: StoreRules = StoreRules(), now: Int64,
        blocksInForce: @escaping () -> [LocalBlock]? = { nil },
        progress: @escaping @Sendable () -> Void = {}
    ) throws(StoreError) {
        try self.init(
            directory: directory, rules: rules, now: now, blocksInForce: blocksInForce,
            progress: StoreProgress(progress), testing: StoreTesting())
    }

    init(
        directory: String, rules: StoreRules, now: Int64,
        blocksInForce: @escaping () -> [LocalBlock]? = { nil }, progress: StoreProgress? = nil,
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
        let files = try StoreFiles.open(
            store: file, journal: journalFile, rules: rules, now: now,
            blocksInForce: blocksInForce)
        opening = files.opening
        pool = files.pool
        journal = files.journal
        self.rules = rules
        reader = StoreReader(pool: pool, journal: journal, path: file.path, damage: met)
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
            throw met.noting(StoreError(any: error, file: file.path))
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
            return met.noting(StoreError(any: error, file: file.path))
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
            throw met.noting(StoreError(any: error, file: file.path))
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
        guard last >= outboxTrimmed + 100 else { return }
        try database.sql("DELETE FROM outbox WHERE seq <= ?").run(.int(last))
        outboxTrimmed = last
    }
}
