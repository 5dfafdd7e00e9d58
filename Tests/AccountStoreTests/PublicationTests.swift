// What a batch publishes of people.

import Accounts
import Testing

@testable import AccountStore

@Suite struct PublicationTests {
    @Test("a new person appears with all fields")
    func newPerson() throws {
        let fixture = try StoreFixture(crowd(3))
        let outcome = try fixture.apply([show(person("alice", 20100))])
        let expected = PublishedPerson(
            uuid: id(20100),
            passwd: PasswdFields(
                name: "alice", uid: 20100, gid: 100, gecos: "alice", home: "/home/alice",
                shell: "/bin/bash"), groups: [], state: .active)
        #expect(outcome.publication.people == [PersonChange(was: nil, now: expected)])
        #expect(outcome.publication.groups.isEmpty)
    }

    @Test("an entry that changes nothing published publishes nothing but is stored")
    func noChange() throws {
        let fixture = try StoreFixture(crowd(3))
        let stamp = "20261103000000.000000Z#0#0"
        let outcome = try fixture.apply(
            [show(person("p1", 20001, stamp: stamp))],
            cookie: SyncPosition(search: 0, bytes: [1, 2], digest: [3]))
        #expect(outcome.publication.isEmpty)
        var stamps: [EntryUUID: String] = [:]
        try fixture.store.reader.forEachStamp { uuid, _, stamp in stamps[uuid] = stamp }
        #expect(stamps[id(20001)] == stamp)
        let cookie = try fixture.store.reader.cookie(search: 0)
        #expect(cookie == SyncPosition(search: 0, bytes: [1, 2], digest: [3]))
    }

    @Test("a changed shell is one change of one person")
    func changedShell() throws {
        let fixture = try StoreFixture(crowd(3))
        let outcome = try fixture.apply([show(person("p1", 20001, shell: "/bin/zsh"))])
        #expect(outcome.publication.people.count == 1)
        #expect(outcome.publication.people.first?.was == PublishedKey(name: "p1", id: 20001))
        #expect(fixture.host.person("p1")?.passwd.shell == "/bin/zsh")
    }

    @Test("a removed person goes")
    func removed() throws {
        let fixture = try StoreFixture(crowd(3))
        let outcome = try fixture.apply([hide(id(20001))])
        let gone = PersonChange(was: PublishedKey(name: "p1", id: 20001), now: nil)
        #expect(outcome.publication.people == [gone])
        #expect(try fixture.stored() == fixture.host)
    }

    @Test("a renamed person keeps the entry and changes the name in the groups")
    func renamed() throws {
        let fixture = try StoreFixture(
            crowd(3) + [show(group("staff", 3000, [dn("p1"), dn("p2")]))])
        let outcome = try fixture.apply([show(person("smith", 20001, dn: dn("p1")))])
        #expect(
            outcome.publication.groups == [
                GroupChange(
                    was: PublishedKey(name: "staff", id: 3000),
                    now: PublishedKey(name: "staff", id: 3000), membersAdded: ["smith"],
                    membersRemoved: ["p1"])
            ])
        #expect(outcome.publication.people.first?.was == PublishedKey(name: "p1", id: 20001))
        #expect(outcome.publication.people.first?.now?.groups == [3000])
        #expect(fixture.host.misfits.isEmpty)
    }

    @Test("an entry in two searches goes with the last of them")
    func twoSearches() throws {
        let fixture = try StoreFixture(crowd(3))
        let alice = person("alice", 20100)
        try fixture.apply([.upsert(alice, search: 0), .upsert(alice, search: 1)])
        #expect(try fixture.apply([.remove(id(20100), search: 0)]).publication.isEmpty)
        #expect(try fixture.apply([.remove(id(20100), search: 1)]).publication.people.count == 1)
    }

    @Test("a disabled person stays published and a member")
    func disabled() throws {
        let fixture = try StoreFixture(crowd(3) + [show(group("staff", 3000, ["p1"]))])
        try fixture.apply([show(person("p1", 20001, disabled: true))])
        #expect(fixture.host.person("p1")?.state.isDisabled == true)
        #expect(fixture.host.members("staff") == ["p1"])
    }

    @Test("a sweep removes what the refresh did not show, of its own search alone")
    func sweep() throws {
        let fixture = try StoreFixture(
            crowd(20) + [.upsert(person("other", 30000), search: 1)])
        let keeping = Set((1..<20).map { id(20_000 + $0) })
        try fixture.apply([.sweep(search: 0, keeping: keeping)], phase: .refreshEnd)
        #expect(fixture.host.person("p0") == nil)
        #expect(fixture.host.people.count == 20)
    }

    @Test("everything is there again after the store was closed and opened")
    func reopened() throws {
        let fixture = try StoreFixture(crowd(5) + [show(group("staff", 3000, [dn("p1"), "p2"]))])
        try fixture.apply([show(person("p1", 20001, shell: "/bin/zsh")), hide(id(20004))])
        let before = try fixture.stored()
        try fixture.reopen()
        #expect(fixture.store.opening == StoreOpening())
        #expect(try fixture.stored() == before)
        try fixture.apply([show(group("staff", 3000, [dn("p1")]))])
        #expect(fixture.host.members("staff") == ["p1"])
        #expect(try fixture.stored() == fixture.host)
    }
}
