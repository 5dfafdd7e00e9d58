// Step 1 of a batch: the rows of `entries`.

internal import Accounts
internal import GRDB

extension StoreTransaction {
    /// Notes which directory this is, and which local rule changed.
    func begin(_ batch: StoreBatch) throws(SQLFault) {
        if let identity = batch.identity, identity != memory.identity {
            if memory.identity != nil {
                memory.generation += 1
                try database.setMeta("generation", .int(memory.generation))
                try database.run("DELETE FROM cookies")
            }
            memory.identity = identity
            try database.setMeta("identity", .text(identity))
        }
        if let fingerprint = batch.rulesFingerprint {
            try database.setMeta("rules", .int(Int64(bitPattern: fingerprint)))
        }
        guard rules.allowsReuse != memory.allowsReuse else { return }
        memory.allowsReuse = rules.allowsReuse
        try database.setMeta("allowsReuse", .int(rules.allowsReuse ? 1 : 0))
        let query = try database.sql("SELECT pk FROM blocked WHERE rule = 2")
        for key in try query.all(read: { EntryKey(truncatingIfNeeded: $0.int(0)) }) {
            try item(at: key)?.needsJudgement = true
        }
    }

    /// Carries out one change.
    func apply(_ change: StoreChange) throws(SQLFault) {
        switch change {
        case .upsert(let entry, let search): try upsert(entry, search: search)
        case .remove(let uuid, let search):
            if let item = try item(uuid) { try hide(item, from: Self.bit(search)) }
        case .sweep(let search, let keeping): try sweep(search: search, keeping: keeping)
        case .confirmRemoved(let uuids):
            for uuid in uuids {
                if let item = try item(uuid) { try hide(item, from: -1) }
            }
        case .acceptRemovals: try acceptRemovals()
        case .settleHeld: try settleHeld()
        case .releaseReuse(let name): try releaseReuse(of: name)
        case .block(let name, let uid): try block(name, byUID: uid)
        case .unblock(let name, let uid): try unblock(name, byUID: uid)
        case .confirmAccess(let name): try confirmAccess(name)
        case .reevaluated(let entry): try reevaluate(entry)
        }
    }

    /// The bit of a search in `presence`.
    static func bit(_ search: Int) -> Int64 {
        1 << Int64(min(max(search, 0), 62))
    }

    private func upsert(_ entry: EvaluatedEntry, search: Int) throws(SQLFault) {
        var facts = Facts(entry, dnHash: memory.hash.dn(entry.linkKey))
        let stored = try item(entry.entry.uuid)
        facts.presence = (stored?.after?.presence ?? 0) | Self.bit(search)
        facts.generation = memory.generation
        facts.confirmedAt = now
        try write(entry, facts: facts, over: stored)
    }

    private func reevaluate(_ entry: EvaluatedEntry) throws(SQLFault) {
        guard let stored = try item(entry.entry.uuid), let after = stored.after else { return }
        var facts = Facts(entry, dnHash: memory.hash.dn(entry.linkKey))
        facts.presence = after.presence
        facts.generation = after.generation
        facts.confirmedAt = after.confirmedAt
        let wasFromDirectory = stored.isFromDirectory
        try write(entry, facts: facts, over: stored)
        stored.isFromDirectory = wasFromDirectory
    }

    /// Writes the row of an entry and notes what it now is.
    private func write(
        _ entry: EvaluatedEntry, facts: Facts, over stored: Item?
    ) throws(SQLFault) {
        try writer.write(entry, facts: facts, at: stored?.key)
        let item: Item
        if let stored {
            item = stored
        } else {
            item = Item(
                key: EntryKey(truncatingIfNeeded: database.lastInsertedRowID),
                uuid: entry.entry.uuid, before: nil, published: PublishedRow())
            remember(item)
        }
        item.after = facts
        item.isFromDirectory = true
        item.writtenMembers = []
        if case .group(let group) = entry.content {
            item.writtenMembers = PackedNumbers.sorted(group.members.map(memory.hash.reference))
        }
        try replaceStale(by: item, facts: facts)
    }

    /// Lets a new entry take the place of one with the same name and id that the directory shows no
    /// more: its removal is held, or it was stored before the directory's identity changed.
    private func replaceStale(by item: Item, facts: Facts) throws(SQLFault) {
        guard let claim = facts.claim, item.before == nil else { return }
        let query = try database.sql(
            """
            SELECT pk FROM entries WHERE id = ?1 AND kind = ?2 AND name = ?3 AND pk <> ?4
                AND (presence = 0 OR generation < ?5)
            UNION SELECT pk FROM held WHERE id = ?1 AND kind = ?2 AND name = ?3 AND pk <> ?4
            """)
        let stale = try query.all(
            .int(Int64(claim.id)), .int(claim.kind.rawValue), .text(claim.name),
            .int(Int64(item.key)), .int(memory.generation)
        ) { EntryKey(truncatingIfNeeded: $0.int(0)) }
        for key in stale {
            guard let old = try self.item(at: key) else { continue }
            old.isReplaced = true
            old.held = nil
            old.isHeld = false
            old.needsJudgement = true
            try hide(old, from: -1)
        }
    }

    /// Takes an entry out of the searches in `bits`.
    private func hide(_ item: Item, from bits: Int64) throws(SQLFault) {
        guard var facts = item.after else { return }
        facts.presence &= ~bits
        let update = try database.sql("UPDATE entries SET presence = ? WHERE pk = ?")
        try update.run(.int(facts.presence), .int(Int64(item.key)))
        item.after = facts.presence == 0 ? nil : facts
        item.isFromDirectory = true
    }

    private func sweep(search: Int, keeping: Set<EntryUUID>) throws(SQLFault) {
        let bit = Self.bit(search)
        var missing: [EntryUUID] = []
        let query = try database.sql("SELECT uuid FROM entries WHERE presence & ? <> 0")
        try query.each(.int(bit)) { row in
            guard let uuid = EntryUUID(octets: row.octets(0)), !keeping.contains(uuid) else {
                return
            }
            missing.append(uuid)
        }
        for uuid in missing {
            if let item = try item(uuid) { try hide(item, from: bit) }
        }
    }

    private func acceptRemovals() throws(SQLFault) {
        let query = try database.sql("SELECT pk FROM held")
        for key in try query.all(read: { EntryKey(truncatingIfNeeded: $0.int(0)) }) {
            try accept(key)
        }
        try acceptMemberRemovals()
    }

    private func releaseReuse(of name: String) throws(SQLFault) {
        let query = try database.sql(
            """
            SELECT e.pk FROM entries e JOIN blocked b USING (pk)
            WHERE e.nameHash = ? AND e.name = ? AND e.kind = 1 AND b.rule = 2
            """)
        let keys = try query.all(.int(memory.hash.name(name)), .text(name)) {
            EntryKey(truncatingIfNeeded: $0.int(0))
        }
        for key in keys {
            guard let item = try item(at: key), let claim = item.after?.claim else { continue }
            try release(claim, item: item)
            item.needsJudgement = true
            if !outcome.released.contains(name) { outcome.released.append(name) }
        }
    }

    /// Remembers that the re-use of this name with this number may happen.
    func release(_ claim: Record, item: Item) throws(SQLFault) {
        try database.sql("INSERT OR IGNORE INTO released (name, id, at) VALUES (?, ?, ?)").run(
            .text(claim.name), .int(Int64(claim.id)), .int(now))
        events.append(
            JournalEvent(what: .released, item: item, name: claim.name, id: claim.id))
    }

    /// Keeps what covers the whole batch.
    func end(_ batch: StoreBatch) throws(SQLFault) {
        if phase == .refreshEnd {
            memory.verifiedAt = now
            try database.setMeta("verifiedAt", .int(now))
        }
        if phase != .refresh { try confirmCoexistence() }
        if let cookie = batch.cookie { try database.store(cookie) }
        if !outcome.publication.isEmpty || outcome.access != nil {
            memory.revision += 1
            try database.setMeta("revision", .int(memory.revision))
        }
        outcome.revision = memory.revision
        outcome.counts = memory.counts
    }
}

extension Database {
    /// Stores the position of a search.
    func store(_ cookie: SyncPosition) throws(SQLFault) {
        try sql("INSERT OR REPLACE INTO cookies (search, bytes, digest) VALUES (?, ?, ?)").run(
            .int(Int64(cookie.search)), .blob(cookie.bytes), .blob(cookie.digest))
    }
}
