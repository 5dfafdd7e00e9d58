// The comparison that stands behind every kind of synchronisation: each of them has holes through which
// a removed account survives (slapd killed with SIGKILL forgets deletions and its session log together;
// an entry that the bind identity may no longer read goes without a message; a renamed container says
// nothing of its children). So now and then identity, DN and change stamp of everything are compared.

public import Accounts

/// Compares what is stored with what the directory lists, with 24 octets per entry.
///
/// Feed it everything stored (``addStored(_:mark:)``), then everything the directory lists
/// (``addListed(_:mark:)``), then ask for the ``finish()``. The store must be read before the
/// directory's list is asked for: what is stored later was not there to be compared and is never
/// reported missing.
public struct Comparison: Sendable {
    /// What differs.
    public struct Outcome: Equatable, Sendable {
        /// New or changed, ascending: to be read again by identity.
        public var toReread: [EntryUUID]
        /// Stored but not listed, ascending: candidates for removal, once a re-read by identity does
        /// not find them either.
        public var missing: [EntryUUID]
        /// How many entries are the same.
        public var unchangedCount: Int
    }

    /// A digest of the DN key and the change stamp of an entry.
    ///
    /// Not against malice: an entry that collides on purpose only escapes one comparison, and its
    /// writer could leave the stamp as it is just as well.
    public struct Mark: Hashable, Sendable {
        let value: UInt64

        /// A mark from the comparable form of the DN and the change stamp, as stored.
        public init(dnKey: String, stamp: String) {
            var hash = FNV128()
            hash.combine(dnKey)
            hash.combine(stamp)
            value = hash.high ^ hash.low
        }
    }

    private struct Item: Sendable {
        var uuid: EntryUUID
        var mark: UInt64
    }

    private var stored: [Item] = []
    private var isSorted = true
    /// One bit per stored entry: listed.
    private var listed: [Bool] = []
    private var toReread: [EntryUUID] = []
    private var unchangedCount = 0

    /// A comparison of nothing with nothing.
    public init() {}

    /// Adds a stored entry; all of them come before the first listed one.
    public mutating func addStored(_ uuid: EntryUUID, mark: Mark) {
        if isSorted, let last = stored.last { isSorted = last.uuid < uuid }
        stored.append(Item(uuid: uuid, mark: mark.value))
    }

    /// Adds an entry that the directory lists; twice the same does no harm.
    public mutating func addListed(_ uuid: EntryUUID, mark: Mark) {
        prepare()
        guard let position = position(of: uuid) else {
            toReread.append(uuid)
            return
        }
        guard !listed[position] else { return }
        listed[position] = true
        if stored[position].mark == mark.value {
            unchangedCount += 1
        } else {
            toReread.append(uuid)
        }
    }

    /// What differs; only to be asked when the directory's list came to a successful end.
    public consuming func finish() -> Outcome {
        prepare()
        var missing: [EntryUUID] = []
        for (position, item) in stored.enumerated() where !listed[position] {
            missing.append(item.uuid)
        }
        return Outcome(
            toReread: PresenceSet(toReread).sorted, missing: missing,
            unchangedCount: unchangedCount)
    }

    /// Sorts once, when the last stored entry is in.
    private mutating func prepare() {
        guard listed.count != stored.count else { return }
        if !isSorted { stored.sort { $0.uuid < $1.uuid } }
        isSorted = true
        listed = [Bool](repeating: false, count: stored.count)
    }

    private func position(of uuid: EntryUUID) -> Int? {
        var low = 0
        var high = stored.count
        while low < high {
            let middle = low + (high - low) / 2
            if stored[middle].uuid < uuid { low = middle + 1 } else { high = middle }
        }
        return low < stored.count && stored[low].uuid == uuid ? low : nil
    }
}
