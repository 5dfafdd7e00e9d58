// Distinguished names, in the form in which two spellings of one name are equal.
//
// The form (the key): attribute types in lower case and in their short name, values folded to lower
// case with runs of spaces as one and none at the ends, the parts of a multi-valued RDN sorted, no
// space around `,`, `+` and `=`, and every special character of a value as `\xx`. A plain `,` in a
// key therefore always separates RDNs, and an entry lies below a base exactly if its key ends in
// "," and the base's key.

#if !hasFeature(Embedded)
    /// Comparing distinguished names (RFC 4514; the quotes and semicolons of RFC 2253 as well).
    public enum DistinguishedName {
        /// The comparable form of `dn`; a text that is no DN gives its octets in lower case.
        public static func key(of dn: String) -> String {
            switch plainForm(dn.utf8) {
            case .isKey: return dn
            case .needsFolding: return dn.lowercased()
            case .needsParsing: return parsedKey(of: Array(dn.utf8))
            }
        }

        /// The comparable form of a DN in octets, such as a value of `member`.
        public static func key(of dn: ArraySlice<UInt8>) -> String {
            switch plainForm(dn) {
            case .isKey: String(decoding: dn, as: UTF8.self)
            case .needsFolding: String(decoding: dn, as: UTF8.self).lowercased()
            case .needsParsing: parsedKey(of: Array(dn))
            }
        }

        /// Whether `dn` is a DN; the empty DN is one.
        public static func isValid(_ dn: [UInt8]) -> Bool {
            parse(dn) != nil
        }

        /// Whether an entry lies below `base` or is it; both in comparable form.
        public static func isKey(_ key: String, atOrBelow base: String) -> Bool {
            let length = key.utf8.count - base.utf8.count
            guard length > 0 else { return length == 0 && key == base }
            guard !base.isEmpty else { return true }
            let start = key.utf8.index(key.utf8.startIndex, offsetBy: length - 1)
            return key.utf8[start] == UInt8(ascii: ",")
                && key.utf8[start...].dropFirst().elementsEqual(base.utf8)
        }

        /// The value of `attribute` (in any case) in the first RDN, without escapes, its case kept.
        ///
        /// `nil` if the RDN has no such part or the text is no DN.
        public static func rdnValue(of attribute: String, in dn: String) -> [UInt8]? {
            if let plain = plainRDN(dn) {
                guard plain.type.elementsEqualIgnoringCase(attribute.utf8) else {
                    return Self.canonicalType(plain.type) == Self.canonicalType(attribute.utf8)
                        ? Array(plain.value) : nil
                }
                return Array(plain.value)
            }
            guard let first = parse(Array(dn.utf8))?.first else { return nil }
            let wanted = canonicalType(attribute.utf8)
            return first.first { $0.type == wanted }?.value
        }

        /// What has to be done to a text to make a key of it.
        private enum PlainForm {
            case isKey
            case needsFolding
            case needsParsing
        }

        /// Finds the DNs that need no parsing: `type=value,...` of letters, digits, `-_.@` and single
        /// spaces inside values, with types that have no other name.
        private static func plainForm(_ dn: some Collection<UInt8>) -> PlainForm {
            var form = PlainForm.isKey
            var isType = true
            var length = 0
            var last: UInt8 = 0
            for character in dn {
                defer { last = character }
                switch character {
                case UInt8(ascii: "a")...UInt8(ascii: "z"): length += 1
                case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    form = .needsFolding
                    length += 1
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."), UInt8(ascii: "@"):
                    guard !isType else { return .needsParsing }
                    length += 1
                case UInt8(ascii: "="):
                    guard isType, length > 0, length <= longestShortType else {
                        return .needsParsing
                    }
                    isType = false
                    length = 0
                case UInt8(ascii: " "):
                    guard !isType, length > 0, last != character else { return .needsParsing }
                case UInt8(ascii: ","):
                    guard !isType, length > 0, last != 0x20 else { return .needsParsing }
                    isType = true
                    length = 0
                default: return .needsParsing
                }
            }
            return isType || length == 0 || last == 0x20 ? .needsParsing : form
        }

        /// No type of at most this many letters is another name of a type in ``otherNames``.
        private static let longestShortType = 3

        /// The first RDN of a DN without escapes, quotes and several parts; `nil`: it must be parsed.
        private static func plainRDN(
            _ dn: String
        ) -> (type: Substring.UTF8View, value: Substring.UTF8View)? {
            guard let equals = dn.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let start = dn.utf8.index(after: equals)
            var end = start
            while end < dn.utf8.endIndex, dn.utf8[end] != UInt8(ascii: ",") {
                if specials.contains(dn.utf8[end]) { return nil }
                dn.utf8.formIndex(after: &end)
            }
            let value = dn[start..<end].utf8
            let type = dn[..<equals].utf8
            let isPadded = value.first == 0x20 || value.last == 0x20 || type.first == 0x20
            return isPadded || type.last == 0x20 ? nil : (type, value)
        }

        /// `+ " \ < > ; = #`: what makes a value more than plain text.
        private static let specials = Array("+\"\\<>;=#".utf8)

        private static func parsedKey(of dn: [UInt8]) -> String {
            guard let names = parse(dn) else {
                return String(decoding: dn.map(lowerCased), as: UTF8.self)
            }
            return names.map { name in
                name.map { "\($0.type)=\(foldedValue($0.value))" }.sorted().joined(separator: "+")
            }.joined(separator: ",")
        }

        private static func parse(_ dn: [UInt8]) -> [[DistinguishedNameParser.Part]]? {
            var parser = DistinguishedNameParser(bytes: dn)
            return parser.names()
        }

        /// Lower case, spaces folded (RFC 4518 §2.6.1), specials escaped.
        private static func foldedValue(_ value: [UInt8]) -> String {
            let text = String(validating: value, as: UTF8.self)
            let lower = text.map { Array($0.lowercased().utf8) } ?? value.map(lowerCased)
            let words = lower.split(separator: UInt8(ascii: " ")).joined(separator: [0x20])
            var folded: [UInt8] = []
            for character in words {
                let isSpecial =
                    character < 0x20 || character == 0x7F || character == UInt8(ascii: ",")
                    || specials.contains(character) || (text == nil && character >= 0x80)
                if isSpecial {
                    let digits = String(character, radix: 16)
                    folded.append(UInt8(ascii: "\\"))
                    folded += (digits.utf8.count == 1 ? [0x30] : []) + digits.utf8
                } else {
                    folded.append(character)
                }
            }
            return String(decoding: folded, as: UTF8.self)
        }

        /// An attribute type in lower case and by its short name.
        static func canonicalType(_ type: some Collection<UInt8>) -> String {
            var lower = String(decoding: type.map(lowerCased), as: UTF8.self)
            if lower.hasPrefix("oid.") { lower.removeFirst(4) }
            return otherNames[lower] ?? lower
        }

        /// OIDs and long names of the types that occur in DNs.
        private static let otherNames = [
            "2.5.4.3": "cn", "commonname": "cn", "2.5.4.4": "sn", "surname": "sn",
            "2.5.4.5": "serialnumber", "2.5.4.6": "c", "countryname": "c", "2.5.4.7": "l",
            "localityname": "l", "2.5.4.8": "st", "stateorprovincename": "st", "2.5.4.9": "street",
            "streetaddress": "street", "2.5.4.10": "o", "organizationname": "o", "2.5.4.11": "ou",
            "organizationalunitname": "ou", "0.9.2342.19200300.100.1.1": "uid", "userid": "uid",
            "0.9.2342.19200300.100.1.25": "dc", "domaincomponent": "dc",
            "1.2.840.113549.1.9.1": "email", "emailaddress": "email",
            "0.9.2342.19200300.100.1.3": "mail", "rfc822mailbox": "mail",
            "1.3.6.1.1.16.4": "entryuuid",
        ]

        static func lowerCased(_ character: UInt8) -> UInt8 {
            character >= UInt8(ascii: "A") && character <= UInt8(ascii: "Z")
                ? character | 0x20 : character
        }
    }

    extension Sequence<UInt8> {
        /// Compares without regard to the case of ASCII letters.
        fileprivate func elementsEqualIgnoringCase(_ other: some Sequence<UInt8>) -> Bool {
            elementsEqual(other) {
                DistinguishedName.lowerCased($0) == DistinguishedName.lowerCased($1)
            }
        }
    }
#endif
