// The first load of an empty store: what ends it, what it leaves, and what it cannot publish.

import Accounts
import Testing

@testable import AccountStore

@Suite struct FirstLoadTests {
    private static func cookie(_ search: Int) -> SyncPosition {
        SyncPosition(search: search, bytes: [1, UInt8(search)], digest: [3])
    }

    @Test("a first load is published once, at its end")
    func firstLoad() throws {
        let fixture = try StoreFixture()
        let first = try fixture.apply([show(person("alice", 20001))], phase: .refresh)
        #expect(first.publication.isEmpty && !first.firstLoadFinished)
        #expect(try fixture.stored().people.isEmpty)
        let last = try fixture.apply([show(person("bob", 20002))], phase: .refreshEnd)
        #expect(last.firstLoadFinished && last.publication.isEmpty && last.revision == 1)
        #expect(last.counts.people == 2)
        #expect(fixture.host.names == ["alice", "bob"])
        try fixture.expectCounted()
    }

    @Test("nothing but the end of the refresh ends a first load", arguments: 0..<6)
    func liveBatch(_ place: Int) throws {
        let fixture = try StoreFixture()
        try fixture.apply(crowd(20), phase: .refresh)
        let batches: [[StoreChange]] = [
            [], [.acceptRemovals], [.releaseReuse(name: "p1")],
            [.reevaluated(person("p1", 20_001, withheld: "uid: local"))],
            [show(person("alice", 20_100))], [.confirmRemoved([id(20_001)])],
        ]
        let outcome = try fixture.apply(batches[place])
        #expect(!outcome.firstLoadFinished && outcome.firstLoadProblem == nil)
        #expect(outcome.publication.isEmpty && outcome.revision == 0)
        let summary = try fixture.store.reader.summary()
        #expect(summary.isLoading && summary.people == 0)
        #expect(summary.entries == [20, 20, 20, 20, 21, 19][place])
        #expect(summary.withheld == (place == 3 ? 1 : 0))
        #expect(try fixture.stored().people.isEmpty)
        let end = try fixture.apply([], phase: .refreshEnd)
        #expect(end.firstLoadFinished && end.counts.people == [20, 20, 20, 19, 21, 19][place])
        try fixture.expectCounted()
    }

    @Test("a first load to which the directory shows nobody is reported, and goes on")
    func nobodyShown() throws {
        let fixture = try StoreFixture()
        try fixture.apply([show(group("staff", 3000, []))], phase: .refresh, cookie: Self.cookie(1))
        let outcome = try fixture.apply(
            [.sweep(search: 0, keeping: [])], phase: .refreshEnd, cookie: Self.cookie(0))
        #expect(outcome.firstLoadProblem == .nobodyShown && !outcome.firstLoadFinished)
        #expect(try fixture.store.reader.cookies().isEmpty)
        #expect(try fixture.store.reader.summary().isLoading)
        let next = try fixture.apply(crowd(2), phase: .refreshEnd)
        #expect(next.firstLoadFinished && next.firstLoadProblem == nil)
        #expect(fixture.host.names == ["p0", "p1"])
    }

    @Test("a first load whose people are all withheld says how many, and why one is")
    func allWithheld() throws {
        let fixture = try StoreFixture()
        let people = (0..<3).map {
            show(person("p\($0)", 500 + UInt32($0), withheld: "uidNumber: below 1000"))
        }
        let outcome = try fixture.apply(people, phase: .refreshEnd, cookie: Self.cookie(0))
        let example = "uid=p0,ou=people,dc=example: uidNumber: below 1000"
        #expect(outcome.firstLoadProblem == .allWithheld(count: 3, example: example))
        #expect(!outcome.firstLoadFinished && outcome.publication.isEmpty)
        #expect(try fixture.store.reader.cookies().isEmpty)
        #expect(try fixture.store.reader.summary().withheld == 3)
        try fixture.apply([.reevaluated(person("p1", 501))])
        #expect(try fixture.stored().people.isEmpty)
        #expect(try fixture.apply([], phase: .refreshEnd).firstLoadFinished)
        #expect(fixture.host.names == ["p1"])
        try fixture.expectCounted()
    }

    @Test("a first load whose people are all kept back by the re-use rule is reported the same way")
    func allBlocked() throws {
        let fixture = try StoreFixture(crowd(2))
        try fixture.apply([hide(id(20_000))])
        fixture.close()
        StoreFixture.removeStore(fixture.directory)
        try fixture.reopen()
        let rival = show(person("rival", 20_000, uuid: id(1)))
        let outcome = try fixture.apply([rival], phase: .refreshEnd)
        guard case .allWithheld(1, let example) = outcome.firstLoadProblem else {
            Issue.record("\(outcome)")
            return
        }
        #expect(example.hasPrefix("uid=rival,ou=people,dc=example: uidNumber: id re-use"))
        try fixture.apply([show(person("p1", 20_001))], phase: .refresh)
        #expect(try fixture.apply([], phase: .refreshEnd).firstLoadFinished)
        #expect(fixture.host.names == ["p1"])
        #expect(try fixture.reason(id(1)) != nil)
        try fixture.expectCounted()
    }

    @Test("the cookie of the search that ends first is kept, and its entries with it")
    func twoSearches() throws {
        let fixture = try StoreFixture()
        try fixture.apply(
            crowd(3) + [.sweep(search: 0, keeping: Set((0..<3).map { id(20_000 + $0) }))],
            phase: .refresh, cookie: Self.cookie(0))
        try fixture.apply(
            [
                .upsert(group("staff", 3000, ["p1"]), search: 1),
                .sweep(search: 1, keeping: [id(1_003_000)]),
            ], phase: .refreshEnd, cookie: Self.cookie(1))
        #expect(try fixture.store.reader.cookies() == [Self.cookie(0), Self.cookie(1)])
        #expect(fixture.host.people.count == 3 && fixture.host.members("staff") == ["p1"])
    }

    @Test("no cookie outlives the first load that it belongs to")
    func abandoned() throws {
        let fixture = try StoreFixture()
        try fixture.apply(crowd(3), phase: .refresh, cookie: Self.cookie(0), identity: "one")
        try fixture.apply([], phase: .refresh, identity: "two")
        #expect(try fixture.store.reader.cookies().isEmpty)
        try fixture.apply(crowd(3), phase: .refresh, cookie: Self.cookie(0))
        #expect(try fixture.store.reader.cookies() == [Self.cookie(0)])
        try fixture.reopen()
        #expect(fixture.store.opening.store == .setAside("its first load was interrupted"))
        #expect(try fixture.store.reader.cookies().isEmpty)
    }

    @Test("the rules of a first load are kept")
    func rules() throws {
        let fixture = try StoreFixture()
        var batch = StoreBatch(changes: crowd(2), phase: .live)
        batch.rulesFingerprint = .max
        _ = try fixture.store.apply(batch, now: fixture.now)
        #expect(try fixture.store.reader.rulesFingerprint() == .max)
    }
}
