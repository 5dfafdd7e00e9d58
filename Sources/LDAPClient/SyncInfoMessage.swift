// Sync Info Value (RFC 4533 §2.5), an intermediate message of a synchronisation:
//
//     syncInfoValue ::= CHOICE {
//         newcookie      [0] syncCookie,
//         refreshDelete  [1] SEQUENCE { cookie syncCookie OPTIONAL,
//                                       refreshDone BOOLEAN DEFAULT TRUE },
//         refreshPresent [2] SEQUENCE { the same },
//         syncIdSet      [3] SEQUENCE { cookie syncCookie OPTIONAL,
//                                       refreshDeletes BOOLEAN DEFAULT FALSE,
//                                       syncUUIDs SET OF syncUUID } }

internal import SwiftASN1

/// News about a synchronisation that concern no single entry.
public enum SyncInfoMessage: Hashable, Sendable {
    /// Something outside the content changed; the client now stands here.
    case newCookie([UInt8])
    /// The delete phase ends, and with `refreshDone` the refresh.
    case refreshDelete(cookie: [UInt8]?, refreshDone: Bool)
    /// The present phase ends, and with `refreshDone` the refresh.
    case refreshPresent(cookie: [UInt8]?, refreshDone: Bool)
    /// Many entries at once are deleted, or present and unchanged.
    case idSet(cookie: [UInt8]?, refreshDeletes: Bool, uuids: [SyncUUID])

    /// The identifier of the intermediate message.
    public static let oid = "1.3.6.1.4.1.4203.1.9.1.4"

    /// Decodes the value of the message; any octets are safe.
    public init(decoding octets: [UInt8]) throws(LDAPControlError) {
        let name = "sync info message"
        let root = try BERReader.root(octets, name: name)
        switch root.identifier {
        case Self.tag(0):
            guard case .primitive(let cookie) = root.content else {
                throw LDAPControlError(name: name, reason: "newcookie is malformed")
            }
            self = .newCookie(Array(cookie))
        case Self.tag(1):
            let (cookie, done) = try Self.phaseEnd(root, Self.tag(1), name)
            self = .refreshDelete(cookie: cookie, refreshDone: done)
        case Self.tag(2):
            let (cookie, done) = try Self.phaseEnd(root, Self.tag(2), name)
            self = .refreshPresent(cookie: cookie, refreshDone: done)
        case Self.tag(3):
            self = try Self.idSet(root, name)
        default:
            throw LDAPControlError(name: name, reason: "unknown kind")
        }
    }

    private static func tag(_ number: UInt) -> ASN1Identifier {
        ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific)
    }

    private static func phaseEnd(
        _ node: ASN1Node, _ tag: ASN1Identifier, _ name: String
    ) throws(LDAPControlError) -> ([UInt8]?, Bool) {
        var reader = try BERReader(node, identifier: tag, name: name)
        let cookie = try reader.optionalOctets("cookie")
        let done = try reader.boolean("refreshDone", absent: true)
        try reader.finish()
        return (cookie, done)
    }

    private static func idSet(
        _ node: ASN1Node, _ name: String
    ) throws(LDAPControlError) -> SyncInfoMessage {
        var reader = try BERReader(node, identifier: tag(3), name: name)
        let cookie = try reader.optionalOctets("cookie")
        let deletes = try reader.boolean("refreshDeletes", absent: false)
        var set = try reader.constructed(.set, "syncUUIDs")
        try reader.finish()
        var uuids: [SyncUUID] = []
        while !set.isAtEnd {
            guard let uuid = SyncUUID(octets: try set.primitive(.octetString, "UUID")) else {
                throw LDAPControlError(name: name, reason: "a UUID is not 16 octets")
            }
            uuids.append(uuid)
        }
        return .idSet(cookie: cookie, refreshDeletes: deletes, uuids: uuids)
    }
}
