// The end of a first load: indices, conflicts, reverse lists and closures, each made once.

internal import Accounts
internal import GRDB

/// The end of a first load.
struct FirstLoadEnd {
    let database: Database
    let rules: StoreRules
    let now: Int64
    let hash: ReferenceHash
    /// Whether two entries of the load may have one name or id.
    let mayConflict: Bool

    /// Makes conflicts, reverse lists and closures; the indices come later.
    ///
    /// Gives the problem if there is nobody to publish; then nothing but indices was made.
    func run(_ memory: inout StoreMemory) throws(SQLFault) -> FirstLoadProblem? {
        if let problem = try problem() { return problem }
        let isContended = mayConflict ? true : try hasFreed()
        if isContended {
            for index in Schema.conflictIndices { try database.run(index.create) }
            try block(memory)
        }
        if let problem = try problem() {
            try database.run("DELETE FROM blocked")
            return problem
        }
        let reverse = try writeReferences()
        try publish(reverse)
        try database.setMeta("loading", .int(StoreMemory.lacksIndices))
        try database.setMeta("allowsReuse", .int(rules.allowsReuse ? 1 : 0))
        let appeared = try returned()
        let sequence = memory.lastSequence
        let (identity, generation) = (memory.identity, memory.generation)
        var totals = memory.totals
        try totals.countDerived(in: database)
        try database.store(totals)
        memory = try StoreMemory(database)
        try bindAccess(memory)
        memory.lastSequence = sequence
        (memory.identity, memory.generation) = (identity, generation)
        let events = [JournalEvent(firstLoadOf: memory.counts.people)] + appeared
        try database.write(events, at: now, memory: memory)
        return nil
    }

    /// Binds the names of access rules, for the first time or to what was bound before.
    private func bindAccess(_ memory: StoreMemory) throws(SQLFault) {
        let before = memory.access
        let binder = AccessBinder(
            database: database, hash: hash, rules: rules, now: now, groups: memory.groups)
        try binder.bind(&memory.access)
        let holder = try database.sql(
            """
            SELECT e.uuid FROM entries e JOIN published p USING (pk)
            WHERE e.nameHash = ? AND e.name = ? AND e.kind = 1
            """)
        for (name, block) in memory.access.blocks where block.uuid == nil {
            let uuid = try holder.first(.int(hash.name(name)), .text(name)) { $0.octets(0) }
            memory.access.blocks[name]?.uuid = uuid.flatMap(EntryUUID.init(octets:))
        }
        memory.access.indexBlocks()
        try memory.access.write(over: before, into: database)
    }

    /// Why there is nobody to publish; `nil`: there is somebody.
    private func problem() throws(SQLFault) -> FirstLoadProblem? {
        let free = try database.sql(
            """
            SELECT 1 FROM entries e WHERE kind = 1 AND withheld IS NULL
                AND NOT EXISTS (SELECT 1 FROM blocked b WHERE b.pk = e.pk) LIMIT 1
            """)
        if try free.first(read: { _ in true }) != nil { return nil }
        let people = try database.sql("SELECT count(*) FROM entries WHERE kind = 1")
        let example = try database.sql(
            """
            SELECT e.dn, coalesce(e.withheld, b.reason) FROM entries e LEFT JOIN blocked b USING (pk)
            WHERE e.kind = 1 ORDER BY e.pk LIMIT 1
            """
        ).first { "\($0.text(0)): \($0.text(1))" }
        guard let example else { return .nobodyShown }
        return .allWithheld(count: Int(try people.first { $0.int(0) } ?? 0), example: example)
    }

    /// Whether a name or id was freed that nobody took since.
    private func hasFreed() throws(SQLFault) -> Bool {
        let query = try database.sql(
            "SELECT 1 FROM freedIDs UNION ALL SELECT 1 FROM freedNames LIMIT 1")
        return try query.first(read: { _ in true }) != nil
    }

    /// Judges those that share a name or an id with another, or with somebody removed.
    private func block(_ memory: StoreMemory) throws(SQLFault) {
        let query = try database.sql(
            """
            SELECT pk FROM entries WHERE withheld IS NULL AND nameHash IN (
                SELECT nameHash FROM entries WHERE nameHash IS NOT NULL
                GROUP BY nameHash HAVING count(*) > 1)
            UNION SELECT pk FROM entries WHERE withheld IS NULL AND id IN (
                SELECT id FROM entries WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1)
            UNION SELECT e.pk FROM entries e JOIN freedIDs f ON f.id = e.id
            UNION SELECT e.pk FROM freedNames f JOIN entries e ON e.name = f.name
            """)
        let keys = try query.all { EntryKey(truncatingIfNeeded: $0.int(0)) }
        guard !keys.isEmpty else { return }
        let judgement = try StoreTransaction(
            database, memory: memory, rules: rules, phase: .refreshEnd, now: now)
        let insert = try database.sql("INSERT INTO blocked VALUES (?, ?, ?, 1)")
        for key in keys {
            guard let item = try judgement.item(at: key), item.after?.claim != nil else { continue }
            item.needsJudgement = true
            try judgement.judge(item)
            guard let blocked = item.blocked else { continue }
            try insert.run(
                .int(Int64(key)), .int(blocked.rule.rawValue), .text(blocked.reason))
        }
    }

    /// Turns member lists round into `refs`.
    private func writeReferences() throws(SQLFault) -> ReverseMembers {
        var reverse = ReverseMembers()
        let query = try database.sql(
            "SELECT m.pk, e.dnHash, m.refs FROM members m JOIN entries e USING (pk) ORDER BY m.pk")
        try query.each { row in
            let key = EntryKey(truncatingIfNeeded: row.int(0))
            let references = PackedNumbers.unpack(row.octets(2), as: Int64.self)
            reverse.add(group: key, dnHash: row.int(1), references: references)
        }
        reverse.sort()
        let insert = try database.sql("INSERT INTO refs (hash, groups) VALUES (?, ?)")
        try reverse.forEachReference { (reference, groups) throws(SQLFault) in
            try insert.run(.int(reference), .blob(PackedNumbers.pack(groups)))
        }
        return reverse
    }

    private func publish(_ reverse: ReverseMembers) throws(SQLFault) {
        let query = try database.sql(
            """
            SELECT e.pk, e.kind, e.dnHash, e.nameHash, e.primaryHash FROM entries e LEFT JOIN blocked b USING (pk)
            WHERE e.kind <> 0 AND e.withheld IS NULL AND e.name IS NOT NULL AND e.id IS NOT NULL
                AND b.pk IS NULL
            ORDER BY e.pk
            """)
        let insert = try database.sql("INSERT INTO published (pk, kind, groups) VALUES (?, ?, ?)")
        var ancestors: [EntryKey: [EntryKey]] = [:]
        try query.each { row throws(SQLFault) in
            var closure: [EntryKey] = []
            if row.int(1) == EntryKind.person.rawValue {
                var direct = reverse.groups(listing: row.int(2))
                direct += reverse.groups(listing: row.int(3))
                if !row.isNull(4) { direct += reverse.groups(listing: row.int(4)) }
                for group in direct {
                    if let known = ancestors[group] {
                        closure += known
                    } else {
                        let known = reverse.ancestors(of: group)
                        ancestors[group] = known
                        closure += known
                    }
                }
                closure = PackedNumbers.sorted(closure)
            }
            try insert.run(
                .int(row.int(0)), .int(row.int(1)), .blob(PackedNumbers.pack(closure)))
        }
    }

    /// Who came back under a name and number that were free.
    private func returned() throws(SQLFault) -> [JournalEvent] {
        let query = try database.sql(
            """
            SELECT e.uuid, e.name, e.id FROM freedIDs f JOIN entries e ON e.id = f.id
                JOIN published p USING (pk) WHERE p.kind = 1
            UNION SELECT e.uuid, e.name, e.id FROM freedNames f JOIN entries e ON e.name = f.name
                JOIN published p USING (pk) WHERE p.kind = 1
            """)
        let events = try query.all { row in
            let id = UInt32(truncatingIfNeeded: row.int(2))
            let fields = PasswdFields(
                name: row.text(1), uid: id, gid: 0, gecos: "", home: "", shell: "")
            return JournalEvent(
                appeared: EntryUUID(octets: row.octets(0)) ?? EntryUUID(high: 0, low: 0),
                record: Record(kind: .person, fields: fields))
        }
        for event in events {
            try database.sql("DELETE FROM freedIDs WHERE id = ?").run(.int(Int64(event.id)))
            try database.sql("DELETE FROM freedNames WHERE name = ?").run(.text(event.name))
        }
        return events
    }
}

/// All member lists of a directory, turned round; in memory during the end of a first load only.
private struct ReverseMembers {
    private struct Listing {
        var reference: Int64
        var group: EntryKey
    }

    private var listings: [Listing] = []
    private var dnHashes: [EntryKey: Int64] = [:]

    mutating func add(group: EntryKey, dnHash: Int64, references: [Int64]) {
        dnHashes[group] = dnHash
        for reference in references {
            listings.append(Listing(reference: reference, group: group))
        }
    }

    mutating func sort() {
        listings.sort { left, right in
            left.reference == right.reference
                ? left.group < right.group : left.reference < right.reference
        }
    }

    /// Each member as written with the groups that list it, both ascending.
    func forEachReference(
        _ body: (Int64, [EntryKey]) throws(SQLFault) -> Void
    ) throws(SQLFault) {
        var start = 0
        while start < listings.count {
            var end = start
            var groups: [EntryKey] = []
            while end < listings.count, listings[end].reference == listings[start].reference {
                groups.append(listings[end].group)
                end += 1
            }
            try body(listings[start].reference, groups)
            start = end
        }
    }

    /// The groups that list a member as written.
    func groups(listing reference: Int64) -> [EntryKey] {
        var (low, high) = (0, listings.count)
        while low < high {
            let middle = (low + high) / 2
            if listings[middle].reference < reference { low = middle + 1 } else { high = middle }
        }
        var groups: [EntryKey] = []
        while low < listings.count, listings[low].reference == reference {
            groups.append(listings[low].group)
            low += 1
        }
        return groups
    }

    /// The group itself and all above it.
    func ancestors(of group: EntryKey) -> [EntryKey] {
        var visited: Set<EntryKey> = []
        var waiting = [group]
        while let next = waiting.popLast() {
            guard let dnHash = dnHashes[next], visited.insert(next).inserted else { continue }
            waiting += groups(listing: dnHash)
        }
        return Array(visited)
    }
}
