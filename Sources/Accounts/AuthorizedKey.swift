// Which values of a directory become lines of authorized_keys(5).

/// The check of one line of authorized_keys(5).
///
/// Made where the values come in, and once more by the program that hands them to sshd, because a
/// line with options or with more than one key in it would say more than its owner may.
public enum AuthorizedKey {
    /// The longest line in octets.
    public static let maximumLength = 8192

    /// Whether `line` is exactly one public key that sshd accepts: a known type, base64 that holds a
    /// key of this type and nothing else, and at most a comment behind it.
    ///
    /// Options before the key only if they are allowed. No control characters, so no second line; no
    /// certificates, which sshd takes only from the client; no DSA, which it refuses; no second key
    /// in the comment. Reads nothing but `line`, allocates nothing. Source: sshd(8),
    /// "AUTHORIZED_KEYS FILE FORMAT".
    public static func isValid(_ line: UnsafeRawBufferPointer, allowingOptions: Bool) -> Bool {
        guard line.count <= maximumLength else { return false }
        for index in 0..<line.count {
            let octet = unsafe line[index]
            if octet < 0x20 || octet == 0x7F { return false }
        }
        var words = unsafe KeyWords(line)
        var first = words.next()
        if KeyType(first) == nil {
            guard allowingOptions, words.skipOptions() else { return false }
            first = words.next()
        }
        guard let type = KeyType(first), type.isKey(words.next()) else { return false }
        while let word = words.nextOfComment() {
            if KeyType(word) != nil { return false }
        }
        return true
    }
}

/// A word of a line, borrowed.
@safe
private struct KeyText {
    private let octets: UnsafeRawBufferPointer
    let count: Int

    init(_ octets: UnsafeRawBufferPointer) {
        unsafe self.octets = octets
        count = octets.count
    }

    /// The octet at `index`; 0, which is in no line, outside.
    func octet(_ index: Int) -> UInt8 {
        guard index >= 0, index < count else { return 0 }
        return unsafe octets[index]
    }

    func equals(_ text: StaticString) -> Bool {
        guard text.utf8CodeUnitCount == count else { return false }
        for index in 0..<count {
            if unsafe text.utf8Start[index] != octets[index] { return false }
        }
        return true
    }
}

/// Cuts a line into words as sshd does.
@safe
private struct KeyWords {
    private let line: UnsafeRawBufferPointer
    private let count: Int
    private var place = 0

    init(_ line: UnsafeRawBufferPointer) {
        unsafe self.line = line
        count = line.count
    }

    private func isSpace(_ index: Int) -> Bool {
        unsafe line[index] == UInt8(ascii: " ")
    }

    /// The word that begins here, and the spaces behind it; empty at a space or the end.
    mutating func next() -> KeyText {
        let start = place
        while place < count, !isSpace(place) { place &+= 1 }
        let end = place
        skipSpaces()
        return unsafe KeyText(UnsafeRawBufferPointer(rebasing: line[start..<end]))
    }

    /// The next word of the comment; `nil` at the end.
    mutating func nextOfComment() -> KeyText? {
        place < count ? next() : nil
    }

    /// Goes back to the start and behind the options there; whether they are whole.
    ///
    /// Spaces inside double quotes belong to an option, and so does a quote after a backslash.
    mutating func skipOptions() -> Bool {
        place = 0
        guard count > 0, !isSpace(0), unsafe line[0] != UInt8(ascii: "#") else { return false }
        var isQuoted = false
        while place < count, isQuoted || !isSpace(place) {
            let octet = unsafe line[place]
            if octet == UInt8(ascii: "\\"), place < count &- 1,
                unsafe line[place &+ 1] == UInt8(ascii: "\"")
            {
                place &+= 1
            } else if octet == UInt8(ascii: "\"") {
                isQuoted.toggle()
            }
            place &+= 1
        }
        guard !isQuoted else { return false }
        skipSpaces()
        return true
    }

    private mutating func skipSpaces() {
        while place < count, isSpace(place) { place &+= 1 }
    }
}

/// The types of keys that sshd accepts in authorized_keys(5).
private enum KeyType {
    case rsa
    case ed25519
    case ecdsa256
    case ecdsa384
    case ecdsa521
    case securityKeyEd25519
    case securityKeyECDSA

    init?(_ word: KeyText) {
        if word.equals("ssh-ed25519") {
            self = .ed25519
        } else if word.equals("ssh-rsa") {
            self = .rsa
        } else if word.equals("ecdsa-sha2-nistp256") {
            self = .ecdsa256
        } else if word.equals("ecdsa-sha2-nistp384") {
            self = .ecdsa384
        } else if word.equals("ecdsa-sha2-nistp521") {
            self = .ecdsa521
        } else if word.equals("sk-ssh-ed25519@openssh.com") {
            self = .securityKeyEd25519
        } else if word.equals("sk-ecdsa-sha2-nistp256@openssh.com") {
            self = .securityKeyECDSA
        } else {
            return nil
        }
    }

    /// Whether `word` is base64 of a key of this type and of nothing else.
    ///
    /// Source: RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4; OpenSSH, PROTOCOL.u2f.
    func isKey(_ word: KeyText) -> Bool {
        guard var blob = KeyBlob(word), let name = blob.string() else { return false }
        return isNamed(by: name, blob) && hasFields(&blob) && blob.isAtEnd
    }

    private func isNamed(by name: Range<Int>, _ blob: KeyBlob) -> Bool {
        switch self {
        case .rsa: blob.equals(name, "ssh-rsa")
        case .ed25519: blob.equals(name, "ssh-ed25519")
        case .ecdsa256: blob.equals(name, "ecdsa-sha2-nistp256")
        case .ecdsa384: blob.equals(name, "ecdsa-sha2-nistp384")
        case .ecdsa521: blob.equals(name, "ecdsa-sha2-nistp521")
        case .securityKeyEd25519: blob.equals(name, "sk-ssh-ed25519@openssh.com")
        case .securityKeyECDSA: blob.equals(name, "sk-ecdsa-sha2-nistp256@openssh.com")
        }
    }

    private func hasFields(_ blob: inout KeyBlob) -> Bool {
        switch self {
        case .rsa: blob.positive(bits: 2...64) && blob.positive(bits: 1024...16384)
        case .ed25519: blob.string()?.count == 32
        case .ecdsa256: blob.point(on: "nistp256", octets: 65)
        case .ecdsa384: blob.point(on: "nistp384", octets: 97)
        case .ecdsa521: blob.point(on: "nistp521", octets: 133)
        case .securityKeyEd25519: blob.string()?.count == 32 && blob.application()
        case .securityKeyECDSA: blob.point(on: "nistp256", octets: 65) && blob.application()
        }
    }
}

/// The octets of a key, decoded from base64 as they are looked at.
private struct KeyBlob {
    private let text: KeyText
    private let count: Int
    private var place = 0

    /// `nil` unless the text is base64 in its one canonical form.
    init?(_ text: KeyText) {
        guard text.count >= 4, text.count & 3 == 0 else { return nil }
        var padding = 0
        while padding < 2, text.octet(text.count &- 1 &- padding) == UInt8(ascii: "=") {
            padding &+= 1
        }
        for index in 0..<(text.count &- padding) {
            guard Self.bits(of: text.octet(index)) != nil else { return nil }
        }
        self.text = text
        count = text.count / 4 &* 3 &- padding
        let last = Self.bits(of: text.octet(text.count &- 1 &- padding)) ?? 0
        guard padding == 0 || last & (padding == 1 ? 0x03 : 0x0F) == 0 else { return nil }
    }

    private static func bits(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character &- UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character &- UInt8(ascii: "a") &+ 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character &- UInt8(ascii: "0") &+ 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// The decoded octet at `index`, which must be inside.
    private func octet(_ index: Int) -> UInt8 {
        let group = index / 3 &* 4
        let part = index % 3
        let high = Self.bits(of: text.octet(group &+ part)) ?? 0
        let low = Self.bits(of: text.octet(group &+ part &+ 1)) ?? 0
        switch part {
        case 0: return high << 2 | low >> 4
        case 1: return high << 4 | low >> 2
        default: return high << 6 | low
        }
    }

    var isAtEnd: Bool { place == count }

    /// Where the next length-prefixed field lies; `nil` unless it does inside.
    mutating func string() -> Range<Int>? {
        guard count &- place >= 4 else { return nil }
        var length = 0
        for index in place..<(place &+ 4) { length = length << 8 | Int(octet(index)) }
        place &+= 4
        guard length <= count &- place else { return nil }
        let range = place..<(place &+ length)
        place &+= length
        return range
    }

    func equals(_ range: Range<Int>, _ expected: StaticString) -> Bool {
        guard range.count == expected.utf8CodeUnitCount else { return false }
        for index in 0..<range.count {
            if unsafe octet(range.lowerBound &+ index) != expected.utf8Start[index] {
                return false
            }
        }
        return true
    }

    /// Whether a positive number of so many bits comes next, in its shortest form.
    mutating func positive(bits allowed: ClosedRange<Int>) -> Bool {
        guard let range = string(), !range.isEmpty else { return false }
        var first = range.lowerBound
        if octet(first) == 0 { first &+= 1 }
        guard first < range.upperBound else { return false }
        let top = octet(first)
        // A zero in front is there exactly if the number would be negative without it.
        guard top != 0, (first > range.lowerBound) == (top & 0x80 != 0) else { return false }
        let bits = (range.upperBound &- first) &* 8 &- top.leadingZeroBitCount
        return allowed.contains(bits)
    }

    /// Whether the name of a curve and an uncompressed point of it come next.
    mutating func point(on curve: StaticString, octets: Int) -> Bool {
        guard let name = string(), equals(name, curve), let point = string() else { return false }
        return point.count == octets && octet(point.lowerBound) == 4
    }

    /// Whether the application of a security key comes next.
    mutating func application() -> Bool {
        guard let range = string() else { return false }
        return range.count >= 1 && range.count <= 255
    }
}
