// What a store must not pile up over months, and searches that take each other's place.

import Accounts
import GRDB
import Testing

@testable import AccountStore

@Suite struct LongRunTests {
    private let bases = ["ou=people,dc=example", "ou=groups,dc=example"]

    @Test("when two searches take the place of one, none takes away what the other will show")
    func assigned() throws {
        let groups = (0..<5).map { group("g\($0)", 100 + UInt32($0), [dn("p1")]) }
        let fixture = try StoreFixture(crowd(20) + groups.map(show))
        let before = fixture.host
        try fixture.apply([.assign(bases: bases)], phase: .refresh)
        let people = Set((0..<20).map { id(20_000 + $0) })
        try fixture.apply([.sweep(search: 0, keeping: people)], phase: .refresh)
        #expect(fixture.host == before)
        // The second one shows all groups but one; and who goes from the first goes at once.
        try fixture.apply([hide(id(20_003))], phase: .refresh)
        #expect(fixture.host.person("p3") == nil)
        try fixture.apply(
            groups.dropFirst().map { .upsert($0, search: 1) }
                + [.sweep(search: 1, keeping: Set(groups.dropFirst().map(\.entry.uuid)))],
            phase: .refreshEnd)
        #expect(fixture.host.groups.count == 4 && fixture.host.members("g0") == nil)
        #expect(try fixture.stored() == fixture.host)
        try fixture.expectCounted()
    }

    @Test("what lies below no base, or is held, stays with the search that showed it")
    func unassigned() throws {
        let elsewhere = person("far", 30_000, dn: "uid=far,ou=elsewhere,dc=example")
        let fixture = try StoreFixture(crowd(100) + [show(elsewhere)])
        try fixture.apply((0..<30).map { hide(id(20_000 + $0)) })
        #expect(try fixture.store.reader.held().count == 30)
        try fixture.apply([.assign(bases: bases)], phase: .refresh)
        #expect(try fixture.store.reader.held().count == 30)
        let people = Set((30..<100).map { id(20_000 + $0) })
        try fixture.apply([.sweep(search: 0, keeping: people)], phase: .refresh)
        #expect(fixture.host.person("far") == nil)
        #expect(fixture.host.people.count == 100)
    }

    @Test("the rows of removals stay few while a hold stands for weeks, and lose nothing")
    func removals() throws {
        let fixture = try StoreFixture(crowd(300))
        try fixture.apply((0..<100).map { hide(id(20_000 + $0)) })
        #expect(try fixture.store.reader.held().count == 100)
        for number in 0..<150 {
            fixture.now += 3600
            try fixture.apply([hide(id(20_100 + number))])
        }
        let (rows, total) = try fixture.tamper { database in
            try (
                Int.fetchOne(database, sql: "SELECT count(*) FROM removals WHERE kind = 1") ?? 0,
                Int.fetchOne(database, sql: "SELECT sum(count) FROM removals WHERE kind = 1") ?? 0
            )
        }
        // 150 hours are a part of eight days, and the last ten minutes have rows of their own.
        #expect(rows <= 10)
        #expect(total == 150)
        // All that went since it began keeps the hold from being settled.
        try fixture.apply([.settleHeld])
        #expect(try fixture.store.reader.held().count == 100)
    }

    @Test("what the journal has leaves the outbox, whatever the steps", arguments: [1, 2, 3])
    func outbox(_ step: Int) throws {
        let fixture = try StoreFixture(crowd(50))
        // An odd number of entries first.
        try fixture.apply([show(person("odd", 40_000))])
        for turn in 0..<(1500 / step) {
            fixture.now += 3600
            let numbers = (0..<step).map { 30_000 + UInt32($0) }
            let isThere = turn % 2 == 1
            try fixture.apply(
                numbers.map { isThere ? hide(id(Int($0))) : show(person("n\($0)", $0)) })
        }
        let (outbox, journal) = try (
            fixture.tamper { try Int.fetchOne($0, sql: "SELECT count(*) FROM outbox") ?? 0 },
            fixture.tamper("journal.sqlite") {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM journal") ?? 0
            }
        )
        #expect(outbox <= 1000 + 100 + step)
        #expect(journal >= 1500)
    }
}
