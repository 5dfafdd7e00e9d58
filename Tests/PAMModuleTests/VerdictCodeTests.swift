import Accounts
import CPAM
import Testing

@testable import PAMModule

/// The codes of one verdict in every phase, as pam_roster(8) lists them.
private let table: [LoginVerdict: [CInt]] = [
    .accepted: [PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS],
    .mustChangePassword: [PAM_SUCCESS, PAM_NEW_AUTHTOK_REQD, PAM_SUCCESS, PAM_AUTHTOK_ERR],
    .unknownUser: [PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN],
    .removed: [PAM_AUTH_ERR, PAM_ACCT_EXPIRED, PAM_PERM_DENIED, PAM_PERM_DENIED],
    .blocked: [PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED],
    .disabled: [PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED],
    .expired: [PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, PAM_PERM_DENIED, PAM_PERM_DENIED],
    .denied: [PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED],
    .notAllowed: [PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED],
    .stale: [PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL, PAM_TRY_AGAIN, PAM_AUTHTOK_ERR],
    .wrongPassword: [PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTHTOK_RECOVERY_ERR, PAM_AUTH_ERR],
    .locked: [PAM_MAXTRIES, PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_PERM_DENIED],
    .passwordExpired: [
        PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED, PAM_PERM_DENIED, PAM_PERM_DENIED,
    ],
    .newPasswordRefused: [PAM_AUTHINFO_UNAVAIL, PAM_AUTH_ERR, PAM_AUTHTOK_ERR, PAM_AUTHTOK_ERR],
    .changeNotPermitted: [PAM_AUTHINFO_UNAVAIL, PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_PERM_DENIED],
    .undecidable: [PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL, PAM_TRY_AGAIN, PAM_AUTHTOK_ERR],
]

@Suite struct VerdictCodeTests {
    @Test("every verdict has its code in every phase", arguments: LoginVerdict.allCases)
    func codes(verdict: LoginVerdict) {
        let codes = [
            verdict.authenticateCode, verdict.accountCode, verdict.preliminaryCode,
            verdict.updateCode,
        ]
        #expect(codes == table[verdict])
    }

    @Test("nothing but acceptance is success, and nothing is ignored")
    func failClosed() {
        for verdict in LoginVerdict.allCases where verdict != .accepted {
            #expect(verdict.accountCode != PAM_SUCCESS)
            #expect(verdict.updateCode != PAM_SUCCESS)
            if verdict == .mustChangePassword { continue }
            #expect(verdict.authenticateCode != PAM_SUCCESS)
            #expect(verdict.preliminaryCode != PAM_SUCCESS)
        }
        let all = LoginVerdict.allCases.flatMap {
            [$0.authenticateCode, $0.accountCode, $0.preliminaryCode, $0.updateCode]
        }
        #expect(!all.contains(PAM_IGNORE))
    }
}
