// Crashes, full disks, damaged and foreign files: the old state or the new one, never a third.

import Accounts
import GRDB
import Glibc
import Testing

@testable import AccountStore

@Suite struct DurabilityTests {
    /// What the killed process was doing: every table is touched.
    private static let batch: [StoreChange] =
        [
            hide(id(20_001)), show(person("smith", 20_002, dn: dn("p2"))),
            show(person("new", 20_100)), show(person("p3", 20_003, disabled: true)),
            show(person("rival", 20_004, uuid: id(4), createdAt: 1)),
            show(group("staff", 3000, [dn("p3"), "new", groupDN("sub")])),
        ]

    private static let load =
        crowd(20) + [
            show(group("staff", 3000, [dn("p1"), dn("p2"), "p3"])),
            show(group("sub", 3001, [dn("p5")])),
        ]

    /// Where the process is killed: statements of the store from its opening to its end (400: not
    /// before that), or of the journal.
    private static let kills =
        [30, 60, 85, 95, 105, 115, 120, 125, 130, 135, 400].map {
            StoreTesting(killAtStatement: $0)
        } + [10, 16, 19, 22, 25, 28].map { StoreTesting(killAtJournalStatement: $0) }

    @Test(
        "a process killed at any statement leaves the old state or the new one, journal included",
        arguments: kills.indices)
    func killed(place: Int) async throws {
        let fixture = try StoreFixture(Self.load)
        let old = fixture.host
        let expected = try StoreFixture(Self.load)
        try expected.apply(Self.batch)
        let new = expected.host
        fixture.close()
        let directory = fixture.directory
        _ = await #expect(processExitsWith: .signal(SIGKILL)) {
            [directory = directory as String, place] in
            let store = try AccountStore(
                directory: directory, rules: StoreRules(), now: 1_800_000_000,
                testing: DurabilityTests.kills[place])
            let batch = StoreBatch(changes: DurabilityTests.batch, phase: .live)
            _ = try store.apply(batch, now: 1_800_000_001)
            _ = store.writeJournal()
            kill(getpid(), SIGKILL)
        }
        try fixture.reopen()
        #expect(fixture.store.opening == StoreOpening())
        let found = try fixture.stored()
        #expect(found == old || found == new)
        let isCommitted = Self.kills[place].killAtStatement ?? 0 == 400
        let isBetween = Self.kills[place].killAtJournalStatement ?? 0 >= 16
        if isCommitted || isBetween { #expect(found == new) }
        let removed = try fixture.store.reader.history(name: "p1").map(\.what)
        #expect(removed == (found == new ? [.removed] : []))
        fixture.host = found
        try fixture.apply(Self.batch)
        #expect(try fixture.stored() == new)
        // What happened twice on the way is in the journal once.
        #expect(try fixture.store.reader.history(name: "p1").map(\.what) == [.removed])
    }

    private static let accessLoad =
        crowd(20) + [
            show(group("other", 3999, [])), show(group("bad", 3000, [dn("p1"), dn("p2")])),
            show(group("staff", 3001, [dn("p3")])),
        ]
    /// A deny group vanishes, an allow group changes hands, somebody is blocked: all or nothing.
    private static let accessBatch: [StoreChange] = [
        hide(id(1_003_000)), hide(id(1_003_001)),
        show(group("staff", 3001, [dn("p4")], uuid: id(9))), .block(name: "p5", byUID: 0),
    ]
    private static var accessRules: StoreRules {
        var rules = StoreRules()
        rules.allowGroups = ["staff"]
        rules.denyGroups = ["bad"]
        return rules
    }

    /// Statements of the store from its opening to beyond its end, and of the journal.
    private static let accessKills =
        stride(from: 40, through: 220, by: 12).map { StoreTesting(killAtStatement: $0) }
        + stride(from: 10, through: 40, by: 3).map { StoreTesting(killAtJournalStatement: $0) }

    @Test(
        "killed at any statement, bindings, kept members and blocks are those before or those after",
        arguments: accessKills.indices)
    func accessKilled(place: Int) async throws {
        let fixture = try StoreFixture(Self.accessLoad, rules: Self.accessRules)
        let old = (fixture.host, try fixture.store.reader.access())
        let expected = try StoreFixture(Self.accessLoad, rules: Self.accessRules)
        try expected.apply(Self.accessBatch)
        let new = (expected.host, try expected.store.reader.access())
        try #require(old.0 != new.0 && old.1 != new.1)
        fixture.close()
        let directory = fixture.directory
        _ = await #expect(processExitsWith: .signal(SIGKILL)) {
            [directory = directory as String, place] in
            let store = try AccountStore(
                directory: directory, rules: DurabilityTests.accessRules, now: 1_800_000_000,
                testing: DurabilityTests.accessKills[place])
            let batch = StoreBatch(changes: DurabilityTests.accessBatch, phase: .live)
            _ = try store.apply(batch, now: 1_800_000_000)
            _ = store.writeJournal()
            kill(getpid(), SIGKILL)
        }
        try fixture.reopen()
        let found = (try fixture.stored(), try fixture.store.reader.access())
        #expect(found == old || found == new)
        let tables = try fixture.tamper { try StoredTables($0) }
        #expect(try fixture.tamper("journal.sqlite") { try StoredTables($0) } == tables)
        fixture.host = found.0
        try fixture.apply(Self.accessBatch)
        #expect(try fixture.stored() == new.0)
        #expect(try fixture.store.reader.access() == new.1)
        #expect(try fixture.store.reader.blocks().count == 1)
    }

    @Test(
        "a batch is published before the journal is written; a crash between them loses nothing")
    func journalLater() async throws {
        let fixture = try StoreFixture(Self.load)
        let batch = StoreBatch(changes: [hide(id(20_001))], phase: .live)
        let outcome = try fixture.store.apply(batch, now: fixture.now)
        #expect(outcome.publication.people.count == 1 && outcome.journalEntries == 1)
        #expect(try fixture.store.reader.history(name: "p1").isEmpty)
        #expect(fixture.store.writeJournal() == nil)
        #expect(try fixture.store.reader.history(name: "p1").map(\.what) == [.removed])
        #expect(fixture.store.writeJournal() == nil)
        fixture.close()
        let directory = fixture.directory
        _ = await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String] in
            let store = try AccountStore(directory: directory, now: 1_800_000_000)
            let batch = StoreBatch(changes: [hide(id(20_002))], phase: .live)
            _ = try store.apply(batch, now: 1_800_000_001)
            kill(getpid(), SIGKILL)
        }
        try fixture.reopen()
        #expect(try fixture.store.reader.history(name: "p2").map(\.what) == [.removed])
        #expect(try fixture.store.reader.history(name: "p1").count == 1)
    }

    @Test("a journal that cannot be written is said, and written by a later call or the closing")
    func journalProblem() throws {
        let fixture = try StoreFixture(Self.load)
        let rename = { (old: String, new: String) throws in
            try fixture.tamper("journal.sqlite") {
                try $0.execute(sql: "ALTER TABLE \(old) RENAME TO \(new)")
            }
        }
        func remove(_ number: Int) throws {
            let batch = StoreBatch(changes: [hide(id(number))], phase: .live)
            _ = try fixture.store.apply(batch, now: fixture.now)
        }
        try rename("journal", "mislaid")
        try remove(20_001)
        #expect(fixture.store.writeJournal()?.file.hasSuffix("journal.sqlite") == true)
        try remove(20_002)
        try rename("mislaid", "journal")
        #expect(fixture.store.writeJournal() == nil)
        #expect(try fixture.store.reader.history(name: "p1").map(\.what) == [.removed])
        #expect(try fixture.store.reader.history(name: "p2").map(\.what) == [.removed])
        try remove(20_003)
        fixture.close()
        let last = try fixture.tamper("journal.sqlite") {
            try String.fetchOne($0, sql: "SELECT name FROM journal ORDER BY seq DESC")
        }
        #expect(last == "p3")
    }

    @Test("a full disk stores nothing, publishes nothing, and the next batch goes on")
    func fullDisk() throws {
        let fixture = try StoreFixture(Self.load)
        let before = try fixture.stored()
        try fixture.reopen(testing: StoreTesting(maximumPages: 60))
        let many = (0..<2000).map { show(person("n\($0)", 30_000 + UInt32($0))) }
        do {
            try fixture.apply(many)
            Issue.record("the disk was not full")
        } catch let error as StoreError {
            #expect(error.kind == .full)
            #expect(error.file.hasSuffix("store.sqlite"))
            #expect(error.description.contains("free some space"))
        }
        #expect(try fixture.stored() == before)
        try fixture.apply([show(person("small", 20_100))])
        #expect(fixture.host.person("small") != nil)
        try fixture.reopen()
        try fixture.apply(many)
        #expect(fixture.host.people.count == before.people.count + 2001)
        #expect(try fixture.stored() == fixture.host)
    }

    @Test("a full disk during a first load loses no entry of the load")
    func fullDiskWhileLoading() throws {
        let fixture = try StoreFixture()
        try fixture.reopen(testing: StoreTesting(maximumPages: 60))
        try fixture.apply(crowd(20), phase: .refresh)
        let many = (0..<2000).map { show(person("n\($0)", 30_000 + UInt32($0))) }
        #expect(throws: StoreError.self) { try fixture.apply(many, phase: .refresh) }
        try fixture.apply([show(person("p20", 20_020))], phase: .refreshEnd)
        #expect(fixture.host.people.count == 21)
    }

    @Test("an interrupted first load begins anew")
    func interruptedLoad() throws {
        let fixture = try StoreFixture()
        try fixture.apply(crowd(20), phase: .refresh)
        try fixture.reopen()
        #expect(fixture.store.opening.store == .setAside("its first load was interrupted"))
        try fixture.apply(crowd(3), phase: .refreshEnd)
        #expect(fixture.host.people.count == 3)
    }

    /// Ways to spoil a file.
    enum Damage: CaseIterable, Sendable { case garbage, truncated, newer, page, schema }

    private func spoil(_ path: String, _ damage: Damage) throws {
        let descriptor = unsafe open(path, O_RDWR)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        var octets = [UInt8](repeating: 0xa5, count: 4096)
        switch damage {
        case .garbage: _ = unsafe pwrite(descriptor, &octets, 4096, 0)
        case .truncated: _ = ftruncate(descriptor, size / 2)
        case .newer:
            var version: [UInt8] = [0, 0, 0, 99]
            _ = unsafe pwrite(descriptor, &version, 4, 60)
        case .schema: _ = unsafe pwrite(descriptor, &octets, 3900, 100)
        case .page:
            for page in stride(from: 4096, to: size, by: 4096) {
                _ = unsafe pwrite(descriptor, &octets, 4096, page)
            }
        }
    }

    @Test(
        "a spoilt store is set aside and begun anew, the journal stays",
        arguments: Damage.allCases)
    func spoilt(_ damage: Damage) throws {
        let fixture = try StoreFixture(crowd(300))
        try fixture.apply([hide(id(20_001))])
        fixture.close()
        try spoil(fixture.directory + "/store.sqlite", damage)
        try fixture.reopenUntilUsable()
        guard case .setAside(let reason) = fixture.store.opening.store else {
            Issue.record("\(fixture.store.opening)")
            return
        }
        #expect(!reason.isEmpty)
        #expect(unsafe access(fixture.directory + "/store.sqlite.aside", F_OK) == 0)
        #expect(!fixture.store.opening.isJournalLost)
        #expect(try fixture.store.reader.cookie(search: 0) == nil)
        try fixture.apply(crowd(300).filter { _ in true }, phase: .refreshEnd)
        #expect(try fixture.store.reader.history(name: "p1").contains { $0.what == .removed })
    }

    @Test(
        "a spoilt or missing journal is begun anew with what the store knows, and said",
        arguments: [true, false])
    func journalLost(missing: Bool) throws {
        let fixture = try StoreFixture(crowd(20) + [show(person("alice", 20_100))])
        try fixture.apply([hide(id(20_100))])
        fixture.close()
        let path = fixture.directory + "/journal.sqlite"
        if missing { unsafe unlink(path) } else { try spoil(path, .garbage) }
        try fixture.reopen()
        #expect(fixture.store.opening.isJournalLost)
        #expect(fixture.store.opening.store == .existing)
        #expect(try fixture.store.reader.summary().journalLostAt == fixture.now)
        // Once more without the store: the freed number is still known.
        fixture.close()
        StoreFixture.removeStore(fixture.directory)
        try fixture.reopen()
        try fixture.apply(
            crowd(20) + [show(person("bob", 20_100, uuid: id(3)))], phase: .refreshEnd)
        #expect(fixture.host.person("bob") == nil)
        #expect(try fixture.store.reader.summary().journalLostAt == fixture.now)
    }

    @Test("a folder that cannot be made is an error that names it")
    func noFolder() {
        do {
            _ = try AccountStore(directory: "/proc/roster/store", now: 0)
            Issue.record("it was made")
        } catch {
            #expect(error.kind == .unusable && error.file == "/proc/roster/store")
        }
    }

    @Test(
        "a good file that cannot be opened now is no reason to set it aside",
        arguments: ["store.sqlite", "journal.sqlite"])
    func cannotOpen(_ file: String) throws {
        let fixture = try StoreFixture(crowd(3))
        fixture.close()
        let obstacle = fixture.directory + "/" + file + "-wal"
        unsafe unlink(obstacle)
        #expect(unsafe mkdir(obstacle, 0o700) == 0)
        for _ in 0..<2 {
            #expect(throws: StoreError.self) { try fixture.reopen() }
            #expect(unsafe access(fixture.directory + "/" + file, F_OK) == 0)
            #expect(unsafe access(fixture.directory + "/" + file + ".aside", F_OK) != 0)
        }
        unsafe rmdir(obstacle)
        try fixture.reopen()
        #expect(fixture.store.opening.store == .existing)
        #expect(fixture.store.opening.journal == .existing)
        #expect(try fixture.stored().people.count == 3)
    }

    @Test("a first opening that ended between the two files loses no journal")
    func firstOpening() throws {
        let fixture = try StoreFixture()
        fixture.close()
        try fixture.tamper { try $0.execute(sql: "DELETE FROM meta") }
        for suffix in ["", "-wal", "-shm"] {
            unsafe unlink(fixture.directory + "/journal.sqlite" + suffix)
        }
        try fixture.reopen()
        #expect(!fixture.store.opening.isJournalLost)
        try fixture.apply(crowd(3), phase: .refreshEnd)
        #expect(fixture.host.people.count == 3)
    }
}
