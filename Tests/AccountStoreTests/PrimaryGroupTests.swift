// People who are in a group because it is their primary one, which the group does not list.

import Accounts
import GRDB
import Testing

@testable import AccountStore

@Suite struct PrimaryGroupTests {
    private let sid = "S-1-5-21-1-2-3-513"

    private func member(
        _ name: String, _ uid: UInt32, gid: UInt32 = 3513, of group: String?,
        withheld: String? = nil
    ) -> StoreChange {
        var entry = person(name, uid)
        guard case .person(var candidate) = entry.content else { return show(entry) }
        candidate.primaryGroup = group
        candidate.passwd.gid = gid
        candidate.withheld = withheld
        entry.content = .person(candidate)
        return show(entry)
    }

    private func primary(
        _ name: String, _ gid: UInt32?, _ members: [String] = [], sid: String? = nil,
        withheld: String? = nil
    ) -> StoreChange {
        var entry = group(name, gid, members, uuid: id(513), withheld: withheld)
        guard case .group(var candidate) = entry.content else { return show(entry) }
        candidate.members.append(.primaryGroup(sid ?? self.sid))
        entry.content = .group(candidate)
        return show(entry)
    }

    private func rules(allow: Set<String>) -> StoreRules {
        var rules = StoreRules(allowsReuse: true)
        rules.allowGroups = allow
        return rules
    }

    /// What the host sees is what the store says, in every way to ask it.
    private func expectConsistent(_ fixture: StoreFixture) throws {
        let stored = try fixture.stored()
        #expect(fixture.host == stored, "\(fixture.host.difference(to: stored))")
        for (key, person) in stored.people {
            let details = try fixture.store.reader.people(named: key.name).first
            #expect(details?.published == person)
        }
        try fixture.expectCounted()
    }

    @Test("the members of groups above it count, by a first load or one by one in any order")
    func nested() throws {
        let changes = [
            member("jane", 20_500, of: sid), primary("users", 3513),
            show(group("vpn", 3600, [groupDN("users")])), member("zoe", 20_501, of: "S-1-5-21-9"),
        ]
        let loaded = try StoreFixture(crowd(20) + changes, rules: rules(allow: ["users"]))
        try expectConsistent(loaded)
        for order in [changes, changes.reversed()] {
            let live = try StoreFixture(crowd(20), rules: rules(allow: ["users"]))
            for change in order { try live.apply([change]) }
            #expect(live.host == loaded.host, "\(live.host.difference(to: loaded.host))")
            try expectConsistent(live)
        }
        #expect(loaded.host.person("jane")?.groups == [3600])
        #expect(loaded.host.members("vpn") == ["jane"])
        #expect(loaded.host.members("users") == [])
        #expect(loaded.host.person("jane")?.login.accessGroups == [1])
        #expect(loaded.host.person("zoe")?.login.accessGroups == [])
    }

    @Test("a group that is not the one of the gid shows them; changes of either gid move them")
    func otherGID() throws {
        let fixture = try StoreFixture(
            crowd(20) + [member("jane", 20_500, gid: 100, of: sid), primary("users", 3513)])
        #expect(fixture.host.members("users") == ["jane"])
        #expect(fixture.host.person("jane")?.groups == [3513])
        try fixture.apply([member("jane", 20_500, gid: 3513, of: sid)])
        #expect(fixture.host.members("users") == [])
        #expect(fixture.host.person("jane")?.groups == [])
        try expectConsistent(fixture)
        try fixture.apply([primary("users", 3514)])
        #expect(fixture.host.members("users") == ["jane"])
        #expect(fixture.host.person("jane")?.groups == [3514])
        try expectConsistent(fixture)
    }

    @Test("a group that may not be published counts for access rules all the same")
    func withheldGroup() throws {
        let fixture = try StoreFixture(
            crowd(20) + [
                member("jane", 20_500, of: sid),
                primary("domain users", 3513, withheld: "cn: space"),
                show(group("vpn", 3600, [groupDN("domain users")])),
            ], rules: rules(allow: ["vpn"]))
        #expect(fixture.host.person("jane")?.login.accessGroups == [1])
        #expect(fixture.host.members("vpn") == ["jane"])
        try expectConsistent(fixture)
    }

    @Test("another primary group, none, and a group that goes take effect at once")
    func changes() throws {
        let fixture = try StoreFixture(
            crowd(20) + [
                member("jane", 20_500, of: sid), member("zoe", 20_501, of: sid),
                primary("users", 3513), show(group("vpn", 3600, [groupDN("users")])),
                show(group("other", 3700, [])),
            ])
        #expect(fixture.host.members("vpn") == ["jane", "zoe"])
        try fixture.apply([member("jane", 20_500, gid: 3514, of: "S-1-5-21-1-2-3-514")])
        #expect(fixture.host.members("vpn") == ["zoe"])
        try expectConsistent(fixture)
        try fixture.apply([member("zoe", 20_501, of: nil)])
        #expect(fixture.host.members("vpn") == [])
        try fixture.apply([member("zoe", 20_501, of: sid)])
        #expect(fixture.host.members("vpn") == ["zoe"])
        try fixture.apply([hide(id(513))])
        #expect(fixture.host.members("vpn") == [])
        try expectConsistent(fixture)
    }

    @Test("a person whose removal is held keeps the groups of the primary one")
    func held() throws {
        let fixture = try StoreFixture(
            (0..<30).map { member("m\($0)", 21_000 + $0, of: sid) } + [
                primary("users", 3513), show(group("vpn", 3600, [groupDN("users")], uuid: id(600))),
            ])
        try fixture.apply((0..<25).map { hide(id(21_000 + $0)) })
        #expect(fixture.host.members("vpn")?.count == 30)
        try expectConsistent(fixture)
        let vpn = group("vpn", 3601, [groupDN("users")], uuid: id(600))
        try fixture.apply([primary("users", 3515), show(vpn)])
        #expect(fixture.host.person("m3")?.groups == [3515, 3601])
        try expectConsistent(fixture)
    }

    @Test("a store of a program that knew nothing of it learns it when entries are evaluated again")
    func migrated() throws {
        let fixture = try StoreFixture(
            crowd(20) + [
                show(person("jane", 20_500)), show(group("users", 3513, [], uuid: id(513))),
                show(group("vpn", 3600, [groupDN("users")])),
            ])
        try fixture.store.completeFirstLoad()
        fixture.close()
        try fixture.tamper { database in
            try database.execute(sql: "DROP INDEX entriesByPrimary")
            try database.execute(sql: "ALTER TABLE entries DROP COLUMN primaryHash")
            try database.execute(
                sql: "DELETE FROM grdb_migrations WHERE identifier = 'primaryGroups'")
        }
        try fixture.reopen()
        #expect(fixture.store.opening == StoreOpening())
        for case .upsert(let entry, _) in [
            member("jane", 20_500, gid: 100, of: sid), primary("users", 3513),
        ] { try fixture.apply([.reevaluated(entry)]) }
        #expect(fixture.host.members("vpn") == ["jane"])
        try expectConsistent(fixture)
    }
}
