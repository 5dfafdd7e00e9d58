import Accounts
import Testing

@testable import DirectorySync

/// Entries as Active Directory shows them.
private func entry(
    _ dn: String, _ classes: [String], _ texts: [String: [String]], relative: UInt32? = 1103
) -> DirectoryEntry {
    var attributes = [("objectClass", classes.map(Fixture.bytes))]
    attributes += texts.sorted { $0.key < $1.key }.map { ($0.key, $0.value.map(Fixture.bytes)) }
    if let relative { attributes.append(("objectSid", [SecurityIdentifierTests.octets(relative)])) }
    return Fixture.entry(dn: "\(dn),dc=example,dc=com", attributes)
}

private func user(_ changes: [String: [String]] = [:], relative: UInt32? = 1103) -> DirectoryEntry {
    var texts: [String: [String]] = [
        "sAMAccountName": ["Jane.Doe"], "userAccountControl": ["512"], "primaryGroupID": ["513"],
        "displayName": ["Jane Doe"],
    ]
    texts.merge(changes) { $1 }
    let classes = ["top", "person", "organizationalPerson", "user"]
    return entry(
        "cn=Jane Doe,cn=Users", classes, texts.filter { !$0.value.isEmpty }, relative: relative)
}

private func group(
    _ name: String, _ changes: [String: [String]] = [:], relative: UInt32? = 1104
) -> DirectoryEntry {
    var texts: [String: [String]] = ["sAMAccountName": [name], "groupType": ["-2147483646"]]
    texts.merge(changes) { $1 }
    return entry("cn=\(name),cn=Users", ["top", "group"], texts, relative: relative)
}

private func adPolicy(_ source: IDSource) -> AccountPolicy {
    var policy = AccountPolicy()
    policy.schema = .activeDirectory
    policy.attributes = .activeDirectory
    policy.idSource = source
    policy.ids = source.usualWindow
    policy.foldsNames = true
    policy.defaultHome = "/home/%u"
    return policy
}

private func evaluated(_ entry: DirectoryEntry, _ policy: AccountPolicy) -> PersonCandidate? {
    Fixture.rules(policy).evaluate(entry).person
}

@Suite("Active Directory")
struct ActiveDirectoryRulesTests {
    @Test("a person by security identifier: SSSD's ids, the name in lower case, the usual home")
    func bySID() throws {
        let jane = try #require(evaluated(user(), adPolicy(.sid)))
        #expect(jane.withheld == nil && jane.notes == [])
        #expect(jane.passwd.name == "jane.doe")
        #expect(jane.passwd.uid == 686_201_103 && jane.passwd.gid == 686_200_513)
        #expect(jane.passwd.home == "/home/jane.doe")
        #expect(jane.passwd.gecos == "Jane Doe")
        #expect(jane.primaryGroup == "S-1-5-21-1-2-3-513")
        #expect(!jane.state.isDisabled && !jane.state.mustChangePassword)
    }

    @Test("uidNumber and gidNumber are not looked at then, and alone count otherwise")
    func sources() throws {
        let ids = [
            "uidNumber": ["10001"], "gidNumber": ["10000"], "unixHomeDirectory": ["/home/j"],
        ]
        let bySID = try #require(evaluated(user(ids), adPolicy(.sid)))
        #expect(bySID.passwd.uid == 686_201_103 && bySID.passwd.home == "/home/j")
        let byAttribute = try #require(evaluated(user(ids), adPolicy(.attribute)))
        #expect(byAttribute.withheld == nil && byAttribute.primaryGroup != nil)
        #expect(byAttribute.passwd.uid == 10001 && byAttribute.passwd.gid == 10000)
        let without = try #require(evaluated(user(), adPolicy(.attribute)))
        #expect(without.withheld?.hasPrefix("uidNumber: is missing") == true)
    }

    @Test(
        "what withholds a person whose ids come from the security identifier",
        arguments: [
            (user(relative: nil), "objectSid: is missing"),
            (user(["objectSid": ["S-1-5-21-1-2-3-1103"]], relative: nil), "objectSid: "),
            (user(["primaryGroupID": []]), "primaryGroupID: is missing"),
            (user(["primaryGroupID": ["-1"]]), "primaryGroupID: \"-1\" is not an id"),
            (user(["primaryGroupID": ["513", "514"]]), "primaryGroupID: has several values"),
            (user(["sAMAccountName": ["Jane Doe"]]), "sAMAccountName: \"Jane Doe\" is not"),
            (user(["sAMAccountName": ["ROOT"]]), "sAMAccountName: root is a local account"),
        ] as [(DirectoryEntry, String)])
    func withheld(entry: DirectoryEntry, reason: String) throws {
        var policy = adPolicy(.sid)
        policy.names.extraCharacters = [UInt8(ascii: " ")]
        let person = try #require(evaluated(entry, policy))
        #expect(person.withheld?.hasPrefix(reason) == true, "\(person.withheld ?? "published")")
    }

    @Test(
        "a person whose primary group cannot be told is withheld, where it comes by attributes too")
    func hostilePrimaryGroup() throws {
        let ids = ["uidNumber": ["10001"], "gidNumber": ["10000"]]
        for (changes, relative) in [
            (["primaryGroupID": ["x"]], UInt32(1103)), (["objectSid": ["short"]], nil),
        ] as [([String: [String]], UInt32?)] {
            let entry = user(ids.merging(changes) { $1 }, relative: relative)
            #expect(try #require(evaluated(entry, adPolicy(.attribute))).withheld != nil)
        }
        let hidden = try #require(evaluated(user(ids, relative: nil), adPolicy(.attribute)))
        #expect(hidden.withheld == "objectSid: is missing, but primaryGroupID is there")
        let unreadable = user(ids.merging(["primaryGroupID": []]) { $1 }, relative: nil)
        let person = try #require(evaluated(unreadable, adPolicy(.attribute)))
        #expect(person.withheld == nil && person.primaryGroup == nil)
    }

    @Test("a group has SSSD's gid, and lists those whose primary group it is")
    func groups() throws {
        let entry = group("Crew", ["member": ["CN=Jane Doe,CN=Users,DC=example,DC=com"]])
        let staff = try #require(Fixture.rules(adPolicy(.sid)).evaluate(entry).group)
        #expect(staff.name == "crew" && staff.gid == 686_201_104 && staff.withheld == nil)
        #expect(
            staff.members == [
                .dn("cn=jane doe,cn=users,dc=example,dc=com"), .primaryGroup("S-1-5-21-1-2-3-1104"),
            ])
        let plain = try #require(Fixture.rules(adPolicy(.attribute)).evaluate(entry).group)
        #expect(plain.gid == nil && plain.withheld == nil && plain.members == staff.members)
    }

    @Test("a group whose objectSid cannot be read is noted; AD LDS has none and is not")
    func hiddenIdentifier() throws {
        var policy = adPolicy(.attribute)
        for values in [[], ["short"]] {
            let entry = group("Crew", ["objectSid": values], relative: nil)
            let crew = try #require(Fixture.rules(policy).evaluate(entry).group)
            #expect(crew.notes.count == 1 && crew.notes.first?.hasPrefix("objectSid: ") == true)
            #expect(crew.withheld == nil && crew.members.isEmpty)
        }
        #expect(Fixture.rules(policy).evaluate(group("Crew")).group?.notes == [])
        policy.attributes.groupName = "cn"
        let entry = group("Crew", ["cn": ["Crew"]], relative: nil)
        let lightweight = try #require(Fixture.rules(policy).evaluate(entry).group)
        #expect(lightweight.notes == [] && lightweight.name == "crew")
    }

    @Test("a name with a space is withheld with what would let it in, and then let in")
    func spaces() throws {
        let entry = group("Domain Users", relative: 513)
        let withheld = try #require(Fixture.rules(adPolicy(.sid)).evaluate(entry).group)
        #expect(withheld.withheld?.contains("accounts.extra_name_characters = \" \"") == true)
        #expect(withheld.members == [.primaryGroup("S-1-5-21-1-2-3-513")])
        var policy = adPolicy(.sid)
        policy.names.extraCharacters = [UInt8(ascii: " ")]
        let allowed = try #require(Fixture.rules(policy).evaluate(entry).group)
        #expect(allowed.name == "domain users" && allowed.withheld == nil)
        for name in [" x", "x ", "x:y z"] {
            #expect(Fixture.rules(policy).evaluate(group(name)).group?.withheld != nil)
        }
    }

    @Test("groups for mail and those of every machine only pass members on, as with SSSD")
    func noGroups() throws {
        let rules = Fixture.rules(adPolicy(.sid))
        let mail = try #require(rules.evaluate(group("News", ["groupType": ["2"]])).group)
        #expect(mail.gid == nil && mail.name == "news" && mail.withheld == nil)
        var entry = group("Users", relative: nil)
        entry.attributes.startAttribute("objectSid".utf8)
        entry.attributes.appendValue([1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0])
        let builtIn = try #require(rules.evaluate(entry).group)
        #expect(builtIn.gid == nil && builtIn.withheld == nil)
        let unknown = try #require(rules.evaluate(group("x", relative: nil)).group)
        #expect(unknown.withheld == "objectSid: is missing")
    }

    @Test(
        "machines and accounts of other domains are nobody",
        arguments: [
            entry(
                "cn=pc", ["top", "person", "organizationalPerson", "user", "computer"],
                ["sAMAccountName": ["PC$"], "userAccountControl": ["4096"]]),
            user(["userAccountControl": ["2080"]]), user(["userAccountControl": ["532480"]]),
            entry("cn=contact", ["top", "person", "organizationalPerson", "contact"], [:]),
        ] as [DirectoryEntry])
    func machines(entry: DirectoryEntry) {
        for source in IDSource.allCases {
            #expect(Fixture.rules(adPolicy(source)).evaluate(entry).content == .other)
        }
    }

    @Test(
        "disabled, and when a new password is due",
        arguments: [
            (["userAccountControl": ["514"]], "userAccountControl", nil),
            (["msDS-UserAccountDisabled": ["TRUE"]], "msDS-UserAccountDisabled=TRUE", nil),
            (["pwdLastSet": ["0"]], nil, "pwdLastSet"),
            (["pwdLastSet": ["0"], "userAccountControl": ["66048"]], nil, nil),
            (["pwdLastSet": ["0"], "userAccountControl": ["262656"]], nil, nil),
            (
                ["msDS-User-Account-Control-Computed": ["8388608"]], nil,
                "msDS-User-Account-Control-Computed"
            ),
            (["msDS-User-Account-Control-Computed": ["16"]], nil, nil),
            (["msDS-UserPasswordExpired": ["TRUE"]], nil, "msDS-UserPasswordExpired"),
            (["msDS-UserPasswordExpired": ["FALSE"]], nil, nil),
            (["ms-DS-UserAccountAutoLocked": ["TRUE"], "lockoutTime": ["1"]], nil, nil),
        ] as [([String: [String]], String?, String?)])
    func states(changes: [String: [String]], disabledBy: String?, mustChangeBy: String?) throws {
        let state = try #require(evaluated(user(changes), adPolicy(.sid))).state
        #expect(state.disabledBy == disabledBy)
        #expect(state.mustChangeBy == mustChangeBy)
    }

    @Test("an account expires with accountExpires")
    func expires() throws {
        let state = try #require(
            evaluated(user(["accountExpires": ["132223104000000000"]]), adPolicy(.sid))
        ).state
        #expect(state.expiresAt == 1_577_836_800 && state.expiresBy == "accountExpires")
        let never = try #require(
            evaluated(user(["accountExpires": ["9223372036854775807"]]), adPolicy(.sid)))
        #expect(never.state.expiresAt == nil)
    }

    @Test("the filters: people by what they are, with a uid where it comes by an attribute")
    func filters() throws {
        func filter(_ source: IDSource) throws -> String {
            try #require(Fixture.rules(adPolicy(source)).searchPlan.searches.first).filter
        }
        let people = "(&(objectCategory=person)(objectClass=user)(sAMAccountName=*)"
        #expect(try filter(.attribute).contains("\(people)(uidNumber=*))(objectCategory=group)"))
        #expect(try filter(.sid).contains("\(people))(objectCategory=group)"))
        let asked = Fixture.rules(adPolicy(.sid)).requestedAttributes
        for name in [
            "objectsid", "primarygroupid", "grouptype", "msds-user-account-control-computed",
        ] {
            #expect(asked.contains(name))
            #expect(!Fixture.rules().requestedAttributes.contains(name))
        }
    }
}

@Suite("Ids from hashes")
struct HashedIDTests {
    private func rules(_ window: ClosedRange<UInt32>, gid: UInt32? = nil) -> EntryRules {
        var policy = AccountPolicy()
        policy.idSource = .hash
        policy.ids = window
        policy.defaultGID = gid
        policy.defaultHome = "/home/%u"
        return Fixture.rules(policy)
    }

    private func jane(_ number: UInt64, _ texts: [String: [String]] = [:]) -> DirectoryEntry {
        var entry = Fixture.jane(
            texts: ["objectClass": ["inetOrgPerson", "person"], "uidNumber": []].merging(texts) {
                $1
            })
        entry.uuid = EntryUUID(high: 0x597a_e2f6_16a6_1027, low: number)
        return entry
    }

    @Test("a uid follows from the entry's identity alone, for ever the same")
    func stable() throws {
        let rules = rules(IDSource.hash.usualWindow)
        let one = try #require(rules.evaluate(jane(1)).person)
        #expect(one.withheld == nil)
        #expect(one.passwd.uid == 1_575_770_037)
        #expect(one.passwd.gid == 10000)
        #expect(
            rules.evaluate(jane(1, ["uid": ["other"], "uidNumber": ["5"]])).person?.passwd.uid
                == one.passwd.uid)
    }

    @Test("every uid lies in the window and none belongs to the system")
    func window() throws {
        let rules = rules(59_990...65_600, gid: 70_000)
        var seen: Set<UInt32> = []
        for number in UInt64(0)..<2000 {
            let person = try #require(rules.evaluate(jane(number)).person)
            seen.insert(person.passwd.uid)
        }
        #expect(
            seen.allSatisfy { (59_990...60_000).contains($0) || (65_536...65_600).contains($0) })
        #expect(seen.count == 76)
    }

    @Test("the primary gid is gidNumber or the configured one, never a hash")
    func primaryGID() throws {
        let named = rules(IDSource.hash.usualWindow, gid: 70_000)
        #expect(named.evaluate(jane(1, ["gidNumber": []])).person?.passwd.gid == 70_000)
        #expect(named.evaluate(jane(1, ["gidNumber": []])).person?.withheld == nil)
        let without = rules(IDSource.hash.usualWindow)
        let person = try #require(without.evaluate(jane(1, ["gidNumber": []])).person)
        #expect(person.withheld == "gidNumber: is missing")
        for gid in [UInt32(65_534), 1002] {
            let bad = rules(IDSource.hash.usualWindow, gid: gid)
            let person = try #require(bad.evaluate(jane(1, ["gidNumber": []])).person)
            #expect(person.withheld?.hasPrefix("accounts.default_gid: \(gid)") == true)
        }
    }

    @Test("the configured gid serves people with a uidNumber as well")
    func withAttributes() throws {
        var policy = AccountPolicy()
        policy.defaultGID = 20_000
        let person = try #require(
            Fixture.rules(policy).evaluate(Fixture.jane(texts: ["gidNumber": []])).person)
        #expect(person.withheld == nil && person.passwd.gid == 20_000)
    }

    @Test("groups of every kind have one too, and people are asked for by their kind")
    func groups() throws {
        let rules = rules(IDSource.hash.usualWindow)
        let entry = Fixture.group(["objectClass": ["groupOfNames"], "gidNumber": []])
        let group = try #require(rules.evaluate(entry).group)
        let gid = try #require(group.gid)
        #expect(group.withheld == nil && IDSource.hash.usualWindow.contains(gid))
        let filter = try #require(rules.searchPlan.searches.first).filter
        #expect(filter.contains("(|(objectClass=posixAccount)(&(objectClass=person)(uid=*)))"))
        #expect(filter.contains("(!(|(uidNumber=*)(&(objectClass=person)(uid=*))))"))
    }
}
