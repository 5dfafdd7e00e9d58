// Changes appended to an index, and what readers of each generation see.
import Accounts
import Testing

@testable import AccountIndex

struct IndexChangeTests {
    @Test("a changed person is found with the new fields, by both keys")
    func changed() throws {
        let index = try TestIndex()
        let people = people(10)
        var writer = try index.build(people)
        let now = person("user3", 2_000_003, shell: "/bin/zsh", groups: [4000, 4001])
        let result = try writer.apply(change((people[3], now)))
        #expect(result.generation == 2)
        #expect(result.bytesWritten > 0 && result.bytesWritten < 600)
        let snapshot = try index.snapshot()
        try snapshot.verify()
        #expect(try snapshot.person(named: "user3") == now.indexed)
        #expect(try snapshot.person(uid: 2_000_003) == now.indexed)
        #expect(snapshot.counts.people == 10)
    }

    @Test("a removed person is found by neither key, in neither file, and not enumerated")
    func removed() throws {
        let index = try TestIndex()
        let people = people(10)
        var writer = try index.build(people)
        _ = try writer.apply(change((people[3], nil)))
        #expect(try index.snapshot().person(named: "user3") == nil)
        #expect(try index.snapshot().person(uid: 2_000_003) == nil)
        #expect(try index.snapshot(.gate).gateAccount(named: "user3") == nil)
        #expect(try index.everything().people.keys.contains("user3") == false)
        #expect(try index.everything().people.count == 9)
        expect(writer.peopleCount, 9)
        #expect(try index.snapshot(.gate).counts.people == 9)
    }

    @Test("a renamed person is found under the new keys only")
    func renamed() throws {
        let index = try TestIndex()
        let people = people(10)
        var writer = try index.build(people)
        let now = person("neo", 2_000_777)
        _ = try writer.apply(change((people[3], now)))
        let snapshot = try index.snapshot()
        #expect(try snapshot.person(named: "user3") == nil)
        #expect(try snapshot.person(uid: 2_000_003) == nil)
        #expect(try snapshot.person(named: "neo") == now.indexed)
        #expect(try snapshot.person(uid: 2_000_777) == now.indexed)
        expect(writer.peopleCount, 10)
        #expect(try index.everything().people.count == 10)
    }

    @Test("two people who exchange names, and two who exchange ids, in one change")
    func exchanged() throws {
        let index = try TestIndex()
        let people = people(4)
        var writer = try index.build(people)
        let now = [
            person("user1", 2_000_000), person("user0", 2_000_001), person("user2", 2_000_003),
            person("user3", 2_000_002),
        ]
        _ = try writer.apply(
            change(
                (people[0], now[0]), (people[1], now[1]), (people[2], now[2]), (people[3], now[3])))
        for person in now {
            #expect(try index.snapshot().person(named: person.passwd.name) == person.indexed)
            #expect(try index.snapshot().person(uid: person.passwd.uid) == person.indexed)
        }
        #expect(try index.everything().people.count == 4)
        expect(writer.peopleCount, 4)
    }

    @Test("a change that changes nothing publishes nothing")
    func noEffect() throws {
        let index = try TestIndex()
        let people = people(3)
        let group = AccountIndexTests.group("staff", 3000, ["user0"])
        var writer = try index.build(people, [group])
        let nothing = PublicationResult(generation: 1, bytesWritten: 0)
        #expect(try writer.apply(PublicationChange()) == nothing)
        #expect(try writer.apply(change((people[0], people[0]), (people[1], people[1]))) == nothing)
        #expect(try writer.apply(change((person("gone", 70000), nil))) == nothing)
        #expect(
            try writer.apply(change(group.key, add: ["user0"], remove: ["user1"])) == nothing)
    }

    @Test("a snapshot and its enumeration go on showing their generation")
    func pinned() throws {
        let index = try TestIndex()
        let people = people(5)
        var writer = try index.build(people)
        _ = try writer.apply(change((people[0], nil)))
        let before = try index.snapshot()
        _ = try writer.apply(change((people[1], nil), (nil, people[0])))
        _ = try writer.apply(change((nil, person("neo", 70000))))
        var names: [String] = []
        try before.forEachPerson { names.append($0.passwd.name) }
        #expect(names == ["user1", "user2", "user3", "user4"])
        #expect(try before.person(named: "neo") == nil)
        #expect(try before.person(named: "user0") == nil)
        #expect(try index.everything().people.count == 5)
    }

    @Test("members are added and removed, items are split and dropped", arguments: [1, 300, 1000])
    func members(step: Int) throws {
        let index = try TestIndex()
        var writer = try index.build([], [group("staff", 3000, [])])
        let names = (0..<2000).map { "user\($0)" }
        let key = PublishedKey(name: "staff", id: 3000)
        var expected: Set<String> = []
        for start in stride(from: 0, to: step == 1 ? 300 : 2000, by: step) {
            let some = names[start..<min(start + step, 2000)]
            expected.formUnion(some)
            _ = try writer.apply(change(key, add: Array(some)))
        }
        #expect(Set(try index.snapshot().group(gid: 3000)?.members ?? []) == expected)
        #expect(
            try index.snapshot().group(gid: 3000) == group("staff", 3000, Array(expected)))
        let odd = expected.filter { $0.utf8.last.map { $0 % 2 == 1 } ?? false }
        _ = try writer.apply(change(key, remove: Array(odd)))
        try index.snapshot().verify()
        #expect(
            try index.snapshot().group(gid: 3000)
                == group("staff", 3000, Array(expected.subtracting(odd))))
        _ = try writer.apply(change(key, remove: Array(expected)))
        #expect(try index.snapshot().group(gid: 3000)?.members == [])
    }

    @Test("a group that appears, is renamed and goes")
    func groupLife() throws {
        let index = try TestIndex()
        var writer = try index.build(people(3))
        let old = PublishedKey(name: "old", id: 3000)
        let new = PublishedKey(name: "new", id: 3001)
        func group(_ was: PublishedKey?, _ now: PublishedKey?, _ add: [String] = []) throws {
            _ = try writer.apply(
                PublicationChange(groups: [
                    GroupChange(was: was, now: now, membersAdded: add, membersRemoved: [])
                ]))
        }
        try group(nil, old, ["user2", "user0"])
        #expect(try index.snapshot().group(named: "old")?.members == ["user0", "user2"])
        expect(writer.groupCount, 1)
        try group(old, new)
        #expect(try index.snapshot().group(named: "old") == nil)
        #expect(try index.snapshot().group(gid: 3000) == nil)
        #expect(try index.snapshot().group(gid: 3001)?.members == ["user0", "user2"])
        try group(new, nil)
        #expect(try index.everything().groups.isEmpty)
        expect(writer.groupCount, 0)
    }

    @Test("a group that takes the place of another under the same keys has its own members only")
    func groupSuccessor() throws {
        let index = try TestIndex()
        var writer = try index.build(people(3), [group("same", 3000, ["user0", "user1"])])
        let key = PublishedKey(name: "same", id: 3000)
        let gone = GroupChange(was: key, now: nil, membersAdded: [], membersRemoved: [])
        let new = GroupChange(was: nil, now: key, membersAdded: ["user1"], membersRemoved: [])
        for groups in [[gone, new], [new, gone], [new]] {
            _ = try writer.apply(PublicationChange(groups: groups))
            #expect(try index.snapshot().group(gid: 3000)?.members == ["user1"])
        }
    }

    @Test("one member more in a group of 100,000 writes at most 64 KB")
    func largeGroup() throws {
        let index = try TestIndex()
        let names = (0..<100_000).map { "user\($0)" }
        var writer = try index.build([], [group("all", 3000, names)])
        let key = PublishedKey(name: "all", id: 3000)
        let result = try writer.apply(change(key, add: ["user50000x"]))
        #expect(result.bytesWritten <= 65536)
        #expect(try index.snapshot().group(gid: 3000)?.members.count == 100_001)
        let removal = try writer.apply(change(key, remove: ["user50000x"]))
        #expect(removal.bytesWritten <= 65536)
    }

    @Test("publishing a person writes the same number of bytes into a small and a large index")
    func constantCost() throws {
        var bytes: Set<Int> = []
        for count in [10, 20_000] {
            let index = try TestIndex()
            var writer = try index.build(people(count))
            let now = person("user3", 2_000_003, shell: "/bin/zsh")
            bytes.insert(try writer.apply(change((people(4)[3], now))).bytesWritten)
        }
        #expect(bytes.count == 1)
    }

    @Test("a half full delta asks for a rebuild, a full one refuses and readers go on")
    func full() throws {
        let index = try TestIndex()
        let people = people(1)
        var writer = try index.build(people, logBytes: 4096)
        var failure: IndexError?
        var asked = false
        var step = 0
        while failure == nil, step < 100 {
            step += 1
            do throws(IndexError) {
                let now = person("user0", 2_000_000, shell: "/bin/sh\(step)")
                _ = try writer.apply(change((people[0], now)))
                asked = asked || writer.shouldRebuild
            } catch {
                failure = error
            }
        }
        #expect(asked)
        #expect(failure == .full)
        expect(writer.shouldRebuild, true)
        #expect(try index.snapshot().person(uid: 2_000_000)?.passwd.shell == "/bin/sh\(step - 1)")
        #expect(try index.canContinue() == false)
    }
}

/// Expects equality; `#expect` cannot look inside a noncopyable value.
private func expect<Value: Equatable>(_ value: Value, _ expected: Value) {
    #expect(value == expected)
}
