// What others read of the store: the command, the index builder, the comparison, re-evaluation.

public import Accounts
internal import GRDB

/// Reads the store from any thread, without waiting for the writer.
///
/// Each call sees one consistent state; it blocks for as long as its own reading takes.
public struct StoreReader: Sendable {
    private let pool: DatabasePool
    private let journal: Journal
    private let path: String
    private let damage: StoreDamage

    init(pool: DatabasePool, journal: Journal, path: String, damage: StoreDamage) {
        self.pool = pool
        self.journal = journal
        self.path = path
        self.damage = damage
    }

    /// Calls `body` with one consistent state of what is published.
    public func snapshot<Result>(
        _ body: (StoreSnapshot) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try read { database in
            do {
                return try body(StoreSnapshot(database, path: path))
            } catch {
                throw error
            }
        }
    }

    /// How much is stored, published, withheld and held; costs the same at any size.
    public func summary() throws(StoreError) -> StoreSummary {
        var summary = try read { try StoreSummary($0) }
        summary.journalLostAt = try noting { () throws(StoreError) in
            try journal.read { try $0.metaNumber("lostAt") }
        }
        return summary
    }

    /// The cookie of a search; `nil`: none, so a full refresh is due.
    public func cookie(search: Int) throws(StoreError) -> SyncPosition? {
        try read { database in
            try database.sql("SELECT bytes, digest FROM cookies WHERE search = ?").first(
                .int(Int64(search))
            ) { row in
                SyncPosition(search: search, bytes: row.octets(0), digest: row.octets(1))
            }
        }
    }

    /// Which directory the stored entries come from; `nil`: none yet.
    public func identity() throws(StoreError) -> String? {
        try read { try $0.metaText("identity") }
    }

    /// The local rules by which all entries were evaluated last; `nil`: never all of them.
    public func rulesFingerprint() throws(StoreError) -> UInt64? {
        try read { try $0.metaNumber("rules").map { UInt64(bitPattern: $0) } }
    }

    /// The cookies of all searches.
    public func cookies() throws(StoreError) -> [SyncPosition] {
        try read { database in
            let query = try database.sql(
                "SELECT search, bytes, digest FROM cookies ORDER BY search")
            return try query.all { row in
                SyncPosition(search: Int(row.int(0)), bytes: row.octets(1), digest: row.octets(2))
            }
        }
    }

    /// Calls `body` with id and DN of each entry that is neither person nor group: the containers.
    public func forEachContainer(_ body: (EntryUUID, _ dn: String) -> Void) throws(StoreError) {
        try read { database in
            let query = try database.sql(
                "SELECT uuid, dn FROM entries WHERE presence <> 0 AND kind = 0")
            try query.each { row in
                guard let uuid = EntryUUID(octets: row.octets(0)) else { return }
                body(uuid, row.text(1))
            }
        }
    }

    /// Octets that the store takes on disk, its write-ahead log included.
    public var octets: Int64 {
        Int64(StoreFile.size(of: path) + StoreFile.size(of: path + "-wal"))
    }

    /// Calls `body` with id, comparable DN and change stamp of each entry that the directory shows.
    public func forEachStamp(
        _ body: (EntryUUID, _ dnKey: String, _ stamp: String) -> Void
    ) throws(StoreError) {
        try read { database in
            let query = try database.sql(
                "SELECT uuid, dnKey, stamp FROM entries WHERE presence <> 0")
            try query.each { row in
                guard let uuid = EntryUUID(octets: row.octets(0)) else { return }
                body(uuid, row.text(1), row.text(2))
            }
        }
    }

    /// Calls `body` with each entry as the directory sent it, for a changed local rule.
    public func forEachEntry(_ body: (StoredEntry) -> Void) throws(StoreError) {
        try read { database in
            let query = try database.sql(
                """
                SELECT uuid, dn, dnKey, stamp, createdAt, attributes
                FROM entries JOIN sources USING (pk)
                WHERE presence <> 0
                """)
            try query.each { row in
                guard let uuid = EntryUUID(octets: row.octets(0)) else { return }
                let entry = DirectoryEntry(
                    uuid: uuid, dn: row.text(1), attributes: AttributeList(packed: row.octets(5)))
                body(
                    StoredEntry(
                        entry: entry, dnKey: row.text(2), stamp: row.text(3),
                        createdAt: row.int(4)))
            }
        }
    }

    /// The entries that are withheld or noted, by DN; at most `limit`.
    public func findings(limit: Int = 10_000) throws(StoreError) -> [StoreFinding] {
        try read { database in
            let query = try database.sql(
                """
                SELECT e.uuid, e.dn, e.kind, e.name, e.id, coalesce(e.withheld, b.reason), e.notes,
                    b.rule
                FROM entries e LEFT JOIN blocked b USING (pk)
                WHERE e.presence <> 0
                    AND (e.withheld IS NOT NULL OR e.notes IS NOT NULL OR b.pk IS NOT NULL)
                ORDER BY e.dn, e.uuid LIMIT ?
                """)
            return try query.all(.int(Int64(limit)), read: StoreFinding.init)
        }
    }

    /// The held removals, the oldest first.
    public func held() throws(StoreError) -> [HeldRemoval] {
        try read { database in
            let query = try database.sql(
                """
                SELECT h.kind, coalesce(h.name, e.dn), e.uuid, 1, h.since, h.confirmedAt
                FROM held h JOIN entries e USING (pk)
                UNION ALL
                SELECT 3, coalesce(e.name, e.dn), e.uuid, count(*), min(m.since),
                    min(m.confirmedAt)
                FROM heldMembers m JOIN entries e USING (pk) GROUP BY m.pk
                ORDER BY 5, 2
                """)
            return try query.all { row in
                HeldRemoval(
                    kind: HeldKind(rawValue: Int(row.int(0))) ?? .person, name: row.text(1),
                    uuid: EntryUUID(octets: row.octets(2)) ?? EntryUUID(high: 0, low: 0),
                    count: Int(row.int(3)), since: row.int(4), lastConfirmed: row.int(5))
            }
        }
    }

    /// The journal, the newest first; with a name only what is about it.
    public func history(name: String? = nil, limit: Int = 100) throws(StoreError) -> [HistoryEntry]
    {
        let rows = try noting { () throws(StoreError) in
            try journal.read { database in
                guard let name else {
                    return try database.sql(
                        "SELECT \(Schema.journalNames) FROM journal ORDER BY seq DESC LIMIT ?"
                    ).all(.int(Int64(limit)), read: JournalRow.init)
                }
                return try database.sql(
                    """
                    SELECT \(Schema.journalNames) FROM journal WHERE name = ?1 OR oldName = ?1
                    ORDER BY seq DESC LIMIT ?2
                    """
                ).all(.text(name), .int(Int64(limit)), read: JournalRow.init)
            }
        }
        return rows.compactMap(HistoryEntry.init)
    }

    /// What is stored about the people with this name, published or withheld.
    public func people(named name: String) throws(StoreError) -> [PersonDetails] {
        try read { database in
            let hash = try ReferenceHash(database)
            let query = try database.sql(
                """
                SELECT e.pk FROM entries e WHERE e.nameHash = ?1 AND e.name = ?2 AND e.kind = 1
                UNION SELECT pk FROM held WHERE nameHash = ?1 AND name = ?2 AND kind = 1
                """)
            let keys = try query.all(.int(hash.name(name)), .text(name)) { $0.int(0) }
            guard !keys.isEmpty else { return [] }
            let access = try AccessMemory.placed(in: database)
            var people: [PersonDetails] = []
            for key in keys {
                let person = try PersonDetails(database, key: key, access: access)
                if let person { people.append(person) }
            }
            return people
        }
    }

    /// What the access rules mean.
    public func access() throws(StoreError) -> StoreAccess {
        try read { try AccessMemory.placed(in: $0).asSeen }
    }

    /// The names that administrators of this host blocked, in their order.
    public func blocks() throws(StoreError) -> [LocalBlock] {
        try read { try AccessMemory($0).blocks.values.sorted { $0.name < $1.name } }
    }

    private func read<Value>(
        _ body: (Database) throws -> Value
    ) throws(StoreError) -> Value {
        do {
            return try pool.read(body)
        } catch {
            throw damage.noting(StoreError(any: error, file: path))
        }
    }

    private func noting<Value>(
        _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        do { return try body() } catch { throw damage.noting(error) }
    }
}
