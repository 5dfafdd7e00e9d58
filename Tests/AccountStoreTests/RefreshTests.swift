// What comes from elsewhere while a later refresh runs: commands, comparisons, local rules.

import Accounts
import Testing

@testable import AccountStore

@Suite struct RefreshTests {
    @Test("held removals that are accepted during a refresh happen at once")
    func accept() throws {
        let fixture = try StoreFixture(crowd(40))
        try fixture.apply((0..<20).map { hide(id(20_000 + $0)) }, phase: .refresh)
        #expect(fixture.host.people.count == 40)
        let outcome = try fixture.apply([.acceptRemovals], phase: .refresh)
        #expect(outcome.heldSettled == 20 && outcome.publication.people.count == 20)
        #expect(try fixture.stored() == fixture.host)
        #expect(fixture.host.people.count == 20)
        try fixture.expectCounted()
    }

    @Test("a re-use that is released during a refresh is published at once")
    func release() throws {
        let fixture = try StoreFixture(crowd(20))
        try fixture.apply([hide(id(20_001))])
        try fixture.apply([show(person("new", 20_001, uuid: id(1)))], phase: .refresh)
        #expect(fixture.host.person("new") == nil)
        let outcome = try fixture.apply([.releaseReuse(name: "new")], phase: .refresh)
        #expect(outcome.released == ["new"] && outcome.publication.people.count == 1)
        #expect(try fixture.stored().person("new") != nil)
        try fixture.expectCounted()
    }

    @Test("a confirmed removal during a refresh happens at once and reaches the journal")
    func confirmRemoved() throws {
        let fixture = try StoreFixture(crowd(20))
        try fixture.apply([.confirmRemoved([id(20_001)])], phase: .refresh)
        #expect(fixture.host.person("p1") == nil)
        #expect(try fixture.stored() == fixture.host)
        #expect(try fixture.store.reader.history(name: "p1").map(\.what) == [.removed])
    }

    @Test("a changed local rule during a refresh takes effect at once, both ways")
    func reevaluated() throws {
        let fixture = try StoreFixture(crowd(20))
        let withheld = person("p1", 20_001, withheld: "uid: local")
        try fixture.apply([.reevaluated(withheld)], phase: .refresh)
        #expect(fixture.host.person("p1") == nil)
        try fixture.apply([.reevaluated(person("p1", 20_001))], phase: .refresh)
        #expect(fixture.host.person("p1") != nil)
        #expect(try fixture.stored() == fixture.host)
        try fixture.expectCounted()
    }

    @Test(
        "a stored entry that may be gone proves nothing for its rival until the refresh ends",
        arguments: 0..<4)
    func noProof(_ place: Int) throws {
        let fixture = try StoreFixture(crowd(20))
        let rival = person("rival", 20_001, uuid: id(1), createdAt: .max)
        try fixture.apply([show(rival)], phase: .refresh)
        let meanwhile: [StoreChange] = [
            .acceptRemovals, .releaseReuse(name: "p3"), .reevaluated(person("p2", 20_002)),
            .confirmRemoved([id(20_003)]),
        ]
        try fixture.apply([meanwhile[place]], phase: .refresh)
        // The refresh ends without p1, which went long ago: the rival takes over the number.
        try fixture.apply([hide(id(20_001))], phase: .refreshEnd)
        #expect(fixture.host.person("p1") == nil && fixture.host.person("rival") == nil)
        #expect(try fixture.reason(id(1))?.contains("id re-use") == true)
    }
}
