// One consistent state of what is published, streamed: what an index is built from.

public import Accounts
internal import GRDB

/// What is published at one moment; used only inside the closure that it was handed to.
public struct StoreSnapshot {
    private let database: Database
    private let path: String
    private let groups: [EntryKey: GroupMemory]
    private let memory: AccessMemory
    /// Which transactions the state contains: all with ``StoreOutcome/revision`` up to this one.
    ///
    /// To bring what was built from this state up to date, replay exactly the outcomes with
    /// `outcome.revision > snapshot.revision`, in their order. No other has anything to add: each
    /// that changed what the host sees has a number of its own, one higher than that before, and
    /// one that changed nothing repeats the last number. Numbers compare only within one store: a
    /// store that was set aside (``AccountStore/opening``) counts from 0 again.
    public let revision: Int64
    /// How many people are published.
    public let peopleCount: Int
    /// How many groups are published.
    public var groupCount: Int { groups.count }

    init(_ database: Database, path: String) throws(StoreError) {
        self.database = database
        self.path = path
        do {
            let memory = try StoreMemory(database)
            groups = memory.groups.filter { $0.value.published != nil }
            self.memory = memory.access
            revision = memory.revision
            peopleCount = memory.counts.people
        } catch {
            throw StoreError(error, file: path)
        }
    }

    /// What is published of a person `e` whose removal may be held (`h`), as `Record` reads it.
    static let personColumns = """
        coalesce(h.name, e.name), coalesce(h.id, e.id), coalesce(h.gid, e.gid), \
        coalesce(h.gecos, e.gecos), coalesce(h.home, e.home), coalesce(h.shell, e.shell), \
        iif(h.pk IS NULL, e.expiresAt, h.expiresAt), iif(h.pk IS NULL, e.login, h.login), \
        e.primaryHash
        """
    /// How many columns these are.
    static let personWidth: Int32 = 9

    private static let personQuery = """
        SELECT e.pk, e.uuid, p.groups, h.confirmedAt, \(personColumns)
        FROM published p CROSS JOIN entries e USING (pk) LEFT JOIN held h USING (pk)
        WHERE p.kind = 1
        """

    /// Calls `body` with each person, in no particular order.
    public func forEachPerson(
        _ body: (PublishedPerson) throws(StoreError) -> Void
    ) throws(StoreError) {
        var failure: StoreError?
        do {
            try database.sql(Self.personQuery).each { row throws(SQLFault) in
                guard failure == nil, let uuid = EntryUUID(octets: row.octets(1)) else { return }
                let keys = PackedNumbers.unpack(row.octets(2), as: EntryKey.self)
                let record = Record(person: row, from: 4)
                let listing = keys.compactMap { groups[$0]?.published }.filter(record.isListed)
                let person = PublishedPerson(
                    uuid: uuid, passwd: record.fields, groups: listing.map(\.id).sorted(),
                    state: record.state,
                    login: record.login(
                        uuid, groups: keys, confirmedAt: row.isNull(3) ? nil : row.int(3), memory))
                do throws(StoreError) { try body(person) } catch { failure = error }
            }
        } catch {
            throw StoreError(error, file: path)
        }
        if let failure { throw failure }
    }

    /// What the access rules mean.
    public var access: StoreAccess { memory.asSeen }

    /// The names of people that were removed, renamed or withheld since then and that nobody has now.
    public func removedNames(since: Int64) throws(StoreError) -> [String] {
        do {
            return try database.sql(
                """
                SELECT name FROM (
                    SELECT name FROM freedNames WHERE at >= ?1
                    UNION SELECT iif(what = 3, oldName, name) FROM outbox
                    WHERE at >= ?1 AND kind = 1 AND (what IN (2, 6) OR what = 3 AND oldName NOT NULL))
                WHERE name NOT IN (
                    SELECT coalesce(h.name, e.name)
                    FROM published p CROSS JOIN entries e USING (pk) LEFT JOIN held h USING (pk)
                    WHERE p.kind = 1)
                ORDER BY name
                """
            ).all(.int(since)) { $0.text(0) }
        } catch {
            throw StoreError(error, file: path)
        }
    }

    /// Calls `body` with each group and the names of its members in the order of their octets.
    ///
    /// Holds the names of all people and 4 octets for each membership while it runs.
    public func forEachGroup(
        _ body: (PublishedKey, _ members: [String]) throws(StoreError) -> Void
    ) throws(StoreError) {
        let listed: (names: [String], members: [EntryKey: [UInt32]])
        do {
            listed = try memberships()
        } catch {
            throw StoreError(error, file: path)
        }
        for (key, group) in groups.sorted(by: { $0.key < $1.key }) {
            guard let published = group.published else { continue }
            let members = listed.members[key] ?? []
            try body(published, members.map { listed.names[Int($0)] })
        }
    }

    /// The names of all people in order, and for each group the places of its members in them.
    private func memberships() throws(SQLFault) -> ([String], [EntryKey: [UInt32]]) {
        var names: [String] = []
        names.reserveCapacity(peopleCount)
        var members: [EntryKey: [UInt32]] = [:]
        // Names are ASCII or UTF-8: SQLite's BINARY order is that of the octets.
        let query = try database.sql(
            """
            SELECT coalesce(h.name, e.name) AS name, p.groups,
                iif(e.primaryHash IS NULL, NULL, coalesce(h.gid, e.gid))
            FROM published p CROSS JOIN entries e USING (pk) LEFT JOIN held h USING (pk)
            WHERE p.kind = 1 AND length(p.groups) > 0 ORDER BY name
            """)
        try query.each { row in
            let place = UInt32(truncatingIfNeeded: names.count)
            names.append(row.text(0))
            let primary = row.isNull(2) ? nil : row.int(2)
            for key in PackedNumbers.unpack(row.octets(1), as: EntryKey.self) {
                guard let group = groups[key]?.published else { continue }
                // As Record.isListed(in:) has it.
                if primary != Int64(group.id) { members[key, default: []].append(place) }
            }
        }
        return (names, members)
    }
}
