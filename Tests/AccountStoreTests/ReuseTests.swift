// Names and numbers of people who were removed.

import Accounts
import Testing

@testable import AccountStore

@Suite struct ReuseTests {
    /// A store from which alice (20100) was removed on 2027-01-15.
    private func withoutAlice(rules: StoreRules = StoreRules()) throws -> StoreFixture {
        let fixture = try StoreFixture(crowd(5) + [show(person("alice", 20100))], rules: rules)
        try fixture.apply([hide(id(20100))])
        return fixture
    }

    private let newcomer = id(500)

    @Test("a new entry with both name and number is the same person coming back")
    func samePerson() throws {
        let fixture = try withoutAlice()
        try fixture.apply([show(person("alice", 20100, uuid: newcomer))])
        #expect(fixture.host.person("alice")?.uuid == newcomer)
        // And is known again under the new entry id.
        try fixture.apply([hide(newcomer)])
        try fixture.apply([show(person("bob", 20100, uuid: id(501)))])
        #expect(fixture.host.person("bob") == nil)
    }

    @Test("the number under another name is withheld with date and remedy")
    func numberOfAnother() throws {
        let fixture = try withoutAlice()
        let outcome = try fixture.apply([show(person("bob", 20100, uuid: newcomer))])
        #expect(outcome.publication.isEmpty)
        #expect(
            try fixture.reason(newcomer)
                == "uidNumber: id re-use: uid 20100 belonged to alice until 2027-01-15; "
                + "release with `roster allow bob`")
    }

    @Test("the name with another number is withheld")
    func nameOfAnother() throws {
        let fixture = try withoutAlice()
        try fixture.apply([show(person("alice", 20200, uuid: newcomer))])
        #expect(fixture.host.person("alice") == nil)
        let reason = try #require(try fixture.reason(newcomer))
        #expect(reason.hasPrefix("uid: name re-use: alice belonged to uid 20100 until 2027-01-15"))
    }

    @Test("a released re-use is published, and stays so when the store is rebuilt")
    func released() throws {
        let fixture = try withoutAlice()
        let bob = show(person("bob", 20100, uuid: newcomer))
        try fixture.apply([bob])
        let outcome = try fixture.apply([.releaseReuse(name: "bob")])
        #expect(outcome.released == ["bob"])
        #expect(fixture.host.person("bob")?.uuid == newcomer)
        fixture.close()
        StoreFixture.removeStore(fixture.directory)
        try fixture.reopen()
        try fixture.apply(crowd(5) + [bob], phase: .refreshEnd)
        #expect(fixture.host.person("bob") != nil)
    }

    @Test("a release of a name that waits for none says so")
    func nothingToRelease() throws {
        let fixture = try withoutAlice()
        #expect(try fixture.apply([.releaseReuse(name: "bob")]).released.isEmpty)
    }

    @Test("freed numbers outlive the store")
    func outliveStore() throws {
        let fixture = try withoutAlice()
        fixture.close()
        StoreFixture.removeStore(fixture.directory)
        try fixture.reopen()
        #expect(fixture.store.opening.store == .new)
        try fixture.apply(
            crowd(5) + [show(person("bob", 20100, uuid: newcomer))], phase: .refreshEnd)
        #expect(fixture.host.person("bob") == nil)
        #expect(try fixture.reason(newcomer)?.contains("belonged to alice") == true)
    }

    @Test("the setting lets all re-uses happen, also those that wait already")
    func setting() throws {
        let fixture = try withoutAlice()
        try fixture.apply([show(person("bob", 20100, uuid: newcomer))])
        try fixture.reopen(rules: StoreRules(allowsReuse: true))
        try fixture.apply([])
        #expect(fixture.host.person("bob") != nil)
    }

    @Test("old entry gone and new one there in one batch is one change of one person")
    func replacedInOneBatch() throws {
        let fixture = try StoreFixture(
            crowd(3) + [
                show(person("alice", 20100)), show(group("staff", 3000, [dn("alice")])),
            ])
        let outcome = try fixture.apply([
            hide(id(20100)), show(person("alice", 20100, uuid: newcomer)),
        ])
        #expect(outcome.publication.people.count == 1)
        #expect(outcome.publication.groups.isEmpty)
        #expect(fixture.host.person("alice")?.uuid == newcomer)
        #expect(fixture.host.person("alice")?.groups == [3000])
    }

    @Test("a new entry that arrives before the old one goes takes over with its going")
    func replacedLater() throws {
        let fixture = try StoreFixture(crowd(3) + [show(person("alice", 20100))])
        let early = show(person("alice", 20100, uuid: newcomer, createdAt: 90_000))
        #expect(try fixture.apply([early]).publication.isEmpty)
        try fixture.apply([hide(id(20100))])
        #expect(fixture.host.person("alice")?.uuid == newcomer)
    }

    @Test("an entry that a refresh shows before it sweeps the old owner is a re-use")
    func refreshBeforeSweep() throws {
        let fixture = try StoreFixture(crowd(20) + [show(person("alice", 20100))])
        let bob = person("bob", 20100, uuid: newcomer, createdAt: 90_000)
        try fixture.apply([show(bob)], phase: .refresh)
        let keeping = Set((0..<20).map { id(20_000 + $0) } + [newcomer])
        try fixture.apply([.sweep(search: 0, keeping: keeping)], phase: .refreshEnd)
        #expect(fixture.host.person("alice") == nil)
        #expect(fixture.host.person("bob") == nil)
        #expect(try fixture.reason(newcomer)?.contains("belonged to alice") == true)
    }

    @Test("a person may leave the search and come back with another number")
    func ownNumber() throws {
        let fixture = try withoutAlice()
        try fixture.apply([show(person("alice", 20200, uuid: id(20100)))])
        #expect(fixture.host.person("alice")?.passwd.uid == 20200)
    }

    @Test("a number that its owner gave up is not for others")
    func renumbered() throws {
        let fixture = try StoreFixture(crowd(3) + [show(person("alice", 20100))])
        try fixture.apply([show(person("alice", 20200, uuid: id(20100)))])
        try fixture.apply([show(person("bob", 20100, uuid: newcomer))])
        #expect(fixture.host.person("bob") == nil)
    }
}
