import Accounts
import Testing

@testable import Settings

/// The shortest configuration there is, with `more` behind it.
private func parse(_ more: String = "", directory: String = "") throws -> Settings {
    let text = """
        [directory]
        uris = ["ldaps://ldap.example.com"]
        base = "dc=example,dc=com"
        \(directory)
        \(more)
        """
    return try Settings.parse(Array(text.utf8), path: "roster.toml")
}

@Suite("Settings that are accepted")
struct AcceptedSettingsTests {
    @Test("the shortest configuration gets every default")
    func defaults() throws {
        let settings = try parse()
        #expect(settings.directory.uris.map(\.text) == ["ldaps://ldap.example.com"])
        #expect(settings.directory.uris.map(\.tls) == [.ldaps])
        #expect(settings.directory.bind == .anonymous)
        #expect(settings.directory.caFile == "/etc/ssl/certs/ca-certificates.crt")
        #expect(settings.directory.peopleBase == "dc=example,dc=com")
        #expect(settings.directory.groupsBase == "dc=example,dc=com")
        #expect(settings.directory.compareInterval == .seconds(3600))
        #expect(settings.directory.networkTimeout == .seconds(10))
        #expect(settings.directory.refreshTimeout == .seconds(60))
        #expect(settings.directory.entryID == "entryUUID")
        #expect(settings.accounts == AccountPolicy())
        #expect(settings.accounts.ids == 1000...60000)
        #expect(!settings.allowsIDReuse)
        #expect(settings.removals == .init(percent: 20, count: 10, window: .seconds(600)))
        #expect(settings.login.timeout == .seconds(3))
        #expect(settings.login.maxStaleness == .seconds(7 * 86400))
        #expect(settings.access.general.allowGroups == nil)
        #expect(settings.ssh.keyAttribute == "sshPublicKey")
    }

    @Test("every key of [directory] arrives")
    func directory() throws {
        let settings = try parse(
            directory: """
                bind_dn = "cn=reader,dc=example,dc=com"
                bind_password_file = "/etc/roster/bind_password"
                tls = "ldaps"
                ca_file = "/etc/roster/ca.pem"
                schema = "rfc2307bis"
                sync = "syncrepl"
                poll_interval = "5s"
                compare_interval = "30m"
                people_base = "ou=people,dc=example,dc=com"
                groups_base = "ou=groups,dc=example,dc=com"
                people_filter = "(&(objectClass=posixAccount)(department=it))"
                groups_filter = "(objectClass=groupOfNames)"
                network_timeout = "500ms"
                refresh_timeout = "2m"
                entry_id = "nsUniqueId"
                [directory.attributes]
                uid = "sAMAccountName"
                member = ["uniqueMember"]
                """)
        let directory = settings.directory
        #expect(
            directory.bind
                == .simple(
                    dn: "cn=reader,dc=example,dc=com", passwordFile: "/etc/roster/bind_password"))
        #expect(directory.caFile == "/etc/roster/ca.pem")
        #expect(settings.accounts.schema == .rfc2307bis)
        #expect(directory.sync == .syncrepl)
        #expect(directory.pollInterval == .seconds(5))
        #expect(directory.compareInterval == .seconds(1800))
        #expect(directory.peopleBase == "ou=people,dc=example,dc=com")
        #expect(directory.groupsBase == "ou=groups,dc=example,dc=com")
        #expect(directory.peopleFilter == "(&(objectClass=posixAccount)(department=it))")
        #expect(directory.groupsFilter == "(objectClass=groupOfNames)")
        #expect(directory.networkTimeout == .milliseconds(500))
        #expect(directory.refreshTimeout == .seconds(120))
        #expect(directory.entryID == "nsUniqueId")
        #expect(settings.accounts.attributes.uid == "sAMAccountName")
        #expect(settings.accounts.attributes.member == ["uniqueMember"])
        #expect(settings.accounts.attributes.uidNumber == "uidNumber")
    }

    @Test("the keys of the other tables arrive")
    func otherTables() throws {
        let settings = try parse(
            """
            [accounts]
            min_id = 5000
            max_id = 700000
            disabled = ["employeeType=Left", "locked=*"]
            default_shell = "/bin/sh"
            replace_shells = ["/bin/csh"]
            home_prefixes = ["/home", "/srv/home/"]
            id_reuse = true
            privileged_groups = ["docker"]
            [removals]
            percent = 5
            count = 3
            window = "1h"
            [access]
            allow_groups = ["linux"]
            deny_groups = ["contractors"]
            [access.sshd]
            allow_users = ["jane"]
            [login]
            timeout = "2s"
            offline = false
            offline_max_age = "12h"
            max_staleness = "never"
            [ssh]
            key_attribute = "altSecurityIdentities"
            allow_key_options = true
            """)
        #expect(settings.accounts.ids == 5000...700_000)
        let added = settings.accounts.disabled.suffix(2)
        #expect(added.map(\.condition) == [.equals("Left"), .present])
        #expect(settings.accounts.disabled.count == AccountPolicy().disabled.count + 2)
        #expect(settings.accounts.defaultShell == "/bin/sh")
        #expect(settings.accounts.replaceShells == ["/bin/csh"])
        #expect(settings.accounts.homePrefixes == ["/home", "/srv/home"])
        #expect(settings.accounts.privilegedGroups == ["docker"])
        #expect(settings.allowsIDReuse)
        #expect(settings.removals == .init(percent: 5, count: 3, window: .seconds(3600)))
        #expect(settings.access.general.allowGroups == ["linux"])
        #expect(settings.access.services["sshd"]?.allowUsers == ["jane"])
        #expect(settings.access.services.count == 1)
        #expect(settings.login.maxStaleness == nil)
        #expect(!settings.login.isOfflineAllowed)
        #expect(settings.ssh.allowsKeyOptions)
    }

    @Test("\"none\" leaves only the rules that are listed")
    func onlyListedRules() throws {
        let settings = try parse("[accounts]\ndisabled = [\"none\", \"389ds\", \"a=b\"]")
        #expect(settings.accounts.disabled.map(\.attribute) == ["nsAccountLock", "a"])
        #expect(settings.accounts.expiry.isEmpty)
    }

    @Test("named attributes are what people need and what the file names, with the key at fault")
    func namedAttributes() throws {
        let settings = try parse(
            "[accounts]\ndisabled = [\"ppolicy\", \"employeeType=Left\"]",
            directory: "attributes.uidNumber = \"employeeNumber\"")
        let named = Set(settings.namedAttributes.map { "\($0.key)=\($0.attribute)" })
        #expect(
            named == [
                "directory.attributes.uid=uid",
                "directory.attributes.uidNumber=employeeNumber",
                "directory.attributes.gidNumber=gidNumber",
                "directory.attributes.homeDirectory=homeDirectory",
                "accounts.disabled=employeeType",
            ])
    }

    @Test(
        "TLS follows the URI unless it is said",
        arguments: [
            ("ldap://ldap.example.com", "", TLSMode.startTLS),
            ("ldap://ldap.example.com:1389", "starttls", .startTLS),
            ("ldaps://[2001:db8::1]:636/", "", .ldaps),
            ("ldap://localhost:3890", "off", .off),
            ("ldap://127.0.0.2", "off", .off),
            ("ldap://[::1]:389", "off", .off),
            ("ldapi:///run/slapd/ldapi", "", .off),
            ("ldapi://%2Frun%2Fslapd", "ldaps", .off),
        ])
    func tls(uri: String, tls: String, expected: TLSMode) throws {
        let line = tls.isEmpty ? "" : "tls = \"\(tls)\""
        let text = "[directory]\nuris = [\"\(uri)\"]\nbase = \"dc=example\"\n\(line)\n"
        let settings = try Settings.parse(Array(text.utf8))
        #expect(settings.directory.uris.map(\.tls) == [expected])
    }

    @Test(
        "the path of a socket reaches libldap encoded, however it is written",
        arguments: [
            ("ldapi:///", "ldapi:///", ""), ("ldapi://", "ldapi:///", ""),
            ("ldapi:///run/slapd/ldapi", "ldapi://%2Frun%2Fslapd%2Fldapi", "/run/slapd/ldapi"),
            ("ldapi://%2frun%2Fslapd/", "ldapi://%2Frun%2Fslapd", "/run/slapd"),
        ])
    func socket(text: String, uri: String, path: String) {
        #expect(DirectoryURI(text: text)?.text == uri)
        #expect(DirectoryURI(text: text)?.host == path)
    }

    @Test("EXTERNAL goes over a Unix socket")
    func external() throws {
        let text = "[directory]\nuris = [\"ldapi:///\"]\nbase = \"dc=a\"\nsasl = \"external\""
        #expect(try Settings.parse(Array(text.utf8)).directory.bind == .external)
    }
}

@Suite("Durations")
struct DurationTextTests {
    @Test(
        "a number and a unit",
        arguments: [
            ("500ms", Duration.milliseconds(500)), ("3s", .seconds(3)), ("15m", .seconds(900)),
            ("12h", .seconds(43200)), ("7d", .seconds(604_800)), ("0s", .zero),
        ])
    func accepted(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
    }

    @Test(
        "anything else is refused",
        arguments: ["", "3", "s", "-3s", "+3s", "3 s", "3S", "1.5s", "3s ", "3w", "٣s"])
    func refused(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test("written in the largest unit that takes it whole")
    func format() {
        #expect(DurationText.format(.seconds(86400)) == "1d")
        #expect(DurationText.format(.seconds(90)) == "90s")
        #expect(DurationText.format(.milliseconds(1500)) == "1500ms")
    }

    @Test("a domain whose servers DNS names")
    func service() throws {
        let uri = try #require(DirectoryURI(text: "srv:corp.example-1.com"))
        #expect(uri.scheme == .srv && uri.host == "corp.example-1.com" && uri.tls == .ldaps)
        #expect(!uri.isLocal)
        for text in [
            "srv:", "srv://example.com", "srv:example..com", "srv:.example.com", "srv:a b",
            "srv:example.com:636", "srv:exämple.com", "srv:" + String(repeating: "a", count: 64),
        ] {
            #expect(DirectoryURI(text: text) == nil, "\(text)")
        }
        func parsed(_ tls: String) throws -> TLSMode? {
            let text = "[directory]\nuris = [\"srv:a.b\"]\nbase = \"dc=a\"\ntls = \"\(tls)\"\n"
            return try Settings.parse(Array(text.utf8)).directory.uris.first?.tls
        }
        #expect(try parsed("ldaps") == .ldaps && parsed("starttls") == .startTLS)
        #expect(throws: SettingsError.self) { _ = try parsed("off") }
    }
}
