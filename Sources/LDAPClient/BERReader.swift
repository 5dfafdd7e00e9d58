// The few BER forms that the controls need, over swift-asn1's checked nodes.

internal import SwiftASN1

/// Reads the members of a SEQUENCE one by one; what it meets is the server's and may be anything.
struct BERReader {
    private var nodes: ASN1NodeCollection.Iterator
    private var current: ASN1Node?
    private let name: String

    /// Opens `octets`, which must be one SEQUENCE (or the context tag given) and nothing behind it.
    init(_ octets: [UInt8], name: String) throws(LDAPControlError) {
        let root = try Self.root(octets, name: name)
        try self.init(root, identifier: .sequence, name: name)
    }

    /// Opens a constructed node.
    init(_ node: ASN1Node, identifier: ASN1Identifier, name: String) throws(LDAPControlError) {
        guard node.identifier == identifier, case .constructed(let children) = node.content else {
            throw LDAPControlError(name: name, reason: "not the expected sequence")
        }
        nodes = children.makeIterator()
        self.name = name
        current = nodes.next()
    }

    /// The one node that `octets` consist of.
    static func root(_ octets: [UInt8], name: String) throws(LDAPControlError) -> ASN1Node {
        do {
            return try BER.parse(octets)
        } catch {
            throw LDAPControlError(name: name, reason: "not BER")
        }
    }

    /// Whether the next member has this tag.
    func isNext(_ identifier: ASN1Identifier) -> Bool {
        current?.identifier == identifier
    }

    /// Whether there is no further member.
    var isAtEnd: Bool {
        current == nil
    }

    /// The content of the next member, which must have this tag and be primitive (RFC 4511 §5.1).
    mutating func primitive(
        _ identifier: ASN1Identifier, _ what: String
    ) throws(LDAPControlError) -> ArraySlice<UInt8> {
        guard let node = current, node.identifier == identifier,
            case .primitive(let octets) = node.content
        else { throw LDAPControlError(name: name, reason: "\(what) is missing or malformed") }
        current = nodes.next()
        return octets
    }

    /// The next member, which must have this tag and be constructed.
    mutating func constructed(
        _ identifier: ASN1Identifier, _ what: String
    ) throws(LDAPControlError) -> BERReader {
        guard let node = current else {
            throw LDAPControlError(name: name, reason: "\(what) is missing")
        }
        let reader = try BERReader(node, identifier: identifier, name: name)
        current = nodes.next()
        return reader
    }

    /// An octet string if it is next.
    mutating func optionalOctets(_ what: String) throws(LDAPControlError) -> [UInt8]? {
        guard isNext(.octetString) else { return nil }
        return Array(try primitive(.octetString, what))
    }

    /// A boolean if it is next, else `absent`.
    mutating func boolean(_ what: String, absent: Bool) throws(LDAPControlError) -> Bool {
        guard isNext(.boolean) else { return absent }
        let octets = try primitive(.boolean, what)
        guard octets.count == 1 else {
            throw LDAPControlError(name: name, reason: "\(what) is not one octet")
        }
        return octets.first != 0
    }

    /// An integer or enumeration of at most four octets.
    mutating func integer(
        _ identifier: ASN1Identifier, _ what: String
    ) throws(LDAPControlError) -> Int {
        let octets = try primitive(identifier, what)
        guard let first = octets.first, octets.count <= 4 else {
            throw LDAPControlError(name: name, reason: "\(what) is out of range")
        }
        var value = Int(Int8(bitPattern: first))
        for octet in octets.dropFirst() { value = value << 8 | Int(octet) }
        return value
    }

    /// Nothing may follow.
    func finish() throws(LDAPControlError) {
        guard isAtEnd else {
            throw LDAPControlError(name: name, reason: "unexpected octets at the end")
        }
    }
}
