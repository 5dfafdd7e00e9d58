// The attribute that names an entry for ever, in the forms in which directories write it.

public import Accounts
internal import LDAPClient

/// The attribute with the identity of an entry.
public struct EntryIDAttribute: Hashable, Sendable {
    /// How its values are written.
    public enum Form: Hashable, Sendable {
        /// 32 hexadecimal digits, hyphens as RFC 4530 has them.
        case uuid
        /// 32 hexadecimal digits in four groups of eight: 389 DS and its relatives.
        case groupsOfEight
        /// 16 octets in the order of the text.
        case octets
        /// 16 octets, the first three fields of the text (4, 2 and 2 octets) least significant first
        /// (MS-DTYP 2.3.4.2): Active Directory.
        case guid
    }

    /// Its name as it is asked for.
    public let name: String
    /// How its values are written.
    public let form: Form
    private let key: String

    /// An attribute by its name, whose form follows from the name; in any case.
    public init(_ name: String) {
        self.name = name
        key = name.lowercased()
        form =
            switch key {
            case "nsuniqueid": .groupsOfEight
            case "objectguid": .guid
            case "guid": .octets
            default: .uuid
            }
    }

    /// The identity that an entry shows; `nil` when it shows none.
    public func identity(in attributes: AttributeList) -> EntryUUID? {
        guard let value = attributes.firstValue(of: key) else { return nil }
        if let uuid = EntryUUID(text: value) { return uuid }
        return EntryUUID(octets: form == .guid ? Self.swapped(Array(value)) : Array(value))
    }

    /// The filter that finds one entry.
    public func filter(_ uuid: EntryUUID) -> String {
        LDAPFilter.equals(name, value(uuid))
    }

    /// The octets of a GUID in the order of its text, or back; untouched if they are not 16.
    private static func swapped(_ octets: [UInt8]) -> [UInt8] {
        guard octets.count == 16 else { return octets }
        return [3, 2, 1, 0, 5, 4, 7, 6].map { octets[$0] } + octets[8...]
    }

    private func value(_ uuid: EntryUUID) -> [UInt8] {
        switch form {
        case .uuid: return Array(uuid.description.utf8)
        case .octets: return uuid.octets
        case .guid: return Self.swapped(uuid.octets)
        case .groupsOfEight:
            let digits = uuid.description.utf8.filter { $0 != UInt8(ascii: "-") }
            let groups = stride(from: 0, to: digits.count, by: 8).map { digits[$0..<$0 + 8] }
            return Array(groups.joined(separator: [UInt8(ascii: "-")]))
        }
    }
}
