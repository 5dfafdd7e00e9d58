// Persistent search (draft-ietf-ldapext-psearch-03):
//
//     PersistentSearch ::= SEQUENCE {
//         changeTypes INTEGER, changesOnly BOOLEAN, returnECs BOOLEAN }
//
//     EntryChangeNotification ::= SEQUENCE {
//         changeType ENUMERATED { add (1), delete (2), modify (4), modDN (8) },
//         previousDN LDAPDN OPTIONAL, changeNumber INTEGER OPTIONAL }

internal import SwiftASN1

/// The control that keeps a search open and lets it tell of what changes from now on.
///
/// Nothing is said of what changed before: there is no way to take it up again.
public struct PersistentSearchControl: Hashable, Sendable {
    /// The identifier of the control.
    public static let oid = "2.16.840.1.113730.3.4.3"

    /// A request for changes of every kind, each with its notification, and nothing else.
    public init() {}

    /// The control; always critical, since a server that ignores it answers with a plain search.
    public var control: LDAPControl {
        var serializer = DER.Serializer()
        serializer.appendConstructedNode(identifier: .sequence) { sequence in
            sequence.appendPrimitiveNode(identifier: .integer) { $0.append(15) }
            sequence.appendPrimitiveNode(identifier: .boolean) { $0.append(0xFF) }
            sequence.appendPrimitiveNode(identifier: .boolean) { $0.append(0xFF) }
        }
        return LDAPControl(oid: Self.oid, isCritical: true, value: serializer.serializedBytes)
    }
}

/// What an entry of a persistent search says of the change.
public struct EntryChangeNotification: Hashable, Sendable {
    /// The identifier of the control.
    public static let oid = "2.16.840.1.113730.3.4.7"

    /// What happened to the entry.
    public enum Change: Int, Sendable {
        /// It is new.
        case add = 1
        /// It went.
        case delete = 2
        /// Its attributes changed.
        case modify = 4
        /// It was renamed or moved.
        case rename = 8
    }

    /// What happened to the entry.
    public var change: Change

    /// A notification of a change.
    public init(change: Change) {
        self.change = change
    }

    /// Decodes the value of the control; any octets are safe.
    public init(decoding octets: [UInt8]) throws(LDAPControlError) {
        let name = "entry change notification"
        var reader = try BERReader(octets, name: name)
        guard let change = Change(rawValue: try reader.integer(.enumerated, "the change type"))
        else { throw LDAPControlError(name: name, reason: "an unknown change type") }
        self.change = change
    }
}
