// Whatever the order and the batches: what is published follows from what the directory holds.

import Accounts
import Testing

@testable import AccountStore

/// The same numbers for the same seed (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

/// The plain way to say what is published, without any increment.
struct Model {
    var entries: [EntryUUID: EvaluatedEntry] = [:]

    /// What a host sees of these entries.
    func host() -> Host {
        var host = Host()
        let people = winners { content in
            guard case .person(let person) = content, person.withheld == nil else { return nil }
            return PublishedKey(name: person.passwd.name, id: person.passwd.uid)
        }
        let groups = winners { content in
            guard case .group(let group) = content, group.withheld == nil, let name = group.name,
                let gid = group.gid
            else { return nil }
            return PublishedKey(name: name, id: gid)
        }
        for (key, _) in groups { host.groups[key] = [] }
        for (key, uuid) in people {
            guard let entry = entries[uuid], case .person(let person) = entry.content else {
                continue
            }
            let mine = closure(dnKey: entry.dnKey, name: key.name)
            let gids = groups.filter { mine.contains($0.value) }.map(\.key)
            for group in gids { host.groups[group]?.insert(key.name) }
            host.people[key] = PublishedPerson(
                uuid: uuid, passwd: person.passwd, groups: gids.map(\.id).sorted(),
                state: person.state)
        }
        return host
    }

    private func winners(_ key: (EntryContent) -> PublishedKey?) -> [PublishedKey: EntryUUID] {
        let claims = entries.values.compactMap { entry in
            key(entry.content).map { (key: $0, entry: entry) }
        }.sorted { left, right in
            (left.entry.createdAt, left.entry.entry.uuid)
                < (right.entry.createdAt, right.entry.entry.uuid)
        }
        var names: [String: EntryUUID] = [:]
        var ids: [UInt32: EntryUUID] = [:]
        for (key, entry) in claims {
            if names[key.name] == nil { names[key.name] = entry.entry.uuid }
            if ids[key.id] == nil { ids[key.id] = entry.entry.uuid }
        }
        var result: [PublishedKey: EntryUUID] = [:]
        for (key, entry) in claims {
            let uuid = entry.entry.uuid
            if names[key.name] == uuid && ids[key.id] == uuid { result[key] = uuid }
        }
        return result
    }

    private func closure(dnKey: String, name: String) -> Set<EntryUUID> {
        var result: Set<EntryUUID> = []
        var wanted: [MemberReference] = [.dn(dnKey), .name(name)]
        while let reference = wanted.popLast() {
            for entry in entries.values {
                guard case .group(let group) = entry.content, group.members.contains(reference)
                else { continue }
                if result.insert(entry.entry.uuid).inserted { wanted.append(.dn(entry.dnKey)) }
            }
        }
        return result
    }
}

@Suite struct PropertyTests {
    private static let free = StoreRules(
        allowsReuse: true, people: BrakeLimit(count: .max, holdsLast: false),
        groups: BrakeLimit(count: .max, holdsLast: false),
        members: BrakeLimit(count: .max, holdsLast: false))

    /// Few names and numbers, so that everything collides with everything.
    private static func randomEntry(_ random: inout Seeded) -> EvaluatedEntry {
        let uuid = id(Int.random(in: 0..<24, using: &random))
        let place = Int.random(in: 0..<14, using: &random)
        let age = Int64.random(in: 0..<4, using: &random)
        if Bool.random(using: &random) {
            let name = "p\(Int.random(in: 0..<8, using: &random))"
            return person(
                name, 20_000 + UInt32.random(in: 0..<8, using: &random), uuid: uuid,
                dn: "cn=\(place)", createdAt: age,
                shell: Bool.random(using: &random) ? "/bin/sh" : "/bin/bash",
                disabled: Int.random(in: 0..<5, using: &random) == 0,
                withheld: Int.random(in: 0..<6, using: &random) == 0 ? "uid: x" : nil)
        }
        let isNamed = Int.random(in: 0..<4, using: &random) > 0
        var members: Set<String> = []
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            let isDN = Int.random(in: 0..<3, using: &random) > 0
            members.insert(
                isDN
                    ? "cn=\(Int.random(in: 0..<14, using: &random))"
                    : "p\(Int.random(in: 0..<8, using: &random))")
        }
        return group(
            isNamed ? "g\(Int.random(in: 0..<5, using: &random))" : nil,
            isNamed ? 3000 + UInt32.random(in: 0..<5, using: &random) : nil, members.sorted(),
            uuid: uuid, dn: "cn=\(place)", createdAt: age,
            withheld: Int.random(in: 0..<8, using: &random) == 0 ? "cn: x" : nil)
    }

    @Test(
        "any sequence of changes in any batches publishes what the directory holds",
        arguments: 0..<14)
    func incremental(seed: Int) throws {
        var random = Seeded(state: UInt64(seed))
        var model = Model()
        let anchor = person("anchor", 50_000)
        model.entries[anchor.entry.uuid] = anchor
        let fixture = try StoreFixture([show(anchor)], rules: Self.free)
        for step in 0..<60 {
            var batch: [StoreChange] = []
            for _ in 0..<Int.random(in: 1..<6, using: &random) {
                if Int.random(in: 0..<3, using: &random) == 0 {
                    let uuid = id(Int.random(in: 0..<24, using: &random))
                    model.entries[uuid] = nil
                    batch.append(hide(uuid))
                } else {
                    let entry = Self.randomEntry(&random)
                    model.entries[entry.entry.uuid] = entry
                    batch.append(show(entry))
                }
            }
            if step % 20 == 19 {
                batch.append(.sweep(search: 0, keeping: Set(model.entries.keys)))
            }
            try fixture.apply(batch, phase: step % 3 == 0 ? .refresh : .live)
            if step == 30 { try fixture.reopen() }
            let expected = model.host()
            let difference = fixture.host.difference(to: expected)
            try #require(difference.isEmpty, "step \(step): the changes")
            if step % 10 == 9 {
                let difference = try fixture.stored().difference(to: expected)
                try #require(difference.isEmpty, "step \(step): the store")
                try fixture.expectCounted()
            }
        }
    }

    @Test(
        "with access rules and blocks, what changes say is what the store says, and members are kept",
        arguments: 0..<10)
    func access(seed: Int) throws {
        var random = Seeded(state: 2000 + UInt64(seed))
        var rules = Self.free
        rules.allowGroups = ["g0", "g1", id(3).description]
        rules.denyGroups = ["g1", "g2"]
        let fixture = try StoreFixture([show(person("anchor", 50_000))], rules: rules)
        for step in 0..<60 {
            var batch: [StoreChange] = []
            for _ in 0..<Int.random(in: 1..<5, using: &random) {
                let number = Int.random(in: 0..<24, using: &random)
                switch Int.random(in: 0..<12, using: &random) {
                case 0...3: batch.append(hide(id(number)))
                case 4: batch.append(.block(name: "p\(number % 8)", byUID: 0))
                case 5: batch.append(.unblock(name: "p\(number % 8)", byUID: 0))
                case 6: batch.append(.confirmAccess(name: "g\(number % 3)"))
                default: batch.append(show(Self.randomEntry(&random)))
                }
            }
            let before = fixture.host.people
            try fixture.apply(batch)
            let difference = fixture.host.difference(to: try fixture.stored())
            try #require(difference.isEmpty, "step \(step)")
            try expectSound(fixture, before: before, batch: batch)
            if step % 15 == 14 {
                let access = try fixture.store.reader.access()
                try fixture.reopen()
                try #require(try fixture.store.reader.access() == access)
                try #require(try fixture.stored() == fixture.host)
                let journal = try fixture.tamper("journal.sqlite") { try StoredTables($0) }
                #expect(try fixture.tamper { try StoredTables($0) } == journal)
            }
        }
    }

    /// What holds after every batch whatever it was.
    private func expectSound(
        _ fixture: StoreFixture, before: [PublishedKey: PublishedPerson], batch: [StoreChange]
    ) throws {
        let access = try fixture.store.reader.access()
        let slots = Set(access.bindings.map(\.slot))
        for name in ["g0", "g1", "g2"] {
            #expect(access.bindings.count { $0.name == name && $0.isBound } <= 1)
        }
        let vanished = Set(
            access.bindings.filter { !$0.isShown && $0.name != "g0" && $0.name.utf8.count == 2 }
                .map(\.slot))
        for person in fixture.host.people.values {
            #expect(slots.isSuperset(of: person.login.accessGroups))
            // Who was in a group that vanished is still in it.
            guard let old = before.values.first(where: { $0.uuid == person.uuid }) else { continue }
            let kept = vanished.intersection(old.login.accessGroups)
            #expect(kept.isSubset(of: person.login.accessGroups))
        }
    }

    @Test("any order of arrival ends as a first load does", arguments: 0..<8)
    func order(seed: Int) throws {
        var random = Seeded(state: 1000 + UInt64(seed))
        var model = Model()
        model.entries[id(50_000)] = person("anchor", 50_000)
        for _ in 0..<40 {
            let entry = Self.randomEntry(&random)
            model.entries[entry.entry.uuid] = entry
        }
        let all = model.entries.values.sorted { $0.entry.uuid < $1.entry.uuid }.map(show)
        let loaded = try StoreFixture(all, rules: Self.free)
        #expect(loaded.host == model.host())
        let live = try StoreFixture([show(person("anchor", 50_000))], rules: Self.free)
        for change in all.shuffled(using: &random) { try live.apply([change]) }
        #expect(live.host == model.host())
        #expect(try live.stored() == live.host)
        try live.expectCounted()
        try loaded.expectCounted()
        let reasons = try live.store.reader.findings().map(\.withheld)
        #expect(try loaded.store.reader.findings().map(\.withheld) == reasons)
    }
}
