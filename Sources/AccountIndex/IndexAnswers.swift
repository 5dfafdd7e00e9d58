// What a lookup answers, proven and bounded, before it is copied to anybody.
internal import Accounts
internal import CLibc

/// A person of the public part; the strings lie in the mapping.
@safe
public struct PersonAnswer {
    /// name, "*", gecos, home, shell, each with its NUL.
    public let strings: UnsafeRawPointer
    /// Bytes of all strings.
    public let stringBytes: Int
    /// Bytes of the name, without NUL; the others likewise.
    public let nameBytes: Int
    /// Bytes of the gecos field.
    public let gecosBytes: Int
    /// Bytes of the home directory.
    public let homeBytes: Int
    /// `pw_uid`, never a reserved one.
    public let uid: UInt32
    /// `pw_gid`, never a reserved one.
    public let gid: UInt32
}

/// The gids of a person; they lie in the mapping.
@safe
public struct GroupListAnswer {
    private let start: UnsafeRawPointer
    /// How many gids there are.
    public let count: Int

    init(start: UnsafeRawPointer, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    /// The gid at `index`, which must be below `count`; nothing is checked.
    @inline(__always)
    public func gid(at index: Int) -> UInt32 {
        unsafe UInt32(littleEndian: (start + index &* 4).load(as: UInt32.self))
    }
}

/// A group of the public part.
@safe
public struct GroupAnswer {
    /// The name with its NUL, in the mapping.
    public let name: UnsafeRawPointer
    /// Bytes of the name, without NUL.
    public let nameBytes: Int
    /// `gr_gid`, never a reserved one.
    public let gid: UInt32
    /// How many members there are.
    public let memberCount: Int
    /// Bytes of all member names, each with its NUL.
    public let memberBytes: Int
    /// How many items the members are spread over.
    public let itemCount: Int
    let directory: Int
}

/// Some members of a group: names with their NULs, one behind the other, in the mapping.
@safe
public struct MemberNames {
    /// The first name.
    public let start: UnsafeRawPointer
    /// Bytes of all names, with their NULs.
    public let byteCount: Int
    /// How many names there are.
    public let count: Int
}

extension IndexView {
    /// The person with this name; `nil` if there is none.
    ///
    /// `count` is at least 1.
    @inline(__always)
    public func person(
        named name: UnsafeRawPointer, count: Int, generation: UInt64
    ) throws(IndexFault) -> PersonAnswer? {
        let key = unsafe NameKey(start: name, count: count)
        guard let account = try find(key, in: .passwdByName, generation: generation) else {
            return nil
        }
        return try person(account)
    }

    /// The person with this uid; `nil` if there is none.
    @inline(__always)
    public func person(uid: UInt32, generation: UInt64) throws(IndexFault) -> PersonAnswer? {
        let account = try find(IDKey(id: uid), in: .passwdByUID, generation: generation)
        guard let account else { return nil }
        return try person(account)
    }

    /// The groups of the person with this name; `nil` if there is none.
    ///
    /// `count` is at least 1.
    public func groupList(
        named name: UnsafeRawPointer, count: Int, generation: UInt64
    ) throws(IndexFault) -> GroupListAnswer? {
        let key = unsafe NameKey(start: name, count: count)
        guard let account = try find(key, in: .passwdByName, generation: generation) else {
            return nil
        }
        return try groupList(of: account)
    }

    /// The group with this name; `nil` if there is none.
    ///
    /// `count` is at least 1.
    public func group(
        named name: UnsafeRawPointer, count: Int, generation: UInt64
    ) throws(IndexFault) -> GroupAnswer? {
        let key = unsafe NameKey(start: name, count: count)
        guard let account = try find(key, in: .groupByName, generation: generation) else {
            return nil
        }
        return try group(account)
    }

    /// The group with this gid; `nil` if there is none.
    public func group(gid: UInt32, generation: UInt64) throws(IndexFault) -> GroupAnswer? {
        let account = try find(IDKey(id: gid), in: .groupByGID, generation: generation)
        guard let account else { return nil }
        return try group(account)
    }

    /// A found item as a person; throws unless all of it fits together.
    @inline(__always)
    func person(_ account: AccountItem) throws(IndexFault) -> PersonAnswer {
        let gecosBytes = Int(account.wide & 0xFFFF)
        let homeBytes = Int(account.wide >> 16 & 0xFFFF)
        let shellBytes = Int(account.wide >> 32 & 0xFFFF)
        let sum = account.nameCount &+ gecosBytes &+ homeBytes &+ shellBytes &+ 6
        guard account.kind == ItemKind.person.rawValue, !account.isRemoved, account.nameCount > 0,
            UInt64(truncatingIfNeeded: sum) == account.last, sum <= (account.coreWords &- 6) &* 8,
            !ReservedIDs.contains(account.id), !ReservedIDs.contains(account.second)
        else { throw .corrupt }
        return unsafe PersonAnswer(
            strings: name(of: account), stringBytes: sum, nameBytes: account.nameCount,
            gecosBytes: gecosBytes, homeBytes: homeBytes, uid: account.id, gid: account.second)
    }

    /// The groups of a found item; throws unless the list is proven and holds no reserved gid.
    func groupList(of account: AccountItem) throws(IndexFault) -> GroupListAnswer {
        guard account.kind == ItemKind.person.rawValue, !account.isRemoved else { throw .corrupt }
        let start = account.place &+ account.coreWords &* 8
        let words = account.words &- account.coreWords &- 1
        guard words >= 0, (account.groupCount &+ 1) / 2 == words,
            unsafe seed.checksum(base + (start &+ 8), words: words) == word(start)
        else { throw .corrupt }
        let answer = unsafe GroupListAnswer(start: base + (start &+ 8), count: account.groupCount)
        for index in 0..<answer.count where ReservedIDs.contains(answer.gid(at: index)) {
            throw .corrupt
        }
        return answer
    }

    /// A found item as a group; throws unless all of it fits together.
    func group(_ account: AccountItem) throws(IndexFault) -> GroupAnswer {
        let directory = IndexLayout.nameOffset &+ (account.nameCount &+ 8) / 8 &* 8
        let itemCount = Int(account.second)
        guard account.kind == ItemKind.group.rawValue, !account.isRemoved, account.nameCount > 0,
            directory <= account.coreWords &* 8,
            itemCount <= (account.coreWords &* 8 &- directory) / 4,
            account.wide <= UInt64(byteCount), account.last <= UInt64(byteCount),
            !ReservedIDs.contains(account.id)
        else { throw .corrupt }
        return unsafe GroupAnswer(
            name: name(of: account), nameBytes: account.nameCount, gid: account.id,
            memberCount: Int(account.wide), memberBytes: Int(account.last), itemCount: itemCount,
            directory: account.place &+ directory)
    }

    /// The members in the item at `index`, which must be below the group's `itemCount`; proven.
    public func members(_ index: Int, of group: GroupAnswer) throws(IndexFault) -> MemberNames {
        try members(item(at: half(group.directory &+ index &* 4)))
    }

    /// An item as member names; proven.
    func members(_ item: IndexItem) throws(IndexFault) -> MemberNames {
        guard item.kind == ItemKind.members.rawValue,
            unsafe seed.checksum(base + (item.place &+ 8), words: item.words &- 1)
                == word(item.place)
        else { throw .corrupt }
        let byteCount = word(item.place &+ 16)
        guard byteCount <= UInt64((item.words &- 3) &* 8), item.count <= byteCount else {
            throw .corrupt
        }
        return unsafe MemberNames(
            start: base + (item.place &+ IndexLayout.memberNamesOffset),
            byteCount: Int(byteCount), count: item.count)
    }
}

extension IndexReader {
    /// Runs `body` with the next person of the enumeration; see `nextEnumerated`.
    public func nextPerson<Answer, Failure: Error>(
        fault: (IndexFault) -> Failure, _ body: (PersonAnswer) throws(Failure) -> Answer
    ) throws(Failure) -> Answer? {
        try nextEnumerated(.people, fault: fault) { view, account throws(Failure) in
            let person: PersonAnswer
            do throws(IndexFault) {
                person = try view.person(account)
            } catch { throw fault(error) }
            return try body(person)
        }
    }

    /// Runs `body` with the next group of the enumeration; see `nextEnumerated`.
    public func nextGroup<Answer, Failure: Error>(
        fault: (IndexFault) -> Failure,
        _ body: (borrowing IndexView, GroupAnswer) throws(Failure) -> Answer
    ) throws(Failure) -> Answer? {
        try nextEnumerated(.groups, fault: fault) { view, account throws(Failure) in
            let group: GroupAnswer
            do throws(IndexFault) {
                group = try view.group(account)
            } catch { throw fault(error) }
            return try body(view, group)
        }
    }
}
