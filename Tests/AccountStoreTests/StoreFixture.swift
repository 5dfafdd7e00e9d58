// A store in a folder of its own, people and groups in few words, and a host that follows it.

import Accounts
import GRDB
import Glibc
import Testing

@testable import AccountStore

/// A store in a temporary folder, which goes with it.
final class StoreFixture {
    let directory: String
    private(set) var store: AccountStore
    var now: Int64 = 1_800_000_000
    var host = Host()
    private(set) var rules: StoreRules

    /// An empty store; with `people` one that was filled by a first load.
    init(_ people: [StoreChange] = [], rules: StoreRules = StoreRules()) throws {
        directory = StoreFixture.newDirectory()
        self.rules = rules
        store = try AccountStore(directory: directory, rules: rules, now: now)
        if !people.isEmpty { try apply(people, phase: .refreshEnd) }
    }

    deinit {
        store.close()
        StoreFixture.remove(directory)
    }

    /// Hands in a batch, and lets the host follow.
    @discardableResult
    func apply(
        _ changes: [StoreChange], phase: StorePhase = .live, cookie: SyncPosition? = nil,
        identity: String? = nil
    ) throws -> StoreOutcome {
        let batch = StoreBatch(
            changes: changes, phase: phase, cookie: cookie, identity: identity)
        let outcome = try store.apply(batch, now: now)
        if outcome.firstLoadFinished {
            host = try Host(store.reader)
        } else {
            host.follow(outcome.publication)
        }
        #expect(store.writeJournal() == nil)
        return outcome
    }

    /// Closes the store and opens it again.
    func reopen(
        rules: StoreRules? = nil, blocksInForce: @escaping () -> [LocalBlock]? = { nil },
        testing: StoreTesting = StoreTesting()
    ) throws {
        store.close()
        if let rules { self.rules = rules }
        store = try AccountStore(
            directory: directory, rules: self.rules, now: now, blocksInForce: blocksInForce,
            testing: testing)
    }

    /// Opens the store as the daemon does: again when damage shows only while it is used.
    func reopenUntilUsable() throws {
        try reopen()
        do {
            host = try stored()
            try apply([show(person("probe", 59_999))])
        } catch {
            try reopen()
        }
    }

    /// Closes the store, for tests that touch its files.
    func close() { store.close() }

    /// What the store says is published.
    func stored() throws -> Host { try Host(store.reader) }

    /// Does something to a file of the store behind its back.
    func tamper<Value>(
        _ file: String = "store.sqlite", _ body: (Database) throws -> Value
    ) throws -> Value {
        let queue = try DatabaseQueue(path: directory + "/" + file)
        defer { try? queue.close() }
        return try queue.write(body)
    }

    /// Compares the counts that the transactions keep with the rows.
    func expectCounted() throws {
        let (kept, counted) = try tamper { (try StoreTotals($0), try StoreTotals(counting: $0)) }
        #expect(kept == counted)
    }

    /// Why the entry is withheld.
    func reason(_ uuid: EntryUUID) throws -> String? {
        try store.reader.findings().first { $0.uuid == uuid }?.withheld
    }

    static func newDirectory() -> String {
        "/tmp/roster-store-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    }

    /// Takes the mirror away and leaves the journal.
    static func removeStore(_ directory: String) {
        for suffix in ["", "-wal", "-shm"] {
            unsafe unlink(directory + "/store.sqlite" + suffix)
        }
    }

    static func remove(_ directory: String) {
        removeAll(directory)
        unsafe rmdir(directory)
    }

    /// Takes all files away.
    static func removeAll(_ directory: String) {
        for file in ["store.sqlite", "journal.sqlite"] {
            for aside in ["", ".aside", ".building", ".rescued"] {
                for suffix in ["", "-wal", "-shm", ".damaged"] {
                    unsafe unlink(directory + "/" + file + aside + suffix)
                }
            }
        }
    }
}

/// What a host sees: kept by applying changes, or read from the store.
struct Host: Equatable {
    var people: [PublishedKey: PublishedPerson] = [:]
    var groups: [PublishedKey: Set<String>] = [:]
    /// A change that did not fit what the host had.
    var misfits: [String] = []

    init() {}

    init(_ reader: StoreReader) throws {
        (people, groups) = try reader.snapshot { snapshot throws(StoreError) in
            var people: [PublishedKey: PublishedPerson] = [:]
            var groups: [PublishedKey: Set<String>] = [:]
            try snapshot.forEachPerson { person in
                people[PublishedKey(name: person.passwd.name, id: person.passwd.uid)] = person
            }
            try snapshot.forEachGroup { key, members in groups[key] = Set(members) }
            return (people, groups)
        }
    }

    /// Applies a change as the index does: removals first.
    mutating func follow(_ change: PublicationChange) {
        for person in change.people {
            guard let was = person.was else { continue }
            if people.removeValue(forKey: was) == nil { misfits.append("no \(was)") }
        }
        for person in change.people {
            guard let now = person.now else { continue }
            let key = PublishedKey(name: now.passwd.name, id: now.passwd.uid)
            if people.updateValue(now, forKey: key) != nil { misfits.append("twice \(key)") }
        }
        var before: [PublishedKey: Set<String>] = [:]
        for group in change.groups {
            guard let was = group.was else { continue }
            before[was] = groups.removeValue(forKey: was)
            if before[was] == nil { misfits.append("no group \(was)") }
        }
        for group in change.groups {
            guard let now = group.now else { continue }
            var members = group.was.flatMap { before[$0] } ?? []
            for name in group.membersRemoved where members.remove(name) == nil {
                misfits.append("no \(name) in \(now)")
            }
            for name in group.membersAdded where !members.insert(name).inserted {
                misfits.append("\(name) twice in \(now)")
            }
            if groups.updateValue(members, forKey: now) != nil { misfits.append("twice \(now)") }
        }
    }

    /// Where two hosts differ, in a few words.
    func difference(to other: Host) -> String {
        var words = misfits
        for key in Set(people.keys).union(other.people.keys) where people[key] != other.people[key]
        {
            let left = people[key].map { "\($0)" } ?? "none"
            let right = other.people[key].map { "\($0)" } ?? "none"
            words.append("\(key): \(left) is not \(right)")
        }
        for key in Set(groups.keys).union(other.groups.keys) where groups[key] != other.groups[key]
        {
            let left = groups[key].map { "\($0.sorted())" } ?? "none"
            let right = other.groups[key].map { "\($0.sorted())" } ?? "none"
            words.append("\(key): \(left) is not \(right)")
        }
        return words.joined(separator: "; ")
    }

    /// The names of people.
    var names: [String] { people.keys.map(\.name).sorted() }

    /// The members of the group with this name; `nil`: there is no such group.
    func members(_ name: String) -> [String]? {
        groups.first { $0.key.name == name }?.value.sorted()
    }

    /// The person with this name.
    func person(_ name: String) -> PublishedPerson? {
        people.first { $0.key.name == name }?.value
    }
}

/// An entry id that a test can name.
func id(_ number: Int) -> EntryUUID {
    EntryUUID(high: 0x5000, low: UInt64(number))
}

/// A person; DN and home follow from the name, the entry id and createdAt from the uid.
func person(
    _ name: String, _ uid: UInt32, uuid: EntryUUID? = nil, dn: String? = nil,
    createdAt: Int64? = nil, shell: String = "/bin/bash", disabled: Bool = false,
    withheld: String? = nil, notes: [String] = [], stamp: String = "20261102101500.000000Z#0#0"
) -> EvaluatedEntry {
    let dn = dn ?? "uid=\(name),ou=people,dc=example"
    var attributes = AttributeList()
    attributes.append("uid", [name])
    return EvaluatedEntry(
        entry: DirectoryEntry(uuid: uuid ?? id(Int(uid)), dn: dn, attributes: attributes),
        dnKey: dn, stamp: stamp, createdAt: createdAt ?? Int64(uid),
        content: .person(
            PersonCandidate(
                passwd: PasswdFields(
                    name: name, uid: uid, gid: 100, gecos: name, home: "/home/\(name)",
                    shell: shell), state: AccountState(disabledBy: disabled ? "" : nil),
                withheld: withheld, notes: notes)))
}

/// A group; members with `=` in them are DNs.
func group(
    _ name: String?, _ gid: UInt32?, _ members: [String], uuid: EntryUUID? = nil,
    dn: String? = nil, createdAt: Int64? = nil, withheld: String? = nil
) -> EvaluatedEntry {
    let dn = dn ?? "cn=\(name ?? "unnamed"),ou=groups,dc=example"
    let references = members.map { member in
        member.contains("=") ? MemberReference.dn(member) : .name(member)
    }
    return EvaluatedEntry(
        entry: DirectoryEntry(
            uuid: uuid ?? id(1_000_000 + Int(gid ?? 0)), dn: dn, attributes: AttributeList()),
        dnKey: dn, stamp: "", createdAt: createdAt ?? Int64(gid ?? 0),
        content: .group(
            GroupCandidate(name: name, gid: gid, members: references, withheld: withheld)))
}

/// The DN of the person with this name.
func dn(_ name: String) -> String { "uid=\(name),ou=people,dc=example" }

/// The DN of the group with this name.
func groupDN(_ name: String) -> String { "cn=\(name),ou=groups,dc=example" }

/// Shows an entry in search 0.
func show(_ entry: EvaluatedEntry) -> StoreChange { .upsert(entry, search: 0) }

/// Takes an entry out of search 0.
func hide(_ uuid: EntryUUID) -> StoreChange { .remove(uuid, search: 0) }

/// People named p0 and so on, with uids from 20000 on.
func crowd(_ count: Int) -> [StoreChange] {
    (0..<count).map { show(person("p\($0)", 20_000 + UInt32($0))) }
}
