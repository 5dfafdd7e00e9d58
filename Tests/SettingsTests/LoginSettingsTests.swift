import Accounts
import Testing

@testable import Settings

@Suite("What the configuration says about logging in")
struct LoginSettingsTests {
    private static let minimal = "[directory]\nuris = [\"ldaps://a\"]\nbase = \"dc=a\"\n"

    private func settings(_ text: String) throws -> Settings {
        try Settings.parse(Array((Self.minimal + text).utf8))
    }

    @Test("every message has its verdict; one that is not there leaves the built-in text")
    func messages() throws {
        let lines = Settings.messageKeys.map { "\($0.name) = \"text of \($0.name)\"" }
        let messages = try settings("[messages]\n" + lines.joined(separator: "\n")).messages
        #expect(messages.count == 11 && messages[.stale] == "text of stale")
        #expect(messages[.mustChangePassword] == "text of must_change")
        #expect(messages[.undecidable] == "text of unavailable")
        #expect(try settings("").messages.isEmpty)
    }

    @Test(
        "a message that is too long or more than a line, and a reset file without DN, are refused",
        arguments: [
            (
                "[messages]\nstale = \"" + String(repeating: "x", count: 201) + "\"",
                "messages.stale"
            ),
            ("[messages]\nstale = \"a\\nb\"", "messages.stale"),
            ("[messages]\nstale = \"\"", "messages.stale"),
            ("[messages]\nstaled = \"x\"", "messages.stale"),
            ("[login]\nreset_password_file = \"/a\"", "login.reset_password_file"),
            ("[login]\nreset_dn = \"nonsense\"", "login.reset_dn"),
            ("[access]\nallow_groups = [\"a b\"]", "access.allow_groups"),
            (
                "[access]\nallow_users = [\"0b5f7f6e-2f0c-4b52-8f8e-6f2a7a4b9c1d\"]",
                "access.allow_users"
            ),
        ])
    func refused(text: String, key: String) {
        let error = #expect(throws: SettingsError.self) { try settings(text) }
        #expect(error?.description.contains(key) == true, "\(String(describing: error))")
    }

    @Test("a group of an access rule may be named by its entry UUID")
    func uuid() throws {
        let uuid = "0b5f7f6e-2f0c-4b52-8f8e-6f2a7a4b9c1d"
        let access = try settings(
            "[access]\nallow_groups = [\"linux\", \"\(uuid)\"]\n[access.sudo]\ndeny_groups = [\"\(uuid)\"]"
        ).access
        #expect(access.general.allowGroups == ["linux", uuid])
        #expect(access.services["sudo"]?.denyGroups == [uuid])
    }

    @Test("sudo-i, su-l and runuser-l take the tables of sudo, su and runuser, but their own first")
    func loginForms() throws {
        let access = try settings(
            """
            [access.sudo]
            allow_users = ["a"]
            [access.su]
            [access.su-l]
            allow_users = ["b"]
            """
        ).access
        for (service, table) in [
            ("sudo", "sudo"), ("sudo-i", "sudo"), ("su", "su"), ("su-l", "su-l"),
            ("runuser-l", nil), ("runuser", nil), ("sshd", nil), ("sudo-x", nil),
        ] {
            #expect(access.table(for: service) == table, "\(service)")
        }
        #expect(Set(access.rulesByService.keys) == ["sudo", "sudo-i", "su", "su-l"])
        #expect(access.rulesByService["sudo-i"]?.allowUsers == ["a"])
        #expect(access.rulesByService["su-l"]?.allowUsers == ["b"])
    }

    @Test("an empty list restricts nobody, as if the key were left out")
    func emptyLists() throws {
        let text = "allow_groups = []\nallow_users = []\ndeny_groups = []\n"
        let access = try settings("[access]\n\(text)[access.sshd]\n\(text)").access
        for rule in [access.general, try #require(access.services["sshd"])] {
            #expect(rule.allowGroups == nil && rule.allowUsers == nil && rule.denyGroups == [])
        }
        let mixed = try settings("[access]\nallow_groups = []\nallow_users = [\"ada\"]").access
        #expect(mixed.general.allowGroups == nil && mixed.general.allowUsers == ["ada"])
    }

    @Test("names follow the rule that [accounts] states, in access rules too")
    func names() throws {
        let more = "[accounts]\nextra_name_characters = \"@\"\nmax_name_length = 64\n"
        let settings = try settings(more + "[access]\nallow_users = [\"ada@example.com\"]")
        #expect(settings.accounts.names.allows("ada@example.com".utf8))
        #expect(throws: SettingsError.self) {
            try self.settings("[access]\nallow_users = [\"ada@example.com\"]")
        }
        #expect(throws: SettingsError.self) {
            try self.settings("[accounts]\nextra_name_characters = \":\"")
        }
    }

    @Test("comparisons come three times within max_staleness at least, once a second at most")
    func comparisons() throws {
        for (staleness, interval, expected): (String, String, Duration) in [
            ("7d", "1h", .seconds(3600)), ("never", "1h", .seconds(3600)),
            ("3h", "1h", .seconds(3600)), ("2h", "1h", .seconds(2400)),
            ("10m", "1h", .seconds(200)), ("10m", "30s", .seconds(30)),
            ("10s", "1h", .seconds(10) / 3), ("3s", "1h", .seconds(1)), ("1s", "1h", .seconds(1)),
            ("1ms", "1s", .seconds(1)),
        ] {
            let settings = try Settings.parse(
                Array(
                    (Self.minimal + "compare_interval = \"\(interval)\"\n[login]\n"
                        + "max_staleness = \"\(staleness)\"").utf8))
            #expect(settings.comparisonInterval == expected, "\(staleness), \(interval)")
        }
        #expect(try settings("").comparisonInterval == .seconds(3600))
    }

    @Test("attributes that a filter asks about are held against the schema")
    func filters() throws {
        let filter =
            "(&(objectClass=posixAccount)(!(employeType=left*))(uidNumber>=1000)(cn:caseExactMatch:=x)"
            + "(memberOf=cn=x\\5c28,dc=a)(description;lang-en~=y)(objectClass=*))"
        let named = try Settings.parse(
            Array((Self.minimal + "people_filter = '\(filter)'").utf8)
        ).namedAttributes.filter { $0.key == "directory.people_filter" }.map(\.attribute)
        #expect(
            named == ["objectClass", "employeType", "uidNumber", "cn", "memberOf", "description"])
    }

    @Test("keys go the way of the other local rules")
    func keys() throws {
        let policy = try settings(
            "[ssh]\nkey_attribute = \"loginKey\"\nallow_key_options = true"
        ).accounts
        #expect(policy.keyAttribute == "loginKey" && policy.allowsKeyOptions)
    }
}
