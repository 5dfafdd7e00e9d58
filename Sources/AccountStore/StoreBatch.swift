// What the daemon's sync thread hands to the store: one batch is one transaction.

public import Accounts

/// Changes that are stored, judged and published together, in one transaction.
public struct StoreBatch: Sendable {
    /// The changes, in the order in which the directory sent them.
    public var changes: [StoreChange]
    /// Where these changes stand in the conversation with the directory.
    public var phase: StorePhase
    /// The cookie that covers all changes up to and including these; `nil`: keep the stored one.
    public var cookie: SyncPosition?
    /// Which directory this is: naming context, kind of entry id, family of server, as one string.
    ///
    /// A value other than the stored one begins an identity change: cookies are dropped, and people
    /// that the following refresh shows are matched to the stored ones by uid and uidNumber.
    public var identity: String?
    /// The local rules by which all entries are evaluated once this batch is stored; `nil`: as before.
    public var rulesFingerprint: UInt64?

    /// A batch from its parts.
    public init(
        changes: [StoreChange], phase: StorePhase, cookie: SyncPosition? = nil,
        identity: String? = nil
    ) {
        self.changes = changes
        self.phase = phase
        self.cookie = cookie
        self.identity = identity
    }
}

/// Where a batch stands: it decides what the presence of two entries at a time proves.
///
/// During a refresh an entry may be stored that the directory removed long ago. So an entry that
/// takes the number of a stored one then is a re-use until the end of the refresh showed both.
public enum StorePhase: Sendable {
    /// While any search refreshes: an entry not shown yet may be gone.
    ///
    /// Also for what comes from elsewhere meanwhile (commands, comparisons, re-evaluation): it
    /// takes effect and is published at once, as in ``live``.
    case refresh
    /// The last batch of a refresh, with its sweeps: what is stored after it is what exists.
    ///
    /// Only this ends a first load; until then all batches are stored and nothing is published.
    case refreshEnd
    /// A change as it happens (persist stage), or after a comparison; no search refreshes.
    case live
}

/// A position in the stream of changes of one search.
public struct SyncPosition: Equatable, Sendable {
    /// The number of the search, 0 to 62.
    public var search: Int
    /// The cookie as the server sent it.
    public var bytes: [UInt8]
    /// The digest of everything the request depends on.
    public var digest: [UInt8]

    /// A position from its parts.
    public init(search: Int, bytes: [UInt8], digest: [UInt8]) {
        self.search = search
        self.bytes = bytes
        self.digest = digest
    }
}

/// One change of the mirror.
public enum StoreChange: Sendable {
    /// The directory shows the entry in a search (0 to 62).
    case upsert(EvaluatedEntry, search: Int)
    /// The directory no longer shows the entry in a search; the entry goes with the last of them.
    case remove(EntryUUID, search: Int)
    /// The end of a full refresh of a search: everything of it that is not in the set is gone.
    case sweep(search: Int, keeping: Set<EntryUUID>)
    /// The searches are others from now on, with these bases as keys of their DNs, none below
    /// another: an entry is taken to be shown by the search below whose base it lies.
    ///
    /// So the end of one search's refresh takes away nothing that only another one can show.
    case assign(bases: [String])
    /// A comparison found these missing and a second look confirmed it, in every search.
    case confirmRemoved([EntryUUID])
    /// The administrator lets all held removals happen.
    case acceptRemovals
    /// A complete look at the directory ended: what is held still, and is within the limits now, goes.
    case settleHeld
    /// The administrator lets the withheld re-use under this name happen.
    case releaseReuse(name: String)
    /// The administrator blocks a name, whoever has it or will have it; `byUID` is who says so.
    case block(name: String, byUID: UInt32)
    /// The administrator takes a block back.
    case unblock(name: String, byUID: UInt32)
    /// The administrator accepts what the directory shows under a name of an access rule.
    case confirmAccess(name: String)
    /// A local rule changed what the entry means; the entry itself is as it was stored.
    case reevaluated(EvaluatedEntry)
}

/// What the store was told by its settings.
public struct StoreRules: Equatable, Sendable {
    /// Whether a number or name of a removed person may be used again at once (`id_reuse`).
    public var allowsReuse: Bool
    /// When a mass removal of people is held.
    public var people: BrakeLimit
    /// When a mass removal of groups is held.
    public var groups: BrakeLimit
    /// When a mass removal of members from groups is held.
    public var members: BrakeLimit
    /// The time over which removals are counted, in seconds.
    public var window: Int64
    /// The names or entry UUIDs of groups that allow rules name; others take effect at the opening.
    public var allowGroups: Set<String> = []
    /// The same of deny rules; a name may be in both.
    public var denyGroups: Set<String> = []

    /// Rules from their parts; the default is that of the issue.
    public init(
        allowsReuse: Bool = false, people: BrakeLimit = BrakeLimit(),
        groups: BrakeLimit = BrakeLimit(), members: BrakeLimit = BrakeLimit(), window: Int64 = 600
    ) {
        self.allowsReuse = allowsReuse
        self.people = people
        self.groups = groups
        self.members = members
        self.window = window
    }
}

extension StoreRules {
    /// Every name and entry UUID that an access rule has.
    var accessNames: Set<String> { allowGroups.union(denyGroups) }

    /// Those that are entry UUIDs.
    var accessUUIDs: Set<EntryUUID> {
        Set(accessNames.compactMap { EntryUUID(text: Array($0.utf8)[...]) })
    }
}

/// How much may vanish within ``StoreRules/window`` before it is held for confirmation.
public struct BrakeLimit: Equatable, Sendable {
    /// So many always pass (except the last one).
    public var count: Int
    /// So many of a hundred always pass (except the last one).
    public var percent: Int
    /// Whether a removal that leaves none is held whatever its size.
    public var holdsLast: Bool

    /// A limit from its parts.
    public init(count: Int = 10, percent: Int = 20, holdsLast: Bool = true) {
        self.count = count
        self.percent = percent
        self.holdsLast = holdsLast
    }

    /// Whether the limit is exceeded when `removed` more go.
    ///
    /// `recently` have gone in the window before, `present` were there before the batch and
    /// `remaining` would be left after it.
    func isExceeded(removing removed: Int, recently: Int, present: Int, remaining: Int) -> Bool {
        guard removed > 0 else { return false }
        if holdsLast && remaining <= 0 { return true }
        let gone = recently + removed
        return gone > count && gone * 100 > percent * (present + recently)
    }
}
