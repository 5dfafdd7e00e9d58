// Texts from the directory that end up in lines of passwd(5) and on terminals.

/// Limits on what a person's fields hold, in octets: more would not fit the buffers of tools.
enum FieldLimits {
    /// `pw_gecos`.
    static let gecos = 1024
    /// `pw_dir` and `pw_shell`.
    static let path = 255
}

/// Why a text must not go into a field; `nil`: it may.
///
/// Refused are what breaks lines and columns (control characters, colon) and what makes a terminal
/// show something else than it says (C1 controls, line separators, bidirectional overrides).
func fieldProblem(_ text: ArraySlice<UInt8>, limit: Int) -> String? {
    if text.count > limit { return "is longer than \(limit) octets" }
    var isASCII = true
    for character in text {
        if character < 0x20 || character == 0x7F { return "contains a control character" }
        if character == UInt8(ascii: ":") { return "contains a colon" }
        if character >= 0x80 { isASCII = false }
    }
    if isASCII { return nil }
    guard let decoded = String(validating: text, as: UTF8.self) else { return "is not valid UTF-8" }
    for scalar in decoded.unicodeScalars {
        switch scalar.value {
        case 0x80...0x9F, 0x2028, 0x2029: return "contains a control character"
        case 0x202A...0x202E, 0x2066...0x2069: return "contains a change of writing direction"
        default: break
        }
    }
    return nil
}

/// A foreign text for a message: in quotes, cut short, with what is not plain written as `\xx`.
func quoted(_ text: some Collection<UInt8>) -> String {
    var shown = "\""
    for character in text.prefix(64) {
        if character >= 0x20 && character < 0x7F && character != UInt8(ascii: "\\") {
            shown.unicodeScalars.append(UnicodeScalar(character))
        } else {
            let digits = String(character, radix: 16)
            shown += "\\" + (digits.utf8.count == 1 ? "0" : "") + digits
        }
    }
    return shown + (text.count > 64 ? "...\"" : "\"")
}

extension Collection<UInt8> {
    /// Compares without regard to the case of ASCII letters.
    func equalsIgnoringCase(_ other: some Collection<UInt8>) -> Bool {
        count == other.count
            && zip(self, other).allSatisfy { left, right in
                let lower = left | 0x20
                return left == right || lower == right | 0x20 && (0x61...0x7A).contains(lower)
            }
    }
}
