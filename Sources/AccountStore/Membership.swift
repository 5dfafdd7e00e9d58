// Step 4 of a batch: member lists, and the closure of every account that they concern.
//
// A group lists members as written; `refs` turns that round. The closure of an account is every
// group from which a path of listings leads down to it: from the account's own two numbers (DN and
// published name) upwards over the DNs of groups. It costs the account's own groups, whatever the
// size of these; cycles end because a group is visited once.

internal import Accounts
internal import GRDB

extension StoreTransaction {
    /// Brings member lists, reverse lists and closures up to date.
    func updateMemberships() throws(SQLFault) {
        updateGroups()
        let moved = try updateAccess()
        try keepDeniedMembers()
        for (key, change) in memberChanges { try store(change, of: key) }
        for key in try affectedPeople(moved.groups).union(moved.people) {
            if let item = items[key] {
                keepDenied(item.uuid, wasIn: item.wasGroups)
                guard let record = item.now, record.kind == .person,
                    let facts = item.after ?? item.before
                else {
                    item.nowGroups = []
                    continue
                }
                item.nowGroups = try closure(
                    dnHash: facts.dnHash, primary: facts.primaryHash, name: record.name)
            } else {
                try updateBystander(key)
            }
        }
        try flushReferences()
    }

    /// The stored members of a group, ascending.
    func members(of key: EntryKey) throws(SQLFault) -> [Int64] {
        let query = try database.sql("SELECT refs FROM members WHERE pk = ?")
        let octets = try query.first(.int(Int64(key))) { $0.octets(0) }
        return PackedNumbers.unpack(octets ?? [], as: Int64.self)
    }

    /// The people and groups that a member as written may mean.
    func entries(meantBy reference: Int64) throws(SQLFault) -> [EntryKey] {
        try targets(of: reference).map(\.key)
    }

    private func targets(of reference: Int64) throws(SQLFault) -> [Target] {
        let query = ReferenceHash.isName(reference) ? statements.byName : statements.byDN
        return try query.all(.int(reference)) { row in
            Target(
                key: EntryKey(truncatingIfNeeded: row.int(0)),
                kind: EntryKind(rawValue: row.int(1)) ?? .other)
        }
    }

    /// Notes what each touched group was and is.
    private func updateGroups() {
        for item in items.values {
            let wasGroup = memory.groups[item.key] != nil
            let staysGroup = item.isHeld && item.before?.kind == .group
            let isGroup = item.after?.kind == .group || staysGroup
            guard wasGroup || isGroup else { continue }
            groupsBefore[item.key] = .some(memory.groups[item.key])
            // A group without members has a row all the same, and loses it.
            if wasGroup != isGroup && memberChanges[item.key] == nil {
                memberChanges[item.key] = ([], [])
            }
            guard isGroup, let facts = item.after ?? item.before else {
                memory.groups[item.key] = nil
                continue
            }
            let published = item.now?.kind == .group ? item.now?.key : nil
            memory.groups[item.key] = GroupMemory(dnHash: facts.dnHash, published: published)
        }
    }

    private func store(
        _ change: (added: [Int64], removed: [Int64]), of key: EntryKey
    ) throws(SQLFault) {
        for reference in change.added {
            var groups = try groups(listing: reference)
            groups.append(key)
            references[reference] = Listing(groups: PackedNumbers.sorted(groups), isChanged: true)
        }
        for reference in change.removed {
            var groups = try groups(listing: reference)
            groups.removeAll { $0 == key }
            references[reference] = Listing(groups: groups, isChanged: true)
        }
        guard memory.groups[key] != nil else {
            let stored = try members(of: key)
            memory.counts.members -= stored.count
            try database.sql("DELETE FROM members WHERE pk = ?").run(.int(Int64(key)))
            return
        }
        let stored = try members(of: key)
        let removed = Set(change.removed)
        let kept = removed.isEmpty ? stored : stored.filter { !removed.contains($0) }
        let members = PackedNumbers.sorted(kept + change.added)
        memory.counts.members += members.count - stored.count
        try database.sql("INSERT OR REPLACE INTO members (pk, refs) VALUES (?, ?)").run(
            .int(Int64(key)), .blob(PackedNumbers.pack(members)))
    }

    /// The groups that list a member as written.
    private func groups(listing reference: Int64) throws(SQLFault) -> [EntryKey] {
        if let known = references[reference] { return known.groups }
        let octets = try statements.listing.first(.int(reference)) { $0.octets(0) }
        let groups = PackedNumbers.unpack(octets ?? [], as: EntryKey.self)
        references[reference] = Listing(groups: groups, isChanged: false)
        return groups
    }

    private func flushReferences() throws(SQLFault) {
        let insert = try database.sql("INSERT OR REPLACE INTO refs (hash, groups) VALUES (?, ?)")
        let delete = try database.sql("DELETE FROM refs WHERE hash = ?")
        for (reference, entry) in references where entry.isChanged {
            if entry.groups.isEmpty {
                try delete.run(.int(reference))
            } else {
                try insert.run(.int(reference), .blob(PackedNumbers.pack(entry.groups)))
            }
        }
    }

    // MARK: - Who is affected

    private func affectedPeople(_ moved: [EntryKey]) throws(SQLFault) -> Set<EntryKey> {
        var people: Set<EntryKey> = []
        var groups = moved
        for item in items.values {
            if item.isPersonMoved { people.insert(item.key) }
            if isGroupMoved(item) { groups.append(item.key) }
        }
        for change in memberChanges.values {
            for references in [change.added, change.removed] {
                for reference in references {
                    for target in try targets(of: reference) {
                        switch target.kind {
                        case .person: people.insert(target.key)
                        case .group: groups.append(target.key)
                        case .other: break
                        }
                    }
                }
            }
        }
        try addPeople(below: groups, to: &people)
        return people
    }

    /// Whether those below a group see a change that its member list does not show.
    private func isGroupMoved(_ item: Item) -> Bool {
        guard let before = groupsBefore[item.key], let before else { return false }
        guard let after = memory.groups[item.key] else { return true }
        return before.dnHash != after.dnHash || before.published?.id != after.published?.id
    }

    /// Keeps who is below a group of a deny rule that this batch takes away, withheld people too; to
    /// be called while member lists are as they were.
    private func keepDeniedMembers() throws(SQLFault) {
        let query = try database.sql("SELECT uuid FROM entries WHERE pk = ?")
        for group in vanished.keys {
            var people: Set<EntryKey> = []
            try addPeople(below: [group], to: &people)
            for key in people {
                let octets = try query.first(.int(Int64(key))) { $0.octets(0) }
                guard let uuid = octets.flatMap(EntryUUID.init(octets:)) else { continue }
                keepDenied(uuid, wasIn: [group])
            }
        }
    }

    private func addPeople(
        below groups: [EntryKey], to people: inout Set<EntryKey>
    ) throws(SQLFault) {
        var waiting = groups
        var visited = Set(groups)
        while let group = waiting.popLast() {
            for reference in try members(of: group) {
                for target in try targets(of: reference) {
                    switch target.kind {
                    case .person: people.insert(target.key)
                    case .group:
                        if visited.insert(target.key).inserted { waiting.append(target.key) }
                    case .other: break
                    }
                }
            }
        }
    }

    // MARK: - Closure

    private func closure(
        dnHash: Int64, primary: Int64?, name: String
    ) throws(SQLFault) -> [EntryKey] {
        var waiting = try groups(listing: dnHash)
        if let primary { waiting += try groups(listing: primary) }
        waiting += try groups(listing: memory.hash.name(name))
        var visited: Set<EntryKey> = []
        while let group = waiting.popLast() {
            guard let known = memory.groups[group], visited.insert(group).inserted else { continue }
            waiting += try groups(listing: known.dnHash)
        }
        return visited.sorted()
    }

    /// Brings a published person up to date of whom nothing but the groups can have changed.
    private func updateBystander(_ key: EntryKey) throws(SQLFault) {
        let found = try statements.bystander.first(.int(Int64(key))) { row in
            Bystander(
                uuid: EntryUUID(octets: row.octets(0)) ?? EntryUUID(high: 0, low: 0),
                record: Record(person: row, from: 4),
                wasGroups: PackedNumbers.unpack(row.octets(1), as: EntryKey.self),
                dnHash: row.int(2), primaryHash: row.isNull(12) ? nil : row.int(12),
                confirmedAt: row.isNull(3) ? nil : row.int(3))
        }
        guard var person = found else { return }
        keepDenied(person.uuid, wasIn: person.wasGroups)
        person.nowGroups = try closure(
            dnHash: person.dnHash, primary: person.primaryHash, name: person.record.name)
        notePublication(of: person)
        guard person.nowGroups != person.wasGroups else { return }
        memory.totals.memberships += person.nowGroups.count - person.wasGroups.count
        try database.sql("UPDATE published SET groups = ? WHERE pk = ?").run(
            .blob(PackedNumbers.pack(person.nowGroups)), .int(Int64(key)))
    }
}

/// The groups that list a member as written, and whether the batch changed them.
struct Listing {
    var groups: [EntryKey]
    var isChanged: Bool
}

/// An entry that a member as written may mean.
private struct Target {
    var key: EntryKey
    var kind: EntryKind
}

/// The statements that a change of memberships runs for each member.
struct MembershipStatements {
    let byName: SQLStatement
    let byDN: SQLStatement
    let listing: SQLStatement
    let bystander: SQLStatement

    init(_ database: Database) throws(SQLFault) {
        byName = try database.sql(
            """
            SELECT pk, 1 FROM entries WHERE nameHash = ?1 AND kind = 1
            UNION SELECT pk, 1 FROM held WHERE nameHash = ?1 AND kind = 1
            UNION SELECT pk, 1 FROM entries WHERE primaryHash = ?1 AND kind = 1
            """)
        byDN = try database.sql("SELECT pk, kind FROM entries WHERE dnHash = ?1")
        listing = try database.sql("SELECT groups FROM refs WHERE hash = ?")
        bystander = try database.sql(
            """
            SELECT e.uuid, p.groups, e.dnHash, h.confirmedAt, \(StoreSnapshot.personColumns)
            FROM published p CROSS JOIN entries e USING (pk) LEFT JOIN held h USING (pk)
            WHERE p.pk = ? AND p.kind = 1
            """)
    }
}

/// A published person whose groups alone changed.
struct Bystander {
    var uuid: EntryUUID
    var record: Record
    var wasGroups: [EntryKey]
    var nowGroups: [EntryKey] = []
    var dnHash: Int64
    /// The number of the primary group as it lists all of its people; `nil`: no such.
    var primaryHash: Int64?
    /// When the directory last confirmed a person whose removal is held.
    var confirmedAt: Int64?
}

extension Item {
    /// Whether the numbers under which groups list a person changed.
    fileprivate var isPersonMoved: Bool {
        guard was?.kind == .person || now?.kind == .person else { return false }
        guard let was, let now, was.kind == now.kind, was.name == now.name else { return true }
        let facts = after ?? before
        return facts?.dnHash != before?.dnHash || facts?.primaryHash != before?.primaryHash
    }
}
