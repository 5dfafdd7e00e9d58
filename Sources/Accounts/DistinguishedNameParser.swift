// Takes a distinguished name apart: RFC 4514 §3, and what RFC 2253 §4 asks readers to accept.

#if !hasFeature(Embedded)
    /// Reads one DN from its octets.
    struct DistinguishedNameParser {
        /// One `type=value`; the type canonical, the value without escapes.
        struct Part {
            var type: String
            var value: [UInt8]
        }

        let bytes: [UInt8]
        private var offset = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// The RDNs, the entry's own first; `nil` if the text is no DN.
        mutating func names() -> [[Part]]? {
            skipSpaces()
            var names: [[Part]] = []
            guard peek != nil else { return names }
            while true {
                guard let name = relativeName() else { return nil }
                names.append(name)
                guard let separator = peek else { return names }
                guard separator == UInt8(ascii: ",") || separator == UInt8(ascii: ";") else {
                    return nil
                }
                offset += 1
            }
        }

        private mutating func relativeName() -> [Part]? {
            var parts: [Part] = []
            while true {
                guard let type = type(), let value = value() else { return nil }
                parts.append(Part(type: type, value: value))
                guard peek == UInt8(ascii: "+") else { return parts }
                offset += 1
            }
        }

        private mutating func type() -> String? {
            skipSpaces()
            let start = offset
            while let next = peek, Self.isTypeCharacter(next) { offset += 1 }
            let type = bytes[start..<offset]
            skipSpaces()
            guard !type.isEmpty, peek == UInt8(ascii: "=") else { return nil }
            offset += 1
            return DistinguishedName.canonicalType(type)
        }

        private mutating func value() -> [UInt8]? {
            skipSpaces()
            switch peek {
            case UInt8(ascii: "\""): return quotedValue()
            case UInt8(ascii: "#"): return encodedValue()
            default: return plainValue()
            }
        }

        /// Up to the next separator; spaces at its end are not part of it unless escaped.
        private mutating func plainValue() -> [UInt8]? {
            var value: [UInt8] = []
            var length = 0
            while let next = peek {
                switch next {
                case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "+"):
                    return Array(value[..<length])
                case UInt8(ascii: "\\"):
                    guard let escaped = escaped() else { return nil }
                    value.append(escaped)
                    length = value.count
                case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), 0: return nil
                default:
                    value.append(next)
                    offset += 1
                    if next != UInt8(ascii: " ") { length = value.count }
                }
            }
            return Array(value[..<length])
        }

        private mutating func quotedValue() -> [UInt8]? {
            offset += 1
            var value: [UInt8] = []
            while let next = peek {
                switch next {
                case UInt8(ascii: "\""):
                    offset += 1
                    skipSpaces()
                    return value
                case UInt8(ascii: "\\"):
                    guard let escaped = escaped() else { return nil }
                    value.append(escaped)
                default:
                    value.append(next)
                    offset += 1
                }
            }
            return nil
        }

        /// `#` and the BER encoding in hexadecimal; strings are decoded, the rest stays as written.
        private mutating func encodedValue() -> [UInt8]? {
            let start = offset
            offset += 1
            var encoded: [UInt8] = []
            while let next = peek, Self.digit(next) != nil {
                guard let octet = hexadecimalPair() else { return nil }
                encoded.append(octet)
            }
            let written = bytes[start..<offset]
            skipSpaces()
            guard encoded.count >= 2 else { return nil }
            let stringTags: [UInt8] = [0x04, 0x0C, 0x13, 0x14, 0x16]
            let isShort = encoded[1] < 0x80 && Int(encoded[1]) == encoded.count - 2
            guard isShort, stringTags.contains(encoded[0]) else { return Array(written) }
            return Array(encoded[2...])
        }

        /// A backslash and two hexadecimal digits, or and the character itself.
        private mutating func escaped() -> UInt8? {
            offset += 1
            guard let next = peek else { return nil }
            if Self.digit(next) != nil { return hexadecimalPair() }
            guard " \"#+,;<=>\\".utf8.contains(next) else { return nil }
            offset += 1
            return next
        }

        private mutating func hexadecimalPair() -> UInt8? {
            guard offset + 1 < bytes.count, let high = Self.digit(bytes[offset]),
                let low = Self.digit(bytes[offset + 1])
            else { return nil }
            offset += 2
            return high << 4 | low
        }

        private mutating func skipSpaces() {
            while peek == UInt8(ascii: " ") { offset += 1 }
        }

        private var peek: UInt8? {
            offset < bytes.count ? bytes[offset] : nil
        }

        private static func isTypeCharacter(_ character: UInt8) -> Bool {
            let lower = DistinguishedName.lowerCased(character)
            return (0x61...0x7A).contains(lower) || (0x30...0x39).contains(lower) || lower == 0x2D
                || lower == 0x2E || lower == 0x5F
        }

        private static func digit(_ character: UInt8) -> UInt8? {
            switch DistinguishedName.lowerCased(character) {
            case 0x30...0x39: character - 0x30
            case 0x61...0x66: DistinguishedName.lowerCased(character) - 0x61 + 10
            default: nil
            }
        }
    }
#endif
