import DaemonProtocol
import Foundation
import RosterDaemon
import Testing

@testable import roster

/// What is shown before anything happens, of made-up findings.
@Suite struct JoinPlanTests {
    private func plan(_ change: (inout RehearsalReport) -> Void = { _ in }) throws -> JoinPlan {
        let survey = """
            {"server": "ldaps://ldap.example.com", "isActiveDirectory": false, "vendor": "Made\\u001b[31mUp 1.0",
             "namingContexts": ["dc=example,dc=com"],
             "sample": {"people": 200, "groups": 3, "members": "by DN (rfc2307bis)",
                        "showsPasswords": true, "showsDeletions": false,
                        "attributes": [
                {"name": "uid", "use": "the login name", "seen": 200, "isNeeded": true,
                 "isKnown": true},
                {"name": "sshPublicKey", "use": "public keys for ssh", "seen": 0,
                 "isNeeded": false, "isKnown": false},
                {"name": "pwdAccountLockedTime", "use": "a locked account", "seen": 0,
                 "isNeeded": false}]}}
            """
        var answers = JoinAnswers()
        answers.uris = ["ldaps://ldap.example.com"]
        answers.base = "dc=example,dc=com"
        answers.allowGroups = ["admins"]
        var rehearsal = RehearsalReport(server: "ldaps://ldap.example.com")
        rehearsal.changes = "followed by polling: changes within 30 s"
        rehearsal.people = 1234
        rehearsal.groups = 56
        rehearsal.admitted = 7
        rehearsal.verdicts = ["accepted": 7, "not_allowed": 1200, "disabled": 27]
        change(&rehearsal)
        return JoinPlan(
            answers: answers, configuration: answers.text(passwordFile: "/p"),
            survey: try JSONDecoder().decode(DirectorySurvey.self, from: Data(survey.utf8)),
            rehearsal: rehearsal, sshd: "is left alone")
    }

    private func withheld(_ count: Int) -> CheckReport {
        CheckReport(
            withheld: (0..<count).map {
                WithheldEntry(
                    kind: .person, uuid: "u\($0)", dn: "cn=\($0)", name: "p\($0)",
                    reason: "uidNumber: 5 belongs to the system")
            })
    }

    private func decision(_ name: String, admitted: Bool, local: Bool = false) -> ExplainReport {
        var report = ExplainReport(
            name: name, service: "sshd", verdict: admitted ? "accepted" : "not_allowed",
            admitted: admitted, rule: "[access]",
            offline: .init(allowed: true, maxAgeSeconds: 1), freshness: .init())
        report.local = local
        return report
    }

    @Test("numbers, refusals and what the bind identity sees are shown")
    func numbers() throws {
        let text = try plan().text
        for part in [
            "people        1,234", "could log in  7 now (members of admins may)",
            "refused       1,200 not allowed", "refused       27 disabled",
            "uid, the login name: seen on 200 of 200 people",
            "sshPublicKey, public keys for ssh: unknown to the server's schema",
            "pwdAccountLockedTime, a locked account: seen on nobody", "may read userPassword",
            "    allow_groups = [\"admins\"]",
        ] { #expect(text.contains(part), "\(part)") }
        #expect(!text.contains("7 accepted"))
    }

    @Test("of those withheld twenty are shown, collisions with local accounts first")
    func withheldEntries() throws {
        let text = try plan { report in
            report.check = withheld(30)
            report.collisions = [report.check.withheld?.last].compactMap(\.self)
        }.text
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("  person ") }
        #expect(lines.count == 20 && lines.first?.hasPrefix("  person p29:") == true)
        #expect(text.contains("and 10 more"))
        #expect(text.contains("withheld      30: uidNumber 30"))
        let many = try plan { report in
            report.check = withheld(30)
            report.withheld = 500
        }.text
        #expect(many.contains("withheld      500, of the first 30: uidNumber 30"))
        #expect(many.contains("and 480 more"))
    }

    @Test("nothing that the directory says reaches the terminal as a control, or fakes a line")
    func hostile() throws {
        let text = try plan { report in
            report.check = CheckReport(
                warnings: ["access: \u{1b}]0;x\u{7}"],
                withheld: [
                    WithheldEntry(
                        kind: .group, uuid: "u", dn: "cn=x\nsudo: fine\u{202e}", name: nil,
                        reason: "cn: \"a\r\nYour own way in:\" is no name")
                ])
        }.text
        let isFine = text.unicodeScalars.allSatisfy {
            $0 == "\n" || $0.properties.generalCategory != .control
        }
        #expect(isFine && !text.contains("\u{202e}"))
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("Your own way in:") }.count == 1)
        #expect(!text.contains("\nsudo: fine"))
    }

    @Test("what speaks against joining: nobody admitted, oneself refused, another configuration")
    func objections() throws {
        #expect(try plan().objections.isEmpty)
        #expect(
            try plan { $0.admitted = 0 }.objections.map(\.message).first?.contains("nobody") == true
        )
        var refused = try plan { $0.explanations = [decision("ada", admitted: false)] }
        #expect(refused.objections.isEmpty)
        refused.invokingUser = "ada"
        #expect(refused.objections.map(\.isUsage) == [false])
        #expect(refused.text.contains("ada: an account of the directory, REFUSED: not allowed"))
        var admitted = try plan { $0.explanations = [decision("ada", admitted: true)] }
        admitted.invokingUser = "ada"
        #expect(admitted.objections.isEmpty)
        var local = try plan {
            $0.explanations = [decision("otto", admitted: false, local: true)]
        }
        local.invokingUser = "otto"
        #expect(local.objections.isEmpty && local.text.contains("otto: a local account"))
        var replacing = try plan()
        replacing.differences = []
        #expect(replacing.objections.isEmpty)
        replacing.differences = ["- a = 1", "+ a = 2"]
        #expect(replacing.objections.map(\.isUsage) == [true])
        #expect(replacing.text.contains("    - a = 1\n    + a = 2"))
    }

    @Test("how changes are followed, and what may be expected of it, is shown")
    func promise() throws {
        #expect(try plan().text.contains("followed by polling: changes within 30 s"))
    }
}
