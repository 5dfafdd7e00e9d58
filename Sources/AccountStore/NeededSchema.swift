// What a program needs of a database that a newer program wrote.

internal import GRDB

/// The tables and columns that this program's migrations make.
struct NeededSchema {
    private let tables: [(name: String, columns: [ColumnInfo])]

    /// Takes them from a new database in memory.
    init(_ migrator: DatabaseMigrator) throws {
        let fresh = try DatabaseQueue()
        try migrator.migrate(fresh)
        tables = try fresh.read { database in
            let names = try database.sql(
                """
                SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
                    AND name NOT LIKE 'grdb%' ORDER BY name
                """
            ).all { $0.text(0) }
            return try names.map { ($0, try database.columns(in: $0)) }
        }
    }

    /// Why this program cannot read and write the database, the end of a sentence; `nil`: it can.
    func lack(_ pool: DatabasePool) throws -> String? {
        try pool.read { database in
            for (table, columns) in tables {
                guard try database.tableExists(table) else { return "has no table \(table)" }
                let found = try database.columns(in: table)
                for column in columns where !found.contains(where: { $0.isSame(as: column) }) {
                    return "has no \(column.name) in \(table) as this one knows it"
                }
                let known = columns.map(\.name)
                let strange = found.first { !known.contains($0.name) && $0.mustBeGiven }
                if let strange { return "wants \(strange.name) in \(table)" }
            }
            return nil
        }
    }
}

extension ColumnInfo {
    fileprivate func isSame(as other: ColumnInfo) -> Bool {
        name == other.name && primaryKeyIndex == other.primaryKeyIndex
    }

    /// Whether a row cannot be written without it.
    fileprivate var mustBeGiven: Bool {
        primaryKeyIndex > 0 || isNotNull && defaultValueSQL == nil
    }
}
