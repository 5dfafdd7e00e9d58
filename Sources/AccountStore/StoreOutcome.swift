// What one transaction did: for the index, the log and `roster status`.

public import Accounts

/// What one batch led to.
public struct StoreOutcome: Equatable, Sendable {
    /// What changed of what the host sees.
    ///
    /// Apply the removals (`was`) of all elements before the additions (`now`): a name or an id may
    /// pass from one to another. A group that goes does not list its members.
    public var publication = PublicationChange()
    /// Counts the transactions that changed what the host sees; see ``StoreSnapshot/revision``.
    ///
    /// A batch with an empty publication repeats the number of the one before. A first load under
    /// way has none: 0.
    public var revision: Int64 = 0
    /// A first load is complete: build the index anew from ``StoreReader``; `publication` is empty.
    public var firstLoadFinished = false
    /// Why a first load that ended has nobody to publish; `nil`: it has, or did not end.
    ///
    /// Nothing was published, and the cookies are gone: every search is to be read in full. What is
    /// stored stays; the load ends with the next ``StorePhase/refreshEnd`` that shows somebody.
    public var firstLoadProblem: FirstLoadProblem?
    /// Removals that this batch began to hold.
    public var newlyHeld: [HeldRemoval] = []
    /// Held removals that were dropped (the directory shows the entry again) or accepted.
    public var heldSettled = 0
    /// Names whose re-use was released.
    public var released: [String] = []
    /// Names that were blocked.
    public var blocked: [String] = []
    /// Names whose blocks were taken back.
    public var unblocked: [String] = []
    /// How many bindings of access rules a confirmation changed.
    public var confirmed = 0
    /// What access rules mean now; `nil`: as before.
    public var access: StoreAccess?
    /// How many entries the journal got.
    public var journalEntries = 0
    /// The counts after the batch.
    public var counts = StoreCounts()
}

/// Why a first load has nobody to publish.
public enum FirstLoadProblem: Equatable, Sendable {
    /// The directory shows not one person.
    case nobodyShown
    /// The directory shows people, `count` of them, and all are withheld; `example` is the DN of one,
    /// a colon, and why it is withheld.
    case allWithheld(count: Int, example: String)
}

/// How much the store holds.
public struct StoreCounts: Equatable, Sendable {
    /// Published people.
    public var people = 0
    /// Groups in the directory, published or not.
    public var groups = 0
    /// Members as written, over all groups.
    public var members = 0

    /// Counts of an empty store.
    public init() {}
}

/// What a held removal is about.
public enum HeldKind: Int, Equatable, Sendable {
    /// A person stays published.
    case person = 1
    /// A group stays published.
    case group = 2
    /// Members stay in a group.
    case members = 3
}

/// A removal that the brake holds.
public struct HeldRemoval: Equatable, Sendable {
    /// What stays.
    public var kind: HeldKind
    /// The name of the person or group; for a group without name its DN.
    public var name: String
    /// The identity of the entry; for members that of the group.
    public var uuid: EntryUUID
    /// How many members are held; 1 for people and groups.
    public var count: Int
    /// Since when, in seconds since the epoch.
    public var since: Int64
    /// When the directory last confirmed what is held, in seconds since the epoch.
    public var lastConfirmed: Int64
}
