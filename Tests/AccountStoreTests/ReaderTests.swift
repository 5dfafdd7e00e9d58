// What the store tells the command and the index builder.

import Accounts
import GRDB
import Testing

@testable import AccountStore

@Suite struct ReaderTests {
    @Test("the summary counts what is published, withheld and held")
    func summary() throws {
        let fixture = try StoreFixture(
            crowd(60) + [
                show(person("alice", 20_100, withheld: "uid: local")),
                show(person("p1", 20_101)), show(group("staff", 3000, [dn("p1")])),
                show(group(nil, nil, [])),
            ])
        try fixture.apply((30..<60).map { hide(id(20_000 + $0)) })
        let summary = try fixture.store.reader.summary()
        #expect(summary.people == 60 && summary.groups == 1)
        #expect(summary.withheld == 2 && summary.heldPeople == 30 && summary.entries == 34)
        #expect(!summary.isLoading && summary.revision == 2)
    }

    @Test("what is withheld or noted is listed with its reasons")
    func findings() throws {
        let fixture = try StoreFixture(
            crowd(2) + [
                show(person("alice", 20_100, withheld: "uid: a local account")),
                show(person("bob", 20_101, notes: ["loginShell: not installed", "gecos: cut"])),
            ])
        let findings = try fixture.store.reader.findings()
        #expect(findings.map(\.name) == ["alice", "bob"])
        #expect(findings.map(\.withheld) == ["uid: a local account", nil])
        #expect(findings.last?.notes == ["loginShell: not installed", "gecos: cut"])
        #expect(findings.first?.dn == dn("alice") && findings.first?.id == 20_100)
    }

    @Test("a person is shown with groups, and a withheld namesake beside")
    func details() throws {
        let fixture = try StoreFixture(
            crowd(2) + [
                show(person("p1", 20_500)), show(group("b", 3000, ["p1"])),
                show(group("a", 3001, [groupDN("b")])),
            ])
        let people = try fixture.store.reader.people(named: "p1")
        #expect(people.count == 2)
        let shown = try #require(people.first { $0.published != nil })
        #expect(shown.uuid == id(20_001) && shown.withheld == nil && shown.heldSince == nil)
        #expect(
            shown.groups == [PublishedKey(name: "a", id: 3001), PublishedKey(name: "b", id: 3000)])
        #expect(shown.lastConfirmed == fixture.now)
        #expect(people.contains { $0.uuid == id(20_500) && $0.withheld != nil })
        #expect(try fixture.store.reader.people(named: "nobody").isEmpty)
    }

    @Test("the journal tells what happened, when, and when the directory says it did")
    func history() throws {
        let fixture = try StoreFixture(crowd(20))
        fixture.now += 7
        let late = "20270115080001.000000Z#000000#000#000000"
        try fixture.apply([show(person("alice", 20_100, stamp: late))])
        try fixture.apply([show(person("smith", 20_100, dn: dn("alice"), stamp: late))])
        try fixture.apply([show(person("smith", 20_100, disabled: true, stamp: ""))])
        fixture.now += 1
        try fixture.apply([hide(id(20_100))])
        let history = try fixture.store.reader.history(name: "smith")
        #expect(history.map(\.what) == [.removed, .disabled, .renamed])
        #expect(history.map(\.at) == [fixture.now, fixture.now - 1, fixture.now - 1])
        #expect(history.map(\.happenedAt) == [nil, nil, 1_800_000_001])
        #expect(history.last?.oldName == "alice" && history.last?.oldID == nil)
        #expect(
            try fixture.store.reader.history(name: "alice").map(\.what) == [.renamed, .appeared])
        let all = try fixture.store.reader.history()
        #expect(all.last?.what == .firstLoad && all.last?.id == 20)
        #expect(try fixture.store.reader.history(limit: 2).count == 2)
    }

    @Test("groups are handed out with members in the order of their octets")
    func sortedMembers() throws {
        let fixture = try StoreFixture()
        let names = ["b", "a", "B", "_x", "a1", "ab", "Z9"]
        try fixture.apply(
            names.enumerated().map { show(person($1, 20_000 + UInt32($0))) }
                + [show(group("all", 3000, names))], phase: .refreshEnd)
        var members: [String] = []
        try fixture.store.reader.snapshot { snapshot throws(StoreError) in
            #expect(snapshot.peopleCount == 7 && snapshot.groupCount == 1)
            try snapshot.forEachGroup { _, listed in members = listed }
        }
        #expect(members == ["B", "Z9", "_x", "a", "a1", "ab", "b"])
    }

    @Test("a snapshot says which changes it contains")
    func revision() throws {
        let fixture = try StoreFixture(crowd(3))
        let change = try fixture.apply([show(person("alice", 20_100))])
        #expect(change.revision == 2)
        #expect(try fixture.apply([show(person("alice", 20_100))]).revision == 2)
        let revision = try fixture.store.reader.snapshot { snapshot in snapshot.revision }
        #expect(revision == 2)
    }

    @Test(
        "exactly the outcomes with a higher revision bring a snapshot up to date", arguments: 0..<9)
    func replay(place: Int) throws {
        let fixture = try StoreFixture(crowd(20))
        var batches: [[StoreChange]] = (0..<4).map { [show(person("n\($0)", 30_000 + $0))] }
        // Twice the same: nothing changes; then a name that passes on, and one back.
        batches += [[show(person("n3", 30_003))], [hide(id(30_000))]]
        batches += [[show(person("smith", 30_001, dn: dn("n1")))], [], crowd(20) + batches[0]]
        var outcomes: [StoreOutcome] = []
        for batch in batches[..<place] { outcomes.append(try fixture.apply(batch)) }
        var (host, revision) = (Host(), Int64(0))
        try fixture.store.reader.snapshot { snapshot throws(StoreError) in
            // What is applied while the snapshot is read is not in it.
            for batch in batches[place...] {
                let batch = StoreBatch(changes: batch, phase: .live)
                outcomes.append(try fixture.store.apply(batch, now: fixture.now))
            }
            revision = snapshot.revision
            try snapshot.forEachPerson { host.people[$0.key] = $0 }
        }
        for outcome in outcomes where outcome.revision > revision {
            host.follow(outcome.publication)
        }
        let stored = try fixture.stored()
        #expect(host.difference(to: stored).isEmpty)
        let changing = outcomes.filter { !$0.publication.isEmpty }.map(\.revision)
        #expect(changing == (0..<Int64(changing.count)).map { $0 + 2 })
        #expect(outcomes.map(\.revision) == outcomes.map(\.revision).sorted())
    }

    @Test("the summary and a person cost no look at all entries or groups")
    func cheap() throws {
        let fixture = try StoreFixture(
            crowd(40) + [
                show(person("alice", 20_100, withheld: "uid: local")),
                show(person("p1", 20_101)), show(group("a", 3001, [groupDN("b")])),
                show(group("b", 3000, ["p1", "p2"])),
            ])
        try fixture.apply((0..<20).map { hide(id(20_020 + $0)) })
        try fixture.expectCounted()
        let before = try fixture.store.reader.summary()
        #expect(before.memberships == 4 && before.heldPeople == 20 && before.entries == 24)
        // A count would now find fewer.
        try fixture.tamper { database in
            try database.execute(
                sql: """
                    DELETE FROM entries WHERE name NOT IN ('p1', 'a', 'b');
                    DELETE FROM published WHERE pk NOT IN (SELECT pk FROM entries);
                    DELETE FROM members; DELETE FROM held; DELETE FROM blocked;
                    """)
        }
        #expect(try fixture.store.reader.summary() == before)
        let shown = try fixture.store.reader.people(named: "p1").first { $0.published != nil }
        #expect(shown?.groups.map(\.name) == ["a", "b"])
        #expect(shown?.published?.groups == [3000, 3001])
    }

    @Test("a store without counts is counted")
    func uncounted() throws {
        let fixture = try StoreFixture(crowd(4) + [show(group("a", 3001, ["p1"]))])
        let before = try fixture.store.reader.summary()
        try fixture.tamper { try $0.execute(sql: "DELETE FROM meta WHERE key = 'totals'") }
        #expect(try fixture.store.reader.summary() == before)
        try fixture.reopen()
        try fixture.apply([show(person("alice", 20_100))])
        #expect(try fixture.store.reader.summary().people == 5)
        try fixture.expectCounted()
    }

    @Test("all entries may be evaluated again while they are read, with events for the journal")
    func reevaluatedWhileRead() throws {
        let fixture = try StoreFixture(crowd(4500))
        var batch: [StoreChange] = []
        var count = 0
        try fixture.store.reader.forEachEntry { stored in
            let name = String(stored.entry.dn.dropFirst(4).prefix { $0 != "," })
            let uid = UInt32(truncatingIfNeeded: stored.createdAt)
            batch.append(.reevaluated(person(name, uid, disabled: true)))
            guard batch.count == 2000 else { return }
            count += (try? fixture.apply(batch).journalEntries) ?? 0
            batch = []
        }
        count += try fixture.apply(batch).journalEntries
        #expect(count == 4500)
        #expect(try fixture.store.reader.history(limit: 9999).count == 4501)
        #expect(fixture.host.people.values.filter(\.state.isDisabled).count == 4500)
    }

    @Test("stored entries come back as they were sent")
    func entries() throws {
        let alice = person("alice", 20_100)
        let fixture = try StoreFixture([show(alice)])
        var entries: [StoredEntry] = []
        try fixture.store.reader.forEachEntry { entries.append($0) }
        #expect(
            entries == [
                StoredEntry(
                    entry: alice.entry, dnKey: alice.dnKey, stamp: alice.stamp,
                    createdAt: alice.createdAt)
            ])
    }

    @Test("an error in the reader's closure comes out", arguments: [true, false])
    func closureError(people: Bool) throws {
        let fixture = try StoreFixture(crowd(3) + [show(group("staff", 3000, []))])
        let problem = StoreError(.full, file: "index", detail: "no space")
        #expect(throws: problem) {
            try fixture.store.reader.snapshot { snapshot throws(StoreError) in
                try snapshot.forEachPerson { _ throws(StoreError) in if people { throw problem } }
                try snapshot.forEachGroup { _, _ throws(StoreError) in throw problem }
            }
        }
    }

    @Test(
        "change stamps give the directory's time",
        arguments: [
            ("20270115080001.000000Z#000000#000#000000", 1_800_000_001), ("19700101000000Z", 0),
            ("20000229235959Z", 951_868_799), ("", nil), ("2027", nil), ("20271315080001Z", nil),
            ("usn:123456789012345", nil),
        ] as [(String, Int64?)])
    func stamps(stamp: String, seconds: Int64?) {
        #expect(ChangeTime.seconds(ofStamp: stamp) == seconds)
    }

    @Test(
        "dates are written as years, months and days",
        arguments: [
            (0, "1970-01-01"), (951_868_799, "2000-02-29"), (1_800_000_001, "2027-01-15"),
            (1_798_761_599, "2026-12-31"), (-5, "1970-01-01"), (Int64.max, "9999-12-31"),
        ] as [(Int64, String)])
    func dates(seconds: Int64, text: String) {
        #expect(ChangeTime.date(seconds) == text)
    }

    @Test("the numbers of members are those of SipHash-2-4")
    func sipHash() {
        // The key and the 15 octets of the paper's appendix A.
        let hash = ReferenceHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
        let text = String(decoding: (0..<15).map { UInt8($0) }, as: UTF8.self)
        let published: UInt64 = 0xa129_ca61_49be_45e5
        #expect(UInt64(bitPattern: hash.dn(text)) == published & ~1)
        #expect(UInt64(bitPattern: hash.name(text)) == published)
    }
}
