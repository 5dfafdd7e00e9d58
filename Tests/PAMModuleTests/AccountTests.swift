import AccountIndex
import Accounts
import CPAM
import DaemonProtocol
import Testing

@testable import PAMModule

@Suite struct AccountTests {
    /// People for every verdict that the gate can come to, under a rule for sshd.
    private func host() throws -> TestHost {
        let test = try TestHost()
        var policy = AccessPolicy()
        policy.groups = [
            AccessGroup(slot: 1, name: "staff", gid: nil),
            AccessGroup(slot: 2, name: "guests", gid: nil),
        ]
        var rule = AccessRule()
        rule.allowGroups = [1]
        rule.denyGroups = [2]
        policy.services = ["sshd": rule]
        policy.texts = [.notAllowed: "Staff only."]
        var staff = LoginFacts()
        staff.accessGroups = [1]
        var guest = staff
        guest.accessGroups = [1, 2]
        var blocked = staff
        blocked.isBlocked = true
        try test.publish(
            [
                person("anna", 70001, login: staff),
                person("disabled", 70002, state: AccountState(disabledBy: "nsAccountLock=TRUE")),
                person(
                    "expired", 70003, state: AccountState(expiresAt: 1, expiresBy: "shadowExpire")),
                person(
                    "mustchange", 70004, state: AccountState(mustChangeBy: "pwdReset"), login: staff
                ),
                person("guest", 70005, login: guest), person("other", 70006),
                person("blocked", 70007, login: blocked),
            ], policy: policy, removed: ["removed"])
        return test
    }

    @Test(
        "every refusal has its code, its sentence and its line in the log",
        arguments: [
            ("disabled", LoginVerdict.disabled, "nsAccountLock=TRUE"),
            ("expired", .expired, "shadowExpire"),
            ("mustchange", .mustChangePassword, "pwdReset"),
            ("guest", .denied, "deny_groups"), ("other", .notAllowed, "allow_groups"),
            ("blocked", .blocked, "roster\\x20deny"), ("removed", .removed, "removed"),
        ])
    func refusals(name: String, verdict: LoginVerdict, source: String) throws {
        let test = try host()
        let text = verdict == .notAllowed ? "Staff only." : "\(verdict.builtInText)"
        let pam = ScriptedPAM(
            user: name, items: [.service: "sshd", .remoteHost: "::1"], script: [.complains(text)])
        #expect(test.account(pam) == verdict.accountCode)
        #expect(pam.lines.count == 1)
        let line = try #require(pam.lines.first)
        #expect(
            line.contains(
                "roster: phase=account user=\(name) service=sshd rhost=::1 verdict=\(verdict.word)")
        )
        #expect(line.contains("source=") && line.contains(source))
        let quiet = ScriptedPAM(user: name)
        #expect(test.account(quiet, flags: UInt32(PAM_SILENT)) == verdict.accountCode)
        #expect(test.account(ScriptedPAM(user: name), "no_warn") == verdict.accountCode)
        #expect(quiet.lines.count == 1)
    }

    @Test("whoever is in order is let in without a word, an entry in the log or the daemon")
    func accepted() throws {
        let test = try host()
        let daemon = try test.serve(.disabled)
        let pam = ScriptedPAM(user: "anna")
        #expect(test.account(pam) == PAM_SUCCESS)
        #expect(pam.lines == [] && daemon.received.isEmpty)
    }

    @Test("the rule of the service counts")
    func services() throws {
        let test = try host()
        #expect(
            test.account(ScriptedPAM(user: "other", items: [.service: "cron"])) == PAM_SUCCESS)
    }

    @Test(
        "local names and names of nobody are none of ours",
        arguments: ["root", "local", "nobody-here"])
    func foreign(name: String) throws {
        let test = try host()
        #expect(test.account(ScriptedPAM(user: name)) == PAM_USER_UNKNOWN)
    }

    @Test("without a usable index nobody but local users gets in on a configured host")
    func unusable() throws {
        let test = try host()
        let text = ScriptStep.complains("\(LoginVerdict.undecidable.builtInText)")
        for damage in ["missing", "garbage"] {
            test.remove("index/gate.1")
            if damage == "garbage" { test.write("index/gate.1", damage) }
            let pam = ScriptedPAM(user: "anna", script: [text])
            #expect(test.account(pam) == PAM_AUTHINFO_UNAVAIL)
            #expect(pam.lines.count == 1 && pam.lines.first?.contains("index-unusable") == true)
            #expect(test.account(ScriptedPAM(user: "local")) == PAM_USER_UNKNOWN)
            #expect(test.account(ScriptedPAM(user: "root")) == PAM_USER_UNKNOWN)
        }
        test.remove("roster.toml")
        #expect(test.account(ScriptedPAM(user: "anna")) == PAM_USER_UNKNOWN)
    }

    @Test("a mirror that was never verified is too old, if there is a limit")
    func stale() throws {
        let test = try TestHost()
        try test.publish([person("anna")], policy: AccessPolicy(maxStaleness: 60))
        let pam = ScriptedPAM(
            user: "anna", script: [.complains("\(LoginVerdict.stale.builtInText)")])
        #expect(test.account(pam) == PAM_AUTHINFO_UNAVAIL)
        #expect(pam.lines.contains { $0.contains("verdict=stale source=max_staleness") })
    }

    @Test("from half of max_staleness on every login is admitted with a warning in the log")
    func halfStale() throws {
        for (age, isWarned) in [(Int64(100), false), (6000, true)] {
            let test = try TestHost()
            try test.publish(
                [person("anna")], policy: AccessPolicy(maxStaleness: 10_000),
                verifiedSecondsAgo: age)
            let pam = ScriptedPAM(user: "anna")
            #expect(test.account(pam) == PAM_SUCCESS)
            #expect(
                pam.lines.contains { $0.contains("mirror-half-of-max_staleness-old") } == isWarned)
        }
    }

    @Test(
        "who may not read the gate asks the daemon about it", arguments: LoginVerdict.allCases)
    func unprivileged(verdict: LoginVerdict) throws {
        let test = try host()
        test.readsGate = false
        let daemon = try test.serve(verdict, isOffline: false, "A word.")
        var script: [ScriptStep] = [
            verdict == .accepted ? .informs("A word.") : .complains("A word.")
        ]
        if verdict == .undecidable {
            script.append(.complains("\(LoginVerdict.undecidable.builtInText)"))
        }
        let pam = ScriptedPAM(user: "anna", script: script)
        let meant = verdict == .unknownUser ? .removed : verdict
        #expect(test.account(pam) == meant.accountCode)
        let request = try #require(ReceivedRequest(daemon.received.first))
        #expect(request.kind == .account && request.name == "anna" && request.password == "")
        #expect(test.account(ScriptedPAM(user: "nobody-here")) == PAM_USER_UNKNOWN)
        #expect(daemon.received.count == 1)
    }
}
