// Damaged pages of either file: the store mends itself, and no block is lost.

import Accounts
import GRDB
import Glibc
import Testing

@testable import AccountStore

@Suite struct DamageTests {
    private static let page: off_t = 4096

    /// A store with some of everything, after a clean end.
    private func fixture() throws -> StoreFixture {
        var rules = StoreRules()
        rules.allowGroups = ["staff"]
        rules.denyGroups = ["bad"]
        let fixture = try StoreFixture(
            crowd(60) + [
                show(group("staff", 3000, (0..<60).map { dn("p\($0)") })),
                show(group("bad", 3001, [dn("p2")])),
            ], rules: rules)
        try fixture.apply([.block(name: "p5", byUID: 1000), .block(name: "nobody1", byUID: 0)])
        for number in 40..<60 {
            fixture.now += 60
            try fixture.apply([hide(id(20_000 + number))])
        }
        fixture.close()
        return fixture
    }

    private func copy(_ fixture: StoreFixture) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in ["store.sqlite", "journal.sqlite"] {
            files[name] = try octets(of: fixture.directory + "/" + name)
        }
        return files
    }

    private func octets(of path: String) throws -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        var octets = [UInt8](repeating: 0, count: size)
        try #require(unsafe pread(descriptor, &octets, size, 0) == size)
        return octets
    }

    /// Puts the files back as they were, with the given pages overwritten.
    private func lay(
        _ files: [String: [UInt8]], into directory: String, spoiling pages: [(String, Int)]
    ) throws {
        StoreFixture.removeAll(directory)
        for (name, octets) in files {
            let path = directory + "/" + name
            let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            try #require(unsafe pwrite(descriptor, octets, octets.count, 0) == octets.count)
            for (spoilt, page) in pages where spoilt == name {
                let noise = (0..<Int(Self.page)).map { _ in UInt8.random(in: 0 ... .max) }
                _ = unsafe pwrite(descriptor, noise, noise.count, off_t(page) * Self.page)
            }
        }
    }

    /// Does what the daemon does with a store; true if no damage was met.
    private func use(_ store: AccountStore, now: Int64) throws -> Bool {
        let person = show(person("p7", 20_007, stamp: "20261102101500.000000Z#0#\(now)"))
        let reader = store.reader
        let uses: [() throws -> Void] = [
            { _ = try reader.summary() }, { _ = try Host(reader) },
            { try reader.forEachStamp { _, _, _ in } }, { try reader.forEachEntry { _ in } },
            { _ = try reader.history(limit: 1000) }, { _ = try reader.history(name: "p5") },
            { _ = try reader.people(named: "p5") }, { _ = try reader.blocks() },
            { _ = try reader.findings() }, { _ = try reader.held() }, { _ = try reader.cookies() },
            { _ = try store.apply(StoreBatch(changes: [person], phase: .live), now: now) },
            { if let problem = store.writeJournal() { throw problem } },
        ]
        for use in uses {
            do {
                try use()
            } catch let error as StoreError {
                #expect(error.kind == .corrupt && store.damage?.kind == .corrupt, "\(error)")
                return false
            }
        }
        return store.damage == nil
    }

    /// Hands in a whole refresh; damage that only this meets is mended by one more opening.
    private func refresh(_ fixture: StoreFixture) throws {
        let batch = crowd(40) + [show(person("bob", 20_050, uuid: id(3)))]
        do {
            try fixture.apply(batch, phase: .refreshEnd)
        } catch let error as StoreError {
            try #require(error.kind == .corrupt)
            try fixture.reopen()
            try fixture.apply(batch, phase: .refreshEnd)
        }
    }

    /// Opens and uses the store until it is sound; false if two reopenings are not enough.
    private func mend(_ fixture: StoreFixture) throws -> Bool {
        for _ in 0..<3 {
            try fixture.reopen()
            if try use(fixture.store, now: fixture.now) { return true }
        }
        return false
    }

    @Test(
        "each damaged page of either file is mended by opening, and no block is lost",
        arguments: ["store.sqlite", "journal.sqlite"])
    func pages(file: String) throws {
        let fixture = try fixture()
        let files = try copy(fixture)
        let count = try #require(files[file]).count / Int(Self.page)
        try #require(count > 10)
        for page in 0..<count {
            try lay(files, into: fixture.directory, spoiling: [(file, page)])
            #expect(try mend(fixture), "page \(page)")
            #expect(
                try fixture.store.reader.blocks().map(\.name) == ["nobody1", "p5"], "page \(page)")
            let access = try fixture.store.reader.access()
            #expect(access.bindings.map(\.name).sorted() == ["bad", "staff"], "page \(page)")
            // A freed number is still kept from others.
            if try fixture.store.reader.summary().isLoading {
                #expect(file == "store.sqlite", "page \(page)")
            }
            try refresh(fixture)
            #expect(try fixture.reason(id(3)) != nil, "page \(page)")
            fixture.close()
        }
    }

    @Test("damage of both files costs no block, or stops before one is lost")
    func both() throws {
        let fixture = try fixture()
        let files = try copy(fixture)
        let counts = try ["store.sqlite", "journal.sqlite"].map {
            try #require(files[$0]).count / Int(Self.page)
        }
        var stopped = 0
        for round in 0..<counts[1] {
            let pages = [("store.sqlite", round * 7 % counts[0]), ("journal.sqlite", round)]
            try lay(files, into: fixture.directory, spoiling: pages)
            do {
                let isMended = try mend(fixture)
                #expect(isMended, "\(pages)")
                #expect(try fixture.store.reader.blocks().count == 2, "\(pages)")
            } catch let error as StoreError {
                #expect(error.kind == .unreadable, "\(pages): \(error)")
                stopped += 1
                // It stays so, and nothing was taken away.
                #expect(throws: StoreError.self) { try fixture.reopen() }
                unsafe unlink(fixture.directory + "/journal.sqlite")
                #expect(try mend(fixture), "\(pages)")
            }
            fixture.close()
        }
        #expect(stopped < counts[1])
    }

    @Test("two files that cannot be read at all stop the opening, and say what would be lost")
    func hopeless() throws {
        let fixture = try fixture()
        let files = try copy(fixture)
        try lay(
            files, into: fixture.directory, spoiling: [("store.sqlite", 0), ("journal.sqlite", 0)])
        for _ in 0..<2 {
            do {
                try fixture.reopen()
                Issue.record("it was opened")
            } catch let error as StoreError {
                #expect(error.kind == .unreadable && error.file.hasSuffix("/journal.sqlite"))
                #expect(error.description.contains("roster deny"))
            }
        }
        unsafe unlink(fixture.directory + "/journal.sqlite")
        #expect(try mend(fixture))
        #expect(fixture.store.opening.isJournalLost)
    }

    @Test("two files that cannot be read at all leave what is in force on the host in force")
    func inForce() throws {
        let fixture = try fixture()
        let files = try copy(fixture)
        try lay(
            files, into: fixture.directory, spoiling: [("store.sqlite", 0), ("journal.sqlite", 0)])
        let block = LocalBlock(name: "p5", uuid: id(20_005), at: 7, byUID: 0)
        try fixture.reopen(blocksInForce: { [block] })
        #expect(try fixture.store.reader.blocks() == [block])
        #expect(fixture.store.opening.isJournalLost)
        try fixture.apply(crowd(40), phase: .refreshEnd)
        #expect(fixture.host.person("p5")?.login.isBlocked == true)
    }

    @Test(
        "a crash while a journal is made anew loses no block",
        arguments: [1, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80])
    func crash(statement: Int) async throws {
        let fixture = try fixture()
        let files = try copy(fixture)
        try lay(files, into: fixture.directory, spoiling: [("journal.sqlite", 0)])
        StoreFile(path: fixture.directory + "/store.sqlite").markDamaged()
        let directory = fixture.directory
        _ = await #expect(processExitsWith: .signal(SIGKILL)) {
            [directory = directory as String, statement] in
            _ = try AccountStore(
                directory: directory, rules: StoreRules(), now: 1_800_000_000,
                testing: StoreTesting(killAtJournalStatement: statement))
            kill(getpid(), SIGKILL)
        }
        #expect(try mend(fixture))
        #expect(try fixture.store.reader.blocks().map(\.name) == ["nobody1", "p5"])
        #expect(try fixture.store.reader.history(name: "p50").map(\.what) == [.removed])
    }
}
