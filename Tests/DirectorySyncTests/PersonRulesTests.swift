import Accounts
import Testing

@testable import DirectorySync

@Suite("People")
struct PersonRulesTests {
    @Test("an entry as Entra writes it becomes a person without any configuration")
    func entra() throws {
        let evaluated = Fixture.rules().evaluate(Fixture.jane())
        let person = try #require(evaluated.person)
        #expect(person.withheld == nil)
        #expect(person.notes.isEmpty)
        #expect(person.state == .active)
        #expect(
            person.passwd
                == PasswdFields(
                    name: "jane.doe", uid: 10001, gid: 10000, gecos: "Jane Doe",
                    home: "/home/jane.doe", shell: "/bin/bash"))
        #expect(evaluated.dnKey == "cn=jane.doe,ou=people,dc=example,dc=com")
        #expect(evaluated.stamp == "20261121090502.123456Z#000000#000#000000")
        #expect(evaluated.createdAt == 1_767_323_045)
    }

    @Test(
        "what withholds a person, by the attribute at fault",
        arguments: [
            ("uid", []), ("uid", ["root"]), ("uid", ["admin1"]), ("uid", ["1000"]),
            ("uid", ["-jane"]), ("uid", ["jane doe"]), ("uid", ["jane:x"]), ("uid", ["jane\n"]),
            ("uid", ["jäne"]), ("uid", [""]), ("uid", ["systemd-network"]),
            ("uid", [String(repeating: "a", count: 33)]), ("uidNumber", ["0"]),
            ("uidNumber", ["999"]), ("uidNumber", ["1001"]), ("uidNumber", ["60001"]),
            ("uidNumber", ["65534"]), ("uidNumber", ["65536"]), ("uidNumber", ["524288"]),
            ("uidNumber", ["2147483648"]), ("uidNumber", ["4294967296"]),
            ("uidNumber", ["4294977297"]), ("uidNumber", ["18446744073709561617"]),
            ("uidNumber", ["-1"]), ("uidNumber", ["+10001"]), ("uidNumber", ["010001"]),
            ("uidNumber", [" 10001"]), ("uidNumber", ["10001 "]), ("uidNumber", ["0x2711"]),
            ("uidNumber", ["١٠٠٠١"]), ("uidNumber", [""]), ("uidNumber", ["10001", "10002"]),
            ("uidNumber", []), ("gidNumber", []), ("gidNumber", ["0"]), ("gidNumber", ["27"]),
            ("gidNumber", ["1002"]), ("gidNumber", ["1009"]), ("gidNumber", ["70000"]),
            ("gidNumber", ["x"]), ("homeDirectory", []), ("homeDirectory", [""]),
            ("homeDirectory", ["/"]), ("homeDirectory", ["/home"]), ("homeDirectory", ["/home/"]),
            ("homeDirectory", ["/homejane"]), ("homeDirectory", ["/root"]),
            ("homeDirectory", ["home/jane"]), ("homeDirectory", ["/home/../etc"]),
            ("homeDirectory", ["/home/jane/.."]), ("homeDirectory", ["/home/./jane"]),
            ("homeDirectory", ["/home//jane"]), ("homeDirectory", ["/home/jane/"]),
            ("homeDirectory", ["/home/jane:x"]), ("homeDirectory", ["/home/jane\nroot"]),
            ("homeDirectory", ["/etc/systemd/system/x.service.d"]),
            ("homeDirectory", ["/home/" + String(repeating: "a", count: 250)]),
            ("gecos", ["Jane:0:0"]), ("gecos", ["Jane\nroot:x:0:0"]), ("gecos", ["Jane\u{1B}[2J"]),
            ("gecos", ["Jane\u{9B}"]), ("gecos", ["Jane\u{202E}eoD"]), ("gecos", ["a\u{2028}b"]),
            ("gecos", ["a\u{2066}b"]), ("gecos", ["a\u{7F}"]), ("gecos", ["a\u{0}"]),
            ("gecos", [String(repeating: "a", count: 1025)]), ("loginShell", ["/bin/ba:sh"]),
            ("loginShell", ["/bin/sh\n"]),
            ("loginShell", ["/" + String(repeating: "a", count: 255)]),
            ("cn", ["jane.doe", "Jane:Doe"]),
        ] as [(String, [String])])
    func withheld(attribute: String, values: [String]) throws {
        let person = try #require(
            Fixture.rules().evaluate(Fixture.jane(texts: [attribute: values])).person)
        let reason = try #require(person.withheld)
        #expect(reason.hasPrefix("\(attribute): "))
        #expect(reason.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }

    @Test(
        "octets that are not UTF-8 withhold a person",
        arguments: ["uid", "gecos", "homeDirectory", "loginShell"])
    func invalidUTF8(attribute: String) throws {
        let value = Fixture.bytes("/home/a") + [0xC3, 0x28]
        let person = try #require(
            Fixture.rules().evaluate(Fixture.jane([attribute: [value]])).person)
        #expect(person.withheld?.hasPrefix(attribute) == true)
    }

    @Test("every reason is told, not the first alone")
    func allReasons() throws {
        let entry = Fixture.jane(texts: ["uidNumber": ["0"], "homeDirectory": ["/etc"]])
        let reason = try #require(Fixture.rules().evaluate(entry).person?.withheld)
        #expect(reason.contains("uidNumber: ") && reason.contains("homeDirectory: "))
    }

    @Test(
        "of several login names the one in the RDN wins, else the first in the order of octets",
        arguments: [
            ("uid=zoe,ou=people,dc=example,dc=com", ["adam", "zoe"], "zoe", 0),
            ("uid=Zoe,ou=people,dc=example,dc=com", ["adam", "zoe"], "zoe", 0),
            ("uid=zoe+cn=x,ou=people,dc=example,dc=com", ["adam", "Zoe", "zoe"], "zoe", 0),
            ("cn=zoe,ou=people,dc=example,dc=com", ["zoe", "adam", "Zoe"], "Zoe", 1),
            ("cn=zoe,ou=people,dc=example,dc=com", ["zoe"], "zoe", 0),
        ])
    func names(dn: String, uids: [String], name: String, notes: Int) throws {
        let entry = Fixture.jane(dn: dn, texts: ["uid": uids])
        let person = try #require(Fixture.rules().evaluate(entry).person)
        #expect(person.passwd.name == name)
        #expect(person.notes.count == notes)
    }

    @Test(
        "the full name is gecos, the cn beside the RDN, displayName, the cn",
        arguments: [
            (["gecos": ["G"], "cn": ["jane.doe", "C"]], "G"),
            (["cn": ["C", "jane.doe"]], "C"), (["cn": ["Jane.Doe"], "displayName": ["D"]], "D"),
            (["cn": ["jane.doe"]], "jane.doe"), (["cn": []], ""),
            (["cn": ["jane.doe", "Zoë Müller"]], "Zoë Müller"),
        ] as [([String: [String]], String)])
    func gecos(changes: [String: [String]], gecos: String) throws {
        let person = try #require(Fixture.rules().evaluate(Fixture.jane(texts: changes)).person)
        #expect(person.passwd.gecos == gecos)
        #expect(person.withheld == nil)
    }

    @Test(
        "shells: absent, replaced, installed, not installed, blocking",
        arguments: [
            ([], "/bin/sh", 0), ([""], "/bin/sh", 0), (["/bin/zsh"], "/bin/zsh", 0),
            (["/bin/csh"], "/bin/sh", 0), (["/opt/fish"], "/usr/sbin/nologin", 1),
            (["bash"], "/usr/sbin/nologin", 1), (["/bin/false"], "/bin/false", 0),
            (["/usr/sbin/nologin"], "/usr/sbin/nologin", 0),
            (["/sbin/nologin"], "/sbin/nologin", 0),
        ] as [([String], String, Int)])
    func shells(values: [String], shell: String, notes: Int) throws {
        var policy = AccountPolicy()
        policy.defaultShell = "/bin/sh"
        policy.replaceShells = ["/bin/csh"]
        let entry = Fixture.jane(texts: ["loginShell": values])
        let person = try #require(Fixture.rules(policy).evaluate(entry).person)
        #expect(person.passwd.shell == shell)
        #expect(person.notes.count == notes)
        #expect(person.withheld == nil)
    }

    @Test("a default shell that is not installed turns into nologin")
    func missingDefaultShell() throws {
        var policy = AccountPolicy()
        policy.defaultShell = "/bin/ksh"
        let person = try #require(Fixture.rules(policy).evaluate(Fixture.jane()).person)
        #expect(person.passwd.shell == "/usr/sbin/nologin")
        #expect(person.notes.count == 1)
    }

    @Test("container ids need a window that names them; reserved ones stay withheld in it")
    func window() throws {
        var policy = AccountPolicy()
        policy.ids = 1000...700_000
        let rules = Fixture.rules(policy)
        for (uid, isWithheld) in [("600000", false), ("65534", true), ("61000", true)] {
            let person = try #require(
                rules.evaluate(Fixture.jane(texts: ["uidNumber": [uid]])).person)
            #expect((person.withheld != nil) == isWithheld, "\(uid)")
        }
    }

    @Test("an id in a range of /etc/subuid is reported, not withheld")
    func subordinate() throws {
        let entry = Fixture.jane(texts: ["uidNumber": ["20009"], "gidNumber": ["21000"]])
        let person = try #require(Fixture.rules().evaluate(entry).person)
        #expect(person.withheld == nil)
        #expect(person.notes.count == 2)
    }

    @Test("attribute names can be overridden, in any case")
    func attributes() throws {
        var policy = AccountPolicy()
        policy.attributes.uid = "sAMAccountName"
        policy.attributes.homeDirectory = "unixHomeDirectory"
        let entry = Fixture.jane(texts: [
            "uid": [], "homeDirectory": [], "SAMACCOUNTNAME": ["jdoe"],
            "unixhomedirectory": ["/home/jdoe"],
        ])
        let person = try #require(Fixture.rules(policy).evaluate(entry).person)
        #expect(person.withheld == nil)
        #expect(person.passwd.name == "jdoe")
        #expect(person.passwd.home == "/home/jdoe")
    }

    @Test("several prefixes, a deeper one included")
    func prefixes() throws {
        var policy = AccountPolicy()
        policy.homePrefixes = ["/srv/home", "/home"]
        for (home, isWithheld) in [
            ("/srv/home/a", false), ("/home/b/...", false), ("/srv/b", true),
        ] {
            let entry = Fixture.jane(texts: ["homeDirectory": [home]])
            let person = try #require(Fixture.rules(policy).evaluate(entry).person)
            #expect((person.withheld != nil) == isWithheld, "\(home)")
        }
    }
}

@Suite("Account state")
struct StateRulesTests {
    @Test(
        "what disables a person without any configuration",
        arguments: [
            ("pwdAccountLockedTime", "000001010000Z", true),
            ("pwdAccountLockedTime", "00000101000000Z", true),
            ("pwdAccountLockedTime", "20261121090502Z", false), ("nsAccountLock", "true", true),
            ("nsAccountLock", "TRUE", true), ("nsAccountLock", "false", false),
            ("loginDisabled", "TRUE", true), ("msDS-UserAccountDisabled", "true", true),
            ("userAccountControl", "514", true), ("userAccountControl", "512", false),
            ("userAccountControl", "-2147483134", true), ("userAccountControl", "x", true),
            ("ds-pwp-account-disabled", "true", true), ("employeeType", "Left", false),
        ])
    func disabled(attribute: String, value: String, isDisabled: Bool) throws {
        let entry = Fixture.jane(texts: [attribute: [value]])
        let person = try #require(Fixture.rules().evaluate(entry).person)
        #expect(person.state.isDisabled == isDisabled)
        #expect(person.withheld == nil)
    }

    @Test("configured rules: a value in any case, any value, one of several values")
    func configured() throws {
        var policy = AccountPolicy()
        policy.disabled = ["employeeType=left", "blocked=*"].compactMap(DisabledRule.init(text:))
        let rules = Fixture.rules(policy)
        func isDisabled(_ changes: [String: [String]]) -> Bool? {
            rules.evaluate(Fixture.jane(texts: changes)).person?.state.isDisabled
        }
        #expect(isDisabled([:]) == false)
        #expect(isDisabled(["employeeType": ["staff"]]) == false)
        #expect(isDisabled(["EMPLOYEETYPE": ["staff", "LEFT"]]) == true)
        #expect(isDisabled(["blocked": ["no"]]) == true)
        #expect(isDisabled(["nsAccountLock": ["true"]]) == false)
    }

    @Test(
        "when an account expires; what cannot be read disables it",
        arguments: [
            ("shadowExpire", "20000", 20000 * 86400, false), ("shadowExpire", "0", 0, false),
            ("shadowExpire", "-1", nil, false), ("shadowExpire", "-5", 0, false),
            ("shadowExpire", "soon", nil, true), ("shadowExpire", "", nil, true),
            ("shadowExpire", "9223372036854775807", nil, true),
            ("accountExpires", "0", nil, false),
            ("accountExpires", "9223372036854775807", nil, false),
            ("accountExpires", "116444736010000000", 1, false),
            ("loginExpirationTime", "19700101000100Z", 60, false),
            ("ds-pwp-account-expiration-time", "never", nil, true),
        ] as [(String, String, Int64?, Bool)])
    func expiry(attribute: String, value: String, expiresAt: Int64?, isDisabled: Bool) throws {
        let entry = Fixture.jane(texts: [attribute: [value]])
        let person = try #require(Fixture.rules().evaluate(entry).person)
        #expect(person.state.expiresAt == expiresAt)
        #expect(person.state.isDisabled == isDisabled)
        #expect(person.notes.isEmpty == !isDisabled)
    }

    @Test(
        "when a new password is due",
        arguments: [
            ("shadowLastChange", "0", true), ("shadowLastChange", "19000", false),
            ("pwdReset", "TRUE", true), ("pwdReset", "FALSE", false), ("pwdLastSet", "0", true),
        ])
    func mustChange(attribute: String, value: String, mustChange: Bool) throws {
        let entry = Fixture.jane(texts: [attribute: [value]])
        let person = try #require(Fixture.rules().evaluate(entry).person)
        #expect(person.state.mustChangePassword == mustChange)
    }
}
