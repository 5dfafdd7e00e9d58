// What a directory's answer to a password means: one table for binds, one for changes.

internal import Accounts
internal import LDAPClient

/// What the directory's answer comes to.
struct PasswordVerdict: Equatable, Sendable {
    /// The verdict; `nil`: the server answered that it cannot say, which is as if it had not.
    var verdict: LoginVerdict?
    /// What the person is told beside the text of the verdict.
    var messages: [String] = []
    /// Result code and server's words, for the log.
    var source: String

    private init(_ verdict: LoginVerdict?, _ messages: [String] = [], source: String) {
        self.verdict = verdict
        self.messages = messages
        self.source = source
    }
}

extension PasswordVerdict {
    /// What the answer to a bind as the person means.
    init(bind answer: PasswordAnswer) {
        let source = Self.source(answer)
        switch answer.result.code {
        case .success:
            self.init(
                answer.wantsNewPassword ? .mustChangePassword : .accepted,
                answer.warnings, source: source)
        case .invalidCredentials:
            self = Self(windows: answer, source) ?? Self(Self.refusal(answer), source: source)
        case .noSuchObject, .invalidDNSyntax, .inappropriateAuthentication:
            self.init(.wrongPassword, source: source)
        case .constraintViolation:
            // 389 Directory Server, of an account with too many wrong passwords.
            self.init(.locked, source: source)
        case .unwillingToPerform where answer.result.diagnostic.contains("inactivated"):
            // 389 Directory Server, of an account with nsAccountLock.
            self.init(.disabled, source: source)
        case .busy, .unavailable: self.init(nil, source: source)
        default: self.init(.undecidable, source: source)
        }
    }

    /// What Active Directory refuses the bind for; `nil`: it is another server, or says nothing known.
    ///
    /// With a password that has to be changed, or is too old, nobody can bind; but the server says so
    /// of the right one only.
    private init?(windows answer: PasswordAnswer, _ source: String) {
        switch answer.windowsError {
        case .mustChangePassword, .passwordExpired: self.init(.mustChangePassword, source: source)
        case .accountDisabled: self.init(.disabled, source: source)
        case .accountExpired: self.init(.expired, source: source)
        case .accountLocked: self.init(.locked, source: source)
        case .wrongHour:
            self.init(.denied, ["Your account may not log in at this hour."], source: source)
        case .wrongWorkstation:
            self.init(.denied, ["Your account may not log in from this host."], source: source)
        case .wrongPassword, .unknownAccount: self.init(.wrongPassword, source: source)
        default: return nil
        }
    }

    private static func refusal(_ answer: PasswordAnswer) -> LoginVerdict {
        switch answer.policy?.fault {
        case .accountLocked: .locked
        case .passwordExpired: .passwordExpired
        case .changeAfterReset, .modificationNotAllowed, .mustSupplyOldPassword,
            .insufficientQuality, .tooShort, .tooYoung, .inHistory, .tooLong, nil:
            answer.isExpired ? .passwordExpired : .wrongPassword
        }
    }

    /// What the answer to the change of a password means.
    init(change answer: PasswordAnswer) {
        let source = Self.source(answer)
        guard answer.result.code != .success else {
            self.init(.accepted, source: source)
            return
        }
        if let fault = answer.policy?.fault {
            self.init(Self.verdict(of: fault), [Self.text(of: fault)], source: source)
            return
        }
        if let error = answer.windowsError, let verdict = Self.verdict(of: error) {
            self.init(verdict, [Self.text(of: error, answer.result.diagnostic)], source: source)
            return
        }
        let words = answer.result.diagnostic
        switch answer.result.code {
        case .insufficientAccessRights: self.init(.changeNotPermitted, source: source)
        case .confidentialityRequired, .strongerAuthRequired:
            self.init(.changeNotPermitted, [Self.unprotectedText], source: source)
        case .protocolError:
            let text = "The directory does not let passwords be changed from here."
            self.init(.changeNotPermitted, [text], source: source)
        case .invalidCredentials: self.init(.wrongPassword, source: source)
        case .busy, .unavailable: self.init(nil, source: source)
        default:
            self.init(
                .newPasswordRefused, words.isEmpty ? [] : ["The directory says: \(words)"],
                source: source)
        }
    }

    private static func verdict(of fault: PasswordPolicyControl.Fault) -> LoginVerdict {
        switch fault {
        case .passwordExpired: .passwordExpired
        case .accountLocked: .locked
        case .modificationNotAllowed: .changeNotPermitted
        case .changeAfterReset, .mustSupplyOldPassword, .insufficientQuality, .tooShort, .tooYoung,
            .inHistory, .tooLong:
            .newPasswordRefused
        }
    }

    private static func text(of fault: PasswordPolicyControl.Fault) -> String {
        switch fault {
        case .passwordExpired, .accountLocked: ""
        case .changeAfterReset: "The password has to be changed first."
        case .modificationNotAllowed: "The directory does not let you change this password."
        case .mustSupplyOldPassword: "The directory wants the old password with the new one."
        case .insufficientQuality: "The new password is too simple."
        case .tooShort: "The new password is too short."
        case .tooYoung: "The password was changed too recently to be changed again."
        case .inHistory: "The new password was used before."
        case .tooLong: "The new password is too long."
        }
    }

    private static func source(_ answer: PasswordAnswer) -> String {
        let result = answer.result
        let fault = answer.policy?.fault.map { ", policy \($0)" } ?? ""
        let words = result.diagnostic.isEmpty ? "" : ": \(result.diagnostic)"
        return "directory \(result.code.rawValue)\(fault)\(words)"
    }
}

extension PasswordAnswer {
    /// Whether the password is right and a new one is wanted before anything else.
    fileprivate var wantsNewPassword: Bool { policy?.fault == .changeAfterReset || isExpired }

    /// What a person is to know whose password is right.
    fileprivate var warnings: [String] {
        switch policy?.warning {
        case .graceLogins(0):
            ["Your password has expired; this was the last time it could be used."]
        case .graceLogins(1): ["Your password has expired; it can be used once more."]
        case .graceLogins(let count):
            ["Your password has expired; it can be used \(count) times more."]
        case .expiresIn(let seconds): [Self.expiry(in: seconds)]
        case nil: expiresInSeconds.map { [Self.expiry(in: $0)] } ?? []
        }
    }

    private static func expiry(in seconds: Int) -> String {
        let units = [(86400, "day"), (3600, "hour"), (60, "minute")]
        for (length, name) in units where seconds >= length {
            let count = seconds / length
            return "Your password expires in \(count) \(name)\(count == 1 ? "" : "s")."
        }
        return "Your password expires in less than a minute."
    }
}
