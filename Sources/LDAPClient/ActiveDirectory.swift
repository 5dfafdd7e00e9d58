// What only Active Directory and AD LDS have: change numbers, controls without a value, and the
// objects that tell one server's past from another's (MS-ADTS 3.1.1.1.9, 3.1.1.3.4.1).

extension LDAPControl {
    /// Show deleted objects as well (MS-ADTS 3.1.1.3.4.1.14).
    ///
    /// Critical: without it an answer would be taken for one that shows deletions.
    public static let showDeleted = LDAPControl(
        oid: "1.2.840.113556.1.4.417", isCritical: true, value: nil)

    /// Write each DN together with the object that it means (MS-ADTS 3.1.1.3.4.1.5), in hexadecimal
    /// digits.
    public static let extendedDN = LDAPControl(
        oid: "1.2.840.113556.1.4.529", isCritical: true, value: nil)

    /// Keep the search open and send what changes (MS-ADTS 3.1.1.3.4.1.9).
    ///
    /// The filter must be `(objectClass=*)`, and a subtree begins at the top of a naming context.
    public static let changeNotification = LDAPControl(
        oid: "1.2.840.113556.1.4.528", isCritical: true, value: nil)
}

/// Change numbers of one AD server (MS-ADTS 3.1.1.1.9): they only grow, as long as it keeps its
/// invocationId.
public enum UpdateSequenceNumber {
    /// The number that a value of highestCommittedUSN or uSNChanged says; `nil`: none that can be.
    ///
    /// The last one, 2⁶³ - 1, is none either: nothing could come after it.
    public static func value(_ octets: some Collection<UInt8>) -> Int64? {
        guard (1...19).contains(octets.count) else { return nil }
        var value: Int64 = 0
        for octet in octets {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) else { return nil }
            let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooLargeSum) = tens.addingReportingOverflow(
                Int64(octet - UInt8(ascii: "0")))
            guard !tooLarge, !tooLargeSum else { return nil }
            value = sum
        }
        return value == .max ? nil : value
    }
}

/// Which part of its values an attribute came with, as its option says (MS-ADTS 3.1.1.3.1.3.3).
///
/// A domain controller sends at most 1500 values at a time: `member;range=0-1499`, and the last ones
/// as `member;range=1500-*`.
public struct AttributeRange: Hashable, Sendable {
    /// The attribute in lower case, without any option.
    public var attribute: String
    /// The position of the first value.
    public var first: Int
    /// The position of the last value; `nil`: these are the last ones.
    public var last: Int?

    /// A range from its parts.
    public init(attribute: String, first: Int, last: Int?) {
        self.attribute = attribute
        self.first = first
        self.last = last
    }

    /// What the name of an attribute says; `nil`: it has no such option.
    ///
    /// Throws ``LDAPControlError`` when it has one that makes no sense: the values must not be taken
    /// for all there are.
    public init?(attribute name: some Collection<UInt8>) throws(LDAPControlError) {
        guard name.contains(UInt8(ascii: ";")) else { return nil }
        let parts = String(decoding: name, as: UTF8.self).lowercased().split(
            separator: ";", omittingEmptySubsequences: false)
        guard let option = parts.dropFirst().first(where: { $0.hasPrefix("range=") }) else {
            return nil
        }
        let bounds = option.dropFirst("range=".count).split(
            separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = Self.position(bounds[0]) else {
            throw Self.malformed
        }
        let last = Self.position(bounds[1])
        guard last != nil || bounds[1] == "*", last ?? first >= first else {
            throw Self.malformed
        }
        self.init(attribute: String(parts[0]), first: first, last: last)
    }

    /// The attribute to ask for so that the next values come; `nil`: these were the last.
    public var next: String? {
        last.map { "\(attribute);range=\($0 + 1)-*" }
    }

    private static func position(_ text: Substring) -> Int? {
        guard text.utf8.count <= 9, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private static var malformed: LDAPControlError {
        LDAPControlError(name: "attribute range", reason: "not of the form FIRST-LAST")
    }
}

/// What is behind an AD server beyond its root DSE.
public struct DomainController: Hashable, Sendable {
    /// The invocationId of its database; `nil`: it may not be read, and no change number of an earlier
    /// connection means anything.
    public var invocationID: [UInt8]?
    /// Whether the bind identity sees deleted objects of every naming context asked for.
    public var showsDeleted: Bool
    /// The DN of its settings, which no other server has; `nil`: it does not say.
    public var settingsDN: String?
    /// Its own name in DNS, one of many may stand in a URI; `nil`: it does not say.
    public var dnsName: String?

    /// A server from its parts.
    public init(
        invocationID: [UInt8]?, showsDeleted: Bool, settingsDN: String? = nil,
        dnsName: String? = nil
    ) {
        self.invocationID = invocationID
        self.showsDeleted = showsDeleted
        self.settingsDN = settingsDN
        self.dnsName = dnsName
    }

    /// Whether what says so of itself is the same server.
    public func isServer(of root: RootDSE) -> Bool {
        settingsDN == root.dsServiceName
    }
}

extension LDAPSession {
    /// Reads what is behind an AD server beyond its root DSE.
    ///
    /// What the bind identity may not read counts as not there. `progress` is called before each
    /// reading. Blocks at most twice `operationTimeout` for the server and for each of the naming
    /// contexts.
    public func readDomainController(
        _ root: RootDSE, namingContexts: [String], progress: () -> Void = {}
    ) throws(LDAPError) -> DomainController {
        var showsDeleted = !namingContexts.isEmpty
        for context in namingContexts {
            progress()
            let found = try readVisible(
                LDAPSearch(
                    base: "CN=Deleted Objects,\(context)", scope: .base,
                    filter: "(objectClass=*)", attributes: ["objectClass"],
                    controls: [.showDeleted]))
            // Without the right to it, some servers show its name and nothing else.
            showsDeleted = showsDeleted && found?.attributes["objectclass"]?.isEmpty == false
        }
        var invocationID: [UInt8]?
        if let server = root.dsServiceName {
            progress()
            let found = try readVisible(
                LDAPSearch(
                    base: server, scope: .base, filter: "(objectClass=*)",
                    attributes: ["invocationId"]))
            invocationID = found?.attributes["invocationid"]?.first.flatMap {
                $0.count == 16 ? $0 : nil
            }
        }
        return DomainController(
            invocationID: invocationID, showsDeleted: showsDeleted, settingsDN: root.dsServiceName,
            dnsName: root.dnsHostName)
    }

    private func readVisible(_ search: LDAPSearch) throws(LDAPError) -> LDAPEntry? {
        do throws(LDAPError) {
            return try read(search)?.first
        } catch {
            guard error.code == .insufficientAccessRights else { throw error }
            return nil
        }
    }
}
