// Step 5 of a batch: the difference between what the host saw and sees, and the derived tables.

internal import Accounts
internal import GRDB

extension StoreTransaction {
    /// Works out what changed for the host; what bystanders changed is noted already.
    func collectPublication() throws(SQLFault) {
        for item in items.values {
            if item.was?.kind == .person || item.now?.kind == .person {
                let was = item.was.flatMap { $0.kind == .person ? $0 : nil }
                let now = item.now.flatMap { $0.kind == .person ? $0 : nil }
                let before = PersonView(
                    record: was, groups: item.wasGroups, confirmedAt: item.wasHeld?.confirmedAt)
                let after = PersonView(
                    record: now, groups: item.nowGroups,
                    confirmedAt: item.isHeld ? item.held?.confirmedAt : nil)
                notePerson(item.uuid, before, after)
            }
            guard let before = groupsBefore[item.key] else { continue }
            if before?.published != memory.groups[item.key]?.published { ensure(item.key) }
        }
        outcome.publication.people = joined(peopleChanges)
        outcome.publication.groups = groupChanges.values.compactMap { change in
            var change = change
            change.cancel()
            let isSame = change.was == change.now
            if isSame && change.membersAdded.isEmpty && change.membersRemoved.isEmpty { return nil }
            return change
        }
    }

    /// Notes what the host sees of a person whose groups or access alone changed.
    func notePublication(of person: Bystander) {
        notePerson(
            person.uuid,
            PersonView(
                record: person.record, groups: person.wasGroups, confirmedAt: person.confirmedAt),
            PersonView(
                record: person.record, groups: person.nowGroups, confirmedAt: person.confirmedAt))
    }

    private func notePerson(_ uuid: EntryUUID, _ was: PersonView, _ now: PersonView) {
        let gidsNow = gids(now) { self.memory.groups[$0]?.published }
        let factsNow = now.login(uuid, memory.access)
        var records: PersonRecords = []
        if was.record?.fields != now.record?.fields || gids(was, keyBefore) != gidsNow {
            records.insert(.passwd)
        }
        if was.record?.state != now.record?.state || was.login(uuid, accessBefore) != factsNow
            || was.record?.fields.gid != now.record?.fields.gid
        {
            records.insert(.gate)
        }
        if !records.isEmpty || (was.record == nil) != (now.record == nil) {
            let person = now.record.map { record in
                PublishedPerson(
                    uuid: uuid, passwd: record.fields, groups: gidsNow, state: record.state,
                    login: factsNow)
            }
            var change = PersonChange(was: was.record?.key, now: person)
            if change.keepsKeys { change.records = records }
            peopleChanges.append(change)
        }
        noteMembers(was, now)
    }

    /// Where the host found a group before the batch.
    private func keyBefore(_ group: EntryKey) -> PublishedKey? {
        if let before = groupsBefore[group] { return before?.published }
        return memory.groups[group]?.published
    }

    private func gids(
        _ person: PersonView, _ key: (EntryKey) -> PublishedKey?
    ) -> [UInt32] {
        guard let record = person.record else { return [] }
        let groups = person.groups.compactMap(key).filter(record.isListed)
        return PackedNumbers.sorted(groups.map(\.id))
    }

    /// Makes one change of somebody who goes and somebody who comes under the same two keys.
    private func joined(_ changes: [PersonChange]) -> [PersonChange] {
        var gone: Set<PublishedKey> = []
        for change in changes where change.now == nil {
            if let was = change.was { gone.insert(was) }
        }
        var result: [PersonChange] = []
        var taken: Set<PublishedKey> = []
        for change in changes {
            guard let now = change.now else { continue }
            if change.was == nil && gone.contains(now.key) {
                taken.insert(now.key)
                result.append(PersonChange(was: now.key, now: now))
            } else {
                result.append(change)
            }
        }
        for key in gone.subtracting(taken) { result.append(PersonChange(was: key, now: nil)) }
        return result
    }

    private func ensure(_ group: EntryKey) {
        guard groupChanges[group] == nil else { return }
        groupChanges[group] = GroupChange(
            was: keyBefore(group), now: memory.groups[group]?.published, membersAdded: [],
            membersRemoved: [])
    }

    /// Notes the groups that a person entered or left, or is in under another name.
    private func noteMembers(_ was: PersonView, _ now: PersonView) {
        let groupsWere = listing(was, keyBefore)
        let groupsAre = listing(now) { self.memory.groups[$0]?.published }
        let isSameName = was.record?.name == now.record?.name
        if let name = was.record?.name {
            for group in groupsWere where !(isSameName && groupsAre.contains(group)) {
                guard memory.groups[group]?.published != nil else { continue }
                ensure(group)
                groupChanges[group]?.membersRemoved.append(name)
            }
        }
        guard let name = now.record?.name else { return }
        for group in groupsAre where !(isSameName && groupsWere.contains(group)) {
            ensure(group)
            groupChanges[group]?.membersAdded.append(name)
        }
    }

    /// The groups that show a person among their members.
    private func listing(
        _ person: PersonView, _ key: (EntryKey) -> PublishedKey?
    ) -> [EntryKey] {
        guard let record = person.record else { return [] }
        return person.groups.filter { group in key(group).map(record.isListed) ?? false }
    }

    // MARK: - Derived tables

    /// Writes what the judgement found.
    func writeItems() throws(SQLFault) {
        for item in items.values.sorted(by: { $0.key < $1.key }) {
            if item.isHeir, let claim = item.now { try release(claim, item: item) }
            try writePublished(item)
            try writeBlocked(item)
            try writeHeld(item)
            memory.totals.count(item)
            if item.after == nil && !item.isHeld {
                try database.sql("DELETE FROM entries WHERE pk = ?").run(.int(Int64(item.key)))
            }
        }
        memory.counts.groups = memory.groups.count
        try database.store(memory.totals)
    }

    private func writePublished(_ item: Item) throws(SQLFault) {
        let key = SQLValue.int(Int64(item.key))
        if item.was?.kind == .person { memory.counts.people -= 1 }
        if item.now?.kind == .person { memory.counts.people += 1 }
        guard let now = item.now else {
            if item.was != nil { try database.sql("DELETE FROM published WHERE pk = ?").run(key) }
            return
        }
        guard item.was?.kind != now.kind || item.wasGroups != item.nowGroups else { return }
        try database.sql("INSERT OR REPLACE INTO published (pk, kind, groups) VALUES (?, ?, ?)")
            .run(
                key, .int(now.kind.rawValue), .blob(PackedNumbers.pack(item.nowGroups)))
    }

    private func writeBlocked(_ item: Item) throws(SQLFault) {
        let key = SQLValue.int(Int64(item.key))
        if item.after == nil { item.blocked = nil }
        guard var blocked = item.blocked else {
            if item.wasBlocked != nil {
                try database.sql("DELETE FROM blocked WHERE pk = ?").run(key)
            }
            return
        }
        let isSameClaim = item.before?.claim.map { old in
            item.after?.claim.map { old.hasKeys(of: $0) } ?? false
        }
        if isSameClaim ?? false { blocked.coexists = item.wasBlocked?.coexists ?? false }
        guard blocked != item.wasBlocked else { return }
        try database.sql("INSERT OR REPLACE INTO blocked VALUES (?, ?, ?, ?)").run(
            key, .int(blocked.rule.rawValue), .text(blocked.reason),
            .int(blocked.coexists ? 1 : 0))
    }

    private func writeHeld(_ item: Item) throws(SQLFault) {
        let key = Int64(item.key)
        guard item.isHeld, var held = item.held else {
            if item.wasHeld != nil {
                try database.sql("DELETE FROM held WHERE pk = ?").run(.int(key))
            }
            return
        }
        held.record = item.now
        guard held != item.wasHeld else { return }
        let kind: EntryKind = held.record?.kind ?? .group
        let record = held.record
        let state = record?.state ?? .active
        let packed = PackedLogin(state, record?.login ?? LoginAttributes())
        try database.sql(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ).run(
            .int(key), .int(kind.rawValue), .int(held.since), .int(held.confirmedAt),
            .optional(record?.name), .optional(record.map { memory.hash.name($0.name) }),
            .optional(record.map { Int64($0.id) }), .int(Int64(record?.fields.gid ?? 0)),
            .text(record?.fields.gecos ?? ""), .text(record?.fields.home ?? ""),
            .text(record?.fields.shell ?? ""), .optional(state.expiresAt),
            packed.map { .blob($0.octets) } ?? .null)
    }
}

/// What the host sees of a person at one moment.
private struct PersonView {
    var record: Record?
    /// The closure.
    var groups: [EntryKey]
    /// When the directory last confirmed a person whose removal is held.
    var confirmedAt: Int64?

    /// What gate and login service know of the person.
    func login(_ uuid: EntryUUID, _ access: AccessMemory) -> LoginFacts {
        record?.login(uuid, groups: groups, confirmedAt: confirmedAt, access) ?? LoginFacts()
    }
}

extension Record {
    /// What gate and login service know of a person with this record.
    func login(
        _ uuid: EntryUUID, groups: [EntryKey], confirmedAt: Int64?, _ access: AccessMemory
    ) -> LoginFacts {
        var facts = LoginFacts()
        facts.keys = login.keys
        facts.passwordStamp = login.passwordStamp
        facts.accessGroups = access.slots(of: uuid, in: groups)
        facts.isBlocked = access.isBlocked(uuid, name: name)
        facts.confirmedAt = confirmedAt
        return facts
    }
}

extension PublishedPerson {
    /// Where the person is found.
    var key: PublishedKey { PublishedKey(name: passwd.name, id: passwd.uid) }
}

extension GroupChange {
    /// Takes out who left and entered in one (another entry under the same name).
    fileprivate mutating func cancel() {
        if now == nil { membersRemoved = [] }
        let added = PackedNumbers.sorted(membersAdded)
        let removed = PackedNumbers.sorted(membersRemoved)
        (membersAdded, membersRemoved) = PackedNumbers.difference(from: removed, to: added)
    }
}
