// Simple paged results (RFC 2696), the same value in request and answer:
//
//     realSearchControlValue ::= SEQUENCE { size INTEGER, cookie OCTET STRING }

internal import SwiftASN1

/// The control that lets a server answer a search page by page.
///
/// It does not lift slapd's size limit; a cookie belongs to the connection it came from.
public struct PagedResultsControl: Hashable, Sendable {
    /// The identifier of the control.
    public static let oid = "1.2.840.113556.1.4.319"

    /// Entries per page wanted; in an answer the server's estimate of all, or 0.
    public var size: Int
    /// Where the next page begins; empty in the first request and in the last answer.
    public var cookie: [UInt8]

    /// A control from its parts; `size` is cut to 0...65535.
    public init(size: Int, cookie: [UInt8] = []) {
        self.size = min(max(size, 0), 65535)
        self.cookie = cookie
    }

    /// Decodes the value of the control; any octets are safe.
    public init(decoding octets: [UInt8]) throws(LDAPControlError) {
        let name = "paged results control"
        var reader = try BERReader(octets, name: name)
        let size = try reader.integer(.integer, "size")
        guard let cookie = try reader.optionalOctets("cookie") else {
            throw LDAPControlError(name: name, reason: "cookie is missing")
        }
        try reader.finish()
        self.size = size
        self.cookie = cookie
    }

    /// The control as sent.
    public func control(isCritical: Bool) -> LDAPControl {
        var serializer = DER.Serializer()
        serializer.appendConstructedNode(identifier: .sequence) { sequence in
            sequence.appendPrimitiveNode(identifier: .integer) {
                if size > 0x7FFF { $0.append(0) }
                if size > 0x7F { $0.append(UInt8(truncatingIfNeeded: size >> 8)) }
                $0.append(UInt8(truncatingIfNeeded: size))
            }
            sequence.appendPrimitiveNode(identifier: .octetString) {
                $0.append(contentsOf: cookie)
            }
        }
        return LDAPControl(oid: Self.oid, isCritical: isCritical, value: serializer.serializedBytes)
    }
}
