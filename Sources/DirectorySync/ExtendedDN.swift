// DNs that say which object they mean (MS-ADTS 3.1.1.3.4.1.5):
//
//     <GUID=8df84cc2...>;<SID=0105...>;CN=Ann,OU=people,DC=example,DC=org
//
// In Active Directory a group holds its members themselves, not their names. When one is renamed,
// moved or deleted the group shows another list, and neither its change number nor anything else of
// it says so. By names alone a renamed member would be lost, and whoever gets the name of a deleted
// one would take over the membership. So members are linked by the object.

internal import Accounts

/// The parts of such a DN.
enum ExtendedDN {
    /// The attribute under which the object of an entry is kept with it; no directory has one so named.
    static let attribute = "<link>"

    private static let head = Array("<GUID=".utf8)

    /// The object that a DN means, as the server writes it; `nil`: the DN does not say.
    static func object(in dn: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard dn.starts(with: head), let end = dn.firstIndex(of: UInt8(ascii: ">")) else {
            return nil
        }
        return dn[dn.startIndex + head.count..<end]
    }

    /// The DN itself.
    static func plain(_ dn: String) -> String {
        var rest = dn.utf8[...]
        while rest.first == UInt8(ascii: "<"), let end = rest.firstIndex(of: UInt8(ascii: ">")) {
            rest = rest[rest.index(after: end)...]
            guard rest.first == UInt8(ascii: ";") else { break }
            rest.removeFirst()
        }
        return String(decoding: rest, as: UTF8.self)
    }

    /// What an entry is linked by; no DN has such a form.
    static func key(ofObject object: ArraySlice<UInt8>) -> String {
        "<guid=\(String(decoding: object, as: UTF8.self).lowercased())>"
    }
}

extension DirectoryEntry {
    /// Makes the DN a plain one, and keeps the object that it means with the attributes.
    mutating func takeObjectOutOfDN() {
        guard dn.utf8.first == UInt8(ascii: "<") else { return }
        if let object = ExtendedDN.object(in: Array(dn.utf8)[...]) {
            attributes.startAttribute(ExtendedDN.attribute.utf8)
            attributes.appendValue(object)
        }
        dn = ExtendedDN.plain(dn)
    }
}
