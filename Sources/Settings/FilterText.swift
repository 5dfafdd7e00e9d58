// Whether an LDAP filter is written properly, so that a slip is found before any server is asked.

/// An LDAP filter in its text form (RFC 4515); only its shape is looked at.
struct FilterText {
    private let bytes: [UInt8]
    private var offset = 0
    private var found: [String] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Whether the text is one filter and nothing else.
    var isValid: Bool {
        var copy = self
        return copy.filter(depth: 0) && copy.offset == copy.bytes.count
    }

    /// The attributes that the filter asks about, in its order, each once; options are cut off.
    var attributes: [String] {
        var copy = self
        _ = copy.filter(depth: 0)
        return copy.found
    }

    /// Nesting beyond this is refused; the servers have limits of their own.
    private static let deepest = 50

    private mutating func filter(depth: Int) -> Bool {
        guard depth <= Self.deepest, take("(") else { return false }
        if take("!") {
            skipSpaces()
            return filter(depth: depth + 1) && closing()
        }
        guard take("&") || take("|") else { return item() && take(")") }
        var count = 0
        skipSpaces()
        while peek == UInt8(ascii: "(") {
            guard filter(depth: depth + 1) else { return false }
            count += 1
            skipSpaces()
        }
        return count > 0 && take(")")
    }

    /// libldap takes spaces between filters.
    private mutating func skipSpaces() {
        while take(" ") {}
    }

    private mutating func closing() -> Bool {
        skipSpaces()
        return take(")")
    }

    /// `attribute=value`, `>=`, `<=`, `~=`, `:rule:=`; escapes are two hexadecimal digits.
    private mutating func item() -> Bool {
        let start = offset
        while let next = peek, !"=()\\* ".utf8.contains(next) { offset += 1 }
        guard offset > start else { return false }
        note(bytes[start..<offset].prefix { !":;<>~".utf8.contains($0) })
        guard take("=") else { return false }
        while let next = peek, next != UInt8(ascii: ")") {
            if next == UInt8(ascii: "(") { return false }
            offset += 1
            if next == UInt8(ascii: "\\") {
                guard hexadecimal(), hexadecimal() else { return false }
            }
        }
        return true
    }

    private mutating func note(_ attribute: ArraySlice<UInt8>) {
        let name = String(decoding: attribute, as: UTF8.self)
        if !name.isEmpty && !found.contains(name) { found.append(name) }
    }

    private mutating func hexadecimal() -> Bool {
        guard let next = peek, Character(UnicodeScalar(next)).isHexDigit else { return false }
        offset += 1
        return true
    }

    private var peek: UInt8? {
        offset < bytes.count ? bytes[offset] : nil
    }

    private mutating func take(_ character: Character) -> Bool {
        guard let next = peek, next == character.asciiValue else { return false }
        offset += 1
        return true
    }
}
