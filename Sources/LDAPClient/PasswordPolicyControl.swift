// The password policy control (draft-behera-ldap-password-policy-10 §6.2), on the answer to a bind or
// to the change of a password:
//
//     PasswordPolicyResponseValue ::= SEQUENCE {
//         warning [0] CHOICE {
//             timeBeforeExpiration [0] INTEGER (0 .. maxInt),
//             graceAuthNsRemaining [1] INTEGER (0 .. maxInt) } OPTIONAL,
//         error   [1] ENUMERATED { ... } OPTIONAL }

internal import SwiftASN1

/// What the directory's password policy says beside the result code.
public struct PasswordPolicyControl: Hashable, Sendable {
    /// The identifier of the control, the same in request and answer.
    public static let oid = "1.3.6.1.4.1.42.2.27.8.5.1"

    /// What is about to happen.
    public enum Warning: Hashable, Sendable {
        /// The password expires in so many seconds.
        case expiresIn(seconds: Int)
        /// The password has expired and may be used so many times more.
        case graceLogins(Int)
    }

    /// What is wrong, by the number that the control carries.
    public enum Fault: Int, CaseIterable, Hashable, Sendable {
        /// The password has expired.
        case passwordExpired = 0
        /// The account is locked, most often after too many wrong passwords.
        case accountLocked = 1
        /// Somebody else set the password, and it has to be changed before anything else.
        case changeAfterReset = 2
        /// The person may not change this password.
        case modificationNotAllowed = 3
        /// The old password has to come with the new one.
        case mustSupplyOldPassword = 4
        /// The new password is not good enough.
        case insufficientQuality = 5
        /// The new password is too short.
        case tooShort = 6
        /// The password was changed too recently to be changed again.
        case tooYoung = 7
        /// The new password was used before.
        case inHistory = 8
        /// The new password is too long.
        case tooLong = 9
    }

    /// What is about to happen; `nil`: nothing.
    public var warning: Warning?
    /// What is wrong; `nil`: nothing, or something with a number that is not known here.
    public var fault: Fault?

    /// A control from its parts.
    public init(warning: Warning? = nil, fault: Fault? = nil) {
        self.warning = warning
        self.fault = fault
    }

    /// Decodes the value of the control; any octets are safe.
    public init(decoding octets: [UInt8]) throws(LDAPControlError) {
        let first = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
        let second = ASN1Identifier(tagWithNumber: 1, tagClass: .contextSpecific)
        var reader = try BERReader(octets, name: "password policy control")
        if reader.isNext(first) {
            var choice = try reader.constructed(first, "warning")
            if choice.isNext(second) {
                let count = try choice.integer(second, "graceAuthNsRemaining")
                if count >= 0 { warning = .graceLogins(count) }
            } else {
                let seconds = try choice.integer(first, "timeBeforeExpiration")
                if seconds >= 0 { warning = .expiresIn(seconds: seconds) }
            }
            try choice.finish()
        }
        if reader.isNext(second) { fault = Fault(rawValue: try reader.integer(second, "error")) }
        try reader.finish()
    }

    /// The control as it is asked for: without a value, not critical.
    static let request = LDAPControl(oid: oid, isCritical: false, value: nil)
}
