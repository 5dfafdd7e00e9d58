// What a journal that has to be set aside, and the store's copy of it, still tell.
//
// The local blocks, and what access rules are bound to, are in both files; one of the two has to be
// readable to its end. Otherwise what the host still shows as blocked is added to what can be read, and
// without that nothing is begun anew: a block must not be lost in silence. Freed names and numbers, and
// the history, are kept as far as they can be read.

internal import Accounts
internal import GRDB
internal import Glibc

/// Makes a new journal of what an old one and the store's copy of it hold.
struct JournalRescue {
    let journal: StoreFile
    let store: StoreFile
    /// The blocks that are in force on the host; `nil`: that is not known.
    let blocksInForce: () -> [LocalBlock]?

    private var building: StoreFile {
        StoreFile(path: journal.path + ".building", testing: journal.testing)
    }
    private var rescued: String { journal.path + ".rescued" }

    /// Puts the new journal in the place of the old one, which is set aside.
    ///
    /// Returns what was kept, as the end of a sentence. Throws an error of kind `unreadable`, and
    /// leaves everything as it is, if neither file can be read to the end and `mayLose` is not set.
    func run(mayLose: Bool) throws(StoreError) -> String {
        let old = KeptTables(journal)
        let copy = KeptTables(store)
        var access = KeptTables.newer(old, copy)
        let isWhole = access != nil
        if !isWhole, let blocks = blocksInForce() ?? (mayLose ? [] : nil) {
            access = old.joined(with: copy, blocks)
        }
        guard let access else {
            throw StoreError(
                .unreadable, file: journal.path,
                detail: "it is damaged, and \(store.path) has no whole copy of what it held")
        }
        do {
            let entries = try build(access, old, copy)
            finish()
            let blocks =
                isWhole
                ? "all local blocks"
                : "\(access.blockCount) local blocks that could be read or are in force on the host"
            return "\(blocks), and \(entries) entries of the history were kept"
        } catch {
            throw StoreError(any: error, file: building.path)
        }
    }

    /// Goes on where a crash interrupted ``run(mayLose:)``: the new journal is complete.
    func resume() {
        if unsafe access(rescued, F_OK) == 0 { finish() }
    }

    private func finish() {
        journal.setAside()
        unsafe rename(rescued, journal.path)
    }

    /// Writes the new journal under another name; gives the number of entries of the history.
    private func build(
        _ access: KeptTables, _ old: KeptTables, _ copy: KeptTables
    ) throws -> Int64 {
        building.discard()
        let opened = try building.open(Journal.migrator, version: Journal.version)
        guard let pool = opened.pool else {
            throw StoreError(.unusable, file: building.path, detail: opened.refused ?? "unusable")
        }
        defer { try? pool.close() }
        let entries = try pool.write { database in
            let hasFreed = KeptTables.freed.allSatisfy { !copy.damaged.contains($0.name) }
            for table in KeptTables.freed {
                if !hasFreed { try old.write(table, into: database) }
                try copy.write(table, into: database)
            }
            for table in KeptTables.access { try access.write(table, into: database) }
            try database.setMeta("accessSlot", .int(access.slot ?? 1))
            try database.setMeta("accessVersion", .int(access.version ?? 0))
            try copyHistory(into: database)
            return try database.sql("SELECT count(*) FROM journal").first { $0.int(0) } ?? 0
        }
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try pool.close()
        guard unsafe rename(building.path, rescued) == 0 else {
            let detail = unsafe String(cString: strerror(errno))
            throw StoreError(.inputOutput, file: rescued, detail: detail)
        }
        return entries
    }

    /// Copies the history, and what the store still has of it, from both ends up to what cannot be
    /// read.
    private func copyHistory(into database: Database) throws {
        for (file, name) in [(journal, "journal"), (store, "outbox")] where file.exists {
            let source = try? DatabaseQueue(path: file.path, configuration: .reading)
            guard let source else { continue }
            defer { try? source.close() }
            let table = KeptTables.Table(name, Schema.journalNames)
            let target = KeptTables.Table("journal", Schema.journalNames)
            try source.inDatabase { source in
                for order in ["", "DESC"] {
                    let isWhole = try table.each(in: source, order) { row throws(SQLFault) in
                        try target.insert(row, or: "IGNORE", into: database)
                    }
                    if isWhole { return }
                }
            }
        }
    }
}

extension Configuration {
    /// For looking into a file that is not to be changed.
    fileprivate static var reading: Configuration {
        var configuration = Configuration()
        configuration.readonly = true
        return configuration
    }
}

/// What can be read of the tables that journal and store both have.
private struct KeptTables {
    /// A table and the columns that this program knows; the first is the key.
    struct Table {
        let name: String
        let columns: String

        init(_ name: String, _ columns: String) {
            self.name = name
            self.columns = columns
        }

        private var count: Int { columns.split(separator: ",").count }

        /// Calls `body` with each row that can be read; false if there may be more.
        ///
        /// Throws only what `body` throws.
        func each(
            in database: Database, _ order: String, _ body: ([SQLValue]) throws(SQLFault) -> Void
        ) throws(SQLFault) -> Bool {
            let key = columns.prefix { $0 != "," }
            var failure: SQLFault?
            do throws(SQLFault) {
                let query = try database.sql(
                    "SELECT \(columns) FROM \(name) ORDER BY \(key) \(order)")
                try query.each { row throws(SQLFault) in
                    let values = (0..<Int32(count)).map { row.value($0) }
                    do throws(SQLFault) { try body(values) } catch {
                        failure = error
                        throw error
                    }
                }
                return true
            } catch {
                if let failure { throw failure }
                return false
            }
        }

        func insert(
            _ values: [SQLValue], or what: String, into database: Database
        ) throws(SQLFault) {
            let marks = values.map { _ in "?" }.joined(separator: ", ")
            try database.sql("INSERT OR \(what) INTO \(name) (\(columns)) VALUES (\(marks))").run(
                all: values)
        }
    }

    static let freed = [
        Table("freedIDs", "id, name, uuid, at"), Table("freedNames", "name, id, uuid, at"),
        Table("released", "name, id, at"),
    ]
    static let access = [
        Table("accessGroups", "slot, name, uuid, firstSeen, isBound, gid"),
        Table("accessMembers", "slot, uuid"), blocks,
    ]
    private static let blocks = Table("localBlocks", "name, uuid, at, byUID")

    private var rows: [String: [[SQLValue]]] = [:]
    /// Tables of which rows may be missing.
    private(set) var damaged: Set<String> = []
    /// See ``AccessMemory/version``; `nil`: it cannot be read.
    private(set) var version: Int64?
    private(set) var slot: Int64?
    /// Whether a store agreed with its journal since it was begun; true for a journal.
    private var isFilled = false

    /// Reads what can be read; a file that is missing or no database has nothing.
    init(_ file: StoreFile) {
        damaged = Set((Self.freed + Self.access).map(\.name))
        guard file.exists,
            let queue = try? DatabaseQueue(path: file.path, configuration: .reading)
        else { return }
        defer { try? queue.close() }
        queue.inDatabase { read($0) }
    }

    private mutating func read(_ database: Database) {
        for table in Self.freed + Self.access {
            var found: [[SQLValue]] = []
            for order in ["", "DESC"] {
                let isWhole = (try? table.each(in: database, order) { found.append($0) }) ?? false
                if isWhole {
                    damaged.remove(table.name)
                    break
                }
            }
            rows[table.name] = found
        }
        do {
            isFilled = try database.isFilled()
            version = try database.metaNumber("accessVersion") ?? 0
            slot = try database.metaNumber("accessSlot") ?? 1
        } catch {
            version = nil
        }
    }

    /// Whether nothing of blocks and bindings is missing.
    private var isComplete: Bool {
        isFilled && version != nil && Self.access.allSatisfy { !damaged.contains($0.name) }
    }

    func write(_ table: Table, into database: Database) throws(SQLFault) {
        for values in rows[table.name] ?? [] {
            try table.insert(values, or: "REPLACE", into: database)
        }
    }

    /// How many names are blocked.
    var blockCount: Int {
        Set(rows[Self.blocks.name, default: []].compactMap(\.first?.asText)).count
    }

    /// The newer of what the two files say of blocks and bindings; `nil`: blocks may be missing.
    ///
    /// A journal that may be newer than the store and is not complete adds the blocks it still names.
    static func newer(_ old: KeptTables, _ copy: KeptTables) -> KeptTables? {
        if copy.isComplete, old.version ?? .max <= copy.version ?? 0 { return copy }
        if old.isComplete { return old }
        return copy.isComplete ? old.joined(with: copy, []) : nil
    }

    /// What the copy says, and all blocks that anybody names.
    func joined(with copy: KeptTables, _ shown: [LocalBlock]) -> KeptTables {
        var both = copy
        for table in Self.access where copy.rows[table.name, default: []].isEmpty {
            both.rows[table.name] = rows[table.name]
        }
        let shown = shown.map { block -> [SQLValue] in
            let uuid = block.uuid.map { SQLValue.blob($0.octets) }
            return [.text(block.name), uuid ?? .null, .int(block.at), .int(Int64(block.byUID))]
        }
        let name = Self.blocks.name
        // The last row of a name is the one that stays.
        both.rows[name] = shown + rows[name, default: []] + copy.rows[name, default: []]
        both.version = max(copy.version ?? 0, version ?? 0) + 1
        both.slot = max(copy.slot ?? 1, slot ?? 1, both.highestSlot + 1)
        return both
    }

    private var highestSlot: Int64 {
        let slots = rows[Self.access[0].name, default: []].compactMap(\.first?.asNumber)
        return slots.max() ?? 0
    }
}

extension SQLValue {
    fileprivate var asText: String? {
        if case .text(let text) = self { text } else { nil }
    }

    fileprivate var asNumber: Int64? {
        if case .int(let number) = self { number } else { nil }
    }
}

extension Database {
    /// Whether the tables of access are what they were in the other file, or newer.
    func isFilled() throws(SQLFault) -> Bool {
        let isStore =
            try sql("SELECT 1 FROM sqlite_master WHERE name = 'entries'").first { _ in true }
            ?? false
        guard isStore, try metaNumber("agreed") != 1 else { return true }
        guard try metaNumber("hashHigh") != nil else { return false }
        return try metaNumber("loading") != StoreMemory.isLoading
    }
}
