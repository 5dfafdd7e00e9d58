// From AccountIndex's reader to what the command needs.
internal import AccountIndex
internal import Accounts
internal import Glibc

/// Opens the index that is published below the state folder.
func openPublicIndex(stateDirectory: String) throws(PublicIndexError) -> any PublicIndex {
    try PublishedIndex(directory: stateDirectory + "/index")
}

/// The newest published generation, mapped.
private final class PublishedIndex: PublicIndex {
    private let snapshot: IndexSnapshot
    let generation: UInt64
    let peopleCount: Int
    let groupCount: Int
    let lastVerifiedAt: Int64?

    /// Maps the index in `directory`.
    init(directory: String) throws(PublicIndexError) {
        do throws(IndexError) {
            snapshot = try IndexSnapshot(directory: directory)
        } catch {
            throw PublicIndexError(error)
        }
        generation = snapshot.generation
        (peopleCount, groupCount) = snapshot.counts
        lastVerifiedAt = snapshot.lastVerified
    }

    func person(
        named name: String
    ) throws(PublicIndexError) -> (passwd: PasswdFields, groups: [UInt32])? {
        do throws(IndexError) {
            return try snapshot.person(named: name).map { ($0.passwd, $0.groups) }
        } catch {
            throw PublicIndexError(error)
        }
    }

    func group(
        named name: String
    ) throws(PublicIndexError) -> (name: String, gid: UInt32, members: [String])? {
        do throws(IndexError) {
            return try snapshot.group(named: name).map { ($0.key.name, $0.key.id, $0.members) }
        } catch {
            throw PublicIndexError(error)
        }
    }

    func groupName(gid: UInt32) throws(PublicIndexError) -> String? {
        do throws(IndexError) {
            return try snapshot.group(gid: gid)?.key.name
        } catch {
            throw PublicIndexError(error)
        }
    }
}

extension PublicIndexError {
    /// A missing file is no fault: nothing has been published yet.
    fileprivate init(_ error: IndexError) {
        if case .cannot(_, _, errno: ENOENT) = error {
            self = .absent
        } else {
            self = .unusable(reason: "\(error)")
        }
    }
}
