// One batch on its way into the store: what each touched entry was, and what it becomes.
//
// The steps, each in a file of its own:
//  1. Changes: the entries' rows are written; every touched row becomes an `Item`.
//  2. Contention: entries that share a name or id with one that changed are drawn in; each is judged.
//  3. Brake: removals beyond the limit are held, and the judgement repeated with them in place.
//  4. Membership: member lists, and the closure of every account they concern.
//  5. Writing: the derived tables, the journal and the brake's window; the publication is the
//     difference between what items were and are.

internal import Accounts
internal import GRDB

/// An entry that a batch touches.
final class Item {
    let key: EntryKey
    let uuid: EntryUUID
    /// What was stored before the batch; `nil`: nothing.
    let before: Facts?
    /// What the host saw before.
    let was: Record?
    /// The closure before (people).
    let wasGroups: [EntryKey]
    let wasBlocked: Blocked?
    let wasHeld: Held?

    /// What is stored now; `nil`: the directory does not show the entry any more.
    var after: Facts?
    /// What the host sees now.
    var now: Record?
    /// The closure now (people).
    var nowGroups: [EntryKey] = []
    var blocked: Blocked?
    var held: Held?
    /// Whether the hold applies after the last judgement.
    var isHeld = false
    /// Whether the hold began with this batch.
    var isNewlyHeld = false
    /// Whether the directory had a part in the change; a local rule alone never brakes.
    var isFromDirectory = false
    /// Whether the administrator accepted the removal.
    var isAccepted = false
    /// Whether another entry with the same name and id takes its place.
    var isReplaced = false
    /// Whether names, ids or their rivals changed.
    var needsJudgement = false
    /// Whether the entry shall be published although a removed person had its name or number.
    var isHeir = false
    /// The members as now written (groups that were shown); ascending.
    var writtenMembers: [Int64]?

    init(key: EntryKey, uuid: EntryUUID, before: Facts?, published: PublishedRow) {
        self.key = key
        self.uuid = uuid
        self.before = before
        after = before?.presence == 0 ? nil : before
        was = published.record
        wasGroups = published.groups
        wasBlocked = published.blocked
        wasHeld = published.held
        held = wasHeld
        isHeld = held != nil
        now = was
        nowGroups = wasGroups
        blocked = wasBlocked
    }
}

/// What the derived tables say about an entry.
struct PublishedRow {
    var record: Record?
    var groups: [EntryKey] = []
    var blocked: Blocked?
    var held: Held?
}

/// Why another entry, or the re-use rule, keeps an entry from being published.
struct Blocked: Equatable {
    /// Which rule.
    enum Rule: Int64 {
        /// An earlier entry has the name or the id.
        case conflict = 1
        /// A removed person had the name or the number.
        case reuse = 2
    }

    var rule: Rule
    /// Begins with the attribute at fault.
    var reason: String
    /// Whether a complete look at the directory showed this entry and its rival together.
    var coexists = false
}

/// A removal that is held.
struct Held: Equatable {
    /// What stays published; `nil` for a group without name, which stays as a group of groups.
    var record: Record?
    var since: Int64
    var confirmedAt: Int64
}

/// The state of one running batch; see the top of the file.
final class StoreTransaction {
    let database: Database
    let rules: StoreRules
    let now: Int64
    let phase: StorePhase
    /// Thrown away with the transaction when it fails.
    let memory: StoreMemory
    var outcome = StoreOutcome()

    /// Touched entries.
    var items: [EntryKey: Item] = [:]
    /// The keys of touched entries; `nil` for an identity that is not stored.
    var keys: [EntryUUID: EntryKey] = [:]
    let writer: EntryWriter
    /// What removals in this batch free, by number and by name.
    var freedIDs: [UInt32: Freed] = [:]
    var freedNames: [String: Freed] = [:]
    /// Items whose removal is held from this batch on.
    var newlyHeld: [Item] = []
    /// The same by what they keep.
    var heldNames: [HeldName: Item] = [:]
    var heldIDs: [HeldID: Item] = [:]
    /// Whether there are held removals from before.
    var hasStoredHolds = false
    /// Held members whose removal the administrator accepted.
    var acceptedMembers: [EntryKey: [Int64]] = [:]
    /// Members that this batch adds to groups and takes from them.
    var memberChanges: [EntryKey: (added: [Int64], removed: [Int64])] = [:]
    /// Rows of `refs` that were read, and whether they changed.
    var references: [Int64: Listing] = [:]
    let statements: MembershipStatements
    /// Groups as they were before the batch, where it changes them.
    var groupsBefore: [EntryKey: GroupMemory?] = [:]
    /// What changes for the host, person by person and group by group.
    var peopleChanges: [PersonChange] = []
    var groupChanges: [EntryKey: GroupChange] = [:]
    /// What access rules and blocks were before the batch.
    let accessBefore: AccessMemory
    /// Names of access rules that the administrator confirms.
    var confirmedNames: [String] = []
    /// Groups of deny rules that this batch takes away, with their slots.
    var vanished: [EntryKey: [UInt32]] = [:]
    /// What goes into the journal.
    var events: [JournalEvent] = []

    init(
        _ database: Database, memory: StoreMemory, rules: StoreRules, phase: StorePhase, now: Int64
    ) throws(SQLFault) {
        self.database = database
        self.memory = memory
        self.rules = rules
        self.phase = phase
        self.now = now
        accessBefore = memory.access
        writer = try EntryWriter(database, hash: memory.hash)
        statements = try MembershipStatements(database)
    }

    /// Stores a batch.
    func run(_ batch: StoreBatch) throws(SQLFault) {
        try begin(batch)
        for change in batch.changes { try apply(change) }
        try drawInRivals()
        try judgeUnderBrake()
        try brakeMembers()
        try updateMemberships()
        try collectPublication()
        try writeItems()
        try writeAccess()
        try writeJournal()
        try end(batch)
    }

    // MARK: - Items

    private static let itemQuery = """
        SELECT \(Facts.columns), e.pk, e.uuid, p.pk IS NOT NULL, p.groups, b.rule, b.reason,
            b.coexists, h.kind, h.since, h.confirmedAt, h.name, h.id, h.gid, h.gecos,
            h.home, h.shell, h.expiresAt, h.login
        FROM entries e LEFT JOIN published p USING (pk) LEFT JOIN blocked b USING (pk)
            LEFT JOIN held h USING (pk)
        """

    /// The item of the stored entry with this identity; `nil` if there is none.
    func item(_ uuid: EntryUUID) throws(SQLFault) -> Item? {
        if let key = keys[uuid] { return items[key] }
        let query = try database.sql(Self.itemQuery + " WHERE e.uuid = ?")
        guard let item = try query.first(.blob(uuid.octets), read: Self.readItem) else {
            return nil
        }
        remember(item)
        return item
    }

    /// The item of the stored entry with this key; `nil` if there is none.
    func item(at key: EntryKey) throws(SQLFault) -> Item? {
        if let item = items[key] { return item }
        let query = try database.sql(Self.itemQuery + " WHERE e.pk = ?")
        guard let item = try query.first(.int(Int64(key)), read: Self.readItem) else { return nil }
        remember(item)
        return item
    }

    /// Makes `item` part of the batch.
    func remember(_ item: Item) {
        items[item.key] = item
        keys[item.uuid] = item.key
    }

    private static func readItem(_ row: SQLRow) -> Item {
        let facts = Facts(row: row)
        let base = Facts.width
        var published = PublishedRow()
        if row.int(base + 2) != 0 {
            published.record = facts.claim
            published.groups = PackedNumbers.unpack(row.octets(base + 3), as: EntryKey.self)
        }
        if let rule = Blocked.Rule(rawValue: row.int(base + 4)) {
            published.blocked = Blocked(
                rule: rule, reason: row.text(base + 5), coexists: row.int(base + 6) != 0)
        }
        if row.int(base + 7) != 0 {
            let kind = EntryKind(rawValue: row.int(base + 7)) ?? .person
            var record = row.isNull(base + 10) ? nil : Record(kind: kind, row: row, from: base + 10)
            record?.isMemberByPrimary = facts.primaryHash != nil
            published.record = record
            published.held = Held(
                record: record, since: row.int(base + 8), confirmedAt: row.int(base + 9))
        }
        return Item(
            key: EntryKey(truncatingIfNeeded: row.int(base)),
            uuid: EntryUUID(octets: row.octets(base + 1)) ?? EntryUUID(high: 0, low: 0),
            before: facts, published: published)
    }
}
