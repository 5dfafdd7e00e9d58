// journal.sqlite: what the directory cannot give again, and what therefore outlives the store.
//
// The store writes journal entries into its own `outbox`, in the transaction that they are about;
// after that they are copied here by their sequence number. A crash between the two leaves them in
// the outbox, and the next opening copies them. The tables of freed names and numbers follow from
// the entries; a new store takes them over.
//
// The schema is only ever extended: a later program may add tables, and columns that may be left out
// when a row is written. It changes, renames or removes nothing, and an added table or column never
// takes a block or a binding out of force. So an older program, after a downgrade, opens the file of
// a newer one and loses no block of `roster deny` and no binding of an access rule: it names every
// column that it reads or writes, and leaves `user_version` and what it does not know as they are.

internal import Accounts
internal import GRDB

/// The second database.
struct Journal {
    let pool: DatabasePool
    let path: String

    /// `PRAGMA user_version`, as for the store.
    static let version: Int64 = 1

    /// The migrations in their order; a published one is never edited.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("journal") { database in
            try database.execute(
                sql: """
                    CREATE TABLE journal (\(Schema.journalColumns));
                    CREATE INDEX journalByName ON journal(name);
                    CREATE INDEX journalByOldName ON journal(oldName) WHERE oldName IS NOT NULL;
                    CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
                    """ + Schema.freed + Schema.access)
        }
        return migrator
    }

    /// The number of the last entry.
    func lastSequence() throws -> Int64 {
        try read { database in
            try database.sql("SELECT coalesce(max(seq), 0) FROM journal").first { $0.int(0) } ?? 0
        }
    }

    /// Copies the entries of the store's outbox after `last`; gives the number of the last one.
    func takeOver(from store: DatabasePool, after last: Int64) throws -> Int64 {
        // On the writer's connection: a thread that reads the store has no second reader.
        let rows = try store.writeWithoutTransaction { database in
            try database.sql("SELECT \(Schema.journalNames) FROM outbox WHERE seq > ? ORDER BY seq")
                .all(
                    .int(last), read: JournalRow.init)
        }
        guard let newest = rows.last else { return last }
        try write { database in
            var start = 0
            while start < rows.count {
                // One batch: who goes frees before who comes claims.
                let batch = rows[start...].prefix { $0.at == rows[start].at }
                for row in batch { try row.insert(into: database) }
                for row in batch { try row.free(in: database) }
                for row in batch { try row.claim(in: database) }
                start = batch.endIndex
            }
        }
        return newest.sequence
    }
}

extension Journal {
    /// Takes the tables of access over, on disk when this returns: a block must survive a power cut.
    func take(_ access: AccessMemory) throws {
        try write { try access.write(into: $0) }
        _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.passive) }
    }

    /// The tables that a new store takes over.
    func freed() throws -> FreedTables {
        try read { try FreedTables($0) }
    }

    /// Copies what a crash left in the outbox; a journal that was lost gets what the store knows.
    func agree(with store: DatabasePool, isLost: Bool, now: Int64) throws {
        if isLost {
            let kept = try store.read { try FreedTables($0) }
            try write { database in
                try kept.write(into: database)
                try database.setMeta("lostAt", .int(now))
            }
        }
        // What was read of a damaged one may lack entries that the store still has.
        _ = try takeOver(from: store, after: isLost ? 0 : try lastSequence())
    }

    /// Reads; a failure names the journal.
    func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do { return try pool.read(body) } catch { throw StoreError(any: error, file: path) }
    }

    private func write<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do { return try pool.write(body) } catch { throw StoreError(any: error, file: path) }
    }
}

/// The rows of freedIDs, freedNames and released.
struct FreedTables {
    private static let columns = [
        "freedIDs": "id, name, uuid, at", "freedNames": "name, id, uuid, at",
        "released": "name, id, at",
    ]
    private var rows: [(table: String, values: [SQLValue])] = []

    /// Reads them from either file.
    init(_ database: Database) throws(SQLFault) {
        for table in ["freedIDs", "freedNames"] {
            let isByID = table == "freedIDs"
            let columns = isByID ? "id, name, uuid, at" : "name, id, uuid, at"
            let query = try database.sql("SELECT \(columns) FROM \(table)")
            rows += try query.all { row in
                let number = SQLValue.int(row.int(isByID ? 0 : 1))
                let name = SQLValue.text(row.text(isByID ? 1 : 0))
                let keys = isByID ? [number, name] : [name, number]
                return (table, keys + [.blob(row.octets(2)), .int(row.int(3))])
            }
        }
        rows += try database.sql("SELECT name, id, at FROM released").all { row in
            ("released", [.text(row.text(0)), .int(row.int(1)), .int(row.int(2))])
        }
    }

    /// Writes them into the other one.
    func write(into database: Database) throws(SQLFault) {
        for (table, values) in rows {
            let marks = values.map { _ in "?" }.joined(separator: ", ")
            let columns = Self.columns[table] ?? ""
            try database.sql("INSERT OR REPLACE INTO \(table) (\(columns)) VALUES (\(marks))").run(
                all: values)
        }
    }
}

/// A row of the journal or the outbox.
struct JournalRow {
    let sequence: Int64
    let at: Int64
    let happenedAt: Int64?
    let what: Int64
    let kind: Int64
    let uuid: [UInt8]
    let name: String
    let id: Int64
    let oldName: String?
    let oldID: Int64?

    init(_ row: SQLRow) {
        sequence = row.int(0)
        at = row.int(1)
        happenedAt = row.isNull(2) ? nil : row.int(2)
        what = row.int(3)
        kind = row.int(4)
        uuid = row.octets(5)
        name = row.text(6)
        id = row.int(7)
        oldName = row.optionalText(8)
        oldID = row.isNull(9) ? nil : row.int(9)
    }

    fileprivate func insert(into database: Database) throws(SQLFault) {
        try database.sql(
            """
            INSERT OR IGNORE INTO journal (\(Schema.journalNames))
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        ).run(
            .int(sequence), .int(at), .optional(happenedAt), .int(what), .int(kind), .blob(uuid),
            .text(name), .int(id), .optional(oldName), .optional(oldID))
    }

    private var isPerson: Bool { kind == EntryKind.person.rawValue }

    /// Keeps what a removal or a new number frees.
    fileprivate func free(in database: Database) throws(SQLFault) {
        guard isPerson else { return }
        let isRemoval = what == HistoryEntry.What.removed.rawValue
        if let freed = isRemoval ? id : oldID {
            try database.sql(
                "INSERT OR REPLACE INTO freedIDs (id, name, uuid, at) VALUES (?, ?, ?, ?)"
            ).run(
                .int(freed), .text(oldName ?? name), .blob(uuid), .int(at))
        }
        guard isRemoval else { return }
        try database.sql(
            "INSERT OR REPLACE INTO freedNames (name, id, uuid, at) VALUES (?, ?, ?, ?)"
        ).run(
            .text(name), .int(id), .blob(uuid), .int(at))
    }

    /// Forgets what is in use again.
    fileprivate func claim(in database: Database) throws(SQLFault) {
        guard isPerson else { return }
        switch HistoryEntry.What(rawValue: what) {
        case .appeared, .renamed:
            try database.sql("DELETE FROM freedIDs WHERE id = ?").run(.int(id))
            try database.sql("DELETE FROM freedNames WHERE name = ?").run(.text(name))
        case .released:
            try database.sql(
                "INSERT OR IGNORE INTO released (name, id, at) VALUES (?, ?, ?)"
            ).run(
                .text(name), .int(id), .int(at))
        default: break
        }
    }
}
