// What a content synchronisation tells its owner to do.

public import Accounts

/// An instruction to the owner of a ``SyncreplSession`` or ``PollSession``, to be carried out in the order given.
public enum SyncChange: Equatable, Sendable {
    /// Store the entry in place of what is stored under its identity.
    case upsert(DirectoryEntry)
    /// Remove the entry, if it is stored.
    case delete(EntryUUID)
    /// The refresh is over: sweep if the outcome says so. Nothing may be swept before.
    case refreshEnded(RefreshOutcome)
    /// Store the cookie, in the transaction of the changes before it.
    case newCookie([UInt8])
    /// Something changed that the search does not show: a comparison finds out whether it matters.
    ///
    /// slapd says no more than this when an entry moves to where the bind identity cannot read, and
    /// when a container is renamed that the filter does not match.
    case changedOutside
    /// A container appeared, was renamed or went: the DNs of everything below it may have changed
    /// without a message of their own. Compare at once.
    case compareNow(reason: String)
    /// Something went or moved, and nobody said what: compare as soon as the directory has had its
    /// rest since the last comparison.
    case compareSoon(reason: String)
    /// Start a new search; this session is over.
    case restart(SyncRestart)
}

/// How the search after this one begins.
public enum SyncRestart: Equatable, Sendable {
    /// With the cookie stored last.
    case withStoredCookie(reason: String)
    /// With a cookie that the server handed out for this purpose.
    case withCookie([UInt8], reason: String)
    /// Without a cookie: everything is sent anew, and what is missing is swept.
    case withoutCookie(reason: String)
}

/// How a refresh ended.
public struct RefreshOutcome: Equatable, Sendable {
    /// Whether the refresh sent everything there is, so that no comparison is needed after it.
    public var isComplete: Bool
    /// What exists: whatever else was stored before the refresh began is to be removed.
    ///
    /// `nil`: the server named the removals one by one, and there is nothing to sweep.
    public var present: PresenceSet?

    /// An outcome from its parts.
    public init(isComplete: Bool, present: PresenceSet?) {
        self.isComplete = isComplete
        self.present = present
    }
}

/// Identities in 16 octets each, sorted: a million of them in 16 MB.
public struct PresenceSet: Equatable, Sendable {
    /// The identities, ascending, each once.
    public let sorted: [EntryUUID]

    /// A set of any identities.
    public init(_ uuids: [EntryUUID]) {
        var uuids = uuids
        uuids.sort()
        var kept = 0
        for position in uuids.indices where position == 0 || uuids[position] != uuids[kept - 1] {
            uuids[kept] = uuids[position]
            kept += 1
        }
        uuids.removeSubrange(kept...)
        sorted = uuids
    }

    /// How many identities there are.
    public var count: Int {
        sorted.count
    }

    /// Whether an identity is among them; a binary search.
    public func contains(_ uuid: EntryUUID) -> Bool {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = low + (high - low) / 2
            if sorted[middle] < uuid { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == uuid
    }
}

/// Collects what a refresh shows to exist.
struct PresenceCollector: Equatable, Sendable {
    private var seen: [EntryUUID] = []
    /// Identities that were deleted, each with the number of sightings before its deletion.
    private var deleted: [EntryUUID: Int] = [:]

    mutating func insert(_ uuid: EntryUUID) {
        seen.append(uuid)
    }

    mutating func remove(_ uuid: EntryUUID) {
        deleted[uuid] = seen.count
    }

    /// The set, leaving the collector empty.
    mutating func take() -> PresenceSet {
        var present: [EntryUUID] = []
        swap(&present, &seen)
        if !deleted.isEmpty {
            let gone = deleted
            var position = -1
            present.removeAll { uuid in
                position += 1
                return gone[uuid].map { position < $0 } ?? false
            }
            deleted = [:]
        }
        return PresenceSet(present)
    }
}
