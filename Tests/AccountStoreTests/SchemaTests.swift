// Migrations: every way to the newest schema ends in the same one, and keeps what was there.

import GRDB
import Synchronization
import Testing

@testable import AccountStore

@Suite struct SchemaTests {
    private func schema(_ queue: DatabaseQueue) throws -> [String] {
        try queue.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT sql FROM sqlite_master WHERE sql IS NOT NULL
                        AND name NOT LIKE 'grdb%' ORDER BY name
                    """)
        }
    }

    @Test(
        "a store migrated from any version has the schema of a fresh one and its rows",
        arguments: ["entries", "published", "identity", "primaryGroups"])
    func migrated(from name: String) throws {
        let fresh = try DatabaseQueue()
        try Schema.migrator.migrate(fresh)
        let old = try DatabaseQueue()
        try Schema.migrator.migrate(old, upTo: name)
        try old.write { database in
            try database.setMeta("identity", .text("kept"))
        }
        try Schema.migrator.migrate(old)
        #expect(try schema(old) == schema(fresh))
        #expect(try old.read { try $0.metaText("identity") } == "kept")
    }

    @Test("the tables of freed names are the same in both files")
    func freedTables() throws {
        let store = try DatabaseQueue()
        try Schema.migrator.migrate(store)
        let journal = try DatabaseQueue()
        try Journal.migrator.migrate(journal)
        let names = ["freedIDs", "freedNames", "released"]
        for name in names {
            let columns = try store.read { try $0.columns(in: name).map(\.name) }
            #expect(try journal.read { try $0.columns(in: name).map(\.name) } == columns)
        }
    }

    @Test(
        "a first load ends with the schema it began with, also when it stopped before its last step",
        arguments: [true, false])
    func firstLoad(isCompleted: Bool) throws {
        let fixture = try StoreFixture(crowd(10))
        if isCompleted {
            try fixture.store.completeFirstLoad()
        } else {
            try fixture.reopen()
            #expect(fixture.store.opening == StoreOpening())
            try fixture.apply([hide(id(20_001))])
            #expect(!fixture.host.names.contains("p1"))
        }
        fixture.close()
        let loaded = try DatabaseQueue(path: fixture.directory + "/store.sqlite")
        let fresh = try DatabaseQueue()
        try Schema.migrator.migrate(fresh)
        #expect(try schema(loaded) == schema(fresh))
        try loaded.close()
    }

    @Test("a statement that runs long shows that it gets on, on the thread that waits for it")
    func progress() throws {
        let calls = Mutex(0)
        let progress = StoreProgress { calls.withLock { $0 += 1 } }
        let queue = try DatabaseQueue()
        try queue.write { database in
            progress.watch(database)
            try database.execute(sql: "SELECT 1")
            #expect(calls.withLock { $0 } == 0)
            let count = try Int.fetchOne(
                database,
                sql: """
                    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers
                        WHERE n < 1000000) SELECT count(*) FROM numbers
                    """)
            #expect(count == 1_000_000)
            #expect(calls.withLock { $0 } > 3)
        }
    }
}
