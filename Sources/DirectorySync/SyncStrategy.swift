// How a server is followed: chosen from what it says about itself, never from its name alone.

internal import Accounts
public import LDAPClient

/// Which program a directory server is, as far as something depends on it.
public enum ServerFamily: Hashable, Sendable {
    /// slapd.
    case openLDAP
    /// 389 Directory Server, and what is made of it (Red Hat, FreeIPA).
    case ds389
    /// Active Directory or AD LDS, by Microsoft or as Samba has it.
    case activeDirectory
    /// Any other.
    case other

    /// What a server's root DSE shows.
    public init(_ root: RootDSE) {
        if root.isActiveDirectory {
            self = .activeDirectory
        } else if root.objectClasses.contains("openldaprootdse") {
            self = .openLDAP
        } else if root.vendor.contains("389") {
            self = .ds389
        } else {
            self = .other
        }
    }

    /// The attribute with the identity of an entry, where it is not entryUUID.
    var identity: String? {
        switch self {
        case .ds389: "nsUniqueId"
        case .activeDirectory: "objectGUID"
        case .openLDAP, .other: nil
        }
    }
}

/// How the directory behind one connection is followed.
public struct SyncStrategy: Hashable, Sendable {
    /// Where changes come from.
    public enum Method: String, Sendable {
        /// Content synchronisation (RFC 4533).
        case syncrepl
        /// Asking again and again for what has a newer modifyTimestamp.
        case poll
        /// Asking Active Directory or AD LDS for what has a larger change number (uSNChanged).
        case usn
    }

    /// What the administrator wants.
    public enum Wish: Hashable, Sendable {
        /// The quickest way that the server offers.
        case automatic
        /// This one and no other.
        case only(Method)
    }

    /// Where changes come from.
    public var method: Method
    /// Which program the server is.
    public var family: ServerFamily
    /// The attribute with the identity of an entry.
    public var entryID: EntryIDAttribute
    /// Whether a search that stays open may say when to ask: persistent search, or the change
    /// notification of Active Directory.
    public var offersWakeUp: Bool
    /// Whether the server would offer RFC 4533 though it is not used.
    public var offersSyncrepl: Bool
    /// Why RFC 4533 is not used though it is offered; `nil`: nothing was refused.
    public var refusal: String?
    /// The tops of the trees that the server holds.
    public var namingContexts: [String]
    /// What is behind an AD server; `nil`: it is none, or was not looked at yet.
    public var controller: DomainController?

    /// Whether a filter asks for memberOf: Active Directory changes it with the group and gives the
    /// member no new change number.
    public var selectsByBackLink = false

    /// The strategy for a server.
    ///
    /// - Parameters:
    ///   - wish: what the administrator wants.
    ///   - root: what the server says about itself; `nil` when it shows nothing.
    ///   - entryID: the configured attribute. On 389 DS nsUniqueId takes the place of the default,
    ///     entryUUID: it is what the server's sync controls carry. On Active Directory objectGUID does.
    ///   - refusal: why the server refused RFC 4533 just before; `nil`: it did not.
    public init(
        _ wish: Wish, root: RootDSE?, entryID: String, refusal: String? = nil
    ) {
        family = root.map { ServerFamily($0) } ?? .other
        offersSyncrepl = root?.offersSyncrepl ?? true
        offersWakeUp = root?.offersPersistentSearch ?? false
        self.refusal = refusal
        var isTold = true
        let isDefault = entryID.lowercased() == "entryuuid"
        self.entryID = EntryIDAttribute((isDefault ? family.identity : nil) ?? entryID)
        namingContexts = root?.namingContexts ?? []
        switch wish {
        // It computes modifyTimestamp and cannot search by it.
        case .only(.poll) where family == .activeDirectory:
            method = .usn
            isTold = false
        case .only(let wanted): method = wanted
        case .automatic where family == .activeDirectory: method = .usn
        case .automatic: method = offersSyncrepl && refusal == nil ? .syncrepl : .poll
        }
        if family == .activeDirectory { offersWakeUp = root?.offersChangeNotification ?? false }
        offersWakeUp = offersWakeUp && isTold
    }

    /// Whether the server is asked again and again.
    public var asks: Bool { method != .syncrepl }

    /// Whether every deletion shows by itself, without a comparison.
    public var seesDeletions: Bool {
        switch method {
        case .syncrepl: true
        case .poll: false
        case .usn: !selectsByBackLink && controller?.showsDeleted ?? false
        }
    }

    /// The top of the tree that holds `base`: the longest naming context at or above it; `base` itself
    /// where none is shown.
    public func namingContext(of base: String) -> String {
        let key = DistinguishedName.key(of: base)
        let holders = namingContexts.filter {
            let above = DistinguishedName.key(of: $0)
            return !above.isEmpty && DistinguishedName.isKey(key, atOrBelow: above)
        }
        return holders.max { $0.utf8.count < $1.utf8.count } ?? base
    }

    /// Whether a search may begin where the last one ended.
    ///
    /// 389 DS is not trusted with that: it says nothing of an entry that stopped matching while
    /// nobody listened, and sends what did change without its operational attributes.
    public var trustsCookies: Bool {
        !(method == .syncrepl && family == .ds389)
    }

    /// Whether one search must do: 389 DS has crashed when several persist at once.
    public var wantsOneSearch: Bool {
        method == .syncrepl && family == .ds389
    }

    /// What would let changes come sooner; `nil`: nothing is known.
    public var advice: String? {
        switch method {
        case .syncrepl: return nil
        case .usn where selectsByBackLink: return Self.backLinkAdvice
        case .usn: return seesDeletions ? nil : Self.deletedObjectsAdvice
        case .poll: break
        }
        if let refusal { return refusal }
        if offersSyncrepl {
            return "the server offers RFC 4533: take out [directory] sync = \"poll\""
        }
        switch family {
        case .openLDAP: return "load the overlay syncprov on the database (RFC 4533)"
        case .ds389:
            return "enable the plugins Retro Changelog and Content Synchronization (RFC 4533)"
        case .activeDirectory, .other:
            return offersWakeUp
                ? nil : "switch on content synchronisation (RFC 4533) or persistent search"
        }
    }

    private static let backLinkAdvice =
        "take memberOf out of people_filter and groups_filter, because no change number tells of it, "
        + "and let [access] allow_groups say who may log in"
    private static let deletedObjectsAdvice =
        "let the bind identity list CN=Deleted Objects, so that deletions arrive with the changes "
        + "(dsacls \"CN=Deleted Objects,DC=...\" /takeOwnership, then /G DOMAIN\\NAME:LCRP)"
}
