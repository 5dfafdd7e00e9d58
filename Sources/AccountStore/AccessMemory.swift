// Access rules and local blocks in memory, and their tables, which store and journal both have.
//
// The store changes its copy in the transaction that the change belongs to; the journal, which
// outlives the store, gets the whole tables afterwards. The copy with the higher version is the newer.

internal import Accounts
internal import GRDB

/// What access rules mean, who is kept in groups that vanished, and who is blocked.
struct AccessMemory: Equatable {
    /// By slot.
    var bindings: [AccessBinding] = []
    /// The slots of the groups that are shown.
    private(set) var slots: [EntryKey: [UInt32]] = [:]
    /// The slots of groups that vanished while a person was in them.
    var kept: [EntryUUID: [UInt32]] = [:]
    /// By name.
    var blocks: [String: LocalBlock] = [:]
    /// The same by person.
    private(set) var blockedPeople: Set<EntryUUID> = []
    /// The slot that the next group gets.
    var nextSlot: UInt32 = 1
    /// Counts the transactions that changed a table.
    var version: Int64 = 0

    init() {}

    /// The slots of a person who is in these groups; ascending.
    func slots(of person: EntryUUID, in groups: [EntryKey]) -> [UInt32] {
        guard !bindings.isEmpty else { return [] }
        var found: [UInt32] = kept[person] ?? []
        if !slots.isEmpty {
            for group in groups {
                if let more = slots[group] { found += more }
            }
        }
        return found.count > 1 ? PackedNumbers.sorted(found) : found
    }

    /// Whether the administrator blocked the person.
    func isBlocked(_ person: EntryUUID, name: String) -> Bool {
        !blocks.isEmpty && (blocks[name] != nil || blockedPeople.contains(person))
    }

    /// Notes where the groups are that are shown.
    mutating func place(_ keys: [UInt32: EntryKey]) {
        slots = [:]
        for binding in bindings {
            guard let key = keys[binding.slot] else { continue }
            slots[key, default: []].append(binding.slot)
        }
    }

    /// To be called when ``blocks`` changed.
    mutating func indexBlocks() {
        blockedPeople = Set(blocks.values.compactMap(\.uuid))
    }

    /// What others see.
    var asSeen: StoreAccess {
        var access = StoreAccess()
        access.bindings = bindings
        for slots in kept.values {
            for slot in slots { access.keptMembers[slot, default: 0] += 1 }
        }
        return access
    }
}

extension AccessMemory {
    /// Reads the tables of either file; where groups are is not known then, see ``AccessBinder``.
    init(_ database: Database) throws(SQLFault) {
        version = try database.metaNumber("accessVersion") ?? 0
        nextSlot = UInt32(truncatingIfNeeded: try database.metaNumber("accessSlot") ?? 1)
        bindings = try database.sql(
            "SELECT slot, name, uuid, firstSeen, isBound, gid FROM accessGroups ORDER BY slot"
        ).all { row in
            AccessBinding(
                slot: UInt32(truncatingIfNeeded: row.int(0)), name: row.text(1),
                uuid: EntryUUID(octets: row.octets(2)) ?? EntryUUID(high: 0, low: 0),
                firstSeen: row.int(3), isBound: row.int(4) != 0,
                gid: row.isNull(5) ? nil : UInt32(truncatingIfNeeded: row.int(5)))
        }
        let members = try database.sql("SELECT slot, uuid FROM accessMembers ORDER BY slot").all {
            (UInt32(truncatingIfNeeded: $0.int(0)), EntryUUID(octets: $0.octets(1)))
        }
        for (slot, uuid) in members {
            if let uuid { kept[uuid, default: []].append(slot) }
        }
        let blocked = try database.sql("SELECT name, uuid, at, byUID FROM localBlocks").all { row in
            LocalBlock(
                name: row.text(0), uuid: EntryUUID(octets: row.octets(1)), at: row.int(2),
                byUID: UInt32(truncatingIfNeeded: row.int(3)))
        }
        for block in blocked { blocks[block.name] = block }
        indexBlocks()
    }

    /// Reads the tables and finds the groups, without reading all the others.
    static func placed(in database: Database) throws(SQLFault) -> AccessMemory {
        var access = try AccessMemory(database)
        guard !access.bindings.isEmpty else { return access }
        let query = try database.sql(
            """
            SELECT e.pk, e.dnHash, p.pk IS NOT NULL, coalesce(h.name, e.name), coalesce(h.id, e.id)
            FROM members m CROSS JOIN entries e USING (pk)
            LEFT JOIN published p USING (pk) LEFT JOIN held h USING (pk)
            WHERE m.pk = (SELECT pk FROM entries WHERE uuid = ?)
            """)
        var groups: [EntryKey: GroupMemory] = [:]
        for binding in access.bindings {
            try query.each(.blob(binding.uuid.octets)) { row in
                groups[EntryKey(truncatingIfNeeded: row.int(0))] = GroupMemory(row)
            }
        }
        try AccessBinder(unbound: access, database, groups: groups).look(&access)
        return access
    }

    /// Writes what is other than `old`, and counts the version up if anything is.
    mutating func write(over old: AccessMemory, into database: Database) throws(SQLFault) {
        guard self != old else { return }
        version = old.version + 1
        try write(into: database, over: old)
    }

    /// Makes the tables of the other file the same; rows that are so already stay untouched, with
    /// what a newer program keeps beside them.
    func write(into database: Database) throws(SQLFault) {
        try write(into: database, over: AccessMemory(database))
    }

    private func write(into database: Database, over old: AccessMemory) throws(SQLFault) {
        let slots = Set(bindings.map(\.slot))
        for binding in old.bindings where !slots.contains(binding.slot) {
            try database.sql("DELETE FROM accessGroups WHERE slot = ?").run(
                .int(Int64(binding.slot)))
        }
        let insert = try database.sql(
            """
            INSERT OR REPLACE INTO accessGroups (slot, name, uuid, firstSeen, isBound, gid)
            VALUES (?, ?, ?, ?, ?, ?)
            """)
        for binding in bindings where !old.bindings.contains(binding) {
            try insert.run(
                .int(Int64(binding.slot)), .text(binding.name), .blob(binding.uuid.octets),
                .int(binding.firstSeen), .int(binding.isBound ? 1 : 0),
                .optional(binding.gid.map { Int64($0) }))
        }
        try writeKept(into: database, over: old)
        for name in old.blocks.keys where blocks[name] == nil {
            try database.sql("DELETE FROM localBlocks WHERE name = ?").run(.text(name))
        }
        for (name, block) in blocks where old.blocks[name] != block {
            try database.sql(
                "INSERT OR REPLACE INTO localBlocks (name, uuid, at, byUID) VALUES (?, ?, ?, ?)"
            ).run(
                .text(name), block.uuid.map { .blob($0.octets) } ?? .null, .int(block.at),
                .int(Int64(block.byUID)))
        }
        try database.setMeta("accessSlot", .int(Int64(nextSlot)))
        try database.setMeta("accessVersion", .int(version))
    }

    private func writeKept(
        into database: Database, over old: AccessMemory
    ) throws(SQLFault) {
        let delete = try database.sql("DELETE FROM accessMembers WHERE slot = ? AND uuid = ?")
        let insert = try database.sql(
            "INSERT OR REPLACE INTO accessMembers (slot, uuid) VALUES (?, ?)")
        for (uuid, slots) in old.kept {
            for slot in slots where !(kept[uuid]?.contains(slot) ?? false) {
                try delete.run(.int(Int64(slot)), .blob(uuid.octets))
            }
        }
        for (uuid, slots) in kept {
            for slot in slots where !(old.kept[uuid]?.contains(slot) ?? false) {
                try insert.run(.int(Int64(slot)), .blob(uuid.octets))
            }
        }
    }
}
