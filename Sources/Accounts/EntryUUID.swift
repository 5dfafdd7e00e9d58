// The identity of a directory entry, which outlives renames and moves.

/// The 16 octets that identify an entry: entryUUID (RFC 4530), nsUniqueId, objectGUID.
public struct EntryUUID: Hashable, Comparable, Sendable {
    /// Octets 0 to 7, big-endian.
    public let high: UInt64
    /// Octets 8 to 15, big-endian.
    public let low: UInt64

    /// Puts an identity together from its two halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The identity in 16 octets as RFC 4533 carries it; `nil` unless there are exactly 16.
    public init?(octets: [UInt8]) {
        guard octets.count == 16 else { return nil }
        self.init(
            high: Self.bigEndian(octets[..<8]), low: Self.bigEndian(octets[8...]))
    }

    private static func bigEndian(_ octets: ArraySlice<UInt8>) -> UInt64 {
        octets.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The identity in its text form, 32 hexadecimal digits with or without hyphens (RFC 4530 §2.1;
    /// nsUniqueId has other hyphens); `nil` for anything else.
    public init?(text: ArraySlice<UInt8>) {
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for character in text {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character &- UInt8(ascii: "a") &+ 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = character &- UInt8(ascii: "A") &+ 10
            case UInt8(ascii: "-"): continue
            default: return nil
            }
            guard digits < 32 else { return nil }
            if digits < 16 {
                halves.0 = halves.0 << 4 | UInt64(digit)
            } else {
                halves.1 = halves.1 << 4 | UInt64(digit)
            }
            digits += 1
        }
        guard digits == 32 else { return nil }
        self.init(high: halves.0, low: halves.1)
    }

    /// The 16 octets, most significant first.
    public var octets: [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 16) { room, count in
            for place in 0..<8 {
                let shift = UInt64(56 - 8 * place)
                unsafe room[place] = UInt8(truncatingIfNeeded: high >> shift)
                unsafe room[place + 8] = UInt8(truncatingIfNeeded: low >> shift)
            }
            count = 16
        }
    }

    /// Orders as the octets do: the tie-break that is the same on every host.
    public static func < (left: EntryUUID, right: EntryUUID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

#if !hasFeature(Embedded)
    extension EntryUUID: CustomStringConvertible {
        /// The text form of RFC 4530: 8-4-4-4-12 lower-case hexadecimal digits.
        public var description: String {
            let digits = Array("0123456789abcdef".utf8)
            var text: [UInt8] = []
            for (position, octet) in octets.enumerated() {
                if [4, 6, 8, 10].contains(position) { text.append(UInt8(ascii: "-")) }
                text.append(digits[Int(octet >> 4)])
                text.append(digits[Int(octet & 15)])
            }
            return String(decoding: text, as: UTF8.self)
        }
    }
#endif
