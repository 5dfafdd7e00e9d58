// A state directory of its own for each test, and made-up accounts.
import Accounts
import CLibc
import Testing

@testable import AccountIndex

/// A temporary state directory with an index folder; removed at the end.
final class TestIndex {
    let state: String
    var directory: String { state + "/index" }
    var publicPath: String { directory + "/public.1" }
    var gatePath: String { directory + "/gate.1" }

    init() throws {
        var template = Array("/tmp/roster-index-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer {
            unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } != nil
        }
        try #require(made)
        state = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try #require(unsafe mkdir(state + "/index", 0o755) == 0)
    }

    deinit {
        for path in [publicPath, gatePath, publicPath + ".new", gatePath + ".new"] {
            unsafe unlink(path)
        }
        unsafe rmdir(directory)
        unsafe rmdir(state)
    }

    /// Builds and installs an index.
    func build(
        _ people: [PublishedPerson], _ groups: [IndexedGroup] = [], generation: UInt64 = 1,
        logBytes: Int? = nil
    ) throws -> IndexWriter {
        var writer = try prepare(people, groups, generation: generation, logBytes: logBytes)
        try writer.install()
        return writer
    }

    /// Builds an index beside the one in place.
    func prepare(
        _ people: [PublishedPerson], _ groups: [IndexedGroup] = [], generation: UInt64 = 1,
        logBytes: Int? = nil
    ) throws -> IndexWriter {
        var builder = try IndexBuilder(directory: directory, generation: generation)
        builder.heads = 64
        builder.logBytes = logBytes ?? 1 << 20
        for person in people { try builder.add(person: person) }
        for group in groups { try builder.add(group: group.key, members: group.members) }
        return try builder.finish()
    }

    /// Whether a writer can go on with the index in place.
    func canContinue() throws -> Bool {
        switch try IndexWriter.open(directory: directory) {
        case .none: false
        case .some: true
        }
    }

    func snapshot(_ part: IndexPart = .public) throws -> IndexSnapshot {
        try IndexSnapshot(directory: directory, part: part)
    }

    /// Everything that the public file shows, by name.
    func everything() throws -> Contents {
        let snapshot = try snapshot()
        var contents = Contents()
        try snapshot.forEachPerson { contents.people[$0.passwd.name] = $0 }
        try snapshot.forEachGroup { contents.groups[$0.key.name] = $0 }
        return contents
    }
}

/// What an index shows.
struct Contents: Equatable {
    var people: [String: IndexedPerson] = [:]
    var groups: [String: IndexedGroup] = [:]
}

/// A made-up person.
func person(
    _ name: String, _ uid: UInt32, shell: String = "/bin/bash", groups: [UInt32] = [],
    state: AccountState = .active
) -> PublishedPerson {
    PublishedPerson(
        uuid: EntryUUID(high: 7, low: UInt64(uid)),
        passwd: PasswdFields(
            name: name, uid: uid, gid: 2000, gecos: "Person \(name)", home: "/home/\(name)",
            shell: shell), groups: groups, state: state)
}

/// `count` made-up people.
func people(_ count: Int) -> [PublishedPerson] {
    (0..<count).map { person("user\($0)", UInt32(2_000_000 + $0), groups: [3000]) }
}

/// A made-up group.
func group(_ name: String, _ gid: UInt32, _ members: [String]) -> IndexedGroup {
    IndexedGroup(
        key: PublishedKey(name: name, id: gid),
        members: members.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
}

extension PublishedPerson {
    var key: PublishedKey { PublishedKey(name: passwd.name, id: passwd.uid) }
    var indexed: IndexedPerson { IndexedPerson(passwd: passwd, groups: groups) }
}

/// A change of people alone.
func change(_ people: (was: PublishedPerson?, now: PublishedPerson?)...) -> PublicationChange {
    PublicationChange(people: people.map { PersonChange(was: $0.was?.key, now: $0.now) })
}

/// A change of one group's members.
func change(
    _ key: PublishedKey, add: [String] = [], remove: [String] = []
) -> PublicationChange {
    PublicationChange(groups: [
        GroupChange(was: key, now: key, membersAdded: add, membersRemoved: remove)
    ])
}
