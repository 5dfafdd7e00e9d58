// roster deny and roster allow: local, at once, and kept whatever becomes of the mirror.

import Accounts
import GRDB
import Glibc
import Testing

@testable import AccountStore

extension StoredTables {
    /// Counts the rows.
    init(_ database: Database) throws {
        func count(_ table: String) throws -> Int {
            try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? -1
        }
        self.init(
            groups: try count("accessGroups"), members: try count("accessMembers"),
            blocks: try count("localBlocks"))
    }
}

@Suite struct BlockTests {
    private func isBlocked(_ name: String, _ fixture: StoreFixture) throws -> Bool? {
        #expect(try fixture.stored() == fixture.host)
        return fixture.host.person(name)?.login.isBlocked
    }

    @Test("a block is a publication of one person, listed and journalled with who said so")
    func block() throws {
        let fixture = try StoreFixture(crowd(20))
        let outcome = try fixture.apply([.block(name: "p1", byUID: 1000)])
        #expect(outcome.blocked == ["p1"] && outcome.publication.people.count == 1)
        #expect(try isBlocked("p1", fixture) == true && isBlocked("p2", fixture) == false)
        #expect(
            try fixture.store.reader.blocks() == [
                LocalBlock(name: "p1", uuid: id(20_001), at: fixture.now, byUID: 1000)
            ])
        #expect(try fixture.apply([.block(name: "p1", byUID: 0)]).blocked == [])
        let released = try fixture.apply([.unblock(name: "p1", byUID: 1000)])
        #expect(released.unblocked == ["p1"] && released.publication.people.count == 1)
        #expect(try isBlocked("p1", fixture) == false)
        let history = try fixture.store.reader.history(name: "p1")
        #expect(history.map(\.what) == [.unblocked, .blocked] && history.first?.id == 1000)
        #expect(try fixture.apply([.unblock(name: "p1", byUID: 0)]).unblocked == [])
    }

    @Test("a block follows the person to another name, and stays with the name for anybody else")
    func follows() throws {
        let fixture = try StoreFixture(crowd(20), rules: StoreRules(allowsReuse: true))
        try fixture.apply([.block(name: "p1", byUID: 0)])
        try fixture.apply([show(person("smith", 20_001, dn: dn("p1")))])
        #expect(try isBlocked("smith", fixture) == true)
        try fixture.apply([show(person("p1", 20_500))])
        #expect(try isBlocked("p1", fixture) == true)
        #expect(try fixture.apply([.unblock(name: "smith", byUID: 0)]).unblocked == ["p1"])
        #expect(try isBlocked("smith", fixture) == false && isBlocked("p1", fixture) == false)
    }

    @Test("a name that nobody has can be blocked; the first who has it is blocked as a person")
    func early() throws {
        let fixture = try StoreFixture(crowd(20))
        try fixture.apply([.block(name: "late", byUID: 0)])
        try fixture.apply([show(person("late", 20_500))])
        #expect(try isBlocked("late", fixture) == true)
        try fixture.apply([show(person("later", 20_500, dn: dn("late")))])
        #expect(try isBlocked("later", fixture) == true)
    }

    @Test("a block outlives the mirror, and one of a first load is in force at its end")
    func rebuilt() throws {
        let fixture = try StoreFixture(crowd(20))
        try fixture.apply([.block(name: "p1", byUID: 0)])
        fixture.close()
        StoreFixture.removeStore(fixture.directory)
        try fixture.reopen()
        try fixture.apply(Array(crowd(20).prefix(5)), phase: .refresh)
        #expect(
            try fixture.apply([.block(name: "p2", byUID: 0)], phase: .refresh).blocked == ["p2"])
        try fixture.apply(crowd(20), phase: .refreshEnd)
        #expect(try isBlocked("p1", fixture) == true && isBlocked("p2", fixture) == true)
        #expect(try fixture.store.reader.blocks().map(\.uuid) == [id(20_001), id(20_002)])
        // And one of a journal that was lost is in the store.
        fixture.close()
        unsafe unlink(fixture.directory + "/journal.sqlite")
        try fixture.reopen()
        #expect(try fixture.store.reader.blocks().count == 2)
        let journal = try fixture.tamper("journal.sqlite") { try StoredTables($0) }
        #expect(journal.blocks == 2)
    }

    @Test("names that went within the time asked for are named, until somebody has them again")
    func removedNames() throws {
        let fixture = try StoreFixture(crowd(20), rules: StoreRules(allowsReuse: true))
        try fixture.apply([
            hide(id(20_001)), show(person("smith", 20_002, dn: dn("p2"))),
            show(person("p3", 20_003, withheld: "uid: x")),
        ])
        func removed(since: Int64) throws -> [String] {
            try fixture.store.reader.snapshot { snapshot throws(StoreError) in
                try snapshot.removedNames(since: since)
            }
        }
        #expect(try removed(since: fixture.now) == ["p1", "p2", "p3"])
        #expect(try removed(since: fixture.now + 1) == [])
        try fixture.apply([show(person("p2", 20_400)), show(person("p3", 20_003))])
        #expect(try removed(since: fixture.now) == ["p1"])
    }
}
