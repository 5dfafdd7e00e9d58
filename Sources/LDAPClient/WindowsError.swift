// The numbers by which Active Directory says why: of Windows, hidden in the text of a result.

/// A reason of Active Directory or AD LDS; an open set.
///
/// Source: MS-ERREF section 2.2; the texts are those that AD and Samba send.
public struct WindowsError: RawRepresentable, Hashable, Sendable {
    /// The number.
    public let rawValue: UInt32

    /// Wraps a number.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The caller has no right to do this.
    public static let accessDenied = WindowsError(rawValue: 0x5)
    /// The connection is not protected enough for a password.
    public static let notProtected = WindowsError(rawValue: 0x1F)
    /// The old password is not the right one.
    public static let wrongOldPassword = WindowsError(rawValue: 0x56)
    /// There is no such account.
    public static let unknownAccount = WindowsError(rawValue: 0x525)
    /// The new password holds what it may not.
    public static let malformedPassword = WindowsError(rawValue: 0x52C)
    /// The new password is against the policy: its length, its mixture, its history or its age.
    public static let passwordRestriction = WindowsError(rawValue: 0x52D)
    /// Name or password are wrong.
    public static let wrongPassword = WindowsError(rawValue: 0x52E)
    /// The account may not log in at this hour.
    public static let wrongHour = WindowsError(rawValue: 0x530)
    /// The account may not log in from this computer.
    public static let wrongWorkstation = WindowsError(rawValue: 0x531)
    /// The password is right, and too old.
    public static let passwordExpired = WindowsError(rawValue: 0x532)
    /// The account is disabled.
    public static let accountDisabled = WindowsError(rawValue: 0x533)
    /// The account's time is over.
    public static let accountExpired = WindowsError(rawValue: 0x701)
    /// The password is right, and has to be changed first.
    public static let mustChangePassword = WindowsError(rawValue: 0x773)
    /// The account is locked after too many wrong passwords.
    public static let accountLocked = WindowsError(rawValue: 0x775)
}

extension WindowsError {
    /// The reason in the answer to a bind; `nil` unless the text is exactly of the form
    /// `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1`.
    ///
    /// Other servers do not write so.
    public init?(bindDiagnostic text: String) {
        var rest = Scan(text)
        guard rest.hexadecimal(8...8) != nil, rest.skip(": LdapErr: DSID-"),
            rest.hexadecimal(1...8) != nil,
            rest.skip(", comment: AcceptSecurityContext error, data "),
            let number = rest.hexadecimal(1...8), rest.skip(", v"),
            rest.hexadecimal(1...8) != nil, rest.isAtEnd
        else { return nil }
        self.init(rawValue: number)
    }

    /// The reason in any other answer of an Active Directory: the eight digits that it begins with.
    public init?(diagnostic text: String) {
        var rest = Scan(text)
        guard let number = rest.hexadecimal(8...8), rest.skip(":") else { return nil }
        self.init(rawValue: number)
    }

    /// Octets from left to right.
    private struct Scan {
        private var rest: Substring.UTF8View

        init(_ text: String) {
            rest = text[...].utf8
        }

        /// Whether nothing follows but what ends a text in C.
        var isAtEnd: Bool { rest.allSatisfy { $0 == 0 || $0 == UInt8(ascii: " ") } }

        mutating func skip(_ word: StaticString) -> Bool {
            let octets = unsafe UnsafeBufferPointer(
                start: word.utf8Start, count: word.utf8CodeUnitCount)
            guard unsafe rest.starts(with: octets) else { return false }
            rest = rest.dropFirst(word.utf8CodeUnitCount)
            return true
        }

        /// All the digits that follow, if they are so many.
        mutating func hexadecimal(_ count: ClosedRange<Int>) -> UInt32? {
            let digits = rest.prefix { octet in
                switch octet {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: "A")...UInt8(ascii: "F"):
                    true
                default: false
                }
            }
            guard count.contains(digits.count) else { return nil }
            rest = rest.dropFirst(digits.count)
            return UInt32(String(Substring(digits)), radix: 16)
        }
    }
}
