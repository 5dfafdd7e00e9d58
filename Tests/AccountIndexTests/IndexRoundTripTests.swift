// What goes in comes out.
import Accounts
import Testing

@testable import AccountIndex

struct IndexRoundTripTests {
    @Test(
        "every account of an index is found by both keys, and none that is not in it",
        arguments: [0, 1, 2, 7, 8, 100, 3000])
    func roundTrip(count: Int) throws {
        let index = try TestIndex()
        let people = people(count)
        _ = try index.build(people)
        let snapshot = try index.snapshot()
        try snapshot.verify()
        #expect(snapshot.counts.people == count)
        for person in people {
            #expect(try snapshot.person(named: person.passwd.name) == person.indexed)
            #expect(try snapshot.person(uid: person.passwd.uid) == person.indexed)
        }
        for name in ["", "user", "user-1", "user\(count)", "user00", "User0", "root"] {
            #expect(try snapshot.person(named: name) == nil)
        }
        #expect(try snapshot.person(uid: 2_000_000 + UInt32(count)) == nil)
        #expect(try index.everything().people.count == count)
    }

    @Test("names that are prefixes of each other, of every length, are told apart")
    func prefixes() throws {
        let index = try TestIndex()
        let names = (1...256).map { String(repeating: "a", count: $0) }
        _ = try index.build(names.enumerated().map { person($1, UInt32(70000 + $0)) })
        let snapshot = try index.snapshot()
        for (number, name) in names.enumerated() {
            #expect(try snapshot.person(named: name)?.passwd.uid == UInt32(70000 + number))
            #expect(try snapshot.person(named: name + "b") == nil)
        }
    }

    @Test("groups come back with all members in bytewise order", arguments: [0, 1, 192, 193, 1000])
    func groups(count: Int) throws {
        let index = try TestIndex()
        let group = AccountIndexTests.group("staff", 3000, (0..<count).map { "user\($0)" })
        _ = try index.build(people(count), [group, AccountIndexTests.group("other", 3001, [])])
        let snapshot = try index.snapshot()
        try snapshot.verify()
        #expect(try snapshot.group(named: "staff") == group)
        #expect(try snapshot.group(gid: 3000) == group)
        #expect(try snapshot.group(gid: 3001)?.members == [])
        #expect(try snapshot.group(gid: 3002) == nil)
        #expect(try snapshot.group(named: "user0") == nil)
    }

    @Test("the gate holds identity, state and expiry of every account")
    func gate() throws {
        let index = try TestIndex()
        let states: [AccountState] = [
            .active, AccountState(disabledBy: ""), AccountState(expiresAt: -5),
            AccountState(expiresAt: 1_900_000_000, mustChangeBy: ""),
        ]
        let people = states.enumerated().map {
            person("user\($0)", UInt32(70000 + $0), state: $1)
        }
        _ = try index.build(people)
        let snapshot = try index.snapshot(.gate)
        try snapshot.verify()
        for person in people {
            let expected = IndexedGateAccount(
                key: person.key, gid: person.passwd.gid, uuid: person.uuid, state: person.state,
                login: person.login)
            #expect(try snapshot.gateAccount(named: person.passwd.name) == expected)
            #expect(try snapshot.gateAccount(uid: person.passwd.uid) == expected)
        }
        #expect(try snapshot.gateAccount(named: "nobody") == nil)
    }

    @Test("times of contact and verification are kept in both files and are no publication")
    func times() throws {
        let index = try TestIndex()
        var writer = try index.build(people(1))
        #expect(try index.snapshot(.gate).lastContact == nil)
        writer.noteContact(at: GateClock(now: 1_900_000_000, uptime: 7, boot: 3))
        writer.noteVerified(at: GateClock(now: 1_900_000_001, uptime: 8, boot: 3))
        for part in [IndexPart.public, .gate] {
            #expect(try index.snapshot(part).lastContact == 1_900_000_000)
            #expect(try index.snapshot(part).lastVerified == 1_900_000_001)
            #expect(try index.snapshot(part).generation == 1)
        }
    }

    @Test(
        "a value that the format cannot hold is refused",
        arguments: [
            person("", 70000), person(String(repeating: "a", count: 257), 70000),
            person("a\0b", 70000), person("a", 70000, shell: "/bin\0"),
            person("a", 70000, shell: String(repeating: "s", count: 65536)),
        ])
    func unrepresentable(person: PublishedPerson) throws {
        let index = try TestIndex()
        #expect(throws: IndexError.self) { _ = try index.build([person]) }
    }

    @Test("an abandoned builder leaves nothing behind and the index in place alone")
    func abandoned() throws {
        let index = try TestIndex()
        _ = try index.build(people(3))
        do {
            var builder = try IndexBuilder(directory: index.directory, generation: 5)
            try builder.add(person: person("late", 70000))
        }
        #expect(try index.snapshot().generation == 1)
        #expect(try index.snapshot().person(named: "late") == nil)
    }
}
