// Step 2 of a batch: who of several entries keeps a name or an id, and who must wait.
//
// An entry claims its name and its id when the local rules let it be published and the directory
// shows it. Of all that claim a name (an id) the earliest createdAt keeps it, then the smaller
// UUID; an entry is published when it keeps both. A loser still claims: the state depends on the
// set of claims alone, not on their order of arrival, and an id never passes to a third entry
// because the second one lost on its name. Names and ids of held removals are kept by these.

internal import Accounts
internal import GRDB

/// The person who had a number or a name until removed.
struct Freed: Equatable {
    var name: String
    var id: UInt32
    var uuid: EntryUUID
    var at: Int64
}

extension StoreTransaction {
    /// Draws in every entry whose fate may depend on a changed one.
    func drawInRivals() throws(SQLFault) {
        for item in items.values where !item.needsJudgement {
            item.needsJudgement = item.claimChanged
        }
        for item in Array(items.values) where item.needsJudgement {
            var records: [Record] = []
            for record in [item.before?.claim, item.after?.claim, item.was].compactMap(\.self)
            where !records.contains(where: { $0.hasKeys(of: record) }) {
                records.append(record)
            }
            for record in records {
                for key in try claimants(of: record) {
                    guard let rival = try self.item(at: key), rival !== item else { continue }
                    rival.needsJudgement = true
                    if item.isFromDirectory { rival.isFromDirectory = true }
                }
            }
        }
    }

    /// The entries that claim the name or the id of `record`.
    private func claimants(of record: Record) throws(SQLFault) -> [EntryKey] {
        let query = try database.sql(
            """
            SELECT pk FROM entries WHERE nameHash = ?1 AND kind = ?2
            UNION SELECT pk FROM entries WHERE id = ?3 AND kind = ?2
            """)
        return try query.all(
            .int(memory.hash.name(record.name)), .int(record.kind.rawValue), .int(Int64(record.id))
        ) { EntryKey(truncatingIfNeeded: $0.int(0)) }
    }

    /// Judges every item once, with the holds as they are.
    func judge() throws(SQLFault) {
        collectFreed()
        let all = items.values.sorted { left, right in
            // A hold that ends frees its name for the others.
            let (first, second) = (left.held != nil, right.held != nil)
            return first == second ? left.key < right.key : first
        }
        for item in all { try judge(item) }
    }

    /// Judges one item.
    func judge(_ item: Item) throws(SQLFault) {
        guard item.needsJudgement else {
            // Neither keys nor rivals changed: published as before, with the fields of now.
            if item.was != nil { item.now = item.isHeld ? heldRecord(item) : item.after?.claim }
            return
        }
        item.blocked = nil
        if let facts = item.after, let claim = facts.claim {
            item.blocked = try obstacle(for: item, facts: facts, claim: claim)
            if item.blocked == nil {
                item.isHeld = false
                item.now = claim
                return
            }
        }
        let isUnnamedGroupShown = item.held?.record == nil && item.after?.kind == .group
        item.isHeld = item.held != nil && !isUnnamedGroupShown
        item.now = item.isHeld ? heldRecord(item) : nil
    }

    /// What stays published of a held removal; a disable and a key that goes pass even then.
    private func heldRecord(_ item: Item) -> Record? {
        var record = item.held?.record
        guard let after = item.after, let state = after.state else { return record }
        record?.state = state
        record?.login = after.login
        return record
    }

    private func obstacle(
        for item: Item, facts: Facts, claim: Record
    ) throws(SQLFault) -> Blocked? {
        let isGroup = claim.kind == .group
        if let winner = try winner(over: item, claim, byName: true) {
            return Blocked(
                rule: .conflict,
                reason: "\(isGroup ? "cn" : "uid"): \(claim.name) is kept by \(winner)")
        }
        if let winner = try winner(over: item, claim, byName: false) {
            return Blocked(
                rule: .conflict,
                reason: "\(isGroup ? "gidNumber" : "uidNumber"): \(claim.id) is kept by \(winner)")
        }
        guard claim.kind == .person, !rules.allowsReuse else { return nil }
        return try reuse(by: item, claim: claim)
    }

    // MARK: - Names and ids in use

    /// Who keeps the name (or the id) of `claim`, in words; `nil`: `item` itself.
    private func winner(
        over item: Item, _ claim: Record, byName: Bool
    ) throws(SQLFault) -> String? {
        if let holder = try holder(of: claim, byName: byName, otherThan: item) { return holder }
        let condition = byName ? "nameHash = ?1 AND name = ?2" : "id = ?1 AND ?2 <> ''"
        let query = try database.sql(
            """
            SELECT pk, dn, createdAt FROM entries
            WHERE \(condition) AND kind = ?3 AND withheld IS NULL AND presence <> 0
                AND name IS NOT NULL AND id IS NOT NULL
            ORDER BY createdAt, uuid LIMIT 1
            """)
        let first = byName ? memory.hash.name(claim.name) : Int64(claim.id)
        let found = try query.first(
            .int(first), .text(claim.name), .int(claim.kind.rawValue)
        ) { row in
            (EntryKey(truncatingIfNeeded: row.int(0)), row.text(1), row.int(2))
        }
        guard let found, found.0 != item.key else { return nil }
        let isEarlier = found.2 < item.after?.createdAt ?? Int64.max
        return "\(found.1), \(isEarlier ? "created earlier" : "whose entry id is smaller")"
    }

    /// The held removal that keeps the name (or id), in words.
    private func holder(
        of claim: Record, byName: Bool, otherThan item: Item
    ) throws(SQLFault) -> String? {
        let fresh =
            byName
            ? heldNames[HeldName(kind: claim.kind, name: claim.name)]
            : heldIDs[HeldID(kind: claim.kind, id: claim.id)]
        if let fresh, fresh !== item, fresh.isHeld {
            return "\(fresh.was?.name ?? ""), whose removal is held"
        }
        guard hasStoredHolds else { return nil }
        let condition = byName ? "nameHash = ?1 AND name = ?2" : "id = ?1 AND ?2 <> ''"
        let query = try database.sql(
            "SELECT pk, name FROM held WHERE \(condition) AND kind = ?3")
        let first = byName ? memory.hash.name(claim.name) : Int64(claim.id)
        let rows = try query.all(
            .int(first), .text(claim.name), .int(claim.kind.rawValue)
        ) { (EntryKey(truncatingIfNeeded: $0.int(0)), $0.text(1)) }
        for (key, name) in rows where key != item.key {
            if let other = items[key], !other.isHeld { continue }
            return "\(name), whose removal is held"
        }
        return nil
    }

    // MARK: - Names and numbers of removed people

    /// Notes what the removals of this batch free.
    private func collectFreed() {
        freedIDs = [:]
        freedNames = [:]
        for item in items.values {
            guard let was = item.was, was.kind == .person, !item.keepsHold else { continue }
            let freed = Freed(name: was.name, id: was.id, uuid: item.uuid, at: now)
            let isPerson = item.after?.kind == .person
            if !isPerson || (item.after?.claim.map { $0.id != was.id } ?? false) {
                freedIDs[was.id] = freed
            }
            if !isPerson { freedNames[was.name] = freed }
        }
    }

    /// Whether `claim` takes over only one of name and number of somebody removed.
    private func reuse(by item: Item, claim: Record) throws(SQLFault) -> Blocked? {
        if let was = item.was, was.hasKeys(of: claim) { return nil }
        let owner = try freed(id: claim.id)
        let namesake = try freed(name: claim.name)
        let takesNumber = owner.map { $0.name != claim.name && $0.uuid != item.uuid } ?? false
        let takesName = namesake.map { $0.id != claim.id && $0.uuid != item.uuid } ?? false
        guard takesNumber || takesName else { return nil }
        if try isReleased(claim) { return nil }
        if isHeir(item, claim: claim) {
            item.isHeir = true
            return nil
        }
        let remedy = "release with `roster allow \(claim.name)`"
        if takesNumber, let owner {
            let date = ChangeTime.date(owner.at)
            return Blocked(
                rule: .reuse,
                reason: "uidNumber: id re-use: uid \(claim.id) belonged to \(owner.name) until "
                    + "\(date); \(remedy)")
        }
        let before = namesake.map { "\($0.id) until \(ChangeTime.date($0.at))" } ?? ""
        return Blocked(
            rule: .reuse,
            reason: "uid: name re-use: \(claim.name) belonged to uid \(before); \(remedy)")
    }

    /// Whether the entry lost against a rival that a complete look at the directory showed beside
    /// it, and is unchanged since: then it does not re-use anything, it was there all the time.
    private func isHeir(_ item: Item, claim: Record) -> Bool {
        guard let blocked = item.wasBlocked, let before = item.before?.claim else { return false }
        return blocked.rule == .conflict && blocked.coexists && before.hasKeys(of: claim)
    }

    private func freed(id: UInt32) throws(SQLFault) -> Freed? {
        if let freed = freedIDs[id] { return freed }
        return try database.sql("SELECT name, id, uuid, at FROM freedIDs WHERE id = ?").first(
            .int(Int64(id)), read: Self.readFreed)
    }

    private func freed(name: String) throws(SQLFault) -> Freed? {
        if let freed = freedNames[name] { return freed }
        return try database.sql("SELECT name, id, uuid, at FROM freedNames WHERE name = ?").first(
            .text(name), read: Self.readFreed)
    }

    private static func readFreed(_ row: SQLRow) -> Freed {
        Freed(
            name: row.text(0), id: UInt32(truncatingIfNeeded: row.int(1)),
            uuid: EntryUUID(octets: row.octets(2)) ?? EntryUUID(high: 0, low: 0), at: row.int(3))
    }

    private func isReleased(_ claim: Record) throws(SQLFault) -> Bool {
        try database.sql("SELECT 1 FROM released WHERE name = ? AND id = ?").first(
            .text(claim.name), .int(Int64(claim.id))
        ) { _ in true } ?? false
    }

    /// Notes which losers and winners a complete look at the directory showed together.
    func confirmCoexistence() throws(SQLFault) {
        let query = try database.sql("SELECT pk FROM blocked WHERE rule = 1 AND coexists = 0")
        let waiting = try query.all { $0.int(0) }
        let check = try database.sql(
            """
            UPDATE blocked SET coexists = 1 WHERE pk = ?1 AND NOT EXISTS (
                SELECT 1 FROM entries e JOIN held h ON h.kind = e.kind
                    AND (h.nameHash = e.nameHash OR h.id = e.id)
                WHERE e.pk = ?1)
            """)
        for key in waiting { try check.run(.int(key)) }
    }
}

extension Item {
    /// Whether name, id, rank or presence changed, or the DN that the reasons of losers name.
    fileprivate var claimChanged: Bool {
        guard held == nil else { return true }
        guard let old = before, old.presence != 0, let new = after else { return true }
        guard old.createdAt == new.createdAt, old.kind == new.kind, old.dnHash == new.dnHash else {
            return true
        }
        switch (old.claim, new.claim) {
        case (nil, nil): return false
        case (let left?, let right?): return !left.hasKeys(of: right)
        default: return true
        }
    }

    /// Whether what is held stays held whatever this batch brings.
    fileprivate var keepsHold: Bool {
        held != nil && after?.claim == nil
    }
}
