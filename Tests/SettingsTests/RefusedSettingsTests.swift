import Testing

@testable import Settings

/// The problems that a configuration is refused for.
private func problems(_ text: String) -> [SettingsProblem] {
    do throws(SettingsError) {
        _ = try Settings.parse(Array(text.utf8), path: "roster.toml")
        return []
    } catch {
        guard case .invalid(_, let problems) = error else {
            Issue.record("not a list of problems: \(error)")
            return []
        }
        return problems
    }
}

private func problems(directory: String, more: String = "") -> [SettingsProblem] {
    problems("[directory]\nbase = \"dc=example\"\n\(directory)\n\(more)\n")
}

private let server = "uris = [\"ldaps://a.example\"]"

@Suite("Settings that are refused")
struct RefusedSettingsTests {
    @Test("a syntax error gives file, line and column")
    func syntax() throws {
        let text = "[directory]\nuris = [\"ldaps://a\"\nbase = 1\n"
        let error = #expect(throws: SettingsError.self) {
            try Settings.parse(Array(text.utf8), path: "roster.toml")
        }
        guard case .syntax("roster.toml", let line, let column, let problem) = error else {
            Issue.record("not a syntax error: \(String(describing: error))")
            return
        }
        #expect(line == 3)
        #expect(column >= 1)
        #expect(!problem.isEmpty)
        #expect(error?.description.hasPrefix("roster.toml:3:") == true)
    }

    @Test(
        "what the TOML library would misread is a syntax error where it stands",
        arguments: [
            (Array("a = 1\nb = \"x\u{0}y\"".utf8), 2, 7),
            (Array(#"a = "x\u0000y""#.utf8), 1, 7),
            (Array(#""a\U00000000b" = 1"#.utf8), 1, 3),
            (Array("\n [.a]".utf8), 2, 3),
            (Array("[[ =a]]".utf8), 1, 4),
            (Array("[#a]".utf8), 1, 2),
            (Array("a = [1, }".utf8), 1, 9),
            (Array("a = 07:3".utf8), 1, 7),
            (Array("a = 1979-05-27 0 ".utf8), 1, 5),
            (Array("a = \(String(repeating: "1", count: 200))".utf8), 1, 5),
            (Array("a = [\r1]".utf8), 1, 6),
            (Array("a = [\u{a0}1]".utf8), 1, 6),
            (Array("a = [\u{b}1]".utf8), 1, 6),
            (Array("a = 1\n\nb = \"".utf8) + [0xFF, 0x22], 3, 6),
        ] as [([UInt8], Int, Int)])
    func misread(text: [UInt8], line: Int, column: Int) {
        let error = #expect(throws: SettingsError.self) { try Settings.parse(text, path: "f") }
        guard case .syntax("f", line, column, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "who binds is a DN or a user principal name",
        arguments: [
            ("cn=roster,dc=example,dc=com", true), ("roster@example.com", true),
            ("svc-roster.x@AD.EXAMPLE.ORG", true), ("bjørn@bücher.example", true),
            ("roster", false), ("@example.com", false), ("roster@", false), ("a@b@c", false),
            ("a b@example.com", false), ("EXAMPLE\\\\roster", false), ("cn=a@b", true),
            ("roster@example com", false), ("a,b@c", false),
        ])
    func bindNames(name: String, isGood: Bool) {
        let found = problems(
            """
            [directory]
            uris = ["ldaps://a"]
            base = "dc=a"
            bind_dn = "\(name)"
            bind_password_file = "/p"
            [login]
            reset_dn = "\(name)"
            """)
        #expect(found.map(\.key) == (isGood ? [] : ["directory.bind_dn", "login.reset_dn"]))
    }

    @Test("all problems come at once, each with its key and a remedy")
    func allAtOnce() {
        let found = problems(
            """
            [directory]
            uris = ["http://a", 3]
            bind_dn = "nonsense"
            compare_interval = 60
            sinc = "auto"
            [accounts]
            min_id = 70000
            max_id = 2000
            home_prefixes = ["home", "/a/../b"]
            [logon]
            timeout = "3s"
            """)
        #expect(
            found.map(\.key) == [
                "accounts.home_prefixes", "accounts.home_prefixes", "accounts.min_id",
                "directory.base", "directory.bind_dn", "directory.compare_interval",
                "directory.sinc", "directory.uris", "directory.uris[1]", "logon",
            ])
        #expect(found.allSatisfy { !$0.problem.isEmpty && !$0.remedy.isEmpty })
    }

    @Test(
        "an unknown key comes with the nearest one that exists",
        arguments: [
            ("directory", "compare_intervall = \"1h\"", "directory.compare_interval"),
            ("accounts", "minid = 5", "accounts.min_id"),
            ("accounts", "offline_max_age = \"1h\"", "login.offline_max_age"),
            ("acounts", "min_id = 1000", "accounts"),
            ("directory", "attributes.homedirectory = \"x\"", "directory.attributes.homeDirectory"),
        ])
    func suggestion(table: String, line: String, suggestion: String) throws {
        let more = table == "directory" ? "" : "[\(table)]\n\(line)"
        let found = problems(
            directory: server + "\n" + (table == "directory" ? line : ""), more: more)
        #expect(found.map(\.remedy) == ["did you mean \(suggestion)?"])
    }

    @Test(
        "a wrong value of [directory] names its key",
        arguments: [
            ("uris = []", "directory.uris"),
            ("uris = \"ldap://a\"", "directory.uris"),
            ("uris = [\"ldap://a/dc=x\"]", "directory.uris"),
            ("uris = [\"ldap://me@a\"]", "directory.uris"),
            ("uris = [\"ldap://a:0\"]", "directory.uris"),
            ("uris = [\"ldap://a:65536\"]", "directory.uris"),
            ("uris = [\"ldap://\"]", "directory.uris"),
            ("uris = [\"ldapi://run\"]", "directory.uris"),
            ("uris = [\"ldapi://%2\"]", "directory.uris"),
            ("uris = [\"ldapi://%2Fa%00\"]", "directory.uris"),
            ("uris = [\"ldap://a.example\"]\ntls = \"off\"", "directory.tls"),
            ("uris = [\"ldap://127.0.0.1.example\"]\ntls = \"off\"", "directory.tls"),
            ("uris = [\"ldap://a\"]\ntls = \"ldaps\"", "directory.tls"),
            ("uris = [\"ldaps://a\"]\ntls = \"starttls\"", "directory.tls"),
            ("uris = [\"ldaps://localhost\"]\ntls = \"off\"", "directory.tls"),
            ("\(server)\ntls = \"none\"", "directory.tls"),
            ("\(server)\nsasl = \"external\"", "directory.sasl"),
            ("\(server)\nsasl = \"gssapi\"", "directory.sasl"),
            ("\(server)\nbind_password_file = \"/a\"", "directory.bind_password_file"),
            ("\(server)\npeople_filter = \"objectClass=*\"", "directory.people_filter"),
            ("\(server)\npeople_filter = \"(&(a=b)\"", "directory.people_filter"),
            ("\(server)\npeople_base = \"people\"", "directory.people_base"),
            ("\(server)\ncompare_interval = \"0s\"", "directory.compare_interval"),
            ("\(server)\nnetwork_timeout = \"5 s\"", "directory.network_timeout"),
            ("\(server)\nrefresh_timeout = 60", "directory.refresh_timeout"),
            ("\(server)\nschema = \"nis\"", "directory.schema"),
            ("\(server)\nentry_id = \"entry id\"", "directory.entry_id"),
            ("\(server)\nca_file = \"ca.pem\"", "directory.ca_file"),
            ("\(server)\nattributes = 3", "directory.attributes"),
            ("\(server)\nattributes.member = \"member\"", "directory.attributes.member"),
        ])
    func directory(lines: String, key: String) {
        #expect(problems(directory: lines).map(\.key) == [key])
    }

    @Test(
        "a wrong value of another table names its key",
        arguments: [
            ("accounts", "min_id = \"1000\"", "accounts.min_id"),
            ("accounts", "min_id = 999", "accounts.min_id"),
            ("accounts", "min_id = 100000", "accounts.min_id"),
            ("accounts", "min_id = 1000.5", "accounts.min_id"),
            ("accounts", "max_id = 65534", "accounts.max_id"),
            ("accounts", "max_id = 2147483648", "accounts.max_id"),
            ("accounts", "max_id = 9223372036854775807", "accounts.max_id"),
            ("accounts", "max_id = inf", "accounts.max_id"),
            ("accounts", "default_shell = \"bash\"", "accounts.default_shell"),
            ("accounts", "default_shell = \"/bin/a:b\"", "accounts.default_shell"),
            ("accounts", "default_shell = \"/bin/a\\nb\"", "accounts.default_shell"),
            ("accounts", "home_prefixes = [\"/\"]", "accounts.home_prefixes"),
            ("accounts", "home_prefixes = []", "accounts.home_prefixes"),
            ("accounts", "disabled = [\"gone\"]", "accounts.disabled"),
            ("accounts", "disabled = [\"=x\"]", "accounts.disabled"),
            ("accounts", "disabled = [\"a=\"]", "accounts.disabled"),
            ("accounts", "id_reuse = \"yes\"", "accounts.id_reuse"),
            ("removals", "percent = 101", "removals.percent"),
            ("removals", "window = \"0m\"", "removals.window"),
            ("login", "max_staleness = \"always\"", "login.max_staleness"),
            ("login", "timeout = \"99999999999999999999d\"", "login.timeout"),
            ("access", "allow_groups = [\"a b\"]", "access.allow_groups"),
            ("access.sshd", "allow_group = [\"a\"]", "access.sshd.allow_group"),
            ("access.\"a/b\"", "allow_groups = [\"a\"]", "access.a/b"),
            ("ssh", "key_attribute = \"\"", "ssh.key_attribute"),
        ])
    func otherTable(table: String, line: String, key: String) {
        let found = problems(directory: server, more: "[\(table)]\n\(line)")
        #expect(found.map(\.key) == [key])
    }

    @Test("a file that is not there says so")
    func missing() {
        #expect(throws: SettingsError.self) { try Settings.load(path: "/nonexistent/roster.toml") }
        #expect(throws: SettingsError.self) { try Settings.load(path: "/dev/null") }
    }

    @Test("odd documents are refused or accepted, never a crash")
    func oddDocuments() {
        let seed = #"""
            [directory]
            uris = ["ldaps://a", 1.5, {x = [[1]]}]
            base = 'dc=x'
            'a'."b" = """x""\
             y"""
            d = { e.f = '', g = [ # h
              '''i''', true,
            ] }
            [[access.sshd]]
            allow_groups = [inf, -nan, 1979-05-27, 0x1F, +1e5]
            """#
        let alphabet = Array("[]{}\"'=.,#\\\n\r\t 0_aeixoé+-:TZ\u{1}\u{a0}".utf8) + [0xC3, 0xFF]
        var state: UInt64 = 42
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<10000 {
            var text = Array(seed.utf8)
            for _ in 0...random(5) {
                let place = random(text.count)
                switch random(4) {
                case 0: text.remove(at: place)
                case 1: text.insert(alphabet[random(alphabet.count)], at: place)
                case 2: text[place] = alphabet[random(alphabet.count)]
                default:
                    let copied = text[place...].prefix(random(20))
                    text.insert(contentsOf: copied, at: random(text.count))
                }
            }
            _ = try? Settings.parse(text)
        }
        let deep = String(repeating: "[", count: 2000)
        #expect(throws: SettingsError.self) { try Settings.parse(Array("a = \(deep)".utf8)) }
    }
}
