// The numbers of passwd(5) and group(5), and the ones that no directory may hand out.

/// A numeric user id as in `pw_uid` of passwd(5).
public struct UserID: RawRepresentable, Hashable, Comparable, Sendable {
    /// The number itself.
    public let rawValue: UInt32

    /// Wraps a number; nothing is checked, see ``ReservedIDs``.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Orders by number.
    public static func < (left: UserID, right: UserID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A numeric group id as in `gr_gid` of group(5).
public struct GroupID: RawRepresentable, Hashable, Comparable, Sendable {
    /// The number itself.
    public let rawValue: UInt32

    /// Wraps a number; nothing is checked, see ``ReservedIDs``.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Orders by number.
    public static func < (left: GroupID, right: GroupID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The ids that never reach a caller, whatever directory or index file says.
///
/// 0–999 belong to the system, 60001–65535 to systemd (homed, DynamicUser) and `nobody`, and from
/// 2³¹ on tools that keep ids in signed numbers break. The modules enforce this floor themselves on
/// every value they return, because the index is written by the process that parses the network.
public enum ReservedIDs {
    /// Whether `id` may never be given to a directory account or group.
    public static func contains(_ id: UInt32) -> Bool {
        id < 1000 || (id >= 60001 && id <= 65535) || id >= 0x8000_0000
    }

    /// Whether `id` lies in 524288–1879048191, which containers use and which is allowed only when
    /// the administrator's own id window names it.
    public static func isContainerRange(_ id: UInt32) -> Bool {
        id >= 524_288 && id <= 1_879_048_191
    }
}
