// The counts of `roster status`: kept by each transaction, so that nobody scans for them.

internal import Accounts
internal import GRDB

/// How many rows of which kind there are; stored in `meta` as one value.
struct StoreTotals: Equatable {
    /// Entries that the directory shows.
    var entries = 0
    /// Of these, those that the local rules withhold.
    var withheld = 0
    /// Entries that another entry, or the re-use rule, keeps from being published.
    var blocked = 0
    /// Published people.
    var people = 0
    /// Published groups.
    var groups = 0
    /// Groups in the closures of published people.
    var memberships = 0
    /// People whose removal is held.
    var heldPeople = 0
    /// Groups whose removal is held.
    var heldGroups = 0
    /// Members whose removal from a group is held.
    var heldMembers = 0

    /// Nothing.
    init() {}

    /// Reads the stored counts; a store without them is counted.
    init(_ database: Database) throws(SQLFault) {
        let query = try database.sql("SELECT value FROM meta WHERE key = 'totals'")
        let numbers = PackedNumbers.unpack(
            try query.first { $0.octets(0) } ?? [], as: Int64.self
        ).map { Int($0) }
        guard numbers.count == Self.fields.count else {
            try self.init(counting: database)
            return
        }
        self.init()
        for (field, number) in zip(Self.fields, numbers) { self[keyPath: field] = number }
    }

    /// Counts every row.
    init(counting database: Database) throws(SQLFault) {
        self.init()
        let query = try database.sql(
            "SELECT count(*), count(withheld) FROM entries WHERE presence <> 0")
        (entries, withheld) = try query.first { (Int($0.int(0)), Int($0.int(1))) } ?? (0, 0)
        try countDerived(in: database)
    }

    /// Counts everything but the entries.
    mutating func countDerived(in database: Database) throws(SQLFault) {
        func count(_ text: String) throws(SQLFault) -> Int {
            Int(try database.sql(text).first { $0.int(0) } ?? 0)
        }
        blocked = try count("SELECT count(*) FROM blocked")
        people = try count("SELECT count(*) FROM published WHERE kind = 1")
        groups = try count("SELECT count(*) FROM published WHERE kind = 2")
        memberships = try count("SELECT total(length(groups)) FROM published WHERE kind = 1") / 4
        heldPeople = try count("SELECT count(*) FROM held WHERE kind = 1")
        heldGroups = try count("SELECT count(*) FROM held WHERE kind = 2")
        heldMembers = try count("SELECT count(*) FROM heldMembers")
    }

    /// The fields in the order in which they are stored.
    fileprivate static var fields: [WritableKeyPath<StoreTotals, Int>] {
        [
            \.entries, \.withheld, \.blocked, \.people, \.groups, \.memberships, \.heldPeople,
            \.heldGroups, \.heldMembers,
        ]
    }

    /// Takes over what a batch made of an entry.
    mutating func count(_ item: Item) {
        let before = item.before.flatMap { $0.presence == 0 ? nil : $0 }
        entries += Self.step(from: before != nil, to: item.after != nil)
        withheld += Self.step(
            from: before?.isWithheld ?? false, to: item.after?.isWithheld ?? false)
        blocked += Self.step(from: item.wasBlocked != nil, to: item.blocked != nil)
        people += Self.step(from: item.was?.kind == .person, to: item.now?.kind == .person)
        groups += Self.step(from: item.was?.kind == .group, to: item.now?.kind == .group)
        if item.was?.kind == .person { memberships -= item.wasGroups.count }
        if item.now?.kind == .person { memberships += item.nowGroups.count }
        let held = item.isHeld && item.held != nil
        if let was = item.wasHeld { countHeld(was.record?.kind, -1) }
        if held { countHeld(item.now?.kind, 1) }
    }

    private static func step(from was: Bool, to now: Bool) -> Int {
        (now ? 1 : 0) - (was ? 1 : 0)
    }

    /// A group without name has no record.
    private mutating func countHeld(_ kind: EntryKind?, _ step: Int) {
        if kind == .person { heldPeople += step } else { heldGroups += step }
    }
}

extension Database {
    /// Stores the counts.
    func store(_ totals: StoreTotals) throws(SQLFault) {
        let numbers = StoreTotals.fields.map { Int64(totals[keyPath: $0]) }
        try setMeta("totals", .blob(PackedNumbers.pack(numbers)))
    }
}
