// Sync Done Value (RFC 4533 §2.4), on the result of a synchronisation:
//
//     syncDoneValue ::= SEQUENCE {
//         cookie         syncCookie OPTIONAL,
//         refreshDeletes BOOLEAN DEFAULT FALSE }

/// How a synchronisation ended.
public struct SyncDoneControl: Hashable, Sendable {
    /// The identifier of the control.
    public static let oid = "1.3.6.1.4.1.4203.1.9.1.3"

    /// Where the client stands.
    public var cookie: [UInt8]?
    /// Whether the refresh named what was deleted; otherwise it named what is present.
    public var refreshDeletes: Bool

    /// A control from its parts.
    public init(cookie: [UInt8]?, refreshDeletes: Bool) {
        self.cookie = cookie
        self.refreshDeletes = refreshDeletes
    }

    /// Decodes the value of the control; any octets are safe.
    public init(decoding octets: [UInt8]) throws(LDAPControlError) {
        var reader = try BERReader(octets, name: "sync done control")
        let cookie = try reader.optionalOctets("cookie")
        let refreshDeletes = try reader.boolean("refreshDeletes", absent: false)
        try reader.finish()
        self.init(cookie: cookie, refreshDeletes: refreshDeletes)
    }
}
