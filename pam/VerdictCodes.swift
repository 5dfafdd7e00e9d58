// What libpam is told: the one table from verdicts to PAM codes, for every phase.
//
// A verdict on an account of ours is never turned into PAM_IGNORE, and into PAM_SUCCESS only where
// the phase really succeeded. `unknownUser` is for names that are not ours.
internal import Accounts
internal import CPAM

extension LoginVerdict {
    /// What pam_sm_authenticate returns; that the password must change is acct_mgmt's to say.
    var authenticateCode: CInt {
        switch self {
        case .accepted, .mustChangePassword: PAM_SUCCESS
        case .unknownUser: PAM_USER_UNKNOWN
        case .wrongPassword, .removed, .blocked, .denied, .notAllowed: PAM_AUTH_ERR
        case .disabled: PAM_PERM_DENIED
        case .expired: PAM_ACCT_EXPIRED
        case .locked: PAM_MAXTRIES
        case .passwordExpired: PAM_AUTHTOK_EXPIRED
        case .stale, .undecidable, .newPasswordRefused, .changeNotPermitted: PAM_AUTHINFO_UNAVAIL
        }
    }

    /// What pam_sm_acct_mgmt returns.
    var accountCode: CInt {
        switch self {
        case .accepted: PAM_SUCCESS
        case .mustChangePassword: PAM_NEW_AUTHTOK_REQD
        case .unknownUser: PAM_USER_UNKNOWN
        case .removed, .expired: PAM_ACCT_EXPIRED
        case .blocked, .disabled, .denied, .notAllowed: PAM_PERM_DENIED
        case .passwordExpired: PAM_AUTHTOK_EXPIRED
        case .stale, .undecidable: PAM_AUTHINFO_UNAVAIL
        case .wrongPassword, .locked, .newPasswordRefused, .changeNotPermitted: PAM_AUTH_ERR
        }
    }

    /// What pam_sm_chauthtok returns in its preliminary round.
    var preliminaryCode: CInt {
        switch self {
        case .accepted, .mustChangePassword: PAM_SUCCESS
        case .unknownUser: PAM_USER_UNKNOWN
        case .wrongPassword: PAM_AUTHTOK_RECOVERY_ERR
        case .newPasswordRefused: PAM_AUTHTOK_ERR
        case .removed, .blocked, .disabled, .expired, .denied, .notAllowed, .locked,
            .passwordExpired, .changeNotPermitted:
            PAM_PERM_DENIED
        case .stale, .undecidable: PAM_TRY_AGAIN
        }
    }

    /// What pam_sm_chauthtok returns when it was to change the password.
    var updateCode: CInt {
        switch self {
        case .accepted: PAM_SUCCESS
        case .unknownUser: PAM_USER_UNKNOWN
        case .wrongPassword: PAM_AUTH_ERR
        case .removed, .blocked, .disabled, .expired, .denied, .notAllowed, .locked,
            .passwordExpired, .changeNotPermitted:
            PAM_PERM_DENIED
        case .newPasswordRefused, .mustChangePassword, .stale, .undecidable: PAM_AUTHTOK_ERR
        }
    }

    /// Whether a password that ended so costs the delay of a wrong one.
    var costsDelay: Bool {
        switch self {
        case .accepted, .mustChangePassword, .stale, .undecidable: false
        case .unknownUser, .wrongPassword, .removed, .blocked, .disabled, .expired, .denied,
            .notAllowed, .locked, .passwordExpired, .newPasswordRefused, .changeNotPermitted:
            true
        }
    }

    /// How important the verdict is to whoever reads the log, see syslog(3).
    var logPriority: CInt {
        switch self {
        case .accepted, .mustChangePassword: LOG_INFO
        case .stale, .undecidable: LOG_WARNING
        case .unknownUser, .wrongPassword, .removed, .blocked, .disabled, .expired, .denied,
            .notAllowed, .locked, .passwordExpired, .newPasswordRefused, .changeNotPermitted:
            LOG_NOTICE
        }
    }

    /// The verdict's word in the log.
    var word: StaticString {
        switch self {
        case .accepted: "accepted"
        case .mustChangePassword: "must-change-password"
        case .unknownUser: "unknown-user"
        case .removed: "removed"
        case .blocked: "blocked"
        case .disabled: "disabled"
        case .expired: "expired"
        case .denied: "denied"
        case .notAllowed: "not-allowed"
        case .stale: "stale"
        case .wrongPassword: "wrong-password"
        case .locked: "locked"
        case .passwordExpired: "password-expired"
        case .newPasswordRefused: "new-password-refused"
        case .changeNotPermitted: "change-not-permitted"
        case .undecidable: "undecidable"
        }
    }
}
