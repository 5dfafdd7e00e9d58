// The journal as `roster history` shows it.

public import Accounts

/// One line of `roster history`.
public struct HistoryEntry: Equatable, Sendable {
    /// What happened.
    public enum What: Int64, Equatable, Sendable {
        /// The host sees the person or group from now on.
        case appeared = 1
        /// The directory no longer shows the entry, or shows something else there.
        case removed = 2
        /// Another name or id.
        case renamed = 3
        /// The account was disabled.
        case disabled = 4
        /// The account was enabled again.
        case enabled = 5
        /// A rule or another entry hides the entry from the host.
        case withheld = 6
        /// The brake holds the removal.
        case held = 7
        /// A re-use of a name or number was released.
        case released = 8
        /// A first load; ``HistoryEntry/id`` is the number of people.
        case firstLoad = 9
        /// An administrator of this host blocked the name; ``HistoryEntry/id`` is who did.
        case blocked = 10
        /// The block was taken back; ``HistoryEntry/id`` is who did.
        case unblocked = 11
        /// What the directory shows under a name of an access rule was accepted.
        case confirmed = 12
    }

    /// What happened.
    public var what: What
    /// When it took effect here, in seconds since the epoch.
    public var at: Int64
    /// When the directory says that it happened, in seconds since the epoch; `nil`: it does not say.
    public var happenedAt: Int64?
    /// Whether it is about a group.
    public var isGroup: Bool
    /// The identity of the entry; all zero for a first load.
    public var uuid: EntryUUID
    /// The name then.
    public var name: String
    /// The uid or gid then.
    public var id: UInt32
    /// The name before; `nil`: the same.
    public var oldName: String?
    /// The uid or gid before; `nil`: the same.
    public var oldID: UInt32?

    init?(_ row: JournalRow) {
        guard let what = What(rawValue: row.what) else { return nil }
        self.what = what
        at = row.at
        happenedAt = row.happenedAt
        isGroup = row.kind == EntryKind.group.rawValue
        uuid = EntryUUID(octets: row.uuid) ?? EntryUUID(high: 0, low: 0)
        name = row.name
        id = UInt32(truncatingIfNeeded: row.id)
        oldName = row.oldName
        oldID = row.oldID.map { UInt32(truncatingIfNeeded: $0) }
    }
}
