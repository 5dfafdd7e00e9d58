// What is taken together into one transaction, and when.

import Accounts
import DirectorySync
import Testing

@testable import AccountStore
@testable import RosterDaemon

@Suite("Batch of changes")
struct ChangeBatchTests {
    private static let alice = EntryUUID(high: 1, low: 1)

    private static func batch(_ changes: [SyncChange], at time: Duration = .zero) -> ChangeBatch {
        var batch = ChangeBatch()
        for change in changes { batch.add(change, search: 0, now: time) }
        return batch
    }

    private static func entry(_ uuid: EntryUUID = alice) -> DirectoryEntry {
        DirectoryEntry(uuid: uuid, dn: "cn=x", attributes: AttributeList())
    }

    @Test(
        "what needs no transaction is carried out all the same",
        arguments: [
            SyncChange.restart(.withoutCookie(reason: "result 53")), .changedOutside,
            .compareNow(reason: "container renamed"),
        ])
    func withoutData(change: SyncChange) {
        let batch = Self.batch([change])
        #expect(batch.changesNothing)
        #expect(!batch.isEmpty)
        #expect(batch.isDue(now: .zero, isRefreshing: false))
    }

    @Test("a restart is carried out at once, also during a refresh")
    func restart() {
        let batch = Self.batch([.restart(.withStoredCookie(reason: "ended"))])
        #expect(batch.isFull)
        #expect(batch.isDue(now: .zero, isRefreshing: true))
    }

    @Test("a live change is due at once, one of a refresh after a while or with many others")
    func due() {
        let one = Self.batch([.delete(Self.alice)], at: .seconds(1))
        #expect(one.isDue(now: .seconds(1), isRefreshing: false))
        #expect(!one.isDue(now: .seconds(1), isRefreshing: true))
        #expect(one.isDue(now: .seconds(2), isRefreshing: true))
        let many = Self.batch((0..<2000).map { .delete(EntryUUID(high: 0, low: $0)) })
        #expect(many.isDue(now: .zero, isRefreshing: true))
    }

    @Test("the end of a refresh ends its batch, sweeps what was not seen and keeps the cookie")
    func endOfRefresh() {
        let present = PresenceSet([Self.alice])
        let batch = Self.batch([
            .upsert(Self.entry()),
            .refreshEnded(RefreshOutcome(isComplete: true, present: present)),
            .newCookie([7]),
        ])
        #expect(batch.isFull)
        #expect(batch.cookies == [0: [7]])
        #expect(batch.touched == [Self.alice])
        let changes = batch.changes(by: Self.rules)
        #expect(changes.count == 2)
        guard case .sweep(search: 0, keeping: [Self.alice]) = changes.last else {
            Issue.record("the sweep is not the last change")
            return
        }
    }

    private static let rules = EntryRules(
        policy: AccountPolicy(),
        scope: SearchScope(peopleBase: "dc=example", groupsBase: "dc=example"),
        local: LocalAccounts(), shells: InstalledShells(["/bin/bash"]))
}
