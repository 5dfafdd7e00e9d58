// What the names in access rules mean, whatever the directory does to the groups that bear them.

import Accounts
import Testing

@testable import AccountStore

@Suite struct AccessTests {
    private static func rules(allow: Set<String> = [], deny: Set<String> = []) -> StoreRules {
        var rules = StoreRules(allowsReuse: true)
        rules.allowGroups = allow
        rules.denyGroups = deny
        return rules
    }

    private func fixture(
        _ entries: [StoreChange], allow: Set<String> = [], deny: Set<String> = []
    ) throws -> StoreFixture {
        // One group more: the brake holds the removal of the last.
        try StoreFixture(
            crowd(20) + [show(group("other", 3999, []))] + entries,
            rules: Self.rules(allow: allow, deny: deny))
    }

    /// The slots of a person as the host has them; the store must say the same.
    private func slots(_ name: String, _ fixture: StoreFixture) throws -> [UInt32] {
        let stored = try fixture.stored()
        #expect(fixture.host == stored, "\(fixture.host.difference(to: stored))")
        let details = try fixture.store.reader.people(named: name).first
        #expect(details?.published == fixture.host.person(name))
        return fixture.host.person(name)?.login.accessGroups ?? []
    }

    private func bindings(_ fixture: StoreFixture) throws -> [AccessBinding] {
        try fixture.store.reader.access().bindings
    }

    private func problems(_ fixture: StoreFixture) throws -> [AccessProblem] {
        try fixture.store.reader.access().problems(of: fixture.rules)
    }

    @Test("members of a named group have its slot: nested, without gid, by a first load or later")
    func members() throws {
        let entries = [
            show(group("staff", 3000, [dn("p1"), groupDN("inner")])),
            show(group("inner", nil, [dn("p2")], uuid: id(7))),
        ]
        let first = try fixture(entries, allow: ["staff", "inner"])
        let later = try fixture([], allow: ["staff", "inner"])
        #expect(try problems(later) == [.missing(name: "inner"), .missing(name: "staff")])
        for change in entries { try later.apply([change]) }
        for fixture in [first, later] {
            let found = try bindings(fixture)
            #expect(found.map(\.isBound) == [true, true] && found.map(\.isShown) == [true, true])
            #expect(found.first { $0.name == "staff" }?.gid == 3000)
            #expect(found.first { $0.name == "inner" }?.gid == nil)
            #expect(try slots("p1", fixture).count == 1)
            #expect(try slots("p2", fixture).count == 2)
            #expect(try slots("p3", fixture) == [])
            #expect(try problems(fixture) == [])
        }
        let outcome = try later.apply([show(group("staff", 3000, [dn("p3")]))])
        #expect(outcome.access == nil)
        #expect(try slots("p1", later) == [] && slots("p3", later).count == 1)
    }

    @Test("a changed gid and a new name of a bound group are said; the rule goes on to mean it")
    func renamed() throws {
        let fixture = try fixture([show(group("staff", 3000, [dn("p1")]))], allow: ["staff"])
        let other = try fixture.apply([show(group("staff", 3001, [dn("p1")], uuid: id(1_003_000)))])
        #expect(other.access?.bindings.first?.gid == 3001)
        let outcome = try fixture.apply([
            show(group("crew", 3001, [dn("p1"), dn("p2")], uuid: id(1_003_000)))
        ])
        #expect(outcome.access != nil)
        #expect(try problems(fixture) == [.renamed(name: "staff", now: "crew")])
        #expect(try slots("p2", fixture).count == 1)
    }

    @Test("another group under the name of an allow rule is held until it is confirmed")
    func heldBinding() throws {
        let fixture = try fixture([show(group("staff", 3000, [dn("p1")]))], allow: ["staff"])
        let bound = try #require(try bindings(fixture).first)
        try fixture.apply([hide(bound.uuid)])
        #expect(try problems(fixture) == [.missing(name: "staff")])
        #expect(try bindings(fixture).first?.isShown == false)
        let outcome = try fixture.apply([show(group("staff", 3000, [dn("p2")], uuid: id(9)))])
        let held = try #require(outcome.access?.bindings.first { $0.uuid == id(9) })
        #expect(!held.isBound && held.isShown && held.slot != bound.slot)
        #expect(try problems(fixture) == [.held(name: "staff", uuid: id(9))])
        #expect(try slots("p2", fixture) == [held.slot] && slots("p1", fixture) == [])
        try fixture.reopen()
        #expect(try problems(fixture) == [.held(name: "staff", uuid: id(9))])

        let confirmed = try fixture.apply([.confirmAccess(name: "staff")])
        #expect(confirmed.confirmed == 2)
        #expect(try bindings(fixture).map(\.slot) == [held.slot])
        #expect(try bindings(fixture).map(\.isBound) == [true])
        #expect(try problems(fixture) == [])
        #expect(try fixture.store.reader.history(name: "staff").first?.what == .confirmed)
        #expect(try fixture.apply([.confirmAccess(name: "staff")]).confirmed == 0)
        #expect(try fixture.apply([.confirmAccess(name: "others")]).confirmed == 0)
    }

    @Test("a second group of the name beside the bound one is none of the rule's business")
    func namesake() throws {
        let fixture = try fixture([show(group("staff", 3000, [dn("p1")]))], allow: ["staff"])
        try fixture.apply([show(group("staff", nil, [dn("p2")], uuid: id(9)))])
        #expect(try problems(fixture) == [])
        #expect(try bindings(fixture).filter(\.isBound).map(\.uuid) == [id(1_003_000)])
    }

    @Test("a deny rule means every group that bears or bore the name")
    func everyBearer() throws {
        let fixture = try fixture([show(group("bad", 3000, [dn("p1")]))], deny: ["bad"])
        try fixture.apply([show(group("good", 3000, [dn("p1")], uuid: id(1_003_000)))])
        try fixture.apply([show(group("bad", 3001, [dn("p2")], uuid: id(9)))])
        #expect(try slots("p1", fixture).count == 1 && slots("p2", fixture).count == 1)
        #expect(try problems(fixture) == [.renamed(name: "bad", now: "good")])
        #expect(try fixture.apply([.confirmAccess(name: "bad")]).confirmed == 2)
        #expect(try slots("p1", fixture) == [] && slots("p2", fixture).count == 1)
    }

    @Test(
        "a group of a deny rule that vanishes keeps its members, nested ones too, until confirmed")
    func vanished() throws {
        let fixture = try fixture(
            [
                show(group("bad", 3000, [dn("p1"), groupDN("inner")])),
                show(group("inner", 3001, [dn("p2")])),
            ], deny: ["bad"])
        let slot = try #require(try bindings(fixture).first?.slot)
        try fixture.apply([hide(id(1_003_000))])
        for name in ["p1", "p2"] { #expect(try slots(name, fixture) == [slot]) }
        #expect(try bindings(fixture).map(\.gid) == [3000])
        #expect(try problems(fixture).last == .vanished(name: "bad", members: 2))
        try fixture.reopen()
        // A member who is changed or renamed stays denied, whoever comes later is not.
        try fixture.apply([show(person("q1", 20_001, dn: dn("q1")))])
        try fixture.apply([show(person("late", 20_500))])
        #expect(try slots("q1", fixture) == [slot] && slots("late", fixture) == [])
        // The journal has it too, when the mirror is begun anew.
        fixture.close()
        StoreFixture.removeStore(fixture.directory)
        try fixture.reopen()
        try fixture.apply(crowd(20), phase: .refreshEnd)
        #expect(try slots("p1", fixture) == [slot])
        #expect(try fixture.apply([.confirmAccess(name: "bad")]).confirmed == 1)
        #expect(try slots("p1", fixture) == [] && slots("p2", fixture) == [])
        #expect(try bindings(fixture).isEmpty)
    }

    @Test("somebody withheld while a denied group vanished is denied when he is published")
    func withheldMember() throws {
        let fixture = try fixture(
            [
                show(person("eve", 20_500, withheld: "uid: x")),
                show(group("bad", 3000, [groupDN("inner")])),
                show(group("inner", 3001, [dn("eve")])),
            ], deny: ["bad"])
        let slot = try #require(try bindings(fixture).first?.slot)
        try fixture.apply([hide(id(1_003_000)), hide(id(1_003_001))])
        try fixture.apply([show(person("eve", 20_500))])
        #expect(try slots("eve", fixture) == [slot])
        #expect(try problems(fixture) == [.vanished(name: "bad", members: 1)])
    }

    @Test("a group of a deny rule that is shown again has the members that it has then")
    func back() throws {
        let fixture = try fixture(
            [show(group("bad", 3000, [dn("p1"), dn("p2")]))], deny: ["bad"])
        try fixture.apply([hide(id(1_003_000))])
        try fixture.apply([show(group("bad", 3000, [dn("p2")]))])
        #expect(try slots("p1", fixture) == [] && slots("p2", fixture).count == 1)
        #expect(try problems(fixture) == [])
        #expect(try fixture.tamper { try StoredTables($0) }.members == 0)
    }

    @Test("a rule may name an entry UUID, which no other entry can take over")
    func byUUID() throws {
        let name = id(1_003_000).description
        let fixture = try fixture(
            [show(group("staff", 3000, [dn("p1")]))], allow: [name], deny: [name])
        #expect(try slots("p1", fixture).count == 1)
        try fixture.apply([show(group("crew", 3000, [dn("p1")], uuid: id(1_003_000)))])
        #expect(try problems(fixture) == [])
        try fixture.apply([hide(id(1_003_000))])
        #expect(try problems(fixture).contains(.vanished(name: name, members: 1)))
    }

    @Test("names that the configuration gains and loses take effect at the opening; slots stay new")
    func changedRules() throws {
        let fixture = try fixture(
            [
                show(group("staff", 3000, [dn("p1")])), show(group("crew", 3001, [dn("p2")])),
            ], allow: ["staff"])
        let before = try bindings(fixture)
        let revision = try fixture.store.reader.summary().revision
        try fixture.reopen(rules: Self.rules(allow: ["crew"]))
        fixture.host = try fixture.stored()
        #expect(try fixture.store.reader.summary().revision == revision + 1)
        let after = try bindings(fixture)
        #expect(after.map(\.name) == ["crew"] && after.map(\.slot) != before.map(\.slot))
        #expect(try slots("p1", fixture) == [] && slots("p2", fixture) == after.map(\.slot))
        try fixture.reopen()
        #expect(try bindings(fixture) == after)
        try fixture.reopen(rules: Self.rules(deny: ["staff"]))
        fixture.host = try fixture.stored()
        #expect(try bindings(fixture).first?.slot == 3)
        #expect(try slots("p1", fixture) == [3])
    }

    @Test("rows of the files agree with what is in memory after every kind of change")
    func tables() throws {
        let fixture = try fixture([show(group("bad", 3000, [dn("p1")]))], deny: ["bad"])
        try fixture.apply([.block(name: "p5", byUID: 0)])
        try fixture.apply([hide(id(1_003_000))])
        let stored = try fixture.tamper { try StoredTables($0) }
        let journal = try fixture.tamper("journal.sqlite") { try StoredTables($0) }
        #expect(stored == journal)
        #expect(stored == StoredTables(groups: 1, members: 1, blocks: 1))
    }
}

/// How many rows the tables of access have in one of the files.
struct StoredTables: Equatable {
    var groups: Int
    var members: Int
    var blocks: Int
}
