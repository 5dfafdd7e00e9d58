// What a server says about itself and about its schema.

/// The root DSE (RFC 4512 §5.1), as far as it decides anything here.
public struct RootDSE: Hashable, Sendable {
    /// The tops of the trees that the server holds.
    public var namingContexts: [String]
    /// The identifiers of the controls it knows.
    public var supportedControls: Set<String>
    /// The identifiers of the extended operations it knows.
    public var supportedExtensions: Set<String>
    /// Where its schema is; `nil` if it does not say.
    public var subschemaSubentry: String?
    /// Who made it, and which version; empty if it does not say.
    public var vendor: String
    /// The object classes of the root DSE itself, in lower case.
    public var objectClasses: Set<String>
    /// The identifiers of the capabilities it claims, which only Microsoft's kind does (MS-ADTS
    /// 3.1.1.3.4.3).
    public var supportedCapabilities: Set<String>
    /// The naming context of the domain; `nil`: it names none.
    public var defaultNamingContext: String?
    /// The DN of the nTDSDSA object of an AD server, whose invocationId its change numbers belong to.
    public var dsServiceName: String?
    /// The server's own name in DNS; `nil` if it does not say.
    public var dnsHostName: String?
    /// The change number that an AD server committed last; `nil`: none, or not a number that can be.
    public var highestCommittedUSN: Int64?

    /// Whether content synchronisation (RFC 4533) is offered.
    public var offersSyncrepl: Bool {
        supportedControls.contains(SyncRequestControl.oid)
    }

    /// Whether the DirSync control is offered, as Active Directory and AD LDS do.
    public var offersDirSync: Bool {
        supportedControls.contains("1.2.840.113556.1.4.841")
    }

    /// Whether it is Active Directory, which Samba's domain controllers are as well.
    public var isActiveDirectoryDomain: Bool {
        supportedCapabilities.contains("1.2.840.113556.1.4.800")
    }

    /// Whether it is Active Directory or AD LDS.
    public var isActiveDirectory: Bool {
        isActiveDirectoryDomain || supportedCapabilities.contains("1.2.840.113556.1.4.1851")
    }

    /// Whether simple paged results (RFC 2696) are offered.
    public var offersPagedResults: Bool {
        supportedControls.contains(PagedResultsControl.oid)
    }

    /// Whether change notification is offered, as Active Directory does.
    public var offersChangeNotification: Bool {
        supportedControls.contains(LDAPControl.changeNotification.oid)
    }

    /// Whether persistent search (draft-ietf-ldapext-psearch) is offered.
    public var offersPersistentSearch: Bool {
        supportedControls.contains(PersistentSearchControl.oid)
    }

    /// Whether "who am I" (RFC 4532) is offered.
    public var offersWhoAmI: Bool {
        supportedExtensions.contains("1.3.6.1.4.1.4203.1.11.3")
    }

    /// A root DSE from what was read.
    public init(_ entry: LDAPEntry) {
        namingContexts = entry.texts("namingcontexts")
        supportedControls = Set(entry.texts("supportedcontrol"))
        supportedExtensions = Set(entry.texts("supportedextension"))
        subschemaSubentry = entry.texts("subschemasubentry").first
        vendor = (entry.texts("vendorname") + entry.texts("vendorversion")).joined(separator: " ")
        objectClasses = Set(entry.texts("objectclass").map { $0.lowercased() })
        supportedCapabilities = Set(entry.texts("supportedcapabilities"))
        defaultNamingContext = entry.texts("defaultnamingcontext").first
        dsServiceName = entry.texts("dsservicename").first
        dnsHostName = entry.texts("dnshostname").first
        highestCommittedUSN = entry.attributes["highestcommittedusn"]?.first
            .flatMap { UpdateSequenceNumber.value($0) }
    }
}

/// The attribute types that a server's schema knows (RFC 4512 §4.1.2).
public struct AttributeSchema: Hashable, Sendable {
    /// All names, aliases and object identifiers, in lower case.
    public let names: Set<String>

    /// Whether an attribute (without options) is known.
    public func contains(_ attribute: String) -> Bool {
        names.contains(attribute.lowercased())
    }

    /// The names in the definitions as `attributeTypes` holds them; what is malformed is left out.
    public init(definitions: [String]) {
        var names: Set<String> = []
        for definition in definitions {
            names.formUnion(Self.names(in: definition))
        }
        self.names = names
    }

    /// The identifier and the names of one definition: `( OID NAME 'a' ...` or `NAME ( 'a' 'b' )`.
    private static func names(in definition: String) -> [String] {
        var words = Words(definition)
        guard words.next() == "(", let oid = words.next() else { return [] }
        var names = [oid.lowercased()]
        while let word = words.next() {
            guard word == "NAME" else {
                if word.first == "'" { continue }
                if Self.endsNames.contains(word) { break }
                continue
            }
            guard let first = words.next() else { break }
            if first.first == "'" { names.append(unquoted(first)) }
            guard first == "(" else { break }
            while let name = words.next(), name != ")" { names.append(unquoted(name)) }
            break
        }
        return names
    }

    /// The words that stand behind NAME in a definition: after them no name comes any more.
    private static let endsNames: Set<String> = [
        "DESC", "OBSOLETE", "SUP", "EQUALITY", "ORDERING", "SUBSTR", "SYNTAX", "USAGE",
    ]

    private static func unquoted(_ word: String) -> String {
        word.filter { $0 != "'" }.lowercased()
    }

    /// Parentheses, quoted strings and words.
    private struct Words {
        private var rest: Substring

        init(_ text: String) {
            rest = text[...]
        }

        mutating func next() -> String? {
            rest = rest.drop { $0 == " " }
            guard let first = rest.first else { return nil }
            if first == "(" || first == ")" {
                rest.removeFirst()
                return String(first)
            }
            if first == "'" {
                let inner = rest.dropFirst().prefix { $0 != "'" }
                rest = rest[inner.endIndex...].dropFirst()
                return "'\(inner)'"
            }
            let word = rest.prefix { !" ()".contains($0) }
            rest = rest[word.endIndex...]
            return String(word)
        }
    }
}

extension LDAPSession {
    /// Reads the root DSE.
    ///
    /// Blocks at most twice `operationTimeout`.
    public func readRootDSE() throws(LDAPError) -> RootDSE {
        let search = LDAPSearch(
            base: "", scope: .base, filter: "(objectClass=*)",
            attributes: [
                "namingContexts", "supportedControl", "supportedExtension", "subschemaSubentry",
                "vendorName", "vendorVersion", "objectClass", "supportedCapabilities",
                "defaultNamingContext", "dsServiceName", "dnsHostName", "highestCommittedUSN",
            ])
        guard let entry = try read(search, step: .readRootDSE)?.first else {
            throw LDAPError(
                server: options.uri, step: .readRootDSE, code: .noSuchObject,
                diagnostic: "the server shows no root DSE",
                remedy: "let the bind identity read the entry with the empty DN")
        }
        return RootDSE(entry)
    }

    /// Reads which attributes the schema knows; `nil` when the server does not show it.
    ///
    /// Blocks at most twice `operationTimeout`.
    public func readAttributeSchema(_ root: RootDSE) throws(LDAPError) -> AttributeSchema? {
        guard let base = root.subschemaSubentry else { return nil }
        let search = LDAPSearch(
            base: base, scope: .base, filter: "(objectClass=subschema)",
            attributes: ["attributeTypes"])
        guard let entry = try read(search, step: .readSchema)?.first else { return nil }
        let definitions = entry.texts("attributetypes")
        return definitions.isEmpty ? nil : AttributeSchema(definitions: definitions)
    }
}
