// What the reader answers with.

public import Accounts
internal import GRDB

/// Counts for `roster status`.
public struct StoreSummary: Equatable, Sendable {
    /// Published people.
    public var people = 0
    /// Published groups.
    public var groups = 0
    /// Entries of any kind that the directory shows.
    public var entries = 0
    /// Entries that are withheld.
    public var withheld = 0
    /// Memberships of published people in groups, nested ones included.
    public var memberships = 0
    /// People whose removal is held.
    public var heldPeople = 0
    /// Groups whose removal is held.
    public var heldGroups = 0
    /// Members of groups whose removal is held.
    public var heldMembers = 0
    /// Whether a first load goes on: nothing is published yet.
    public var isLoading = false
    /// Counts the transactions that changed what is published.
    public var revision: Int64 = 0
    /// When the journal was last begun anew with what could be saved of a former one, in seconds since the epoch; `nil`: never.
    public var journalLostAt: Int64?

    init(_ database: Database) throws(SQLFault) {
        let totals = try StoreTotals(database)
        people = totals.people
        groups = totals.groups
        entries = totals.entries
        withheld = totals.withheld + totals.blocked
        memberships = totals.memberships
        heldPeople = totals.heldPeople
        heldGroups = totals.heldGroups
        heldMembers = totals.heldMembers
        isLoading = try database.metaNumber("loading") == StoreMemory.isLoading
        revision = try database.metaNumber("revision") ?? 0
    }
}

/// An entry as the directory sent it, without what the local rules made of it.
public struct StoredEntry: Equatable, Sendable {
    /// The entry.
    public var entry: DirectoryEntry
    /// Its DN in the comparable form.
    public var dnKey: String
    /// Its change stamp.
    public var stamp: String
    /// When it was created, in seconds since the epoch.
    public var createdAt: Int64
}

/// An entry that `roster check` names.
public struct StoreFinding: Equatable, Sendable {
    /// The identity of the entry.
    public var uuid: EntryUUID
    /// Its DN.
    public var dn: String
    /// Whether it is a group.
    public var isGroup: Bool
    /// Its name, where it has a usable one.
    public var name: String?
    /// Its uid or gid, where it has a usable one.
    public var id: UInt32?
    /// Why it is withheld, beginning with the attribute at fault; `nil`: it is published.
    public var withheld: String?
    /// What else there is to say.
    public var notes: [String]
    /// Whether `roster allow` would publish it: it is withheld because of re-use alone.
    public var isReleasable: Bool

    init(_ row: SQLRow) {
        uuid = EntryUUID(octets: row.octets(0)) ?? EntryUUID(high: 0, low: 0)
        dn = row.text(1)
        isGroup = row.int(2) == EntryKind.group.rawValue
        name = row.optionalText(3)
        id = row.isNull(4) ? nil : UInt32(truncatingIfNeeded: row.int(4))
        withheld = row.optionalText(5)
        isReleasable = row.int(7) == Blocked.Rule.reuse.rawValue
        notes =
            row.text(6).isEmpty
            ? [] : row.text(6).split(separator: EntryWriter.noteSeparator).map(String.init)
    }
}

/// What `roster user` shows.
public struct PersonDetails: Equatable, Sendable {
    /// The identity of the entry.
    public var uuid: EntryUUID
    /// Its DN.
    public var dn: String
    /// What the host sees; `nil`: nothing.
    public var published: PublishedPerson?
    /// Why the entry is withheld; `nil`: it is not.
    public var withheld: String?
    /// Since when the removal is held, in seconds since the epoch; `nil`: it is not.
    public var heldSince: Int64?
    /// The published groups, by name.
    public var groups: [PublishedKey]
    /// When the directory last showed the entry, in seconds since the epoch.
    public var lastConfirmed: Int64

    init?(_ database: Database, key: Int64, access: AccessMemory) throws(SQLFault) {
        let query = try database.sql(
            """
            SELECT e.uuid, e.dn, coalesce(e.withheld, b.reason), h.since, e.confirmedAt,
                p.pk IS NOT NULL, p.groups, h.confirmedAt, \(StoreSnapshot.personColumns)
            FROM entries e LEFT JOIN blocked b USING (pk) LEFT JOIN held h USING (pk)
                LEFT JOIN published p USING (pk)
            WHERE e.pk = ?
            """)
        let found = try query.first(.int(key)) { row in
            let keys = PackedNumbers.unpack(row.octets(6), as: EntryKey.self)
            return (
                row.octets(0), row.text(1), row.optionalText(2), row.isNull(3) ? nil : row.int(3),
                row.int(4), row.int(5) != 0, keys,
                Record(person: row, from: 8), row.isNull(7) ? nil : row.int(7)
            )
        }
        guard let found, let uuid = EntryUUID(octets: found.0) else { return nil }
        self.uuid = uuid
        dn = found.1
        withheld = found.2
        heldSince = found.3
        lastConfirmed = found.4
        groups = []
        for key in found.6 {
            if let group = try Self.group(key, database) { groups.append(group) }
        }
        groups.sort { ($0.name, $0.id) < ($1.name, $1.id) }
        if found.5 {
            published = PublishedPerson(
                uuid: uuid, passwd: found.7.fields,
                groups: groups.filter(found.7.isListed).map(\.id).sorted(),
                state: found.7.state,
                login: found.7.login(uuid, groups: found.6, confirmedAt: found.8, access))
        }
    }

    /// Where the host finds a group; `nil`: nowhere.
    private static func group(
        _ key: EntryKey, _ database: Database
    ) throws(SQLFault) -> PublishedKey? {
        let query = try database.sql(
            """
            SELECT coalesce(h.name, e.name), coalesce(h.id, e.id)
            FROM published p CROSS JOIN entries e USING (pk) LEFT JOIN held h USING (pk)
            WHERE p.pk = ? AND p.kind = 2
            """)
        return try query.first(.int(Int64(key))) { row in
            PublishedKey(name: row.text(0), id: UInt32(truncatingIfNeeded: row.int(1)))
        }
    }
}
