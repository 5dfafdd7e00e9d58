// From a key to the item that answers it, in one generation.
internal import CLibc

/// A key of one of the tables.
protocol IndexKey {
    /// The key's hash under the file's seed.
    func hash(_ seed: IndexSeed) -> UInt64
    /// Whether the item is the one looked for.
    func matches(_ account: AccountItem, in view: IndexView) -> Bool
}

/// A name: at least one byte, not owned.
@safe
struct NameKey: IndexKey {
    let start: UnsafeRawPointer
    let count: Int

    @inline(__always)
    func hash(_ seed: IndexSeed) -> UInt64 {
        unsafe seed.hash(start, count)
    }

    @inline(__always)
    func matches(_ account: AccountItem, in view: IndexView) -> Bool {
        unsafe account.nameCount == count && memcmp(view.name(of: account), start, count) == 0
    }
}

/// A uid or gid.
struct IDKey: IndexKey {
    let id: UInt32

    @inline(__always)
    func hash(_ seed: IndexSeed) -> UInt64 {
        seed.hash(id)
    }

    @inline(__always)
    func matches(_ account: AccountItem, in view: IndexView) -> Bool {
        account.id == id
    }
}

/// What the delta knows of a key.
enum DeltaAnswer {
    /// Nothing: the base counts.
    case unknown
    /// This is the newest; it may say that the key is gone.
    case known(AccountItem, entry: UInt32)
}

extension IndexView {
    /// The item that `key` leads to in `generation`; `nil` if there is none.
    @inline(__always)
    func find(
        _ key: some IndexKey, in table: IndexTable, generation: UInt64
    ) throws(IndexFault) -> AccountItem? {
        let hash = key.hash(seed)
        if generation != baseGeneration {
            if case .known(let account, _) = try findInDelta(
                key, hash: hash, in: table, generation: generation)
            {
                return account.isRemoved ? nil : account
            }
        }
        guard let account = try findInBase(key, hash: hash, in: table), !account.isRemoved else {
            return nil
        }
        return account
    }

    /// As ``find(_:in:generation:)``, but also an item that says that the key is gone.
    func findWithRemoved(
        _ key: some IndexKey, in table: IndexTable, generation: UInt64
    ) throws(IndexFault) -> AccountItem? {
        let hash = key.hash(seed)
        if generation != baseGeneration {
            if case .known(let account, _) = try findInDelta(
                key, hash: hash, in: table, generation: generation)
            {
                return account
            }
        }
        return try findInBase(key, hash: hash, in: table)
    }

    /// Where the head of the chain lies that a key with this hash belongs to, in bytes.
    @inline(__always)
    func headPlace(_ hash: UInt64, _ table: IndexTable) -> Int {
        let spread = hash &+ UInt64(table.rawValue) &* 0x9E37_79B9
        return headsOffset &+ Int(spread & headMask) &* 8
    }

    /// Walks the delta's chain from the newest entry on.
    @inline(__always)
    func findInDelta(
        _ key: some IndexKey, hash: UInt64, in table: IndexTable, generation: UInt64
    ) throws(IndexFault) -> DeltaAnswer {
        let place = headPlace(hash, table)
        let head = live(place).load()
        if head == 0 { return .unknown }
        guard let first = seed.unseal(head, at: place), first <= UInt64(UInt32.max) else {
            throw .corrupt
        }
        return try walk(
            UInt32(truncatingIfNeeded: first), key, tag: UInt32(truncatingIfNeeded: hash >> 32),
            in: table, generation: generation)
    }

    private func walk(
        _ first: UInt32, _ key: some IndexKey, tag: UInt32, in table: IndexTable,
        generation: UInt64
    ) throws(IndexFault) -> DeltaAnswer {
        var offset = first
        for _ in 0..<IndexLayout.maximumChain {
            let entry = try entry(at: offset)
            if entry.tag == tag, entry.table == table.rawValue, entry.generation <= generation {
                let account = try account(at: entry.target)
                if key.matches(account, in: self) { return .known(account, entry: offset) }
            }
            if entry.next == 0 { return .unknown }
            // Chains only lead to older entries: anything else is damage, and no circle can form.
            guard entry.next < offset else { throw .corrupt }
            offset = entry.next
        }
        throw .corrupt
    }

    /// Looks into the base's hash table.
    @inline(__always)
    func findInBase(
        _ key: some IndexKey, hash: UInt64, in table: IndexTable
    ) throws(IndexFault) -> AccountItem? {
        let range = range(of: table)
        if range.buckets == 0 { return nil }
        let tag = hash >> 32
        var bucket = ((hash & 0xFFFF_FFFF) &* range.buckets) >> 32
        for _ in 0..<IndexLayout.maximumProbes {
            let place = range.offset &+ Int(bucket) &* IndexLayout.bucketBytes
            guard
                unsafe seed.bucketChecksum(base + place, place: place) == word(place &+ 56)
            else { throw .corrupt }
            for slot in 0..<IndexLayout.slotsPerBucket {
                let value = word(place &+ slot &* 8)
                if value == 0 { return nil }
                if value >> 32 == tag {
                    let account = try account(at: UInt32(truncatingIfNeeded: value))
                    if key.matches(account, in: self) { return account }
                }
            }
            bucket = bucket &+ 1 == range.buckets ? 0 : bucket &+ 1
        }
        throw .corrupt
    }
}
