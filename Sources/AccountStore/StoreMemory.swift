// What the store keeps in memory between two transactions: small, and never ahead of the disk.

internal import Accounts
internal import GRDB

/// A group of the directory as far as memberships need it.
struct GroupMemory {
    /// The number of its DN, under which other groups list it.
    var dnHash: Int64
    /// Where the host finds it; `nil`: it only passes members on.
    var published: PublishedKey?
}

extension GroupMemory {
    /// Reads pk, dnHash, whether it is published, name and id.
    init(_ row: SQLRow) {
        dnHash = row.int(1)
        guard row.int(2) != 0 else { return }
        published = PublishedKey(name: row.text(3), id: UInt32(truncatingIfNeeded: row.int(4)))
    }
}

/// What one transaction leaves for the next; read from the files again after a failure.
final class StoreMemory {
    /// The key of the numbers that link members and entries.
    var hash: ReferenceHash
    /// All groups.
    var groups: [EntryKey: GroupMemory] = [:]
    /// People, groups and members as written.
    var counts = StoreCounts()
    /// Counts the changes of the directory's identity.
    var generation: Int64
    /// Which directory this is; `nil`: none was seen yet.
    var identity: String?
    /// When a refresh last ended.
    var verifiedAt: Int64
    /// Whether a first load goes on: nothing is published yet.
    var isLoading: Bool
    /// Whether a first load has ended and ``Schema/indices`` are still to be made.
    var lacksIndices: Bool
    /// The number of the last journal entry.
    var lastSequence: Int64
    /// Counts the transactions that changed what the host sees.
    var revision: Int64
    /// The re-use setting with which the published state was made.
    var allowsReuse: Bool

    /// What access rules mean, and who is blocked.
    var access = AccessMemory()

    /// The counts of `roster status`.
    var totals: StoreTotals

    /// Values of `loading` in the table `meta`; 0 is neither.
    static let isLoading: Int64 = 1
    /// See ``isLoading``.
    static let lacksIndices: Int64 = 2

    /// Makes what a first load left for later.
    func completeIndices(_ database: Database) throws(SQLFault) {
        guard lacksIndices else { return }
        for index in Schema.indices { try database.run(index.create) }
        try database.setMeta("loading", .int(0))
        lacksIndices = false
    }

    /// Reads everything from the store.
    init(_ database: Database) throws(SQLFault) {
        hash = try ReferenceHash(database)
        totals = try StoreTotals(database)
        generation = try database.metaNumber("generation") ?? 0
        identity = try database.metaText("identity")
        verifiedAt = try database.metaNumber("verifiedAt") ?? 0
        let loading = try database.metaNumber("loading")
        isLoading = loading == Self.isLoading
        lacksIndices = loading == Self.lacksIndices
        lastSequence = try database.metaNumber("sequence") ?? 0
        revision = try database.metaNumber("revision") ?? 0
        allowsReuse = try database.metaNumber("allowsReuse") == 1
        try loadGroups(database)
        try loadCounts(database)
        access = try AccessMemory(database)
        guard !access.bindings.isEmpty else { return }
        try AccessBinder(unbound: access, database, groups: groups).look(&access)
    }

    private func loadGroups(_ database: Database) throws(SQLFault) {
        let query = try database.sql(
            """
            SELECT e.pk, e.dnHash, p.pk IS NOT NULL, coalesce(h.name, e.name), coalesce(h.id, e.id)
            FROM members m CROSS JOIN entries e USING (pk)
            LEFT JOIN published p USING (pk) LEFT JOIN held h USING (pk)
            """)
        var groups: [EntryKey: GroupMemory] = [:]
        try query.each { row in
            groups[EntryKey(truncatingIfNeeded: row.int(0))] = GroupMemory(row)
        }
        self.groups = groups
    }

    private func loadCounts(_ database: Database) throws(SQLFault) {
        let people = try database.sql("SELECT count(*) FROM published WHERE kind = 1")
        let members = try database.sql("SELECT total(length(refs)) FROM members")
        counts.people = Int(try people.first { $0.int(0) } ?? 0)
        counts.members = Int(try members.first { $0.int(0) } ?? 0) / 8
        counts.groups = groups.count
    }
}

extension ReferenceHash {
    /// Reads the key that a store uses.
    init(_ database: Database) throws(SQLFault) {
        let high = try database.metaNumber("hashHigh") ?? 0
        let low = try database.metaNumber("hashLow") ?? 0
        self.init(key: (UInt64(bitPattern: high), UInt64(bitPattern: low)))
    }
}

extension Database {
    /// The number stored under `key`.
    func metaNumber(_ key: String) throws(SQLFault) -> Int64? {
        try sql("SELECT value FROM meta WHERE key = ?").first(.text(key)) { $0.int(0) }
    }

    /// The text stored under `key`.
    func metaText(_ key: String) throws(SQLFault) -> String? {
        try sql("SELECT value FROM meta WHERE key = ?").first(.text(key)) { $0.text(0) }
    }

    /// Stores a value under `key`.
    func setMeta(_ key: String, _ value: SQLValue) throws(SQLFault) {
        try sql("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(.text(key), value)
    }
}
