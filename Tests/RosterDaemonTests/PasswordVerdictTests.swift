// What the answers of Active Directory to passwords come to.

import Accounts
import LDAPClient
import Testing

@testable import RosterDaemon

@Suite("Verdicts on passwords by Active Directory")
struct PasswordVerdictTests {
    private func bound(_ data: String, _ code: LDAPResultCode = .invalidCredentials)
        -> PasswordVerdict
    {
        PasswordVerdict(
            bind: PasswordAnswer(
                LDAPResult(
                    code: code,
                    diagnostic: "80090308: LdapErr: DSID-0C0903A9, comment: "
                        + "AcceptSecurityContext error, data \(data), v1db1")))
    }

    @Test(
        "every reason for which a bind is refused has its verdict",
        arguments: [
            ("52e", LoginVerdict.wrongPassword), ("525", .wrongPassword), ("530", .denied),
            ("531", .denied), ("532", .mustChangePassword), ("533", .disabled), ("701", .expired),
            ("773", .mustChangePassword), ("775", .locked), ("57", .wrongPassword),
        ])
    func binds(_ data: String, _ verdict: LoginVerdict) {
        #expect(bound(data).verdict == verdict)
        #expect(bound(data).source.contains("data \(data)"))
    }

    @Test("an hour or a computer that is not the account's is told")
    func places() {
        #expect(bound("530").messages == ["Your account may not log in at this hour."])
        #expect(bound("531").messages == ["Your account may not log in from this host."])
        #expect(bound("52e").messages.isEmpty)
    }

    @Test("a reason counts only with the result code that refuses a password")
    func codes() {
        #expect(bound("773", .busy).verdict == nil)
        #expect(bound("773", .operationsError).verdict == .undecidable)
        #expect(bound("533", .unavailable).verdict == nil)
    }

    @Test("without Active Directory's own form the words of a server mean nothing")
    func otherServers() {
        let answer = PasswordAnswer(
            LDAPResult(code: .invalidCredentials, diagnostic: "refused, data 773, v1db1"))
        #expect(PasswordVerdict(bind: answer).verdict == .wrongPassword)
    }

    private func changed(
        _ code: LDAPResultCode, _ diagnostic: String, isActiveDirectory: Bool = true
    ) -> PasswordVerdict {
        var answer = PasswordAnswer(LDAPResult(code: code, diagnostic: diagnostic))
        if isActiveDirectory { answer.windowsError = WindowsError(diagnostic: diagnostic) }
        return PasswordVerdict(change: answer)
    }

    @Test(
        "every reason for which a change is refused has its verdict and its words",
        arguments: [
            (
                LDAPResultCode.constraintViolation, "00000056: AtrErr: DSID-03191083, #1:",
                LoginVerdict.wrongPassword, ""
            ),
            (
                .unwillingToPerform, "0000052D: SvcErr: DSID-031A12D2, problem 5003",
                .newPasswordRefused, "too short, too simple or one used before"
            ),
            (
                .constraintViolation, "0000052D: Constraint violation - the password is too short.",
                .newPasswordRefused, "The new password is too short."
            ),
            (
                .constraintViolation,
                "0000052D: the password does not meet the complexity criteria!",
                .newPasswordRefused, "The new password is too simple."
            ),
            (
                .constraintViolation, "0000052D: the password was already used (in history)!",
                .newPasswordRefused, "The new password was used before."
            ),
            (
                .constraintViolation, "0000052D: password is too young to change!",
                .newPasswordRefused, "changed too recently"
            ),
            (.unwillingToPerform, "0000052C: x", .newPasswordRefused, "may not hold"),
            (.constraintViolation, "00000775: Password change not permitted", .locked, ""),
            (.insufficientAccessRights, "00000005: SecErr: DSID-031A1190", .changeNotPermitted, ""),
            (.insufficientAccessRights, "error in module acl", .changeNotPermitted, ""),
            (
                .unwillingToPerform, "0000001F: SvcErr: DSID-031A1248", .changeNotPermitted,
                "protected connections"
            ),
            (.confidentialityRequired, "", .changeNotPermitted, "protected connections"),
            (
                .operationsError, "00002020: Operation unavailable", .newPasswordRefused,
                "The directory says: 00002020"
            ),
            (.busy, "0000200E: busy", nil, ""),
        ] as [(LDAPResultCode, String, LoginVerdict?, String)])
    func changes(
        _ code: LDAPResultCode, _ diagnostic: String, _ verdict: LoginVerdict?, _ words: String
    ) {
        let found = changed(code, diagnostic)
        #expect(found.verdict == verdict)
        let told = found.messages.filter { !$0.isEmpty }
        #expect(words.isEmpty ? told.isEmpty : told.first?.contains(words) == true)
    }

    @Test("another server's digits are words")
    func digits() {
        let found = changed(.constraintViolation, "00000056: x", isActiveDirectory: false)
        #expect(found.verdict == .newPasswordRefused)
    }
}
