// What the command needs of the published index, for answers without the daemon.
internal import Accounts

/// One generation of the public index.
protocol PublicIndex {
    /// Its number.
    var generation: UInt64 { get }
    /// How many people it holds.
    var peopleCount: Int { get }
    /// How many groups it holds.
    var groupCount: Int { get }
    /// When the mirror was last known to equal the directory, in seconds since the epoch; `nil`
    /// when that is not known or not for this user.
    var lastVerifiedAt: Int64? { get }

    /// A published person with the gids of all groups; `nil`: there is none.
    func person(
        named name: String
    ) throws(PublicIndexError) -> (passwd: PasswdFields, groups: [UInt32])?
    /// A published group; `nil`: there is none.
    func group(
        named name: String
    ) throws(PublicIndexError) -> (name: String, gid: UInt32, members: [String])?
    /// The name of a published group; `nil`: there is none.
    func groupName(gid: UInt32) throws(PublicIndexError) -> String?
}

/// Why the index cannot be read.
enum PublicIndexError: Error, Equatable {
    /// There is none: the first load is not done.
    case absent
    /// It is damaged, or not what it should be.
    case unusable(reason: String)

    /// What it is, continuing a sentence.
    var message: String {
        switch self {
        case .absent: "no account has been published on this host yet"
        case .unusable(let reason): "the published index cannot be read: \(reason)"
        }
    }
}
