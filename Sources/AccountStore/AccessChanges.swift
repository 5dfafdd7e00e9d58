// What a batch changes about access: step 4 binds names when groups changed, keeps the members of
// groups that vanished, and finds whom the host has to see anew.

internal import Accounts
internal import GRDB

extension StoreTransaction {
    private var binder: AccessBinder {
        AccessBinder(
            database: database, hash: memory.hash, rules: rules, now: now, groups: memory.groups)
    }

    // MARK: - Commands

    /// Blocks a name, and the person who has it.
    func block(_ name: String, byUID: UInt32) throws(SQLFault) {
        guard memory.access.blocks[name] == nil else { return }
        let person = try published(named: name).first
        memory.access.blocks[name] = LocalBlock(
            name: name, uuid: person?.uuid, at: now, byUID: byUID)
        memory.access.indexBlocks()
        outcome.blocked.append(name)
        events.append(
            JournalEvent(what: .blocked, kind: .person, uuid: person?.uuid, name: name, id: byUID))
    }

    /// Releases a name, and the person who has it whatever the name was then.
    func unblock(_ name: String, byUID: UInt32) throws(SQLFault) {
        let people = Set(try published(named: name).map(\.uuid))
        let released = memory.access.blocks.values.filter { block in
            block.name == name || block.uuid.map(people.contains) ?? false
        }
        guard !released.isEmpty else { return }
        for block in released {
            memory.access.blocks[block.name] = nil
            outcome.unblocked.append(block.name)
            events.append(
                JournalEvent(
                    what: .unblocked, kind: .person, uuid: block.uuid, name: block.name, id: byUID))
        }
        memory.access.indexBlocks()
    }

    /// Accepts what the directory shows under a name of an access rule.
    func confirmAccess(_ name: String) throws(SQLFault) {
        guard rules.accessNames.contains(name) else { return }
        confirmedNames.append(name)
    }

    // MARK: - After the groups are known

    /// Binds names anew when a group changed that may concern a rule; gives the groups whose slots
    /// changed, and the people whose blocks or kept memberships did.
    func updateAccess() throws(SQLFault) -> (groups: [EntryKey], people: Set<EntryKey>) {
        for name in confirmedNames {
            let changed = try binder.confirm(name, &memory.access)
            guard changed > 0 else { continue }
            outcome.confirmed += changed
            events.append(
                JournalEvent(what: .confirmed, kind: .group, uuid: nil, name: name, id: 0))
        }
        let names = rules.accessNames
        if !names.isEmpty {
            let uuids = rules.accessUUIDs
            let isConcerned = items.values.contains { concernsAccess($0, names, uuids) }
            if isConcerned { try binder.bind(&memory.access) }
        }
        try nameBlockedPeople()
        let (before, after) = (accessBefore, memory.access)
        guard before != after else { return ([], []) }
        let keys = Set(before.slots.keys).union(after.slots.keys)
        let groups = keys.filter { before.slots[$0] != after.slots[$0] }
        for group in groups where after.slots[group] == nil {
            vanished[group] = before.slots[group]?.filter(isDenied)
        }
        return (Array(groups), try peopleMoved(from: before, to: after))
    }

    /// Whether a group is, was or may become one that a rule means.
    private func concernsAccess(
        _ item: Item, _ names: Set<String>, _ uuids: Set<EntryUUID>
    ) -> Bool {
        guard groupsBefore[item.key] != nil else { return false }
        if let name = item.before?.groupName, names.contains(name) { return true }
        if let name = item.after?.groupName, names.contains(name) { return true }
        return uuids.contains(item.uuid)
            || memory.access.bindings.contains { $0.uuid == item.uuid }
    }

    /// A block of a name that nobody had is from now on one of the person too who has it.
    private func nameBlockedPeople() throws(SQLFault) {
        guard memory.access.blocks.values.contains(where: { $0.uuid == nil }) else { return }
        for item in items.values {
            guard let now = item.now, now.kind == .person,
                let block = memory.access.blocks[now.name], block.uuid == nil
            else { continue }
            memory.access.blocks[now.name]?.uuid = item.uuid
        }
        memory.access.indexBlocks()
    }

    private func peopleMoved(
        from before: AccessMemory, to after: AccessMemory
    ) throws(SQLFault) -> Set<EntryKey> {
        var uuids: Set<EntryUUID> = []
        if before.kept != after.kept {
            for uuid in Set(before.kept.keys).union(after.kept.keys)
            where before.kept[uuid] != after.kept[uuid] { uuids.insert(uuid) }
        }
        var people: Set<EntryKey> = []
        for name in Set(before.blocks.keys).symmetricDifference(after.blocks.keys) {
            people.formUnion(try published(named: name).map(\.key))
        }
        uuids.formUnion(before.blockedPeople.symmetricDifference(after.blockedPeople))
        let query = try database.sql("SELECT pk FROM entries WHERE uuid = ?")
        for uuid in uuids {
            let key = try query.first(.blob(uuid.octets)) {
                EntryKey(truncatingIfNeeded: $0.int(0))
            }
            if let key { people.insert(key) }
        }
        return people
    }

    /// Keeps a person in the groups of deny rules that this batch takes away.
    func keepDenied(_ person: EntryUUID, wasIn groups: [EntryKey]) {
        guard !vanished.isEmpty else { return }
        for group in groups {
            guard let slots = vanished[group], !slots.isEmpty else { continue }
            let kept = memory.access.kept[person] ?? []
            memory.access.kept[person] = PackedNumbers.sorted(kept + slots)
        }
    }

    private func isDenied(_ slot: UInt32) -> Bool {
        guard let binding = memory.access.bindings.first(where: { $0.slot == slot }) else {
            return false
        }
        return !binding.isShown && rules.denyGroups.contains(binding.name)
    }

    /// The people that the host sees, or saw before this batch, under a name.
    private func published(named name: String) throws(SQLFault) -> [(
        key: EntryKey, uuid: EntryUUID
    )] {
        let query = try database.sql(
            """
            SELECT e.pk, e.uuid FROM published p CROSS JOIN entries e USING (pk)
            WHERE p.kind = 1 AND p.pk IN (
                SELECT pk FROM entries WHERE nameHash = ?1 AND name = ?2
                UNION SELECT pk FROM held WHERE nameHash = ?1 AND name = ?2)
            """)
        return try query.all(.int(memory.hash.name(name)), .text(name)) { row in
            (
                EntryKey(truncatingIfNeeded: row.int(0)),
                EntryUUID(octets: row.octets(1)) ?? EntryUUID(high: 0, low: 0)
            )
        }
    }

    /// Writes the tables, and says whether rules mean something else now.
    func writeAccess() throws(SQLFault) {
        guard memory.access != accessBefore else { return }
        try memory.access.write(over: accessBefore, into: database)
        if memory.access.bindings != accessBefore.bindings {
            outcome.access = memory.access.asSeen
        }
    }
}

extension StoreOutcome {
    /// Blocks and unblocks names during a first load; who has them is found at its end.
    mutating func obeyWhileLoading(
        _ changes: [StoreChange], in database: Database, _ memory: StoreMemory, now: Int64
    ) throws(SQLFault) {
        let before = memory.access
        var events: [JournalEvent] = []
        for change in changes {
            switch change {
            case .block(let name, let uid) where memory.access.blocks[name] == nil:
                memory.access.blocks[name] = LocalBlock(name: name, uuid: nil, at: now, byUID: uid)
                blocked.append(name)
                events.append(
                    JournalEvent(what: .blocked, kind: .person, uuid: nil, name: name, id: uid))
            case .unblock(let name, let uid):
                guard let block = memory.access.blocks.removeValue(forKey: name) else { continue }
                unblocked.append(name)
                events.append(
                    JournalEvent(
                        what: .unblocked, kind: .person, uuid: block.uuid, name: name, id: uid))
            default: break
            }
        }
        guard memory.access != before else { return }
        memory.access.indexBlocks()
        try memory.access.write(over: before, into: database)
        try database.write(events, at: now, memory: memory)
        journalEntries = events.count
    }
}
