// Members as written, nested groups, and what each change of them costs.

import Accounts
import Testing

@testable import AccountStore

@Suite struct MembershipTests {
    @Test("DNs and names both make members")
    func bothForms() throws {
        let fixture = try StoreFixture(
            crowd(4) + [show(group("staff", 3000, [dn("p1"), "p2", dn("nobody"), "ghost"]))])
        #expect(fixture.host.members("staff") == ["p1", "p2"])
        #expect(fixture.host.person("p1")?.groups == [3000])
    }

    @Test("nested groups pass members up to any depth", arguments: [2, 3, 40])
    func nested(depth: Int) throws {
        var load = crowd(3)
        for level in 0..<depth {
            let member = level == 0 ? dn("p1") : groupDN("g\(level - 1)")
            load.append(show(group("g\(level)", 3000 + UInt32(level), [member])))
        }
        let loaded = try StoreFixture(load)
        let live = try StoreFixture(crowd(3))
        for change in load.dropFirst(3).reversed() { try live.apply([change]) }
        for fixture in [loaded, live] {
            #expect(fixture.host.members("g\(depth - 1)") == ["p1"])
            #expect(fixture.host.person("p1")?.groups.count == depth)
            #expect(fixture.host == (try fixture.stored()))
        }
    }

    @Test("a cycle of groups does no harm")
    func cycle() throws {
        let fixture = try StoreFixture(crowd(3))
        try fixture.apply([show(group("a", 3000, [groupDN("b"), dn("p0")]))])
        try fixture.apply([show(group("b", 3001, [groupDN("c"), dn("p1")]))])
        try fixture.apply([show(group("c", 3002, [groupDN("a"), groupDN("c")]))])
        for name in ["a", "b", "c"] { #expect(fixture.host.members(name) == ["p0", "p1"]) }
        try fixture.apply([show(group("c", 3002, [groupDN("c"), dn("p2")]))])
        #expect(fixture.host.members("c") == ["p2"])
        #expect(fixture.host.members("a") == ["p0", "p1", "p2"])
        #expect(fixture.host == (try fixture.stored()))
    }

    @Test("a group without name passes its members on and is not published")
    func unnamed() throws {
        let fixture = try StoreFixture(
            crowd(3) + [
                show(group(nil, nil, [dn("p1")])),
                show(group("staff", 3000, [groupDN("unnamed")])),
            ])
        #expect(fixture.host.members("staff") == ["p1"])
        #expect(fixture.host.groups.count == 1)
        try fixture.apply([show(group(nil, nil, [dn("p1"), dn("p2")]))])
        #expect(fixture.host.members("staff") == ["p1", "p2"])
    }

    @Test("a member that arrives after its group resolves by itself")
    func memberLater() throws {
        let fixture = try StoreFixture(
            crowd(2) + [show(group("staff", 3000, [dn("late"), "later"]))])
        try fixture.apply([show(person("late", 20100))])
        try fixture.apply([show(person("later", 20101))])
        #expect(fixture.host.members("staff") == ["late", "later"])
        #expect(fixture.host == (try fixture.stored()))
    }

    @Test("a group that arrives after the group that lists it resolves by itself")
    func groupLater() throws {
        let fixture = try StoreFixture(crowd(2) + [show(group("all", 3000, [groupDN("sub")]))])
        try fixture.apply([show(group("sub", 3001, [dn("p1")]))])
        #expect(fixture.host.members("all") == ["p1"])
        try fixture.apply([show(group("sub", 3001, [dn("p1")], dn: "cn=moved"))])
        #expect(fixture.host.members("all") == [])
        try fixture.apply([show(group("all", 3000, ["cn=moved"]))])
        #expect(fixture.host.members("all") == ["p1"])
        #expect(fixture.host.person("p1")?.groups == [3000, 3001])
    }

    @Test("members follow a renamed container whether groups or people change first")
    func container() throws {
        for groupFirst in [true, false] {
            let fixture = try StoreFixture(crowd(3) + [show(group("staff", 3000, [dn("p1")]))])
            let moved = "uid=p1,ou=staff,dc=example"
            let steps = [
                show(group("staff", 3000, [moved])), show(person("p1", 20001, dn: moved)),
            ]
            for step in groupFirst ? steps : steps.reversed() {
                fixture.now += 1
                try fixture.apply([step])
            }
            #expect(fixture.host.members("staff") == ["p1"])
            #expect(fixture.host == (try fixture.stored()))
        }
    }

    @Test("one member more or less is one name in the change")
    func oneMember() throws {
        let all = (0..<40).map { dn("p\($0)") }
        let fixture = try StoreFixture(
            crowd(50) + [show(group("staff", 3000, all))])
        let more = try fixture.apply([show(group("staff", 3000, all + [dn("p45")]))])
        #expect(more.publication.groups.first?.membersAdded == ["p45"])
        #expect(more.publication.groups.first?.membersRemoved == [])
        #expect(more.publication.people.count == 1)
        let less = try fixture.apply([show(group("staff", 3000, all))])
        #expect(less.publication.groups.first?.membersRemoved == ["p45"])
        #expect(fixture.host == (try fixture.stored()))
    }

    @Test("a group that changes its gid changes the groups of its members")
    func gid() throws {
        let fixture = try StoreFixture(crowd(3) + [show(group("staff", 3000, ["p1"]))])
        let moved = group("staff", 3055, ["p1"], uuid: id(1_003_000), createdAt: 3000)
        let outcome = try fixture.apply([show(moved)])
        #expect(outcome.publication.people.first?.now?.groups == [3055])
        #expect(fixture.host.members("staff") == ["p1"])
        #expect(fixture.host.misfits.isEmpty)
        #expect(fixture.host == (try fixture.stored()))
    }

    @Test("a group that changes its name only changes no person")
    func groupName() throws {
        let fixture = try StoreFixture(crowd(3) + [show(group("staff", 3000, ["p1"]))])
        let renamed = group("crew", 3000, ["p1"], uuid: id(1_003_000), createdAt: 3000)
        let outcome = try fixture.apply([show(renamed)])
        #expect(outcome.publication.people.isEmpty)
        #expect(fixture.host.members("crew") == ["p1"])
        #expect(fixture.host.members("staff") == nil)
    }

    @Test("a withheld member is in no group and comes back into all of them")
    func withheldMember() throws {
        let fixture = try StoreFixture(crowd(30) + [show(group("staff", 3000, ["p1", "p2"]))])
        try fixture.apply([.reevaluated(person("p1", 20001, withheld: "uid: local"))])
        #expect(fixture.host.members("staff") == ["p2"])
        try fixture.apply([.reevaluated(person("p1", 20001))])
        #expect(fixture.host.members("staff") == ["p1", "p2"])
        #expect(fixture.host == (try fixture.stored()))
    }
}
