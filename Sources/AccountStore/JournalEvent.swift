// What the journal says, and step 5's part in it.

internal import Accounts
internal import GRDB

/// One entry on its way into the journal.
struct JournalEvent: Equatable {
    var what: HistoryEntry.What
    var kind: EntryKind
    var uuid: EntryUUID
    var name: String
    var id: UInt32
    var oldName: String?
    var oldID: UInt32?
    var happenedAt: Int64?

    init(
        what: HistoryEntry.What, item: Item, name: String, id: UInt32, was: Record? = nil
    ) {
        self.what = what
        kind = item.now?.kind ?? item.was?.kind ?? item.after?.kind ?? .other
        uuid = item.uuid
        self.name = name
        self.id = id
        if let was, was.name != name { oldName = was.name }
        if let was, was.id != id { oldID = was.id }
        happenedAt = item.isFromDirectory ? item.after?.happenedAt : nil
    }

    /// What the administrator did; `id` is his uid.
    init(
        what: HistoryEntry.What, kind: EntryKind, uuid: EntryUUID?, name: String, id: UInt32
    ) {
        self.what = what
        self.kind = kind
        self.uuid = uuid ?? EntryUUID(high: 0, low: 0)
        self.name = name
        self.id = id
    }

    /// The end of a first load of `people` people.
    init(firstLoadOf people: Int) {
        what = .firstLoad
        kind = .other
        uuid = EntryUUID(high: 0, low: 0)
        name = ""
        id = UInt32(clamping: people)
    }

    /// Somebody who appears in a first load under a name or number that was freed.
    init(appeared uuid: EntryUUID, record: Record) {
        what = .appeared
        kind = record.kind
        self.uuid = uuid
        name = record.name
        id = record.id
    }
}

extension StoreTransaction {
    /// Writes what happened to names and ids, and what removals free.
    func writeJournal() throws(SQLFault) {
        try writeFreed()
        // Who goes before who comes: a name or number may pass from one to the other.
        let ordered = items.values.sorted { left, right in
            let (first, second) = (left.now == nil, right.now == nil)
            return first == second ? left.key < right.key : first
        }
        for item in ordered { note(item) }
        try database.write(events, at: now, memory: memory)
        outcome.journalEntries = events.count
    }

    private func note(_ item: Item) {
        if item.isNewlyHeld, item.isHeld, let record = item.now {
            events.append(JournalEvent(what: .held, item: item, name: record.name, id: record.id))
        }
        switch (item.was, item.now) {
        case (nil, nil): break
        case (nil, let now?):
            events.append(JournalEvent(what: .appeared, item: item, name: now.name, id: now.id))
        case (let was?, nil):
            let what: HistoryEntry.What = item.after?.kind == was.kind ? .withheld : .removed
            events.append(JournalEvent(what: what, item: item, name: was.name, id: was.id))
        case (let was?, let now?):
            if !was.hasKeys(of: now) {
                events.append(
                    JournalEvent(what: .renamed, item: item, name: now.name, id: now.id, was: was))
            }
            if was.state.isDisabled != now.state.isDisabled {
                let what: HistoryEntry.What = now.state.isDisabled ? .disabled : .enabled
                events.append(JournalEvent(what: what, item: item, name: now.name, id: now.id))
            }
        }
    }

    /// Keeps names and numbers of removed people from others, and forgets those in use again.
    private func writeFreed() throws(SQLFault) {
        let freeID = try database.sql("INSERT OR REPLACE INTO freedIDs VALUES (?, ?, ?, ?)")
        let freeName = try database.sql("INSERT OR REPLACE INTO freedNames VALUES (?, ?, ?, ?)")
        let isHeld = Set(items.values.filter(\.isHeld).map(\.uuid))
        for (id, freed) in freedIDs where !isHeld.contains(freed.uuid) {
            try freeID.run(
                .int(Int64(id)), .text(freed.name), .blob(freed.uuid.octets), .int(freed.at))
        }
        for (name, freed) in freedNames where !isHeld.contains(freed.uuid) {
            try freeName.run(
                .text(name), .int(Int64(freed.id)), .blob(freed.uuid.octets), .int(freed.at))
        }
        for item in items.values {
            guard let now = item.now, now.kind == .person else { continue }
            if let was = item.was, was.hasKeys(of: now) { continue }
            try database.sql("DELETE FROM freedIDs WHERE id = ?").run(.int(Int64(now.id)))
            try database.sql("DELETE FROM freedNames WHERE name = ?").run(.text(now.name))
        }
    }
}

extension Database {
    /// Puts journal entries into the outbox, from which they reach journal.sqlite.
    func write(
        _ events: [JournalEvent], at now: Int64, memory: StoreMemory
    ) throws(SQLFault) {
        guard !events.isEmpty else { return }
        let insert = try sql("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for event in events {
            memory.lastSequence += 1
            try insert.run(
                .int(memory.lastSequence), .int(now), .optional(event.happenedAt),
                .int(event.what.rawValue), .int(event.kind.rawValue), .blob(event.uuid.octets),
                .text(event.name), .int(Int64(event.id)), .optional(event.oldName),
                .optional(event.oldID.map { Int64($0) }))
        }
        try setMeta("sequence", .int(memory.lastSequence))
    }
}
