// An entry that moves from the base of one search to that of another: presence is kept per search.

import AccountStore
import Accounts
import DirectorySync
import TestSupport
import Testing

@Suite("A move between the bases of two searches of a real slapd", .serialized)
struct MoveTests {
    /// Which of the two searches tells first; both connections are their own.
    enum Order: CaseIterable, Sendable {
        case newBaseFirst, oldBaseFirst, together
    }

    private let rules = EntryRules(
        policy: AccountPolicy(),
        scope: SearchScope(peopleBase: SlapdServer.suffix, groupsBase: SlapdServer.suffix),
        local: LocalAccounts(), shells: InstalledShells(["/bin/bash", "/bin/sh"]))

    /// What a search told since it was asked last, as the store takes it.
    private func take(_ mirror: MirrorClient, search: Int) -> [StoreChange] {
        defer { mirror.changes = [] }
        return mirror.changes.compactMap { change in
            switch change {
            case .upsert(let entry): .upsert(rules.evaluate(entry), search: search)
            case .delete(let uuid): .remove(uuid, search: search)
            default: nil
            }
        }
    }

    private func names(_ store: AccountStore) throws -> [String] {
        try store.reader.snapshot { snapshot throws(StoreError) in
            var names: [String] = []
            try snapshot.forEachPerson { names.append($0.passwd.name) }
            return names.sorted()
        }
    }

    @Test(
        "is no removal, and whoever went with the old base's word is back with the new one's",
        arguments: Order.allCases)
    func move(order: Order) throws {
        var options = SlapdOptions()
        options.people = 3
        let server = try SlapdServer(options)
        let mirrors = [SlapdServer.people, SlapdServer.groups].map {
            MirrorClient(server, base: $0)
        }
        for mirror in mirrors {
            try mirror.connect()
            #expect(try mirror.refresh())
        }
        let folder = try TemporaryDirectory("roster-move")
        let store = try AccountStore(directory: folder.path + "/store", now: 1)
        defer { store.close() }
        let load = take(mirrors[0], search: 0) + take(mirrors[1], search: 1)
        #expect(
            try store.apply(StoreBatch(changes: load, phase: .refreshEnd), now: 1)
                .firstLoadFinished)
        #expect(try names(store) == ["user1", "user2", "user3"])

        try server.rename(
            "uid=user1,\(SlapdServer.people)", to: "uid=user1", below: SlapdServer.groups)
        #expect(try mirrors[0].run { mirrors[0].people == 2 })
        #expect(try mirrors[1].run { mirrors[1].people == 1 })
        let (old, new) = (take(mirrors[0], search: 0), take(mirrors[1], search: 1))
        let batches =
            switch order {
            case .newBaseFirst: [new, old]
            case .oldBaseFirst: [old, new]
            case .together: [old + new]
            }
        var removals = 0
        for changes in batches {
            let outcome = try store.apply(StoreBatch(changes: changes, phase: .live), now: 2)
            removals += outcome.publication.people.count { $0.now == nil }
        }
        #expect(removals == (order == .oldBaseFirst ? 1 : 0))
        #expect(try names(store) == ["user1", "user2", "user3"])
        #expect(try store.reader.findings().isEmpty)

        try server.delete("uid=user1,\(SlapdServer.groups)")
        #expect(try mirrors[1].run { mirrors[1].people == 0 })
        let last = StoreBatch(changes: take(mirrors[1], search: 1), phase: .live)
        #expect(try store.apply(last, now: 3).publication.people.map(\.now) == [nil])
        #expect(try names(store) == ["user2", "user3"])
    }
}
