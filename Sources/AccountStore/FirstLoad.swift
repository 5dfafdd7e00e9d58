// The first load of an empty store: rows now, indices, conflicts and closures once at the end.
//
// Nothing is published before the load is complete, so nothing need be judged before. A load that
// is interrupted by the end of the process is begun anew: the store of it is thrown away.

internal import Accounts
internal import GRDB

/// A first load under way.
struct FirstLoad {
    /// Where an entry is, and the searches that show it.
    private struct Place {
        var key: EntryKey
        var isWithheld: Bool
        var presence: Int64
    }

    /// All entries so far; 1,000,000 take some 50 MB, until the end of the load.
    private var known: [EntryUUID: Place] = [:]
    /// What `known` said before the running batch touched it.
    private var undo: [EntryUUID: Place?] = [:]
    private var withheld = 0
    /// The same before the running batch.
    private var withheldBefore = 0
    private var isBegun = false
    /// Every name and id seen, whoever has them.
    private var names: Set<Int64> = []
    private var ids: Set<UInt32> = []
    /// Whether two entries may have one name or id: one was seen twice.
    private(set) var mayConflict = false
    private let hash: ReferenceHash

    init(hash: ReferenceHash) {
        self.hash = hash
    }

    /// The batch is on disk.
    mutating func commit() {
        undo = [:]
        withheldBefore = withheld
    }

    /// The end that was tried found nobody to publish: more batches follow.
    mutating func goOn() {
        isBegun = false
    }

    /// How much is stored so far.
    var totals: StoreTotals {
        var totals = StoreTotals()
        totals.entries = known.count
        totals.withheld = withheld
        return totals
    }

    /// The batch is not on disk.
    mutating func rollBack() {
        for (uuid, place) in undo { known[uuid] = place }
        undo = [:]
        withheld = withheldBefore
        isBegun = false
    }

    /// Stores the changes of one batch.
    mutating func store(
        _ changes: [StoreChange], in database: Database, now: Int64
    ) throws(SQLFault) {
        if !isBegun {
            for index in Schema.indices { try database.run(index.drop) }
            try database.run("PRAGMA wal_autocheckpoint = 100000")  // see AccountStore.shrinkLog()
            isBegun = true
        }
        let writer = try EntryWriter(database, hash: hash)
        let members = try database.sql("INSERT OR REPLACE INTO members (pk, refs) VALUES (?, ?)")
        for change in changes {
            switch change {
            case .upsert(let entry, let search):
                let bit = StoreTransaction.bit(search)
                try upsert(entry, adding: bit, writer, members, database, now)
            case .reevaluated(let entry):
                guard known[entry.entry.uuid] != nil else { continue }
                try upsert(entry, adding: 0, writer, members, database, now)
            case .remove(let uuid, let search):
                try hide(uuid, from: StoreTransaction.bit(search), in: database)
            case .confirmRemoved(let uuids):
                for uuid in uuids { try hide(uuid, from: -1, in: database) }
            case .sweep(let search, let keeping):
                let bit = StoreTransaction.bit(search)
                let missing = known.lazy.filter { uuid, place in
                    place.presence & bit != 0 && !keeping.contains(uuid)
                }
                for uuid in missing.map(\.key) { try hide(uuid, from: bit, in: database) }
            case .acceptRemovals, .settleHeld, .releaseReuse, .block, .unblock, .confirmAccess:
                break
            }
        }
    }

    private mutating func upsert(
        _ entry: EvaluatedEntry, adding bit: Int64, _ writer: EntryWriter,
        _ members: SQLStatement, _ database: Database, _ now: Int64
    ) throws(SQLFault) {
        let uuid = entry.entry.uuid
        let place = known[uuid]
        var facts = Facts(entry, dnHash: hash.dn(entry.linkKey))
        facts.presence = (place?.presence ?? 0) | bit
        facts.confirmedAt = now
        try writer.write(entry, facts: facts, at: place?.key)
        let key = place?.key ?? EntryKey(truncatingIfNeeded: database.lastInsertedRowID)
        note(entry.content)
        if undo[uuid] == nil { undo[uuid] = .some(place) }
        if place?.isWithheld ?? false { withheld -= 1 }
        if facts.isWithheld { withheld += 1 }
        known[uuid] = Place(key: key, isWithheld: facts.isWithheld, presence: facts.presence)
        if case .group(let group) = entry.content {
            let references = PackedNumbers.sorted(group.members.map(hash.reference))
            try members.run(.int(Int64(key)), .blob(PackedNumbers.pack(references)))
        } else if place != nil {
            try database.sql("DELETE FROM members WHERE pk = ?").run(.int(Int64(key)))
        }
    }

    /// Looks whether the name or the id was seen before; what is hidden again still counts.
    private mutating func note(_ content: EntryContent) {
        guard !mayConflict else { return }
        var (name, id): (String?, UInt32?)
        switch content {
        case .person(let person): (name, id) = (person.passwd.name, person.passwd.uid)
        case .group(let group): (name, id) = (group.name, group.gid)
        case .other: break
        }
        if let name { mayConflict = !names.insert(hash.name(name)).inserted }
        if let id { mayConflict = !ids.insert(id).inserted || mayConflict }
        if mayConflict { (names, ids) = ([], []) }
    }

    private mutating func hide(
        _ uuid: EntryUUID, from bits: Int64, in database: Database
    ) throws(SQLFault) {
        guard var place = known[uuid] else { return }
        if undo[uuid] == nil { undo[uuid] = .some(place) }
        place.presence &= ~bits
        let key = SQLValue.int(Int64(place.key))
        if place.presence == 0 {
            known[uuid] = nil
            if place.isWithheld { withheld -= 1 }
            try database.sql("DELETE FROM entries WHERE pk = ?").run(key)
            try database.sql("DELETE FROM members WHERE pk = ?").run(key)
        } else {
            known[uuid] = place
            try database.sql("UPDATE entries SET presence = ? WHERE pk = ?").run(
                .int(place.presence), key)
        }
    }
}
