// Containers: entries that hold other entries. When one is renamed or moved, slapd sends one message,
// for the container alone, and only if the filter matches it; the DNs of everything below it change
// without a word. So the filter includes containers, and their messages ask for a comparison.

public import Accounts
internal import LDAPClient

/// Knows the DN of each container and notices when one appears, is renamed or goes.
public struct ContainerWatch: Equatable, Sendable {
    /// Filter components that match what usually holds people and groups; for an OR.
    ///
    /// `hasSubordinates` would match every container, but no index serves it: slapd then reads
    /// everything below the base. What these classes miss is announced by a bare new cookie
    /// (``SyncChange/changedOutside``).
    public static let filterComponents: String =
        classes.map { "(objectClass=\($0))" }.joined()

    /// The object classes of containers, in the spelling of their schemas.
    public static let classes = [
        "organizationalUnit", "organization", "domain", "dcObject", "locality", "country",
        "container", "nsContainer", "builtinDomain",
    ]

    private static let foldedClasses = classes.map { Array($0.lowercased().utf8) }

    private var dns: [EntryUUID: String]

    /// A watch that knows the stored containers with their DNs as the server wrote them.
    public init(known: [EntryUUID: String] = [:]) {
        dns = known
    }

    /// Whether the attributes are those of a container.
    public static func isContainer(_ attributes: AttributeList) -> Bool {
        var found = false
        attributes.forEachValue(of: "objectclass") { value in
            found = found || foldedClasses.contains { isSame($0, value) }
        }
        return found
    }

    /// Compares without regard to the case of ASCII letters; called for every class of every entry.
    private static func isSame(_ folded: [UInt8], _ value: ArraySlice<UInt8>) -> Bool {
        guard folded.count == value.count else { return false }
        var start = value.startIndex
        for octet in folded {
            guard value[start] | 0x20 == octet else { return false }
            start += 1
        }
        return true
    }

    /// Takes in a message about an entry; what it says if names below a container may have changed.
    mutating func receive(_ state: SyncStateControl.State, _ entry: DirectoryEntry) -> String? {
        switch state {
        case .present: return nil
        case .delete: return remove(entry.uuid)
        case .add, .modify:
            guard Self.isContainer(entry.attributes) else { return nil }
            let old = dns.updateValue(entry.dn, forKey: entry.uuid)
            if old == entry.dn { return nil }
            guard let old else { return "container \(entry.dn) is new" }
            return "container \(old) is now \(entry.dn)"
        }
    }

    /// Forgets an entry; what it says if it was a container.
    mutating func remove(_ uuid: EntryUUID) -> String? {
        dns.removeValue(forKey: uuid).map { "container \($0) is gone" }
    }
}
