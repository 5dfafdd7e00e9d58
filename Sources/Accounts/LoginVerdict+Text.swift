// What a person is told unless `[messages]` says it otherwise.

extension LoginVerdict {
    /// One calm sentence; empty for a verdict of which nobody is told.
    ///
    /// A wrong password and an unknown name are told by the service that asked, all in one way.
    public var builtInText: StaticString {
        switch self {
        case .accepted, .unknownUser, .wrongPassword: ""
        case .mustChangePassword: "You have to choose a new password now."
        case .removed: "This account no longer exists in your organisation's directory."
        case .blocked: "This account is blocked on this host by its administrator."
        case .disabled: "This account is disabled in your organisation's directory."
        case .expired: "This account has expired."
        case .denied: "Your account may not use this service on this host."
        case .notAllowed: "Your account is not among those that may use this service on this host."
        case .stale:
            "This host has been out of touch with your organisation's directory for too long."
        case .locked: "This account is locked after too many wrong passwords."
        case .passwordExpired: "Your password has expired."
        case .newPasswordRefused: "The directory did not accept the new password."
        case .changeNotPermitted: "This password cannot be changed here."
        case .undecidable: "Your account cannot be checked at the moment; please try again later."
        }
    }
}
