// Binding the names of access rules to groups of the directory.
//
// A name is bound to the entry that first bore it. Whatever bears it later is a further group of the
// name: deny rules mean all of them, allow rules the bound one alone, until the administrator confirms
// another. Nothing is bound anew because a group vanished: whoever can delete and create groups could
// let in whom he likes.

internal import Accounts
internal import GRDB

/// Brings bindings up to date with the groups that are stored.
struct AccessBinder {
    let database: Database
    let hash: ReferenceHash
    let rules: StoreRules
    let now: Int64
    /// The groups that are shown, or whose removal is held.
    let groups: [EntryKey: GroupMemory]

    /// A group that bears a name.
    private struct Bearer {
        var key: EntryKey
        var uuid: EntryUUID
    }

    /// A binder for what is bound already, whatever the rules are.
    init(unbound access: AccessMemory, _ database: Database, groups: [EntryKey: GroupMemory]) {
        var rules = StoreRules()
        rules.denyGroups = Set(access.bindings.map(\.name))
        self.init(
            database: database, hash: ReferenceHash(key: (0, 0)), rules: rules, now: 0,
            groups: groups)
    }

    init(
        database: Database, hash: ReferenceHash, rules: StoreRules, now: Int64,
        groups: [EntryKey: GroupMemory]
    ) {
        self.database = database
        self.hash = hash
        self.rules = rules
        self.now = now
        self.groups = groups
    }

    /// Looks every name up again.
    func bind(_ access: inout AccessMemory) throws(SQLFault) {
        access.bindings.removeAll { !rules.accessNames.contains($0.name) }
        for name in rules.accessNames.sorted() {
            let bearers = try bearers(of: name)
            add(bearers, as: name, to: &access)
            guard !rules.denyGroups.contains(name) else { continue }
            let named = Set(bearers.map(\.uuid))
            access.bindings.removeAll {
                $0.name == name && !$0.isBound && !named.contains($0.uuid)
            }
        }
        try look(&access)
        forgetKept(&access)
    }

    /// Accepts what the directory shows under a name; gives how many bindings are dropped or changed.
    func confirm(_ name: String, _ access: inout AccessMemory) throws(SQLFault) -> Int {
        let before = access.bindings.filter { $0.name == name }
        let bearers = try bearers(of: name)
        let named = Set(bearers.map(\.uuid))
        access.bindings.removeAll {
            $0.name == name && (named.isEmpty ? !$0.isShown : !named.contains($0.uuid))
        }
        let bound = bearers.first?.uuid
        for place in access.bindings.indices where access.bindings[place].name == name {
            if let bound { access.bindings[place].isBound = access.bindings[place].uuid == bound }
        }
        try bind(&access)
        let after = access.bindings.filter { $0.name == name && $0.isBound }.map(\.slot)
        let slots = Set(access.bindings.map(\.slot))
        return before.count { !slots.contains($0.slot) }
            + before.count { slots.contains($0.slot) && $0.isBound != after.contains($0.slot) }
    }

    private func add(_ bearers: [Bearer], as name: String, to access: inout AccessMemory) {
        let mine = access.bindings.filter { $0.name == name }
        var isBound = mine.contains(where: \.isBound)
        for bearer in bearers where !mine.contains(where: { $0.uuid == bearer.uuid }) {
            access.bindings.append(
                AccessBinding(
                    slot: access.nextSlot, name: name, uuid: bearer.uuid, firstSeen: now,
                    isBound: !isBound))
            access.nextSlot += 1
            isBound = true
        }
    }

    /// The groups that bear a name, or have it as their entry UUID; the oldest first.
    private func bearers(of name: String) throws(SQLFault) -> [Bearer] {
        if let uuid = EntryUUID(text: Array(name.utf8)[...]) {
            return try key(of: uuid).map { [Bearer(key: $0, uuid: uuid)] } ?? []
        }
        let query = try database.sql(
            """
            SELECT pk, uuid FROM entries WHERE nameHash = ? AND name = ? AND kind = 2
            ORDER BY createdAt, uuid
            """)
        return try query.all(.int(hash.name(name)), .text(name)) { row in
            Bearer(
                key: EntryKey(truncatingIfNeeded: row.int(0)),
                uuid: EntryUUID(octets: row.octets(1)) ?? EntryUUID(high: 0, low: 0))
        }.filter { groups[$0.key] != nil }
    }

    private func key(of uuid: EntryUUID) throws(SQLFault) -> EntryKey? {
        let found = try database.sql("SELECT pk FROM entries WHERE uuid = ?").first(
            .blob(uuid.octets)
        ) { EntryKey(truncatingIfNeeded: $0.int(0)) }
        return found.flatMap { groups[$0] == nil ? nil : $0 }
    }

    /// Notes where each bound group is and what it is called.
    func look(_ access: inout AccessMemory) throws(SQLFault) {
        var keys: [UInt32: EntryKey] = [:]
        let query = try database.sql("SELECT name FROM entries WHERE pk = ? AND kind = 2")
        for place in access.bindings.indices {
            let binding = access.bindings[place]
            let key = try key(of: binding.uuid)
            let published = key.flatMap { groups[$0]?.published }
            let last = rules.denyGroups.contains(binding.name) ? binding.gid : nil
            access.bindings[place].isShown = key != nil
            access.bindings[place].gid = published?.id ?? last
            access.bindings[place].currentName = nil
            guard let key else { continue }
            keys[binding.slot] = key
            access.bindings[place].currentName =
                try query.first(.int(Int64(key))) { $0.optionalText(0) } ?? nil
        }
        access.place(keys)
    }

    /// The members of a group that is shown again are known again; those of a slot that is gone too.
    private func forgetKept(_ access: inout AccessMemory) {
        guard !access.kept.isEmpty else { return }
        let vanished = Set(access.bindings.filter { !$0.isShown }.map(\.slot))
        for (uuid, slots) in access.kept where !slots.allSatisfy(vanished.contains) {
            let left = slots.filter(vanished.contains)
            access.kept[uuid] = left.isEmpty ? nil : left
        }
    }
}
