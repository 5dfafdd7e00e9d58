// Sync Request Value (RFC 4533 §2.2):
//
//     syncRequestValue ::= SEQUENCE {
//         mode ENUMERATED { refreshOnly (1), refreshAndPersist (3) },
//         cookie     syncCookie OPTIONAL,
//         reloadHint BOOLEAN DEFAULT FALSE }

internal import SwiftASN1

/// The control that turns a search into a synchronisation.
public struct SyncRequestControl: Hashable, Sendable {
    /// The identifier of the control.
    public static let oid = "1.3.6.1.4.1.4203.1.9.1.1"

    /// Until when the server goes on sending.
    public enum Mode: Int, Sendable {
        /// Until the client is up to date.
        case refreshOnly = 1
        /// For ever.
        case refreshAndPersist = 3
    }

    /// Until when the server goes on sending.
    public var mode: Mode
    /// Where the client stands; `nil`: it has nothing.
    public var cookie: [UInt8]?
    /// What the server does with a cookie that it does not know: `true` sends everything, `false`
    /// lets it answer 4096.
    public var reloadHint: Bool

    /// A request from its parts.
    public init(mode: Mode, cookie: [UInt8]?, reloadHint: Bool = false) {
        self.mode = mode
        self.cookie = cookie
        self.reloadHint = reloadHint
    }

    /// The control; always critical, since a server that ignores it answers with a plain search.
    public var control: LDAPControl {
        LDAPControl(oid: Self.oid, isCritical: true, value: encoded)
    }

    private var encoded: [UInt8] {
        var serializer = DER.Serializer()
        serializer.appendConstructedNode(identifier: .sequence) { sequence in
            sequence.appendPrimitiveNode(identifier: .enumerated) {
                $0.append(UInt8(mode.rawValue))
            }
            if let cookie {
                sequence.appendPrimitiveNode(identifier: .octetString) {
                    $0.append(contentsOf: cookie)
                }
            }
            if reloadHint {
                sequence.appendPrimitiveNode(identifier: .boolean) { $0.append(0xFF) }
            }
        }
        return serializer.serializedBytes
    }
}
