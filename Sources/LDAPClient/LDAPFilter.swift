// Text that goes into a search filter (RFC 4515).

/// Building of search filters.
public enum LDAPFilter {
    /// `value` so that inside a filter it stands for itself and nothing else.
    ///
    /// Everything but ASCII letters, digits, space and `-._@+=,:` is written as `\xx`: more than RFC
    /// 4515 §3 asks for, and so without any doubt. No value can end the assertion it stands in.
    public static func escape(_ value: some Collection<UInt8>) -> String {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(value.count)
        for octet in value {
            if isPlain(octet) {
                escaped.append(octet)
            } else {
                escaped.append(UInt8(ascii: "\\"))
                escaped.append(hexadecimal(octet >> 4))
                escaped.append(hexadecimal(octet & 15))
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    /// `(attribute=value)` for any octets in `value`; `attribute` is ours, not the directory's.
    public static func equals(_ attribute: String, _ value: some Collection<UInt8>) -> String {
        "(\(attribute)=\(escape(value)))"
    }

    private static func isPlain(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: " -._@+=,:".utf8.contains(octet)
        }
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}
