// Which passwords are never asked about anywhere.

/// The rule for passwords that may be sent to a directory.
public enum PasswordRules {
    /// The longest password in octets.
    public static let maximumLength = 1024

    /// Whether a password may be asked about: 1 to 1024 octets, no NUL, and not the junk that sshd
    /// hands to PAM, in the length of what was typed, for those whom it refuses anyway.
    ///
    /// An empty password would be an unauthenticated bind, which succeeds; the junk would feed the
    /// lock-out counter of an existing account. Source: RFC 4513 §5.1.2; OpenSSH, auth-pam.c,
    /// `fake_password`.
    public static func isAdmissible(_ password: UnsafeRawBufferPointer) -> Bool {
        guard password.count >= 1, password.count <= maximumLength else { return false }
        var isJunk = true
        for index in 0..<password.count {
            let octet = unsafe password[index]
            if octet == 0 { return false }
            if octet != junk(at: index % 13) { isJunk = false }
        }
        return !isJunk
    }

    /// "\b\n\r\177INCORRECT", repeated or cut to the length.
    private static func junk(at index: Int) -> UInt8 {
        switch index {
        case 0: 0x08
        case 1: 0x0A
        case 2: 0x0D
        case 3: 0x7F
        case 4: UInt8(ascii: "I")
        case 5: UInt8(ascii: "N")
        case 6, 11: UInt8(ascii: "C")
        case 7: UInt8(ascii: "O")
        case 8, 9: UInt8(ascii: "R")
        case 10: UInt8(ascii: "E")
        default: UInt8(ascii: "T")
        }
    }
}
