// Step 3 of a batch: a mass removal is held, as a whole, until somebody confirms it.
//
// Counted are published people, groups and members of groups that a change of the directory makes
// vanish; each class by itself, with what passed in the last ten minutes. Not counted: what a local
// rule or the administrator takes away, a person whose name and number another entry takes over,
// and members that mean nobody. A disable is not a removal.

internal import Accounts
internal import GRDB

extension StoreTransaction {
    /// Judges all items, holding what exceeds the limits until the judgement stands.
    func judgeUnderBrake() throws(SQLFault) {
        hasStoredHolds = try database.sql("SELECT 1 FROM held LIMIT 1").first { _ in true } ?? false
        var again = true
        var isBraked: [EntryKind: Bool] = [:]
        while again {
            try judge()
            again = false
            for kind in [EntryKind.person, .group] {
                let lost = losses(of: kind)
                guard !lost.isEmpty else { continue }
                let isHeld: Bool
                if let decided = isBraked[kind], decided {
                    isHeld = true
                } else {
                    isHeld = try exceeds(lost.count, of: kind)
                }
                guard isHeld else { continue }
                isBraked[kind] = true
                for item in lost { hold(item) }
                again = true
            }
        }
        for kind in [EntryKind.person, .group] {
            try recordRemovals(losses(of: kind).count, class: kind.rawValue)
        }
        noteSettledHolds()
    }

    /// What vanishes by the directory's doing.
    private func losses(of kind: EntryKind) -> [Item] {
        var successors: Set<PublishedKey> = []
        for item in items.values {
            if let now = item.now, now.kind == kind { successors.insert(now.key) }
        }
        return items.values.filter { item in
            guard item.isFromDirectory, !item.isAccepted, !item.isHeld else { return false }
            if let was = item.was {
                guard was.kind == kind, item.now?.kind != kind else { return false }
                return !successors.contains(was.key)
            }
            // A group without name: what it passed on would vanish.
            return kind == .group && item.before?.kind == .group && item.wasHeld == nil
                && item.after?.kind != .group && !item.isReplaced
        }
    }

    private func exceeds(_ removed: Int, of kind: EntryKind) throws(SQLFault) -> Bool {
        let limit = kind == .person ? rules.people : rules.groups
        let present = kind == .person ? memory.counts.people : memory.counts.groups
        let recently = try recentRemovals(class: kind.rawValue)
        return limit.isExceeded(
            removing: removed, recently: recently, present: present,
            remaining: present + gain(of: kind))
    }

    /// How many more people are published (groups are there) after the batch; negative: fewer.
    private func gain(of kind: EntryKind) -> Int {
        var gain = 0
        for item in items.values {
            let wasThere = kind == .person ? item.was?.kind == kind : item.before?.kind == kind
            let isThere = kind == .person ? item.now?.kind == kind : item.after?.kind == kind
            gain += (isThere ? 1 : 0) - (wasThere ? 1 : 0)
        }
        return gain
    }

    private func hold(_ item: Item) {
        let confirmedAt = max(item.before?.confirmedAt ?? 0, memory.verifiedAt)
        item.held = Held(record: item.was, since: now, confirmedAt: min(confirmedAt, now))
        item.isHeld = true
        item.isNewlyHeld = true
        item.needsJudgement = true
        newlyHeld.append(item)
        if let was = item.was {
            heldNames[HeldName(kind: was.kind, name: was.name)] = item
            heldIDs[HeldID(kind: was.kind, id: was.id)] = item
        }
    }

    /// Reports holds that began and holds that ended.
    private func noteSettledHolds() {
        for item in items.values {
            if item.wasHeld != nil && !item.isHeld && !item.isAccepted { outcome.heldSettled += 1 }
        }
        for item in newlyHeld where item.isHeld {
            guard let held = item.held else { continue }
            outcome.newlyHeld.append(
                HeldRemoval(
                    kind: item.before?.kind == .group ? .group : .person,
                    name: held.record?.name ?? "", uuid: item.uuid, count: 1, since: held.since,
                    lastConfirmed: held.confirmedAt))
        }
    }

    // MARK: - Members

    /// Decides what becomes of the members that groups no longer list.
    func brakeMembers() throws(SQLFault) {
        var lost: [EntryKey: [Int64]] = [:]
        var count = 0
        for item in Array(items.values) {
            guard let change = try memberChange(of: item) else { continue }
            memberChanges[item.key] = change
            guard item.isFromDirectory, item.after?.kind == .group else { continue }
            var meant: [Int64] = []
            let accepted = acceptedMembers[item.key] ?? []
            for reference in change.removed where !accepted.containsSorted(reference) {
                if try means(reference) { meant.append(reference) }
            }
            guard !meant.isEmpty else { continue }
            lost[item.key] = meant
            count += meant.count
        }
        guard count > 0 else { return }
        let recently = try recentRemovals(class: Self.memberClass)
        let present = memory.counts.members
        let gain = memberChanges.values.reduce(0) { $0 + $1.added.count - $1.removed.count }
        let exceeds = rules.members.isExceeded(
            removing: count, recently: recently, present: present, remaining: present + gain)
        guard exceeds else { return try recordRemovals(count, class: Self.memberClass) }
        for (key, references) in lost { try holdMembers(references, of: key) }
    }

    /// The class of members in `removals`; people are 1, groups 2.
    static let memberClass: Int64 = 3

    private func holdMembers(_ references: [Int64], of key: EntryKey) throws(SQLFault) {
        guard let item = items[key], let change = memberChanges[key] else { return }
        let confirmedAt = min(max(item.before?.confirmedAt ?? 0, memory.verifiedAt), now)
        let insert = try database.sql("INSERT OR REPLACE INTO heldMembers VALUES (?, ?, ?, ?)")
        for reference in references {
            try insert.run(.int(Int64(key)), .int(reference), .int(now), .int(confirmedAt))
        }
        memory.totals.heldMembers += references.count
        let kept = Set(references)
        memberChanges[key] = (change.added, change.removed.filter { !kept.contains($0) })
        outcome.newlyHeld.append(
            HeldRemoval(
                kind: .members, name: item.now?.name ?? "", uuid: item.uuid,
                count: references.count, since: now, lastConfirmed: confirmedAt))
    }

    /// What a group lists more and less than before, held members apart; `nil`: nothing.
    private func memberChange(
        of item: Item
    ) throws(SQLFault) -> (added: [Int64], removed: [Int64])? {
        guard item.before?.kind == .group || item.after?.kind == .group else { return nil }
        if item.isHeld && item.after?.kind != .group { return nil }
        let isGone = item.after?.kind != .group
        let accepted = acceptedMembers[item.key] ?? []
        guard isGone || item.writtenMembers != nil || !accepted.isEmpty else { return nil }
        let stored = try members(of: item.key)
        let written =
            isGone ? [] : item.writtenMembers ?? stored.filter { !accepted.containsSorted($0) }
        var (added, removed) = PackedNumbers.difference(from: stored, to: written)
        let key = Int64(item.key)
        let query = try database.sql("SELECT hash FROM heldMembers WHERE pk = ?")
        let held = Set(try query.all(.int(key)) { $0.int(0) })
        if !held.isEmpty {
            if !isGone { removed.removeAll { held.contains($0) } }
            // Shown again, or gone with the group.
            let settled = held.filter { isGone || written.containsSorted($0) }
            for reference in settled { try dropHeldMember(reference, of: key) }
            if !settled.isEmpty { outcome.heldSettled += 1 }
        }
        return added.isEmpty && removed.isEmpty ? nil : (added, removed)
    }

    private func dropHeldMember(_ reference: Int64, of key: Int64) throws(SQLFault) {
        try database.sql("DELETE FROM heldMembers WHERE pk = ? AND hash = ?").run(
            .int(key), .int(reference))
        memory.totals.heldMembers -= 1
    }

    /// Whether a member as written means an entry that is here.
    private func means(_ reference: Int64) throws(SQLFault) -> Bool {
        for key in try entries(meantBy: reference) {
            // A row that the batch does not touch is shown by the directory, or held.
            guard let target = items[key] else { return true }
            if target.after != nil || target.isHeld { return true }
        }
        return false
    }

    /// Lets the held removals of members happen.
    func acceptMemberRemovals() throws(SQLFault) {
        let query = try database.sql("SELECT pk, hash FROM heldMembers ORDER BY pk, hash")
        let held = try query.all { (EntryKey(truncatingIfNeeded: $0.int(0)), $0.int(1)) }
        var groups: Set<EntryKey> = []
        for (key, reference) in held {
            guard let item = try item(at: key) else { continue }
            var change = acceptedMembers[key] ?? []
            change.append(reference)
            acceptedMembers[key] = change
            groups.insert(item.key)
        }
        try database.run("DELETE FROM heldMembers")
        memory.totals.heldMembers = 0
        outcome.heldSettled += groups.count
    }

    // MARK: - The end of a hold

    /// Lets a held removal happen.
    func accept(_ key: EntryKey) throws(SQLFault) {
        guard let item = try item(at: key) else { return }
        item.isAccepted = true
        item.held = nil
        item.isHeld = false
        item.needsJudgement = true
        outcome.heldSettled += 1
    }

    /// Lets what is held still happen, class by class, where it is within the limit together with
    /// everything that went since the hold began: the mass of it came back.
    ///
    /// Only a complete look at the directory may ask for this: while entries come back one by one,
    /// those that are missing yet would go for a moment.
    func settleHeld() throws(SQLFault) {
        for kind in [EntryKind.person, .group] {
            let query = try database.sql("SELECT pk, since FROM held WHERE kind = ?")
            let held = try query.all(.int(kind.rawValue)) {
                (key: EntryKey(truncatingIfNeeded: $0.int(0)), since: $0.int(1))
            }
            let present = kind == .person ? memory.counts.people : memory.counts.groups
            let limit = kind == .person ? rules.people : rules.groups
            guard
                try isWithin(
                    limit, held.count, since: held.map(\.since).min(), class: kind.rawValue,
                    present: present)
            else { continue }
            for entry in held { try accept(entry.key) }
            try recordRemovals(held.count, class: kind.rawValue)
        }
        let query = try database.sql("SELECT count(*), min(since) FROM heldMembers")
        let members = try query.first { (count: Int($0.int(0)), since: $0.int(1)) }
        guard let members,
            try isWithin(
                rules.members, members.count, since: members.since, class: Self.memberClass,
                present: memory.counts.members)
        else { return }
        try acceptMemberRemovals()
        try recordRemovals(members.count, class: Self.memberClass)
    }

    private func isWithin(
        _ limit: BrakeLimit, _ count: Int, since: Int64?, class kind: Int64, present: Int
    ) throws(SQLFault) -> Bool {
        guard count > 0, let since else { return false }
        let recently = try recentRemovals(class: kind, since: since)
        return !limit.isExceeded(
            removing: count, recently: recently, present: present, remaining: present - count)
    }

    // MARK: - The window

    /// Removals of a class that passed in the window before `since`, and after it.
    private func recentRemovals(class kind: Int64, since: Int64) throws(SQLFault) -> Int {
        let query = try database.sql(
            "SELECT total(count) FROM removals WHERE kind = ? AND at > ?")
        return Int(try query.first(.int(kind), .int(since - rules.window)) { $0.int(0) } ?? 0)
    }

    private func recentRemovals(class kind: Int64) throws(SQLFault) -> Int {
        try recentRemovals(class: kind, since: now)
    }

    private func recordRemovals(_ count: Int, class kind: Int64) throws(SQLFault) {
        guard count > 0 else { return }
        // A hold is settled by what went since it began.
        let begin = try database.sql(
            "SELECT min(since) FROM (SELECT since FROM held UNION SELECT since FROM heldMembers)")
        let since = try begin.first { $0.isNull(0) ? nil : $0.int(0) } ?? nil
        try database.sql("DELETE FROM removals WHERE at <= ?").run(
            .int(min(now, since ?? now) - rules.window))
        if since != nil { try joinRemovals(before: now - rules.window) }
        try database.sql("INSERT INTO removals (at, kind, count) VALUES (?, ?, ?)").run(
            .int(now), .int(kind), .int(Int64(count)))
    }
}

extension StoreTransaction {
    /// Makes one row of those of a class and a day, so that a hold of months costs a few.
    ///
    /// It has the time of the newest of them: what went a little before a hold may count as if it had
    /// gone since, never the other way round.
    private func joinRemovals(before time: Int64) throws(SQLFault) {
        let query = try database.sql(
            """
            SELECT max(at), kind, sum(count), at / 86400 FROM removals WHERE at <= ?
            GROUP BY kind, at / 86400 HAVING count(*) > 1
            """)
        let days = try query.all(.int(time)) { row in (0..<4).map { row.int($0) } }
        for day in days {
            try database.sql(
                "DELETE FROM removals WHERE at <= ?1 AND kind = ?2 AND at / 86400 = ?3"
            ).run(.int(time), .int(day[1]), .int(day[3]))
            try database.sql("INSERT INTO removals (at, kind, count) VALUES (?, ?, ?)").run(
                .int(day[0]), .int(day[1]), .int(day[2]))
        }
    }
}

/// A name that a removal held from this batch on keeps.
struct HeldName: Hashable {
    var kind: EntryKind
    var name: String
}

/// An id that a removal held from this batch on keeps.
struct HeldID: Hashable {
    var kind: EntryKind
    var id: UInt32
}

extension [Int64] {
    /// Whether the ascending list contains `number`.
    func containsSorted(_ number: Int64) -> Bool {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == number
    }
}
