// Random changes against a dictionary: after every one the index shows what the dictionary holds.
import Accounts
import Testing

@testable import AccountIndex

struct IndexModelTests {
    /// What should be published.
    private struct Model {
        var people: [UInt32: PublishedPerson] = [:]
        var groups: [UInt32: IndexedGroup] = [:]

        var contents: Contents {
            Contents(
                people: Dictionary(
                    uniqueKeysWithValues: people.values.map { ($0.passwd.name, $0.indexed) }),
                groups: Dictionary(uniqueKeysWithValues: groups.values.map { ($0.key.name, $0) }))
        }
    }

    @Test("any sequence of changes and rebuilds ends with what it says", arguments: 0..<5)
    func sequence(seed: Int) throws {
        let index = try TestIndex()
        var random = Random(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1)
        var model = Model()
        var writer = try index.build([])
        for step in 0..<80 {
            var change = PublicationChange()
            for _ in 0...random.below(3) { changePerson(&model, &change, &random) }
            if random.below(2) == 0 { changeGroup(&model, &change, &random) }
            _ = try writer.apply(change)
            let repeated = try writer.apply(change)
            let isNamed = change.people.contains { $0.records.map { !$0.isEmpty } ?? false }
            #expect(repeated.bytesWritten == 0 || isNamed, "step \(step)")
            if random.below(25) == 0 || writer.shouldRebuild {
                writer = try index.build(
                    Array(model.people.values), Array(model.groups.values),
                    generation: repeated.generation + 1)
            }
            try compare(index, model, step)
        }
    }

    private func compare(_ index: TestIndex, _ model: Model, _ step: Int) throws {
        let snapshot = try index.snapshot()
        #expect(try index.everything() == model.contents, "step \(step)")
        #expect(snapshot.counts.people == model.people.count, "step \(step)")
        #expect(snapshot.counts.groups == model.groups.count, "step \(step)")
        let gate = try index.snapshot(.gate)
        for uid in 70000..<70012 as Range<UInt32> {
            #expect(try snapshot.person(uid: uid) == model.people[uid]?.indexed, "step \(step)")
            #expect(try gate.gateAccount(uid: uid)?.state == model.people[uid]?.state)
        }
        if step % 20 == 0 { try snapshot.verify() }
    }

    private func changePerson(
        _ model: inout Model, _ change: inout PublicationChange, _ random: inout Random
    ) {
        let uid = UInt32(70000 + random.below(12))
        let was = model.people[uid]
        // One change of a person per publication, as the store makes them.
        if change.people.contains(where: { $0.was?.id == uid || $0.now?.passwd.uid == uid }) {
            return
        }
        var now: PublishedPerson?
        if random.below(4) > 0 {
            let name = "user\(random.below(16))"
            let isTaken = model.people.values.contains {
                $0.passwd.name == name && $0.passwd.uid != uid
            }
            if isTaken { return }
            if change.people.contains(where: { $0.was?.name == name }) { return }
            now = person(
                name, uid, shell: "/bin/sh\(random.below(3))",
                groups: (0..<random.below(4)).map { UInt32(3000 + $0) },
                state: AccountState(disabledBy: random.below(3) == 0 ? "" : nil))
        }
        if was == nil && now == nil { return }
        model.people[uid] = now
        var made = PersonChange(was: was?.key, now: now)
        if made.keepsKeys, random.below(2) == 0 { made.records = differences(was, now) }
        change.people.append(made)
    }

    /// The records in which two states of a person differ.
    private func differences(_ was: PublishedPerson?, _ now: PublishedPerson?) -> PersonRecords {
        var records: PersonRecords = []
        if was?.indexed != now?.indexed { records.insert(.passwd) }
        if was?.state != now?.state || was?.passwd.gid != now?.passwd.gid { records.insert(.gate) }
        return records
    }

    private func changeGroup(
        _ model: inout Model, _ change: inout PublicationChange, _ random: inout Random
    ) {
        let gid = UInt32(3000 + random.below(4))
        let was = model.groups[gid]
        if random.below(8) == 0 {
            model.groups[gid] = nil
            if let was {
                change.groups.append(
                    GroupChange(was: was.key, now: nil, membersAdded: [], membersRemoved: []))
            }
            return
        }
        let name = random.below(3) == 0 ? "renamed\(gid)-\(random.below(3))" : "group\(gid)"
        let old = Set(was?.members ?? [])
        let added = Set((0..<random.below(300)).map { _ in "user\(random.below(1000))" })
        let removed = Set(old.filter { _ in random.below(4) == 0 }).subtracting(added)
        let now = group(name, gid, Array(old.union(added).subtracting(removed)))
        model.groups[gid] = now
        change.groups.append(
            GroupChange(
                was: was?.key, now: now.key, membersAdded: Array(added),
                membersRemoved: Array(removed)))
    }
}

/// A generator whose failures can be repeated.
struct Random {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(limit))
    }
}
