// Mass removals are held, single ones and every disable pass.

import Accounts
import Testing

@testable import AccountStore

@Suite struct BrakeTests {
    /// How many of `present` may go at once, having `recently` gone.
    struct Case: Sendable, CustomTestStringConvertible {
        var removed: Int
        var recently = 0
        var present: Int
        var isHeld: Bool
        var testDescription: String { "\(removed) of \(present), \(recently) before" }
    }

    @Test(
        "over 20 of a hundred and over ten is held, and what would leave none",
        arguments: [
            Case(removed: 1, present: 100, isHeld: false),
            Case(removed: 10, present: 11, isHeld: false),
            Case(removed: 11, present: 50, isHeld: true),
            Case(removed: 11, present: 55, isHeld: false),
            Case(removed: 20, present: 100, isHeld: false),
            Case(removed: 21, present: 100, isHeld: true),
            Case(removed: 1, recently: 20, present: 80, isHeld: true),
            Case(removed: 1, recently: 19, present: 81, isHeld: false),
            Case(removed: 1, present: 1, isHeld: true),
            Case(removed: 10, present: 10, isHeld: true),
            Case(removed: 0, present: 0, isHeld: false),
        ])
    func limit(_ example: Case) {
        let exceeded = BrakeLimit().isExceeded(
            removing: example.removed, recently: example.recently, present: example.present,
            remaining: example.present - example.removed)
        #expect(exceeded == example.isHeld)
    }

    /// The ways in which 30 of 100 people vanish in one batch.
    enum Route: CaseIterable, Sendable { case delete, sweep, confirm, invalid, other, rival }

    private func vanish(_ numbers: Range<Int>, by route: Route) -> [StoreChange] {
        switch route {
        case .delete: numbers.map { hide(id(20_000 + $0)) }
        case .confirm: [.confirmRemoved(numbers.map { id(20_000 + $0) })]
        case .sweep:
            [
                .sweep(
                    search: 0,
                    keeping: Set((0..<100).filter { !numbers.contains($0) }.map { id(20_000 + $0) })
                )
            ]
        case .invalid:
            numbers.map { number in
                show(
                    person(
                        "p\(number)", 20_000 + UInt32(number), withheld: "loginShell: \(number)"))
            }
        case .other:
            numbers.map { number in
                let entry = person("p\(number)", 20_000 + UInt32(number))
                return show(
                    EvaluatedEntry(
                        entry: entry.entry, dnKey: entry.dnKey, stamp: "", createdAt: 0,
                        content: .other))
            }
        case .rival:
            numbers.map { number in
                show(person("r\(number)", 20_000 + UInt32(number), uuid: id(number), createdAt: 1))
            }
        }
    }

    @Test("a mass removal is held whatever its route", arguments: Route.allCases)
    func routes(_ route: Route) throws {
        let fixture = try StoreFixture(crowd(100))
        fixture.now += 50
        let outcome = try fixture.apply(vanish(10..<40, by: route))
        // What changes for the gate: since when nobody confirmed these people.
        #expect(outcome.publication.people.count == 30 && outcome.publication.groups.isEmpty)
        for change in outcome.publication.people {
            #expect(change.now?.login.confirmedAt == fixture.now - 50)
        }
        #expect(outcome.newlyHeld.count == 30)
        #expect(fixture.host.people.count == 100)
        let held = try fixture.store.reader.held()
        #expect(held.count == 30)
        #expect(held.first?.since == fixture.now && held.first?.lastConfirmed == fixture.now - 50)
        // The hold outlives the process and the ten minutes.
        try fixture.reopen()
        fixture.now += 10_000
        try fixture.apply([show(person("new", 40_000))])
        #expect(fixture.host.people.count == 101)
        #expect(try fixture.stored() == fixture.host)
        let accepted = try fixture.apply([.acceptRemovals])
        #expect(accepted.heldSettled == 30)
        #expect(fixture.host.people.count == (route == .rival ? 101 : 71))
        #expect(fixture.host.person("p10") == nil)
        #expect(try fixture.store.reader.held().isEmpty)
        #expect(try fixture.stored() == fixture.host)
        #expect(fixture.host.misfits.isEmpty)
    }

    @Test("a hold is dropped when the directory shows the entries again", arguments: Route.allCases)
    func shownAgain(_ route: Route) throws {
        let fixture = try StoreFixture(crowd(100))
        try fixture.apply(vanish(10..<40, by: route))
        if route == .rival { try fixture.apply((10..<40).map { hide(id($0)) }) }
        try fixture.apply(crowd(100))
        #expect(fixture.host.people.values.allSatisfy { $0.login.confirmedAt == nil })
        #expect(fixture.host.people.count == 100 && fixture.host.misfits.isEmpty)
        #expect(try fixture.store.reader.held().isEmpty)
        try fixture.apply([.acceptRemovals])
        #expect(fixture.host.people.count == 100)
    }

    @Test("what is still held after a complete look goes, once it is within the limit")
    func settled() throws {
        let fixture = try StoreFixture(crowd(100))
        try fixture.apply((10..<40).map { hide(id(20_000 + $0)) })
        try fixture.apply([.settleHeld])
        #expect(fixture.host.people.count == 100)
        fixture.now += 60
        try fixture.apply(Array(crowd(100)[0..<38]))
        #expect(fixture.host.people.count == 100)
        let outcome = try fixture.apply([.settleHeld])
        #expect(outcome.heldSettled == 2)
        #expect(fixture.host.person("p38") == nil && fixture.host.person("p39") == nil)
        #expect(fixture.host.people.count == 98)
        #expect(try fixture.stored() == fixture.host)
        #expect(try fixture.store.reader.held().isEmpty)
        try fixture.expectCounted()
    }

    @Test("what went before a hold counts for its end, however long ago")
    func creeping() throws {
        let fixture = try StoreFixture(crowd(100))
        try fixture.apply((0..<20).map { hide(id(20_000 + $0)) })
        try fixture.apply((20..<25).map { hide(id(20_000 + $0)) })
        #expect(fixture.host.people.count == 80)
        fixture.now += 100_000
        try fixture.apply([hide(id(20_099))])
        try fixture.apply([.settleHeld])
        #expect(fixture.host.people.count == 79)
        #expect(try fixture.store.reader.held().count == 5)
    }

    @Test("what stays below the limit passes at once, also while more is held")
    func below() throws {
        let fixture = try StoreFixture(crowd(100))
        try fixture.apply((0..<10).map { hide(id(20_000 + $0)) })
        #expect(fixture.host.people.count == 90)
        try fixture.apply((10..<60).map { hide(id(20_000 + $0)) })
        #expect(fixture.host.people.count == 90)
        try fixture.apply([hide(id(20_099))])
        #expect(fixture.host.people.count == 89)
    }

    @Test("the window is the configured one", arguments: [(60, 80), (600, 90)] as [(Int64, Int)])
    func configuredWindow(seconds: Int64, left: Int) throws {
        let tight = BrakeLimit(count: 10, percent: 0)
        let fixture = try StoreFixture(
            crowd(100), rules: StoreRules(people: tight, window: seconds))
        try fixture.apply((0..<10).map { hide(id(20_000 + $0)) })
        fixture.now += 61
        try fixture.apply((10..<20).map { hide(id(20_000 + $0)) })
        #expect(fixture.host.people.count == left)
    }

    @Test("removals one by one are held from the limit on, and pass again ten minutes later")
    func window() throws {
        let fixture = try StoreFixture(crowd(100))
        for number in 0..<30 {
            fixture.now += 1
            try fixture.apply([hide(id(20_000 + number))])
        }
        #expect(fixture.host.people.count == 80)
        fixture.now += 600
        try fixture.apply([hide(id(20_050))])
        #expect(fixture.host.people.count == 79)
    }

    @Test("a disable is never held and reaches a held account")
    func disable() throws {
        let fixture = try StoreFixture(crowd(100))
        try fixture.apply(
            (0..<100).map { show(person("p\($0)", 20_000 + UInt32($0), disabled: true)) })
        #expect(!fixture.host.people.values.contains { !$0.state.isDisabled })
        let other = try StoreFixture(crowd(100))
        try other.apply(vanish(0..<50, by: .invalid))
        try other.apply([
            show(person("p3", 20_003, disabled: true, withheld: "uidNumber: none"))
        ])
        #expect(other.host.person("p3")?.state.isDisabled == true)
        #expect(try other.stored() == other.host)
        try other.apply([hide(id(20_003))])
        #expect(other.host.person("p3")?.state.isDisabled == true)
    }

    @Test("a changed local rule is not held")
    func localRule() throws {
        let fixture = try StoreFixture(crowd(100))
        try fixture.apply(
            (0..<100).map { number in
                .reevaluated(
                    person("p\(number)", 20_000 + UInt32(number), withheld: "uidNumber: window"))
            })
        #expect(fixture.host.people.isEmpty)
        #expect(try fixture.store.reader.held().isEmpty)
    }

    @Test("the number of a held person is not for others, but for the same person again")
    func heldNumber() throws {
        let fixture = try StoreFixture(crowd(100))
        try fixture.apply(vanish(0..<50, by: .delete))
        try fixture.apply([show(person("bob", 20_001, uuid: id(1)))])
        #expect(fixture.host.person("bob") == nil)
        #expect(try fixture.reason(id(1))?.contains("p1, whose removal is held") == true)
        try fixture.apply([show(person("p2", 20_002, uuid: id(2), shell: "/bin/zsh"))])
        #expect(fixture.host.person("p2")?.uuid == id(2))
        #expect(fixture.host.person("p2")?.passwd.shell == "/bin/zsh")
        #expect(fixture.host.misfits.isEmpty)
        #expect(try fixture.stored() == fixture.host)
    }

    @Test("groups are counted by themselves and keep their members while held")
    func groups() throws {
        let groups = (0..<20).map { number in
            show(group("g\(number)", 3000 + UInt32(number), ["p\(number)"]))
        }
        let fixture = try StoreFixture(crowd(100) + groups)
        let outcome = try fixture.apply((0..<15).map { hide(id(1_003_000 + $0)) })
        #expect(outcome.publication.isEmpty && outcome.newlyHeld.count == 15)
        try fixture.apply([hide(id(20_099))])
        #expect(fixture.host.people.count == 99)
        try fixture.apply([show(person("renamed", 20_003, dn: dn("p3")))])
        #expect(fixture.host.person("p5")?.groups == [3005])
        try fixture.apply([.acceptRemovals])
        #expect(fixture.host.groups.count == 5)
        #expect(fixture.host.person("p5")?.groups == [])
        #expect(try fixture.stored() == fixture.host)
    }

    @Test("members are held as a whole, and dropped or accepted")
    func members() throws {
        let all = (0..<100).map { dn("p\($0)") }
        let fixture = try StoreFixture(crowd(100) + [show(group("staff", 3000, all))])
        let outcome = try fixture.apply([show(group("staff", 3000, Array(all[60...])))])
        #expect(outcome.publication.isEmpty)
        let held = try #require(try fixture.store.reader.held().first)
        #expect(held.kind == .members && held.count == 60 && held.name == "staff")
        #expect(fixture.host.members("staff")?.count == 100)
        // Ten of them are listed again; then the rest is accepted.
        try fixture.apply([show(group("staff", 3000, Array(all[50...])))])
        #expect(try fixture.store.reader.held().first?.count == 50)
        try fixture.reopen()
        try fixture.apply([.acceptRemovals])
        #expect(fixture.host.members("staff")?.count == 50)
        #expect(fixture.host.person("p3")?.groups == [])
        #expect(try fixture.stored() == fixture.host)
        #expect(fixture.host.misfits.isEmpty)
    }

    @Test("one member passes; members that mean nobody are not counted")
    func fewMembers() throws {
        let all = (0..<30).map { dn("p\($0)") } + (0..<60).map { dn("ghost\($0)") }
        let fixture = try StoreFixture(crowd(40) + [show(group("staff", 3000, all))])
        let outcome = try fixture.apply([show(group("staff", 3000, Array(all[1..<30])))])
        #expect(outcome.newlyHeld.isEmpty)
        #expect(fixture.host.members("staff")?.count == 29)
    }

    @Test("a new identity of the directory matches people by name and number")
    func identity() throws {
        let fixture = try StoreFixture()
        try fixture.apply(
            crowd(100) + [show(group("staff", 3000, [dn("p1")]))], phase: .refreshEnd,
            cookie: SyncPosition(search: 0, bytes: [1], digest: [1]),
            identity: "dc=example entryUUID")
        let before = fixture.host
        let again = (0..<100).map { number in
            show(
                person(
                    "p\(number)", 20_000 + UInt32(number), uuid: id(9_000 + number), createdAt: 7))
        }
        try fixture.apply(
            Array(again[..<50]), phase: .refresh, identity: "dc=example nsUniqueId")
        #expect(try fixture.store.reader.cookie(search: 0) == nil)
        #expect(try fixture.store.reader.identity() == "dc=example nsUniqueId")
        try fixture.apply(Array(again[50..<99]), phase: .refresh)
        let keeping = Set((0..<99).map { id(9_000 + $0) })
        let end = try fixture.apply(
            [
                show(group("staff", 3000, [dn("p1")], uuid: id(5))),
                .sweep(search: 0, keeping: keeping.union([id(5)])),
            ], phase: .refreshEnd)
        #expect(end.newlyHeld.isEmpty)
        #expect(fixture.host.people.count == 99)
        #expect(fixture.host.person("p1")?.uuid == id(9_001))
        #expect(fixture.host.person("p1")?.groups == [3000])
        #expect(fixture.host.groups == before.groups)
        #expect(fixture.host.misfits.isEmpty)
        #expect(try fixture.stored() == fixture.host)
    }

    @Test("the brake protects the sweep of a new identity too")
    func identitySweep() throws {
        let fixture = try StoreFixture()
        try fixture.apply(crowd(100), phase: .refreshEnd, identity: "one")
        let again = (0..<50).map { number in
            show(person("p\(number)", 20_000 + UInt32(number), uuid: id(9_000 + number)))
        }
        let keeping = Set((0..<50).map { id(9_000 + $0) })
        try fixture.apply(
            again + [.sweep(search: 0, keeping: keeping)], phase: .refreshEnd, identity: "two")
        #expect(fixture.host.people.count == 100)
        #expect(try fixture.store.reader.held().count == 50)
    }
}
