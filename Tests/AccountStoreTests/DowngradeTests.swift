// A downgrade: the mirror of a newer program is begun anew, its journal goes on to be used.

import Accounts
import GRDB
import Testing

@testable import AccountStore

@Suite struct DowngradeTests {
    private static var rules: StoreRules {
        var rules = StoreRules()
        rules.denyGroups = ["bad"]
        return rules
    }

    /// A store with a block, a vanished group of a deny rule and a freed number, closed.
    private func fixture() throws -> StoreFixture {
        let load =
            crowd(20) + [
                show(group("bad", 3000, [dn("p1")])), show(group("other", 3999, [])),
            ]
        let fixture = try StoreFixture(load, rules: Self.rules)
        try fixture.apply([
            .block(name: "p5", byUID: 0), hide(id(1_003_000)), hide(id(20_007)),
        ])
        fixture.close()
        return fixture
    }

    /// What a newer program leaves: both files with a higher version, the journal after `sql`.
    private func upgrade(_ fixture: StoreFixture, journal sql: String) throws {
        for file in ["store.sqlite", "journal.sqlite"] {
            try fixture.tamper(file) { try $0.execute(sql: "PRAGMA user_version = 99") }
        }
        try fixture.tamper("journal.sqlite") { try $0.execute(sql: sql) }
    }

    private func isSetAside(_ file: StoreOpening.File) -> Bool {
        if case .setAside(let reason) = file { reason.contains("newer program") } else { false }
    }

    private static let extensions = """
        ALTER TABLE journal ADD COLUMN service TEXT;
        ALTER TABLE localBlocks ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE accessGroups ADD COLUMN source TEXT;
        ALTER TABLE accessMembers ADD COLUMN why TEXT;
        ALTER TABLE freedIDs ADD COLUMN why TEXT;
        ALTER TABLE freedNames ADD COLUMN why TEXT;
        ALTER TABLE released ADD COLUMN why TEXT;
        CREATE TABLE sessions (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        INSERT INTO sessions VALUES (1, 'kept');
        INSERT INTO grdb_migrations VALUES ('sessions');
        UPDATE localBlocks SET until = 7;
        """

    @Test("blocks, bindings and freed numbers of a newer program's journal stay in force")
    func extended() throws {
        let fixture = try fixture()
        try upgrade(fixture, journal: Self.extensions)
        try fixture.reopen()
        #expect(isSetAside(fixture.store.opening.store))
        #expect(fixture.store.opening.journal == .existing)
        #expect(!fixture.store.opening.isJournalLost)
        #expect(try fixture.store.reader.blocks().map(\.name) == ["p5"])
        // All of what is written to it can be written.
        try fixture.apply(crowd(20), phase: .refreshEnd)
        #expect(fixture.host.person("p5")?.login.isBlocked == true)
        #expect(fixture.host.person("p1")?.login.accessGroups.isEmpty == false)
        try fixture.apply([
            .block(name: "p6", byUID: 1000), hide(id(20_008)),
            show(group("bad", 3001, [dn("p2")], uuid: id(9))),
        ])
        #expect(fixture.host.person("p2")?.login.accessGroups.isEmpty == false)
        try fixture.apply([show(person("other", 20_008, uuid: id(77)))])
        #expect(try fixture.reason(id(77)) != nil)
        try fixture.apply([.releaseReuse(name: "other")])
        fixture.close()
        // What the newer program wrote is as it was.
        try fixture.tamper("journal.sqlite") { database in
            #expect(try Int.fetchOne(database, sql: "PRAGMA user_version") == 99)
            #expect(try String.fetchAll(database, sql: "SELECT name FROM sessions") == ["kept"])
            let blocks = try String.fetchAll(database, sql: "SELECT name FROM localBlocks")
            #expect(blocks.sorted() == ["p5", "p6"])
            let until = "SELECT until FROM localBlocks WHERE name = 'p5'"
            #expect(try Int.fetchOne(database, sql: until) == 7)
        }
        try fixture.reopen()
        #expect(fixture.store.opening == StoreOpening())
        #expect(try fixture.store.reader.blocks().count == 2)
        #expect(try fixture.store.reader.history(name: "p6").map(\.what) == [.blocked])
    }

    @Test(
        "a newer program's journal that lacks something, or wants more, is set aside and said so",
        arguments: [
            ("ALTER TABLE localBlocks DROP COLUMN byUID", "byUID in localBlocks"),
            ("ALTER TABLE freedIDs RENAME TO freed", "no table freedIDs"),
            ("ALTER TABLE accessGroups RENAME COLUMN isBound TO bound", "isBound in accessGroups"),
            (
                """
                DROP TABLE localBlocks;
                CREATE TABLE localBlocks (name TEXT PRIMARY KEY, uuid BLOB, at INTEGER NOT NULL,
                    byUID INTEGER NOT NULL, until INTEGER NOT NULL)
                """, "wants until in localBlocks"
            ),
        ])
    func lacking(change: String, reason: String) throws {
        let fixture = try fixture()
        try upgrade(fixture, journal: change)
        try fixture.reopen()
        guard case .setAside(let said) = fixture.store.opening.journal else {
            Issue.record("it is used")
            return
        }
        #expect(said.contains("newer program") && said.contains(reason))
        #expect(fixture.store.opening.isJournalLost)
        try fixture.apply(crowd(20), phase: .refreshEnd)
        #expect(fixture.host.person("p5") != nil)
    }
}
