import Accounts
import Testing

@testable import DirectorySync

@Suite("What is asked of the directory")
struct SearchPlanTests {
    @Test(
        "one search where one base holds the other, else two",
        arguments: [
            ("dc=x", "dc=x", ["dc=x"]), ("ou=people,dc=x", "DC=x", ["DC=x"]),
            ("dc=x", "ou=groups,dc=x", ["dc=x"]),
            ("ou=people,dc=x", "ou=groups,dc=x", ["ou=people,dc=x", "ou=groups,dc=x"]),
        ])
    func bases(people: String, groups: String, bases: [String]) {
        let plan = Fixture.rules(peopleBase: people, groupsBase: groups).searchPlan
        #expect(plan.searches.map(\.base) == bases)
    }

    @Test("the filter admits people, groups and containers, and people only by their own clause")
    func filter() throws {
        let filter = try #require(Fixture.rules().searchPlan.searches.first).filter
        #expect(filter.hasPrefix("(|(objectClass=posixAccount)(&(|(objectClass=posixGroup)"))
        #expect(filter.contains("(objectClass=organizationalUnit)"))
        #expect(filter.components(of: "(!(uidNumber=*))") == 2)
        #expect(filter.components(of: "(") == filter.components(of: ")"))
    }

    @Test("configured filters stand as they are")
    func configuredFilter() throws {
        let scope = SearchScope(
            peopleBase: "ou=p,dc=x", groupsBase: "ou=g,dc=x", peopleFilter: "(a=b)",
            groupsFilter: "(c=d)")
        let rules = EntryRules(
            policy: AccountPolicy(), scope: scope, local: LocalAccounts(),
            shells: InstalledShells([]))
        let filters = rules.searchPlan.searches.map(\.filter)
        #expect(filters[0].hasPrefix("(|(a=b)(&"))
        #expect(filters[1].hasPrefix("(|(c=d)(&"))
    }

    @Test("the attributes are those that the rules look at, sorted, each once")
    func attributes() {
        var policy = AccountPolicy()
        policy.disabled.append(DisabledRule(attribute: "employeeType", condition: .present))
        let names = Fixture.rules(policy).requestedAttributes
        #expect(names == Set(names).sorted())
        for name in [
            "objectclass", "uid", "entryuuid", "entrycsn", "modifytimestamp", "createtimestamp",
            "pwdaccountlockedtime", "nsaccountlock", "shadowexpire", "employeetype", "uniquemember",
        ] {
            #expect(names.contains(name), "\(name)")
        }
        #expect(!names.contains("userpassword"))
    }
}

@Suite("Times and numbers in the directory")
struct DirectoryNumbersTests {
    @Test(
        "generalized times",
        arguments: [
            ("19700101000000Z", 0), ("20260102030405Z", 1_767_323_045),
            ("20260102030405.123456Z", 1_767_323_045), ("20260102030405,5Z", 1_767_323_045),
            ("20260102040405+0100", 1_767_323_045), ("20260102020405-01", 1_767_323_045),
            ("202601020304Z", 1_767_323_040), ("2026010203Z", 1_767_322_800),
            ("20000229120000Z", 951_825_600), ("16010101000000.0Z", -11_644_473_600),
        ] as [(String, Int64)])
    func times(text: String, seconds: Int64) {
        #expect(DirectoryNumbers.generalizedTime(text.utf8) == seconds)
    }

    @Test(
        "what is no generalized time",
        arguments: [
            "", "Z", "20260102030405", "20261302030405Z", "20260100030405Z", "20260102240405Z",
            "20260102036005Z", "2026010203040Z", "20260102030405.Z", "20260102030405ZZ",
            "20260102030405+1", "20260102030405+0160", "-20260102030405Z", "now",
        ])
    func noTimes(text: String) {
        #expect(DirectoryNumbers.generalizedTime(text.utf8) == nil)
    }
}

@Suite("Local accounts")
struct LocalAccountsTests {
    @Test("names and ids are taken line by line, as far as a line makes sense")
    func parsing() {
        let local = Fixture.local
        #expect(local.userNames == ["root", "admin1", "broken"])
        #expect(local.userIDs == [0, 1001])
        #expect(local.groupNames == ["root", "sudo", "locals"])
        #expect(local.groupIDs == [0, 27, 1002, 1009])
        #expect(local.subordinateUserIDs == [20000...20009])
        #expect(local.subordinateGroupIDs == [21000...21009])
    }

    @Test("odd ranges are cut or passed over")
    func ranges() {
        let subuid = "a:1:0\nb:x:5\n1000:4294967295:65536\n#c:1:2\nd:5\n"
        let local = LocalAccounts(passwd: [], group: [], subuid: Array(subuid.utf8))
        #expect(local.subordinateUserIDs == [UInt32.max...UInt32.max])
    }

    @Test("this host's files load; a folder without passwd is an error")
    func load() throws {
        #expect(try LocalAccounts.load().userNames.contains("root"))
        #expect(throws: LocalAccountsError.self) { try LocalAccounts.load(root: "/nonexistent") }
    }

    @Test("this host's shells are executable files")
    func shells() {
        let shells = InstalledShells.ofThisHost()
        #expect(shells.contains("/bin/sh"))
        for path in ["/bin", "/etc/passwd", "bin/sh", "", "/nonexistent"] {
            #expect(!shells.contains(path), "\(path)")
        }
    }
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(of part: String) -> Int {
        indices.count { self[$0...].hasPrefix(part) }
    }
}

@Suite("The fingerprint of the rules")
struct RulesFingerprintTests {
    @Test("is the same for the same rules and differs when any part does")
    func differs() {
        let changes: [(inout AccountPolicy) -> Void] = [
            { $0.ids = 1000...60001 }, { $0.disabled.removeLast() }, { $0.expiry.removeLast() },
            { $0.defaultShell = "/bin/sh" }, { $0.replaceShells = ["/home"] },
            { $0.homePrefixes = ["/home", "/srv"] }, { $0.privilegedGroups = ["docker"] },
            { $0.attributes.uid = "x" }, { $0.attributes.member = ["member"] },
            { $0.schema = .rfc2307 }, { $0.keyAttribute = "key" }, { $0.allowsKeyOptions = true },
            { $0.idSource = .sid }, { $0.idSource = .hash }, { $0.sidSliceSize = 5000 },
            { $0.defaultGID = 20_000 }, { $0.defaultHome = "/home/%u" }, { $0.foldsNames = true },
            { $0.names.extraCharacters = [UInt8(ascii: " ")] },
        ]
        var seen: Set<UInt64> = [Fixture.rules().fingerprint]
        #expect(seen.contains(Fixture.rules().fingerprint))
        for change in changes {
            var policy = AccountPolicy()
            change(&policy)
            seen.insert(Fixture.rules(policy).fingerprint)
        }
        seen.insert(Fixture.rules(peopleBase: "ou=people,dc=example,dc=com").fingerprint)
        var local = Fixture.local
        local.groupNames.insert("new")
        let other = EntryRules(
            policy: AccountPolicy(),
            scope: SearchScope(peopleBase: Fixture.base, groupsBase: Fixture.base), local: local,
            shells: InstalledShells([]))
        seen.insert(other.fingerprint)
        #expect(seen.count == changes.count + 3)
    }
}
