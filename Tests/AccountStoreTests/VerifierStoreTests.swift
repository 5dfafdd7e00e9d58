// Verifiers: what is kept, for whom, and what makes it go.

import Accounts
import Foundation
import GRDB
import Testing

@testable import AccountStore

private let anna = EntryUUID(high: 0, low: 1)
private let ben = EntryUUID(high: 0, low: 2)
private let boot: UInt64 = .max - 5

private func moment(_ seconds: Int64, boot: UInt64 = boot) -> VerifierMoment {
    VerifierMoment(at: 1_800_000_000 + seconds, uptime: 1000 + seconds, boot: boot)
}

private func stored(
    _ uuid: EntryUUID, _ name: String, stamp: String = "s1", marks: UInt8 = 0xA7
) -> StoredVerifier {
    StoredVerifier(
        uuid: uuid, name: name, verifier: [UInt8](repeating: marks, count: 52), stamp: stamp,
        acceptedAt: moment(0))
}

private func published(
    _ uuid: EntryUUID, _ name: String, stamp: String = "s1"
) -> PublishedPerson {
    var person = PublishedPerson(
        uuid: uuid,
        passwd: PasswdFields(
            name: name, uid: 20001, gid: 20000, gecos: "", home: "/home/\(name)", shell: "/bin/sh"),
        groups: [], state: .active)
    person.login.passwordStamp = stamp
    return person
}

private final class Folder {
    let path = "/tmp/roster-verifiers-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    var file: String { path + "/verifiers.sqlite" }
    init() throws { try #require(unsafe mkdir(path, 0o700) == 0) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Every octet that the folder holds.
    func octets() throws -> Data {
        try FileManager.default.contentsOfDirectory(atPath: path).reduce(into: Data()) {
            $0 += try Data(contentsOf: URL(fileURLWithPath: path + "/" + $1))
        }
    }
}

@Suite struct VerifierStoreTests {
    private let folder: Folder
    private let store: VerifierStore

    init() throws {
        folder = try Folder()
        store = try VerifierStore(directory: folder.path)
    }

    private func change(
        _ was: PublishedKey?, _ now: PublishedPerson?
    ) -> PublicationChange {
        PublicationChange(people: [PersonChange(was: was, now: now)])
    }

    private let annasKey = PublishedKey(name: "anna", id: 20001)

    @Test("what is put is read again, also by the next process, and by nobody else")
    func kept() throws {
        try store.put(stored(anna, "anna"))
        #expect(try store.verifier(of: anna) == stored(anna, "anna"))
        #expect(try store.verifier(of: ben) == nil)
        for suffix in ["", "-wal", "-shm"] {
            var status = stat()
            #expect(unsafe stat(folder.file + suffix, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600, "verifiers.sqlite\(suffix)")
        }
        store.close()
        let again = try VerifierStore(directory: folder.path)
        #expect(again.discarded == nil)
        #expect(try again.verifier(of: anna) == stored(anna, "anna"))
        #expect(again.count == 1)
    }

    @Test("failures are counted, outlive the process, and end with a right password")
    func failures() throws {
        try store.put(stored(anna, "anna"))
        try store.noteFailure(anna, at: moment(5))
        try store.noteFailure(anna, at: moment(9))
        store.close()
        let again = try VerifierStore(directory: folder.path)
        #expect(try again.verifier(of: anna)?.failures == 2)
        #expect(try again.verifier(of: anna)?.lastFailure == moment(9))
        try again.noteSuccess(anna)
        #expect(try again.verifier(of: anna)?.failures == 0)
        #expect(try again.verifier(of: anna)?.lastFailure == nil)
        #expect(try again.verifier(of: anna)?.acceptedAt == moment(0))
        try again.noteFailure(anna, at: moment(10))
        try again.noteAccepted(anna, at: moment(20))
        #expect(try again.verifier(of: anna)?.failures == 0)
        #expect(try again.verifier(of: anna)?.acceptedAt == moment(20))
    }

    @Test("a person who is unchanged keeps the verifier")
    func unchanged() throws {
        try store.put(stored(anna, "anna"))
        var person = published(anna, "anna")
        person.passwd.shell = "/bin/zsh"
        person.groups = [20001]
        try store.forget(after: change(annasKey, person))
        try store.forget(after: change(nil, published(ben, "ben")))
        #expect(store.count == 1)
    }

    @Test("the verifier goes with the person, the state, the name, the entry or the password")
    func forgotten() throws {
        var disabled = published(anna, "anna")
        disabled.state.disabledBy = "nsAccountLock=true"
        var blocked = published(anna, "anna")
        blocked.login.isBlocked = true
        let changes = [
            change(annasKey, nil), change(annasKey, disabled), change(annasKey, blocked),
            change(annasKey, published(anna, "annette")),
            change(annasKey, published(ben, "anna")),
            change(annasKey, published(anna, "anna", stamp: "s2")),
        ]
        for change in changes {
            try store.put(stored(anna, "anna"))
            try store.put(stored(EntryUUID(high: 0, low: 3), "other"))
            try store.forget(after: change)
            #expect(try store.verifier(of: anna) == nil, "\(change)")
            #expect(store.count == 1)
        }
    }

    @Test("what is forgotten is in no octet of any file any more")
    func overwritten() throws {
        let marks = [UInt8](repeating: 0xA7, count: 52)
        try store.put(stored(anna, "anna"))
        #expect(try folder.octets().range(of: Data(marks)) != nil)
        try store.forget(names: ["anna"])
        #expect(try folder.octets().range(of: Data(marks)) == nil)
    }

    @Test("what was learnt meanwhile is not undone by a verifier that took its time")
    func late() throws {
        try store.put(stored(anna, "anna"), ifStill: { false })
        #expect(store.count == 0)
        try store.put(stored(anna, "anna"))
        try store.put(stored(anna, "annette"), ifStill: { false })
        #expect(try store.verifier(of: anna) == stored(anna, "anna"))
        try store.forget(names: ["anna"])
        #expect(store.count == 0)
    }

    @Test("a change that comes while a first verifier is being put still costs it")
    func gap() throws {
        let forgetting = DispatchSemaphore(value: 0)
        let other = change(annasKey, published(anna, "anna", stamp: "s2"))
        let thread = Thread { [store] in
            // Its beginning does not wait for the transaction, its end does.
            try? store.forget(after: other)
            forgetting.signal()
        }
        var isOver = false
        let isKept = try store.put(stored(anna, "anna")) {
            // The store said yes; now, before the verifier is in, a change is published.
            thread.start()
            isOver = forgetting.wait(timeout: .now() + .milliseconds(300)) == .success
            return true
        }
        #expect(isKept)
        #expect(!isOver)
        if !isOver { forgetting.wait() }
        #expect(try store.verifier(of: anna) == nil)
        #expect(store.count == 0)
    }

    @Test("a refusal keeps the verifier unused until the next yes, which also says who must change")
    func refusals() throws {
        try store.noteRefused(anna, at: moment(1))
        #expect(try store.verifier(of: anna) == nil)
        var verifier = stored(anna, "anna")
        verifier.mustChange = true
        try store.put(verifier)
        #expect(try store.verifier(of: anna) == verifier)
        try store.noteRefused(anna, at: moment(7))
        store.close()
        let again = try VerifierStore(directory: folder.path)
        #expect(try again.verifier(of: anna)?.refusedAt == moment(7).at)
        #expect(try again.verifier(of: anna)?.mustChange == true)
        try again.noteAccepted(anna, at: moment(8))
        #expect(try again.verifier(of: anna)?.refusedAt == nil)
        #expect(try again.verifier(of: anna)?.mustChange == false)
        try again.noteAccepted(anna, at: moment(9), mustChange: true)
        #expect(try again.verifier(of: anna)?.mustChange == true)
        try again.noteRefused(anna, at: moment(10))
        try again.put(stored(anna, "anna"))
        #expect(try again.verifier(of: anna) == stored(anna, "anna"))
    }

    @Test("verifiers that the former version kept are read on")
    func formerVersion() throws {
        try store.put(stored(anna, "anna"))
        store.close()
        let queue = try DatabaseQueue(path: folder.file)
        try queue.writeWithoutTransaction {
            try $0.execute(
                sql: """
                    ALTER TABLE verifiers DROP COLUMN mustChange;
                    ALTER TABLE verifiers DROP COLUMN refusedAt;
                    DELETE FROM grdb_migrations WHERE identifier = 'refusals';
                    PRAGMA user_version = 1;
                    """)
        }
        try queue.close()
        let again = try VerifierStore(directory: folder.path)
        #expect(again.discarded == nil)
        #expect(try again.verifier(of: anna) == stored(anna, "anna"))
    }

    @Test("damage and a newer program's file: begun anew, and nothing is kept aside")
    func disposable() throws {
        try store.put(stored(anna, "anna"))
        store.close()
        let queue = try DatabaseQueue(path: folder.file)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 99") }
        try queue.close()
        let second = try VerifierStore(directory: folder.path)
        #expect(second.discarded?.contains("newer") == true)
        #expect(second.count == 0)
        second.close()
        try Data(repeating: 0x5A, count: 8192).write(to: URL(fileURLWithPath: folder.file))
        let third = try VerifierStore(directory: folder.path)
        #expect(third.discarded != nil)
        try third.put(stored(anna, "anna"))
        #expect(third.count == 1)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(files.allSatisfy { !$0.contains("aside") && !$0.contains("damaged") })
        var status = stat()
        #expect(unsafe stat(folder.file, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test("at the start what the store does not bear out is forgotten")
    func reconciled() throws {
        let mirror = try StoreFixture([show(person("anna", 20001)), show(person("ben", 20002))])
        let people = try mirror.stored().people.values
        for person in people {
            try store.put(stored(person.uuid, person.passwd.name, stamp: ""))
        }
        try store.put(stored(EntryUUID(high: 7, low: 7), "carl"))
        let named = try #require(people.first { $0.passwd.name == "ben" })
        try store.put(stored(named.uuid, "ben", stamp: "another"))
        try store.reconcile(with: mirror.store.reader)
        #expect(store.count == 1)
        let left = try #require(people.first { $0.passwd.name == "anna" })
        #expect(try store.verifier(of: left.uuid) != nil)
    }

    @Test("ages: the steady clock within a boot, else the latest time that is known")
    func ages() {
        let first = moment(0)
        #expect(moment(60).seconds(since: first, newest: 0) == 60)
        var clockSet = moment(60)
        clockSet.at -= 100_000
        #expect(clockSet.seconds(since: first, newest: 0) == 60)
        let rebooted = VerifierMoment(at: first.at + 500, uptime: 3, boot: 1)
        #expect(rebooted.seconds(since: first, newest: 0) == 500)
        #expect(rebooted.seconds(since: first, newest: first.at + 9000) == 9000)
        let setBack = VerifierMoment(at: first.at - 500, uptime: 3, boot: 1)
        #expect(setBack.seconds(since: first, newest: 0) == 3)
        #expect(setBack.seconds(since: first, newest: first.at + 90) == 90)
    }

    @Test("ages: a boot that is unknown or began anew is another one; it lasted as long as it says")
    func otherBoots() {
        let first = moment(0)
        // The steady clock of one boot does not run backwards: this is another boot.
        let rewound = VerifierMoment(at: first.at + 500, uptime: first.uptime - 1, boot: boot)
        #expect(rewound.seconds(since: first, newest: 0) == 999)
        #expect(rewound.seconds(since: first, newest: first.at + 7000) == 7000)
        let long = VerifierMoment(at: first.at - 500, uptime: 90_000, boot: 1)
        #expect(long.seconds(since: first, newest: 0) == 90_000)
        let unknown = moment(0, boot: 0)
        var later = moment(60, boot: 0)
        later.at = unknown.at + 8000
        #expect(later.seconds(since: unknown, newest: 0) == 8000)
        later.at = unknown.at - 8000
        #expect(later.seconds(since: unknown, newest: 0) == 60)
        let extreme = VerifierMoment(at: .max, uptime: .max, boot: 5)
        let earliest = VerifierMoment(at: .min, uptime: .min, boot: 5)
        #expect(extreme.seconds(since: earliest, newest: 0) == .max)
        #expect(earliest.seconds(since: extreme, newest: 0) == 0)
    }
}
