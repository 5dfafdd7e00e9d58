// Sync State Value (RFC 4533 §2.3), on every entry and reference of a synchronisation:
//
//     syncStateValue ::= SEQUENCE {
//         state ENUMERATED { present (0), add (1), modify (2), delete (3) },
//         entryUUID syncUUID,
//         cookie    syncCookie OPTIONAL }

internal import SwiftASN1

/// A UUID as the sync controls carry it: 16 octets.
public struct SyncUUID: Hashable, Sendable {
    /// Octets 0 to 7, big-endian.
    public let high: UInt64
    /// Octets 8 to 15, big-endian.
    public let low: UInt64

    /// A UUID from its halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A UUID from its octets; `nil` unless there are exactly 16.
    public init?(octets: ArraySlice<UInt8>) {
        guard octets.count == 16 else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        for octet in octets.prefix(8) { halves.0 = halves.0 << 8 | UInt64(octet) }
        for octet in octets.suffix(8) { halves.1 = halves.1 << 8 | UInt64(octet) }
        self.init(high: halves.0, low: halves.1)
    }
}

/// What a message about one entry says of it.
public struct SyncStateControl: Hashable, Sendable {
    /// The identifier of the control.
    public static let oid = "1.3.6.1.4.1.4203.1.9.1.2"

    /// What happened to the entry.
    public enum State: Int, Sendable {
        /// Nothing: it is still there.
        case present = 0
        /// It is new, or new to this client.
        case add = 1
        /// It was changed or renamed.
        case modify = 2
        /// It went, or left what the search can see.
        case delete = 3
    }

    /// What happened to the entry.
    public var state: State
    /// Which entry; the DN of a deletion may be stale or empty, this is not.
    public var uuid: SyncUUID
    /// Where the client stands once it has taken this message in.
    public var cookie: [UInt8]?

    /// A control from its parts.
    public init(state: State, uuid: SyncUUID, cookie: [UInt8]? = nil) {
        self.state = state
        self.uuid = uuid
        self.cookie = cookie
    }

    /// Decodes the value of the control; any octets are safe.
    public init(decoding octets: [UInt8]) throws(LDAPControlError) {
        if let quick = Self(usual: octets) {
            self = quick
            return
        }
        self = try Self(general: octets)
    }

    /// The form that every server sends, each length in one octet; `nil` for any other.
    ///
    /// A first load decodes a million of these. What this accepts, ``init(general:)`` accepts with the
    /// same meaning.
    public init?(usual octets: [UInt8]) {
        guard octets.count >= 23, octets.count < 128, octets[0] == 0x30,
            Int(octets[1]) == octets.count - 2, octets[2] == 0x0A, octets[3] == 1,
            let state = State(rawValue: Int(octets[4])), octets[5] == 0x04, octets[6] == 16,
            let uuid = SyncUUID(octets: octets[7..<23])
        else { return nil }
        var cookie: [UInt8]?
        if octets.count > 23 {
            guard octets.count >= 25, octets[23] == 0x04, Int(octets[24]) == octets.count - 25
            else { return nil }
            cookie = Array(octets[25...])
        }
        self.init(state: state, uuid: uuid, cookie: cookie)
    }

    /// Decodes any BER form of the value.
    public init(general octets: [UInt8]) throws(LDAPControlError) {
        let name = "sync state control"
        var reader = try BERReader(octets, name: name)
        guard let state = State(rawValue: try reader.integer(.enumerated, "state")) else {
            throw LDAPControlError(name: name, reason: "unknown state")
        }
        guard let uuid = SyncUUID(octets: try reader.primitive(.octetString, "entryUUID")) else {
            throw LDAPControlError(name: name, reason: "entryUUID is not 16 octets")
        }
        let cookie = try reader.optionalOctets("cookie")
        try reader.finish()
        self.init(state: state, uuid: uuid, cookie: cookie)
    }
}
