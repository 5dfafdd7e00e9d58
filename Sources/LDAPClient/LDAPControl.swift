// Controls as they travel: an identifier, whether it may be ignored, and octets.

/// A control of a request or a message (RFC 4511 §4.1.11).
public struct LDAPControl: Hashable, Sendable {
    /// Its object identifier in dotted form.
    public var oid: String
    /// Whether a server that does not know it must refuse the request.
    public var isCritical: Bool
    /// Its value; `nil` when there is none.
    public var value: [UInt8]?

    /// A control from its parts.
    public init(oid: String, isCritical: Bool, value: [UInt8]?) {
        self.oid = oid
        self.isCritical = isCritical
        self.value = value
    }
}

/// What was wrong with the octets of a control or of an intermediate message.
public struct LDAPControlError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was being read.
    public let name: String
    /// What was wrong.
    public let reason: String

    /// One line.
    public var description: String {
        "\(name): \(reason)"
    }
}
