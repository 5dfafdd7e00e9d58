// Which names a directory may give to people and groups.

/// The rule for names of directory accounts and groups: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}`, and not
/// digits alone, which every tool that takes a name or an id would read as an id.
public enum AccountName {
    /// The longest name in octets; utmp and many tools hold no more.
    public static let maximumLength = 32

    /// Whether `name` is allowed; it is compared byte for byte everywhere, never folded.
    @inlinable public static func isValid(_ name: some Collection<UInt8>) -> Bool {
        guard !name.isEmpty, name.count <= maximumLength else { return false }
        var isFirst = true
        var hasOtherThanDigit = false
        for character in name {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): break
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "_"):
                hasOtherThanDigit = true
            case UInt8(ascii: "."), UInt8(ascii: "-"):
                guard !isFirst else { return false }
                hasOtherThanDigit = true
            default: return false
            }
            isFirst = false
        }
        return hasOtherThanDigit
    }
}
