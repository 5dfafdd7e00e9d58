// Opening both files together, so that what one of them lost is taken from the other.

internal import GRDB

/// The store and the journal, open and in agreement.
struct StoreFiles {
    let opening: StoreOpening
    let pool: DatabasePool
    let journal: Journal

    /// So many times both are opened: damage may show in either only when it is read.
    private static let attempts = 3

    /// Opens both; what is damaged is set aside, and begun anew with what can be read.
    static func open(
        store: StoreFile, journal: StoreFile, rules: StoreRules, now: Int64,
        blocksInForce: @escaping () -> [LocalBlock]?
    ) throws(StoreError) -> StoreFiles {
        let rescue = JournalRescue(journal: journal, store: store, blocksInForce: blocksInForce)
        var attempt = Attempt(rescue)
        rescue.resume()
        for _ in 1..<attempts {
            do {
                return try attempt.run(rules, now: now)
            } catch {
                let failure = StoreError(any: error, file: store.path)
                let file = [store, journal].first { $0.path == failure.file }
                guard failure.kind == .corrupt, let file else { throw failure }
                file.markDamaged()
                attempt.isSuspect = true
            }
        }
        do {
            return try attempt.run(rules, now: now)
        } catch {
            throw StoreError(any: error, file: store.path)
        }
    }

    /// Opens one file and nothing else: see ``StoreFile/open(_:version:isExtended:isSuspect:)``.
    fileprivate static func openAnew(
        _ file: StoreFile, _ migrator: DatabaseMigrator, version: Int64
    ) throws -> DatabasePool {
        let opened = try file.open(migrator, version: version)
        guard let pool = opened.pool else {
            throw StoreError(.unusable, file: file.path, detail: opened.refused ?? "unusable")
        }
        return pool
    }
}

/// Opening both files, once or again.
private struct Attempt {
    private let store: StoreFile
    private let journal: StoreFile
    private let rescue: JournalRescue
    /// Whether damage was met: both files are checked as a whole then.
    var isSuspect = false
    /// What was found so far.
    private var opening = StoreOpening()
    /// What to close if it fails.
    private var pools: [DatabasePool] = []

    init(_ rescue: JournalRescue) {
        self.rescue = rescue
        store = rescue.store
        journal = rescue.journal
    }

    mutating func run(_ rules: StoreRules, now: Int64) throws -> StoreFiles {
        do {
            return try open(rules, now: now)
        } catch {
            for pool in pools { try? pool.close() }
            pools = []
            throw error
        }
    }

    private mutating func open(_ rules: StoreRules, now: Int64) throws -> StoreFiles {
        let hadStore = store.exists
        // The store first, and left in its place: it has a copy of what the journal must not lose.
        let found = try faults(in: store) {
            try store.open(Schema.migrator, version: Schema.version, isSuspect: isSuspect)
        }
        if let pool = found.pool { pools.append(pool) }
        // A full disk may have ended the very first opening between the two.
        let hasAgreed = try faults(in: store) {
            try found.pool?.read { try $0.isFilled() } ?? true
        }
        let kept = try faults(in: journal) {
            try openJournal(
                hadStore: hadStore && hasAgreed, isStoreRefused: found.refused != nil)
        }
        pools.append(kept)
        let files = try faults(in: store) {
            let pool = try openStore(found, hadStore: hadStore)
            let files = StoreFiles(
                opening: opening, pool: pool, journal: Journal(pool: kept, path: journal.path))
            try files.begin(now: now)
            try files.adaptAccess(rules, now: now)
            return files
        }
        return files
    }

    /// The journal; one that cannot be used is made anew of what it and the store still tell.
    private mutating func openJournal(
        hadStore: Bool, isStoreRefused: Bool
    ) throws -> DatabasePool {
        let isMissing = !journal.exists
        var reason: String? = isMissing && hadStore ? "it was missing beside the store" : nil
        if !isMissing {
            let found = try journal.open(
                Journal.migrator, version: Journal.version, isExtended: true,
                isSuspect: isSuspect || isStoreRefused)
            if let pool = found.pool { return pool }
            reason = found.refused ?? "it cannot be used"
        } else if opening.journal == .existing {
            opening.journal = .new
        }
        if let reason {
            opening.journal = .setAside("\(reason); \(try rescue.run(mayLose: isMissing))")
        }
        return try StoreFiles.openAnew(journal, Journal.migrator, version: Journal.version)
    }

    /// The store; the rest of an interrupted first load is thrown away.
    private mutating func openStore(
        _ found: (pool: DatabasePool?, refused: String?), hadStore: Bool
    ) throws -> DatabasePool {
        var reason = found.refused
        if let pool = found.pool {
            guard hadStore else {
                if opening.store == .existing { opening.store = .new }
                return pool
            }
            let loading = try pool.read { try $0.metaNumber("loading") }
            guard loading == StoreMemory.isLoading else { return pool }
            pools.removeAll { $0 === pool }
            try pool.close()
            reason = "its first load was interrupted"
        }
        store.setAside()
        if opening.store == .existing { opening.store = .setAside(reason ?? "it cannot be used") }
        let pool = try StoreFiles.openAnew(store, Schema.migrator, version: Schema.version)
        pools.append(pool)
        return pool
    }

    /// Says of a failure which file it is about.
    private func faults<Value>(
        in file: StoreFile, _ body: () throws -> Value
    ) throws(StoreError) -> Value {
        do {
            return try body()
        } catch {
            throw StoreError(any: error, file: file.path)
        }
    }
}

extension StoreFiles {
    /// Makes a new store ready, and lets store and journal agree.
    fileprivate func begin(now: Int64) throws {
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

    /// Lets store and journal agree on access, and the names that rules have now take effect.
    fileprivate func adaptAccess(_ rules: StoreRules, now: Int64) throws {
        let kept = try journal.read { try AccessMemory($0) }
        let access = try pool.write { database in
            let stored = try AccessMemory(database)
            if kept.version > stored.version { try kept.write(into: database) }
            // From now on a journal that is lost can be made of this copy.
            try database.setMeta("agreed", .int(1))
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
}
