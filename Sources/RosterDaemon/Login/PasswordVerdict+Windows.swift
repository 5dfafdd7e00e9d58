// What Active Directory's reasons mean where a password is changed by unicodePwd.

internal import Accounts
internal import LDAPClient

extension PasswordVerdict {
    /// Of a connection on which no new password may be sent.
    static let unprotectedText =
        "The directory takes new passwords over protected connections only."

    /// What the answer comes to; `nil`: the result code says as much.
    static func verdict(of error: WindowsError) -> LoginVerdict? {
        switch error {
        case .wrongOldPassword, .wrongPassword: .wrongPassword
        case .passwordRestriction, .malformedPassword: .newPasswordRefused
        case .accessDenied, .notProtected: .changeNotPermitted
        case .accountLocked: .locked
        case .accountDisabled: .disabled
        default: nil
        }
    }

    /// What the person is told beside the text of the verdict.
    ///
    /// Windows keeps to itself which rule of its policy it is; Samba's words tell.
    static func text(of error: WindowsError, _ words: String) -> String {
        switch error {
        case .malformedPassword: "The new password holds a character that it may not hold."
        case .notProtected: unprotectedText
        case .passwordRestriction:
            restrictions.first { words.contains($0.words) }?.text
                ?? "The new password may be too short, too simple or one used before, or the last "
                + "change was too recent."
        default: ""
        }
    }

    private static let restrictions = [
        (words: "too short", text: "The new password is too short."),
        (words: "complexity", text: "The new password is too simple."),
        (words: "in history", text: "The new password was used before."),
        (words: "too young", text: "The password was changed too recently to be changed again."),
    ]
}
