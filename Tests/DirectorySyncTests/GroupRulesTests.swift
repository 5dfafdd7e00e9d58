import Accounts
import Testing

@testable import DirectorySync

@Suite("Groups")
struct GroupRulesTests {
    @Test("an RFC 2307 group; local and impossible member names are left out and reported")
    func rfc2307() throws {
        let entry = Fixture.group(["memberUid": ["jane", "root", "zoe", "a:b", "jane"]])
        let group = try #require(Fixture.rules().evaluate(entry).group)
        #expect(group.name == "linux")
        #expect(group.gid == 20500)
        #expect(group.members == [.name("jane"), .name("zoe")])
        #expect(group.withheld == nil)
        #expect(group.notes.count == 2)
    }

    @Test("an RFC 2307bis group: DNs in one spelling, each once")
    func rfc2307bis() throws {
        let entry = Fixture.group([
            "objectClass": ["groupOfNames", "posixGroup"],
            "member": ["uid=Jane,dc=x", "UID=jane, DC=X", "cn=\"Doe, J\",dc=x"],
            "uniqueMember": ["uid=zoe,dc=x#'0101'B"],
        ])
        let group = try #require(Fixture.rules().evaluate(entry).group)
        #expect(
            group.members == [.dn("uid=jane,dc=x"), .dn("cn=doe\\2c j,dc=x"), .dn("uid=zoe,dc=x")])
    }

    @Test("a group without gid passes its members on and nothing else")
    func withoutGID() throws {
        let entry = Fixture.group([
            "objectClass": ["groupOfNames"], "gidNumber": [], "cn": ["All of us: everybody"],
            "member": ["uid=jane,dc=x"],
        ])
        let group = try #require(Fixture.rules().evaluate(entry).group)
        #expect(group.name == nil)
        #expect(group.gid == nil)
        #expect(group.withheld == nil)
        #expect(group.members.count == 1)
    }

    @Test(
        "what withholds a group, by the attribute at fault; its members stay known",
        arguments: [
            ("cn", ["sudo"]), ("cn", ["docker"]), ("cn", ["systemd-journal"]), ("cn", ["wheel"]),
            ("cn", ["libvirt-qemu"]), ("cn", ["locals"]), ("cn", ["a b"]), ("cn", ["100"]),
            ("cn", []), ("gidNumber", ["1002"]), ("gidNumber", ["1009"]), ("gidNumber", ["27"]),
            ("gidNumber", ["65534"]), ("gidNumber", ["70000"]), ("gidNumber", ["-1"]),
            ("gidNumber", []),
        ] as [(String, [String])])
    func withheld(attribute: String, values: [String]) throws {
        let entry = Fixture.group([attribute: values, "memberUid": ["jane"]])
        let group = try #require(Fixture.rules().evaluate(entry).group)
        #expect(group.withheld?.hasPrefix("\(attribute): ") == true)
        #expect(group.members == [.name("jane")])
    }

    @Test("a privileged name can be let in, the name of a local group cannot")
    func privileged() throws {
        var policy = AccountPolicy()
        policy.privilegedGroups = ["docker", "sudo"]
        let rules = Fixture.rules(policy)
        #expect(rules.evaluate(Fixture.group(["cn": ["docker"]])).group?.withheld == nil)
        #expect(rules.evaluate(Fixture.group(["cn": ["sudo"]])).group?.withheld != nil)
    }

    @Test("the schema can be fixed: then the other way to write members is not looked at")
    func schema() throws {
        let entry = Fixture.group(["memberUid": ["jane"], "member": ["uid=zoe,dc=x"]])
        func members(_ schema: DirectorySchema) -> [MemberReference]? {
            var policy = AccountPolicy()
            policy.schema = schema
            return Fixture.rules(policy).evaluate(entry).group?.members
        }
        #expect(members(.automatic) == [.name("jane"), .dn("uid=zoe,dc=x")])
        #expect(members(.rfc2307) == [.name("jane")])
        #expect(members(.rfc2307bis) == [.dn("uid=zoe,dc=x")])
    }

    @Test("a million bad members make a few notes")
    func manyNotes() throws {
        let entry = Fixture.group(["memberUid": (0..<1000).map { "bad \($0)" }])
        let group = try #require(Fixture.rules().evaluate(entry).group)
        #expect(group.members.isEmpty)
        #expect(group.notes.count == 11)
        #expect(group.notes.last?.contains("990") == true)
    }

    @Test(
        "what an entry is, by its classes and attributes",
        arguments: [
            (["objectClass": ["organizationalUnit"], "ou": ["people"]], "other"),
            (["objectClass": ["POSIXACCOUNT"]], "person"),
            (["objectClass": ["user"], "uid": ["a"], "uidNumber": ["1"]], "person"),
            (["objectClass": ["inetOrgPerson"], "uid": ["a"]], "other"),
            (["objectClass": ["groupOfUniqueNames"]], "group"),
            (["objectClass": ["groupOfMembers"]], "group"), (["objectClass": ["group"]], "group"),
            (["objectClass": ["x"], "gidNumber": ["5000"], "memberUid": ["a"]], "group"),
            (["objectClass": ["x"], "gidNumber": ["5000"]], "other"),
            (["objectClass": ["posixAccount", "posixGroup"]], "person"), ([:], "other"),
        ] as [([String: [String]], String)])
    func kinds(attributes: [String: [String]], kind: String) {
        let pairs = attributes.map { ($0.key, $0.value.map(Fixture.bytes)) }
        let entry = Fixture.entry(dn: "cn=x,dc=example,dc=com", pairs)
        let found =
            switch Fixture.rules().evaluate(entry).content {
            case .person: "person"
            case .group: "group"
            case .other: "other"
            }
        #expect(found == kind)
    }

    @Test("people and groups count only below their own base")
    func bases() {
        let rules = Fixture.rules(peopleBase: "OU=People,dc=example,dc=com")
        #expect(rules.evaluate(Fixture.jane()).person != nil)
        let elsewhere = Fixture.jane(dn: "cn=jane.doe,ou=guests,dc=example,dc=com")
        #expect(rules.evaluate(elsewhere).content == .other)
        #expect(rules.evaluate(Fixture.group()).group != nil)
        let outside = Fixture.group(dn: "cn=linux,dc=other")
        #expect(rules.evaluate(outside).content == .other)
    }

    @Test("a packed form that lies about its lengths is read as far as it goes")
    func garbledAttributes() {
        let packed = Fixture.jane().attributes.packed
        for length in 0..<packed.count {
            let list = AttributeList(packed: Array(packed[..<length]))
            let entry = DirectoryEntry(uuid: EntryUUID(high: 0, low: 0), dn: "x", attributes: list)
            _ = Fixture.rules().evaluate(entry)
        }
        for place in packed.indices {
            var changed = packed
            changed[place] ^= 0xFF
            let list = AttributeList(packed: changed)
            let entry = DirectoryEntry(
                uuid: EntryUUID(high: 0, low: 0), dn: "cn=a,dc=example,dc=com", attributes: list)
            _ = Fixture.rules().evaluate(entry)
        }
    }
}
