// A cookie is only good for the request that it was given for: slapd answers a resume with a wider filter
// or a longer attribute list by nothing at all. So a digest of the request is kept with it.

public import LDAPClient

/// A sync cookie together with a digest of everything that it depends on.
public struct SyncCookie: Hashable, Sendable {
    /// What the server handed out.
    public var bytes: [UInt8]
    /// The digest of the request, see ``digest(_:)``.
    public var digest: [UInt8]

    /// A cookie from its parts.
    public init(bytes: [UInt8], digest: [UInt8]) {
        self.bytes = bytes
        self.digest = digest
    }

    /// The octets, if they were given for a request with this digest.
    public func bytes(for digest: [UInt8]) -> [UInt8]? {
        self.digest == digest ? bytes : nil
    }

    /// What a cookie depends on.
    public struct Request: Hashable, Sendable {
        /// The servers; their order does not matter.
        public var uris: [String]
        /// Whose rights decide what is seen; empty for SASL EXTERNAL.
        public var bindDN: String
        /// Where the search begins.
        public var base: String
        /// How far it looks.
        public var scope: LDAPSearch.Scope
        /// Which entries.
        public var filter: String
        /// Which attributes; neither order nor case matters.
        public var attributes: [String]
        /// The schema in use, for instance `rfc2307bis`.
        public var schema: String
        /// The way of synchronising, for instance `syncrepl`.
        public var strategy: String

        /// A request from its parts.
        public init(
            uris: [String], bindDN: String, base: String, scope: LDAPSearch.Scope, filter: String,
            attributes: [String], schema: String, strategy: String
        ) {
            self.uris = uris
            self.bindDN = bindDN
            self.base = base
            self.scope = scope
            self.filter = filter
            self.attributes = attributes
            self.schema = schema
            self.strategy = strategy
        }
    }

    /// 16 octets that differ whenever the request does.
    ///
    /// FNV-1a with 128 bits over length-prefixed fields: stable between versions and machines. It
    /// guards against a changed configuration, not against an attacker, who would have to be the
    /// administrator.
    public static func digest(_ request: Request) -> [UInt8] {
        var hash = FNV128()
        hash.combine(request.uris.sorted())
        hash.combine(request.bindDN)
        hash.combine(request.base)
        hash.combine(String(request.scope.rawValue))
        hash.combine(request.filter)
        hash.combine(Set(request.attributes.map { $0.lowercased() }).sorted())
        hash.combine(request.schema)
        hash.combine(request.strategy)
        return hash.octets
    }
}

/// FNV-1a with 128 bits (draft-eastlake-fnv).
struct FNV128: Sendable {
    private(set) var high: UInt64 = 0x6C62_272E_07BB_0142
    private(set) var low: UInt64 = 0x62B8_2175_6295_C58D

    /// Mixes in one octet: xor, then times 2⁸⁸ + 0x13B.
    mutating func combine(_ octet: UInt8) {
        low ^= UInt64(octet)
        let product = low.multipliedFullWidth(by: 0x13B)
        high = high &* 0x13B &+ product.high &+ low << 24
        low = product.low
    }

    /// Mixes in a text behind its length, so that fields cannot run into each other.
    mutating func combine(_ text: String) {
        combine(length: text.utf8.count)
        for octet in text.utf8 { combine(octet) }
    }

    /// Mixes in a list behind its length.
    mutating func combine(_ texts: [String]) {
        combine(length: texts.count)
        for text in texts { combine(text) }
    }

    private mutating func combine(length: Int) {
        for shift in stride(from: 0, to: 32, by: 8) {
            combine(UInt8(truncatingIfNeeded: length >> shift))
        }
    }

    /// The hash, most significant octet first.
    var octets: [UInt8] {
        [high, low].flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> $0) }
        }
    }
}
