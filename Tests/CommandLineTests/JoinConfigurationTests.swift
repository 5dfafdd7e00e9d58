import Accounts
import Foundation
import Settings
import Testing

@testable import roster

/// The configuration that join writes, read by the daemon's own rules.
@Suite struct JoinConfigurationTests {
    /// Settings of the text that the answers give.
    private func settings(_ answers: JoinAnswers) throws -> Settings {
        try Settings.parse(Array(answers.text(passwordFile: "/etc/roster/bind_password").utf8))
    }

    private var answers: JoinAnswers {
        var answers = JoinAnswers()
        answers.uris = ["ldaps://ldap.example.com"]
        answers.base = "dc=example,dc=com"
        return answers
    }

    @Test("what was answered is what the daemon reads")
    func everything() throws {
        var answers = answers
        answers.uris += ["ldaps://[2001:db8::1]:1636"]
        answers.bind = .simple(dn: "cn=roster,dc=example,dc=com")
        answers.tls = "ldaps"
        answers.caFile = "/etc/roster/ca.pem"
        answers.schema = "rfc2307bis"
        answers.disabled = ["employeeType=disabled", "title=gone"]
        answers.allowGroups = ["admins", "0c4bb8a4-1b1c-4b5a-9f5e-2f1a3f2e1d00"]
        let settings = try settings(answers)
        #expect(settings.directory.uris.map(\.text) == answers.uris)
        #expect(settings.directory.base == "dc=example,dc=com")
        #expect(
            settings.directory.bind
                == .simple(
                    dn: "cn=roster,dc=example,dc=com", passwordFile: "/etc/roster/bind_password"))
        #expect(settings.directory.caFile == "/etc/roster/ca.pem")
        #expect(settings.accounts.schema == .rfc2307bis)
        #expect(settings.namedAttributes.map(\.attribute).contains("employeeType"))
        #expect(settings.namedAttributes.map(\.attribute).contains("title"))
        #expect(settings.access.general.allowGroups == answers.allowGroups)
    }

    @Test("Active Directory: ids as they were chosen, bound by a user principal name")
    func activeDirectory() throws {
        var answers = answers
        answers.schema = "ad"
        answers.ids = "sid"
        answers.disabled = ["employeeType=gone"]
        answers.bind = .simple(dn: "roster@ad.example.com")
        let settings = try settings(answers)
        #expect(settings.accounts.schema == .activeDirectory)
        #expect(settings.accounts.idSource == .sid)
        #expect(
            settings.directory.bind
                == .simple(
                    dn: "roster@ad.example.com", passwordFile: "/etc/roster/bind_password"))
        #expect(settings.namedAttributes.map(\.attribute).contains("employeeType"))
    }

    @Test("what was not answered has its default and is not in the file")
    func defaults() throws {
        let text = answers.text(passwordFile: "/none")
        #expect(!text.contains("bind_password_file") && !text.contains("schema"))
        #expect(!text.contains("ca_file =") && !text.contains("tls"))
        let minimal = """
            [directory]
            uris = ["ldaps://ldap.example.com"]
            base = "dc=example,dc=com"
            """
        #expect(try settings(answers) == Settings.parse(Array(minimal.utf8)))
    }

    @Test(
        "a DN comes back as it was given, whatever is in it",
        arguments: [
            #"cn=Anna \"the\" Ops,dc=example,dc=com"#, #"cn=back\\slash,dc=example,dc=com"#,
            #"cn=komma\, punkt,dc=example,dc=com"#, "cn=Jörg Müller,ou=Dienste,dc=example,dc=com",
            "cn=日本語 😀,dc=example,dc=com", "cn=a#b,dc=example,dc=com",
            "cn=one\u{20}\u{20}two,dc=example,dc=com", #"cn=\'\'\',dc=example"#,
            "cn={x = 1} [y],dc=example,dc=com", #"cn=\0d\0a,dc=example,dc=com"#,
            "cn=$(reboot)`reboot`,dc=example,dc=com",
        ])
    func hostileName(dn: String) throws {
        var answers = answers
        answers.bind = .simple(dn: dn)
        answers.base = dn
        guard let settings = try? settings(answers) else {
            // Refused is fine as well, as long as it is for the name and not for the file's syntax.
            do {
                _ = try self.settings(answers)
            } catch SettingsError.invalid(_, let problems) {
                #expect(Set(problems.map(\.key)) == ["directory.base", "directory.bind_dn"])
            }
            return
        }
        #expect(settings.directory.base == dn)
        #expect(
            settings.directory.bind == .simple(dn: dn, passwordFile: "/etc/roster/bind_password"))
    }

    @Test(
        "what cannot be a value is refused by the daemon's rules and breaks out of no string",
        arguments: [
            "cn=x\"\nuris = [\"ldap://evil\"]", "cn=x\u{0}y", "cn=x\u{1b}[2Jy", "cn=x\ry", "",
            "cn=x\u{7f}", "cn=x\u{85}y",
        ])
    func impossibleName(dn: String) throws {
        var answers = answers
        answers.base = dn
        #expect(throws: SettingsError.self) { try settings(answers) }
    }

    @Test(
        "a rule with special characters comes back as it was given",
        arguments: [
            #"title="quoted""#, #"title=back\slash"#, "title=größer", "title= two  blanks ",
        ])
    func hostileRule(rule: String) throws {
        var answers = answers
        answers.disabled = [rule]
        let value = rule.dropFirst("title=".count)
        let rules = try settings(answers).accounts.disabled
        #expect(rules.contains { $0.attribute == "title" && $0.condition == .equals("\(value)") })
    }

    @Test(
        "a password comes back octet for octet",
        arguments: [
            [0x78], Array("two words".utf8), Array(" blank ".utf8), Array("line\nline".utf8),
            Array("newline at the end\n".utf8), Array("two at the end\n\n".utf8), [0x0A],
            Array("Ünïcödé 😀".utf8), [0xFF, 0x00, 0xFE], Array(#""\$(id)`id`'"#.utf8),
            [UInt8](repeating: 0x41, count: 4095),
        ] as [[UInt8]])
    func password(octets: [UInt8]) throws {
        let folder = try TemporaryFolder()
        try JoinFiles.write(
            octets + [0x0A], to: folder.path + "/bind_password", .init(mode: 0o600, group: getgid())
        )
        var answers = answers
        answers.bind = .simple(dn: "cn=roster,dc=example,dc=com")
        let read = try settings(answers).readBindPassword(credentialsDirectory: folder.path)
        #expect(read == octets)
    }

    @Test("differences name what goes and what comes, comments and blanks aside")
    func differences() {
        let old = "# old\n[directory]\nbase = \"a\"\n\nuris = []\n"
        #expect(lineDifferences(from: old, to: "[directory]\nuris = []\nbase = \"a\"\n").isEmpty)
        #expect(
            lineDifferences(from: old, to: "[directory]\nbase = \"b\"\nuris = []\n")
                == ["- base = \"a\"", "+ base = \"b\""])
    }
}

/// A folder that goes with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        let url = URL(filePath: "/tmp/roster-join-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ text: String, to name: String) throws {
        let url = URL(filePath: path).appending(path: name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: false, encoding: .utf8)
    }

    func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/" + name)
    }

    func text(_ name: String) -> String? {
        try? String(contentsOf: URL(filePath: path).appending(path: name), encoding: .utf8)
    }
}
