// Who keeps a name or an id that two entries claim.

import Accounts
import Testing

@testable import AccountStore

@Suite struct ConflictTests {
    @Test("of two entries with one name the earlier keeps it", arguments: [false, true])
    func name(reversed: Bool) throws {
        let fixture = try StoreFixture(crowd(3))
        let entries = [
            show(person("alice", 20101, createdAt: 10)),
            show(person("alice", 20102, createdAt: 20)),
        ]
        for entry in reversed ? entries.reversed() : entries { try fixture.apply([entry]) }
        #expect(fixture.host.person("alice")?.passwd.uid == 20101)
        #expect(
            try fixture.reason(id(20102))
                == "uid: alice is kept by \(dn("alice")), created earlier")
        #expect(fixture.host == (try fixture.stored()))
    }

    @Test("of two entries with one id of the same age the smaller entry id keeps it")
    func smallerUUID() throws {
        let fixture = try StoreFixture(
            crowd(2) + [
                show(person("bob", 20100, uuid: id(8), createdAt: 5)),
                show(person("alice", 20100, uuid: id(7), createdAt: 5)),
            ])
        #expect(fixture.host.names == ["alice", "p0", "p1"])
        let reason = try #require(try fixture.reason(id(8)))
        #expect(reason.hasPrefix("uidNumber: 20100 is kept by \(dn("alice"))"))
    }

    @Test("a loser comes back by itself when the winner goes")
    func comesBack() throws {
        let fixture = try StoreFixture(
            crowd(3) + [
                show(person("alice", 20100)),
                show(person("bob", 20100, uuid: id(9), createdAt: 30_000)),
            ])
        #expect(fixture.host.person("bob") == nil)
        try fixture.apply([hide(id(20100))])
        #expect(fixture.host.person("bob")?.passwd.uid == 20100)
        #expect(try fixture.reason(id(9)) == nil)
        #expect(fixture.host == (try fixture.stored()))
    }

    @Test("a loser comes back when the winner takes another number")
    func winnerMoves() throws {
        let fixture = try StoreFixture(
            crowd(3) + [
                show(person("alice", 20100)),
                show(person("bob", 20100, uuid: id(9), createdAt: 30_000)),
            ])
        try fixture.apply([show(person("alice", 20555, uuid: id(20100), createdAt: 20100))])
        #expect(fixture.host.person("bob")?.passwd.uid == 20100)
        #expect(fixture.host.person("alice")?.passwd.uid == 20555)
        #expect(fixture.host.misfits.isEmpty)
    }

    @Test("a loser that came back after a removal stays when the store is rebuilt")
    func heirSurvivesRebuild() throws {
        let load = crowd(3) + [show(person("bob", 20100, uuid: id(9), createdAt: 30_000))]
        let fixture = try StoreFixture(load + [show(person("alice", 20100))])
        try fixture.apply([hide(id(20100))])
        #expect(fixture.host.person("bob") != nil)
        fixture.close()
        StoreFixture.removeStore(fixture.directory)
        try fixture.reopen()
        try fixture.apply(load, phase: .refreshEnd)
        #expect(fixture.host.person("bob") != nil)
    }

    @Test("people and groups have names and ids of their own")
    func separateSpaces() throws {
        let fixture = try StoreFixture(
            crowd(2) + [show(person("alice", 20100)), show(group("alice", 20100, []))])
        #expect(fixture.host.person("alice") != nil)
        #expect(fixture.host.members("alice") == [])
    }

    @Test("of two groups with one gid the later passes members on but is not published")
    func groupConflict() throws {
        let fixture = try StoreFixture(
            crowd(2) + [
                show(group("staff", 3000, ["p0"])),
                show(
                    group("crew", 3000, ["p1"], uuid: id(77), createdAt: 9_000)),
                show(group("all", 3001, [groupDN("crew")])),
            ])
        #expect(fixture.host.members("crew") == nil)
        #expect(fixture.host.members("all") == ["p1"])
        #expect(fixture.host.person("p1")?.groups == [3001])
    }

    @Test("a withheld entry claims neither its name nor its number")
    func withheldDoesNotClaim() throws {
        let fixture = try StoreFixture(
            crowd(2) + [
                show(person("alice", 20100, createdAt: 1, withheld: "uid: a local account")),
                show(person("bob", 20100, uuid: id(9), createdAt: 2)),
            ])
        #expect(fixture.host.names == ["bob", "p0", "p1"])
        #expect(try fixture.reason(id(20100)) == "uid: a local account")
    }
}
