// How requests and replies are cut out of a stream socket.
//
// | offset | size | meaning                                                              |
// |--------|------|----------------------------------------------------------------------|
// | 0      | 4    | number of octets that follow (version and payload), big-endian       |
// | 4      | 1    | version of the protocol, see `Frame.version`                         |
// | 5      | n    | payload, at least one octet                                          |

/// The frame around every request and reply on roster's sockets.
///
/// Every length is bounded before anything is allocated for it, and nothing here traps on what the
/// other side sends.
public enum Frame {
    /// The version of the protocol that this build speaks.
    public static let version: UInt8 = 1
    /// Octets of a frame before its payload.
    public static let headerOctets = 5
    /// The longest payload of a request, in octets: a name and a few numbers, with room.
    public static let longestRequest = 64 * 1024
    /// The longest payload of a reply, in octets: a group of several 100,000 members fits.
    public static let longestReply = 16 * 1024 * 1024

    /// The frame around `payload`, which has 1 to `limit` octets.
    public static func around(_ payload: [UInt8], limit: Int) throws(FrameError) -> [UInt8] {
        guard !payload.isEmpty else { throw .empty }
        guard payload.count <= limit, let length = UInt32(exactly: payload.count + 1) else {
            throw .tooLong
        }
        var frame: [UInt8] = []
        frame.reserveCapacity(headerOctets + payload.count)
        for shift in [24, 16, 8, 0] as [UInt32] {
            frame.append(UInt8(truncatingIfNeeded: length >> shift))
        }
        frame.append(version)
        frame.append(contentsOf: payload)
        return frame
    }

    /// The length of the payload that a header announces, 1 to `limit` octets.
    ///
    /// `header` are the first ``headerOctets`` octets of the frame.
    public static func payloadLength(
        header: some Sequence<UInt8>, limit: Int
    ) throws(FrameError) -> Int {
        var length: UInt32 = 0
        var version: UInt8 = 0
        var count = 0
        for octet in header {
            if count < 4 {
                length = length << 8 | UInt32(octet)
            } else if count == 4 {
                version = octet
            }
            count += 1
        }
        guard count == headerOctets else { throw .tooShort }
        guard version == Self.version else { throw .otherVersion }
        guard length > 1 else { throw .empty }
        guard let payload = Int(exactly: length - 1), payload <= limit else { throw .tooLong }
        return payload
    }
}

/// What is wrong with a frame; the connection is of no use afterwards.
public enum FrameError: Error, Equatable, Sendable {
    /// The header is not complete.
    case tooShort
    /// There is no payload.
    case empty
    /// The payload is longer than the limit.
    case tooLong
    /// The other side speaks another version of the protocol.
    case otherVersion
    /// More octets follow than the one frame that was expected.
    case trailing

    /// The fault in words, without the limit.
    public var explanation: StaticString {
        switch self {
        case .tooShort: "the message ended before it was complete"
        case .empty: "the message is empty"
        case .tooLong: "the message is too long"
        case .otherVersion: "the message is of another version of the protocol"
        case .trailing: "more than one message was sent"
        }
    }
}

/// Collects the octets of exactly one frame as they arrive.
public struct FrameReader: Sendable {
    /// The longest payload accepted, in octets.
    private let limit: Int
    /// What has arrived, header included.
    private var received: [UInt8] = []
    /// The payload's length once the header is there.
    private var expected: Int?

    /// A reader that accepts payloads of 1 to `limit` octets.
    public init(limit: Int) {
        self.limit = limit
    }

    /// How many more octets are needed before more can be said; 0 when the frame is complete.
    public var missing: Int {
        Frame.headerOctets + (expected ?? 0) - received.count
    }

    /// Takes what arrived; the payload as soon as it is complete, `nil` before.
    ///
    /// Memory grows with what has arrived, never with what a header merely announces.
    public mutating func receive(_ octets: some Collection<UInt8>) throws(FrameError) -> [UInt8]? {
        let rest = octets.dropFirst(Swift.max(0, Frame.headerOctets - received.count))
        if expected == nil {
            received.append(contentsOf: octets.prefix(octets.count - rest.count))
            guard received.count == Frame.headerOctets else { return nil }
            expected = try Frame.payloadLength(header: received, limit: limit)
        }
        guard rest.count <= missing else { throw .trailing }
        received.append(contentsOf: rest)
        return missing == 0 ? Array(received[Frame.headerOctets...]) : nil
    }
}
