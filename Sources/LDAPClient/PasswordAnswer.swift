// What a directory answers to a password: the result, and what its policy adds.

/// The answer to a bind as a person, or to the change of a password.
public struct PasswordAnswer: Hashable, Sendable {
    /// How the operation ended; the diagnostic is the server's own, unabridged.
    public var result: LDAPResult
    /// The password policy control; `nil` if the server sent none that can be read.
    public var policy: PasswordPolicyControl?
    /// Whether the server sent the older control that says "expired" (draft-vchu-ldap-pwd-policy-00
    /// §5): with success it means that a new password is wanted first.
    public var isExpired = false
    /// What the older control that says "expiring" has, in seconds; `nil`: there is none.
    public var expiresInSeconds: Int?

    /// The reason as Active Directory names it; `nil`: it is no such server, or gave none.
    public var windowsError: WindowsError?

    /// The identifier of the older control that says "expired".
    static let expiredOID = "2.16.840.1.113730.3.4.4"
    /// The identifier of the older control that says "expiring"; its value are seconds in decimal.
    static let expiringOID = "2.16.840.1.113730.3.4.5"

    /// Takes what a result carries; a control that cannot be read is as if it were not there.
    public init(_ result: LDAPResult) {
        self.result = result
        windowsError = WindowsError(bindDiagnostic: result.diagnostic)
        for control in result.controls {
            switch control.oid {
            case PasswordPolicyControl.oid:
                policy = try? PasswordPolicyControl(decoding: control.value ?? [])
            case Self.expiredOID: isExpired = true
            case Self.expiringOID: expiresInSeconds = Self.seconds(control.value ?? [])
            default: break
            }
        }
    }

    /// 1 to 10 decimal digits, some servers add a NUL; `nil` for anything else.
    static func seconds(_ octets: [UInt8]) -> Int? {
        let digits = octets.last == 0 ? octets.dropLast() : octets[...]
        guard (1...10).contains(digits.count) else { return nil }
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit &- 0x30)
        }
        return value
    }
}
