import Accounts
import CPAM
import DaemonProtocol
import Testing

@testable import PAMModule

private let expiredOnly = CInt(PAM_CHANGE_EXPIRED_AUTHTOK)

@Suite struct PasswordTests {
    private func host(_ state: AccountState = .active) throws -> TestHost {
        let test = try TestHost()
        try test.publish([person("anna", state: state)])
        return test
    }

    @Test("first the old password is checked, then the new one is set")
    func bothRounds() throws {
        let test = try host()
        let daemon = try test.serve(.accepted)
        let pam = ScriptedPAM(
            user: "anna", items: [.service: "passwd"],
            script: [
                .asks("Current password: ", "old"), .asks("New password: ", "new"),
                .asks("Retype new password: ", "new"),
            ])
        #expect(test.chauthtok(pam, flags: PAM_PRELIM_CHECK) == PAM_SUCCESS)
        #expect(test.chauthtok(pam, flags: PAM_UPDATE_AUTHTOK) == PAM_SUCCESS)
        let requests = daemon.received.compactMap { ReceivedRequest($0) }
        #expect(requests.map(\.kind) == [.checkChange, .change])
        #expect(requests.map(\.password) == ["old", "old"])
        #expect(requests.map(\.newPassword) == ["", "new"])
        #expect(requests.allSatisfy { !$0.isReset && $0.name == "anna" && $0.service == "passwd" })
    }

    @Test("the daemon's verdict becomes the round's code", arguments: LoginVerdict.allCases)
    func verdicts(verdict: LoginVerdict) throws {
        let test = try host()
        try test.serve(verdict, isOffline: false, "In its history.")
        let words: [ScriptStep] =
            [verdict == .accepted ? .informs("In its history.") : .complains("In its history.")]
            + (verdict == .undecidable
                ? [.complains("The password cannot be changed at the moment.")] : [])
        let meant = verdict == .unknownUser ? .removed : verdict
        let items: [PAMItem: String] = [.oldPassword: "old", .password: "new"]
        let first = ScriptedPAM(user: "anna", items: items, script: words)
        #expect(test.chauthtok(first, flags: PAM_PRELIM_CHECK) == meant.preliminaryCode)
        let second = ScriptedPAM(user: "anna", items: items, script: words)
        #expect(test.chauthtok(second, flags: PAM_UPDATE_AUTHTOK) == meant.updateCode)
    }

    @Test("what only the directory knew to have expired is changed before the account may be used")
    func knownByDirectoryOnly() throws {
        let test = try host()
        try test.serve(.mustChangePassword)
        let text = "\(LoginVerdict.mustChangePassword.builtInText)"
        let pam = ScriptedPAM(
            user: "anna", script: [.asks("Password: ", "old"), .complains(text)])
        #expect(test.authenticate(pam) == PAM_SUCCESS)
        #expect(test.account(pam) == PAM_NEW_AUTHTOK_REQD)
        let change = ScriptedPAM(
            user: "anna", items: [.oldPassword: "old", .password: "new"],
            script: [.complains(text)])
        #expect(change.noteMustChange(true))
        let daemon = try test.serve(.accepted)
        #expect(test.chauthtok(change, flags: PAM_PRELIM_CHECK | expiredOnly) == PAM_SUCCESS)
        #expect(daemon.received.count == 1)
        test.readsGate = false
        #expect(test.account(change) == PAM_NEW_AUTHTOK_REQD)
        test.readsGate = true
        #expect(test.chauthtok(change, flags: PAM_UPDATE_AUTHTOK | expiredOnly) == PAM_SUCCESS)
        #expect(test.account(change) == PAM_SUCCESS)
    }

    @Test("what the directory had to say ends with the password that it was about")
    func saidOfAnother() throws {
        let test = try host()
        try test.serve(.mustChangePassword)
        let pam = ScriptedPAM(user: "anna", items: [.password: "old"])
        #expect(test.authenticate(pam) == PAM_SUCCESS && pam.mustChange)
        try test.serve(.accepted)
        #expect(test.authenticate(pam) == PAM_SUCCESS && !pam.mustChange)
        #expect(test.account(pam) == PAM_SUCCESS)
    }

    @Test("two new passwords that differ change nothing")
    func mismatch() throws {
        let test = try host()
        let daemon = try test.serve(.accepted)
        let pam = ScriptedPAM(
            user: "anna", items: [.oldPassword: "old"],
            script: [
                .asks("New password: ", "one"), .asks("Retype new password: ", "other"),
                .complains("Sorry, the passwords do not match."),
            ])
        #expect(test.chauthtok(pam, flags: PAM_UPDATE_AUTHTOK) == PAM_AUTHTOK_ERR)
        #expect(daemon.received.isEmpty && pam.text(.password) == nil)
    }

    @Test("with use_authtok the new password is an earlier module's or none")
    func useAuthtok() throws {
        let test = try host()
        let daemon = try test.serve(.accepted)
        let without = ScriptedPAM(user: "anna", items: [.oldPassword: "old"])
        #expect(
            test.chauthtok(without, flags: PAM_UPDATE_AUTHTOK, "use_authtok") == PAM_AUTHTOK_ERR)
        let with = ScriptedPAM(user: "anna", items: [.oldPassword: "old", .password: "checked"])
        #expect(test.chauthtok(with, flags: PAM_UPDATE_AUTHTOK, "use_authtok") == PAM_SUCCESS)
        #expect(daemon.received.count == 1)
        #expect(ReceivedRequest(daemon.received.first)?.newPassword == "checked")
    }

    @Test("with use_first_pass the old password is never asked for")
    func useFirstPass() throws {
        let test = try host()
        let pam = ScriptedPAM(user: "anna")
        #expect(
            test.chauthtok(pam, flags: PAM_PRELIM_CHECK, "use_first_pass")
                == PAM_AUTHTOK_RECOVERY_ERR)
    }

    @Test("an old password that nobody can have is a wrong one, and no directory sees it")
    func inadmissibleOld() throws {
        let test = try host()
        let daemon = try test.serve(.wrongPassword)
        let pam = ScriptedPAM(user: "anna", script: [.asks("Current password: ", "")])
        #expect(test.chauthtok(pam, flags: PAM_PRELIM_CHECK) == PAM_AUTHTOK_RECOVERY_ERR)
        #expect(pam.delays == [2_000_000] && daemon.received.isEmpty)
    }

    @Test("a new password that nobody can have is refused in words")
    func inadmissibleNew() throws {
        let test = try host()
        let daemon = try test.serve(.accepted)
        let pam = ScriptedPAM(
            user: "anna", items: [.oldPassword: "old"],
            script: [
                .asks("New password: ", ""), .asks("Retype new password: ", ""),
                .complains("This cannot be a password: it is empty, too long or not allowed."),
            ])
        #expect(test.chauthtok(pam, flags: PAM_UPDATE_AUTHTOK) == PAM_AUTHTOK_ERR)
        #expect(daemon.received.isEmpty)
    }

    @Test("the change needs the old password of the first round")
    func withoutOld() throws {
        let test = try host()
        #expect(
            test.chauthtok(ScriptedPAM(user: "anna"), flags: PAM_UPDATE_AUTHTOK)
                == PAM_AUTHTOK_RECOVERY_ERR)
    }

    @Test("root's reset asks for no old password; the daemon decides")
    func reset() throws {
        let test = try host()
        test.isAskedByRoot = true
        let refusing = try test.serve(
            .changeNotPermitted, isOffline: false, "Passwords are set in the directory.")
        let pam = ScriptedPAM(
            user: "anna", script: [.complains("Passwords are set in the directory.")])
        #expect(test.chauthtok(pam, flags: PAM_PRELIM_CHECK) == PAM_PERM_DENIED)
        #expect(ReceivedRequest(refusing.received.first)?.isReset == true)
        let daemon = try test.serve(.accepted)
        let second = ScriptedPAM(
            user: "anna",
            script: [.asks("New password: ", "new"), .asks("Retype new password: ", "new")])
        #expect(test.chauthtok(second, flags: PAM_UPDATE_AUTHTOK) == PAM_SUCCESS)
        let request = try #require(ReceivedRequest(daemon.received.first))
        #expect(request.isReset && request.password == "" && request.newPassword == "new")
    }

    @Test("only an expired password is to be changed: another one stays as it is")
    func notExpired() throws {
        let test = try host()
        test.isAskedByRoot = true
        let daemon = try test.serve(.accepted)
        for round in [PAM_PRELIM_CHECK, PAM_UPDATE_AUTHTOK] {
            let pam = ScriptedPAM(user: "anna")
            #expect(test.chauthtok(pam, flags: round | expiredOnly) == PAM_SUCCESS)
        }
        #expect(daemon.received.isEmpty)
    }

    @Test("a password that must change is changed with the old one, for root's process too")
    func mustChange() throws {
        let test = try host(AccountState(mustChangeBy: "pwdReset"))
        test.isAskedByRoot = true  // sshd and login run as root
        let daemon = try test.serve(.accepted)
        let pam = ScriptedPAM(
            user: "anna",
            script: [
                .asks("Current password: ", "old"), .asks("New password: ", "new"),
                .asks("Retype new password: ", "new"),
            ])
        for round in [PAM_PRELIM_CHECK, PAM_UPDATE_AUTHTOK] {
            #expect(test.chauthtok(pam, flags: round | expiredOnly) == PAM_SUCCESS)
        }
        #expect(
            daemon.received.compactMap { ReceivedRequest($0) }.map(\.password) == ["old", "old"])
    }

    @Test("a disabled account changes no expired password")
    func disabled() throws {
        let test = try host(AccountState(disabledBy: "x=y", mustChangeBy: "pwdReset"))
        for round in [PAM_PRELIM_CHECK, PAM_UPDATE_AUTHTOK] {
            #expect(
                test.chauthtok(ScriptedPAM(user: "anna"), flags: round | expiredOnly)
                    == PAM_PERM_DENIED)
        }
    }

    @Test("names that are none of ours, and rounds that are none")
    func foreign() throws {
        let test = try host()
        for round in [PAM_PRELIM_CHECK, PAM_UPDATE_AUTHTOK] {
            for name in ["local", "root", "nobody-here"] {
                #expect(test.chauthtok(ScriptedPAM(user: name), flags: round) == PAM_USER_UNKNOWN)
            }
        }
        #expect(test.chauthtok(ScriptedPAM(user: "anna"), flags: 0) == PAM_SERVICE_ERR)
        test.write("index/gate.1", "garbage")
        let pam = { ScriptedPAM(user: "anna") }
        #expect(test.chauthtok(pam(), flags: PAM_PRELIM_CHECK) == PAM_TRY_AGAIN)
        #expect(test.chauthtok(pam(), flags: PAM_UPDATE_AUTHTOK) == PAM_AUTHTOK_ERR)
    }
}

@Suite struct SessionTests {
    @Test("credentials and sessions: success for ours, ignored for others")
    func sessions() throws {
        let test = try TestHost()
        try test.publish([person("anna")])
        let code = { (name: String) in
            test.run(.session, ScriptedPAM(user: name)) { $0.noted(undecidable: PAM_SESSION_ERR) }
        }
        #expect(code("anna") == PAM_SUCCESS)
        #expect(code("local") == PAM_IGNORE)
        #expect(code("nobody-here") == PAM_IGNORE)
        test.write("index/gate.1", "garbage")
        #expect(code("anna") == PAM_SESSION_ERR)
        #expect(code("local") == PAM_IGNORE)
    }
}
