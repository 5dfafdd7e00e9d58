// Why a content synchronisation cannot go on, each with what to do about it.

public import LDAPClient

/// Why a content synchronisation ended for a reason that another search does not mend by itself.
public struct SyncError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What an owner can decide by.
    public enum Kind: Hashable, Sendable {
        /// The server does not offer RFC 4533 (12).
        case notOffered
        /// The base does not exist or is invisible to us (32).
        case noSuchBase
        /// We may not search there (50).
        case accessDenied
        /// A limit of the server cut the content short (3, 4, 11).
        case limitExceeded
        /// The server is overloaded, shutting down or off line (51, 52): only time helps.
        case unavailable
        /// The server refuses although we sent no cookie (53, 4096).
        case refused
        /// The base lies on another server (10).
        case referral
        /// The server broke the rules of RFC 4533.
        case protocolViolation
        /// No entry shows the attribute with its identity.
        case noIdentity
        /// Anything else.
        case other
    }

    /// What an owner can decide by.
    public let kind: Kind
    /// The result code; `success` for a violation of the protocol.
    public let code: LDAPResultCode
    /// What happened.
    public let diagnostic: String
    /// What to do about it; empty when only time helps.
    public let remedy: String

    /// What happened and what to do, in one line.
    public var description: String {
        remedy.isEmpty ? diagnostic : "\(diagnostic); \(remedy)"
    }

    /// An error that ended the search with a result code.
    ///
    /// - Parameters:
    ///   - code: the code.
    ///   - diagnostic: the server's own words.
    ///   - family: which program the server is; remedies differ.
    ///   - count: the number of entries received before; `nil`: it says nothing.
    init(
        code: LDAPResultCode, diagnostic: String, family: ServerFamily = .openLDAP,
        after count: Int? = nil
    ) {
        let (kind, what, remedy) = Self.meaning(of: code, family)
        self.kind = kind
        self.code = code
        self.remedy = remedy
        let said = diagnostic.isEmpty ? "" : ": \(diagnostic)"
        let number = kind == .limitExceeded ? count.map { " after \($0) entries" } ?? "" : ""
        self.diagnostic = "synchronisation: \(what)\(number) (\(code.rawValue))\(said)"
    }

    /// A violation of the protocol.
    init(violation: String) {
        kind = .protocolViolation
        code = .success
        diagnostic = "synchronisation: the server breaks RFC 4533: \(violation)"
        remedy = "set [directory] sync = \"poll\" and report name and version of the server"
    }

    /// None of the entries shows who it is.
    init(noIdentity attribute: String) {
        kind = .noIdentity
        code = .success
        diagnostic = "synchronisation: no entry shows \(attribute)"
        remedy =
            "let bind_dn read it, or name another attribute that never changes in [directory] "
            + "entry_id"
    }

    /// An entry does not become whole.
    init(incomplete dn: String, _ reason: String) {
        kind = .protocolViolation
        code = .success
        diagnostic = "synchronisation: \(dn) cannot be read whole: \(reason)"
        remedy = "report this together with name and version of the directory server"
    }

    /// An entry is larger than what is kept of one in memory.
    init(tooLarge dn: String, octets: Int) {
        kind = .other
        code = .success
        diagnostic = "synchronisation: \(dn) has more than \(octets >> 20) MiB of values"
        remedy =
            "split the group, or keep it out with groups_filter; nothing is followed as long as it "
            + "is there, since rules may name it"
    }

    /// An entry changed each time that it was read.
    init(restless dn: String, _ rounds: Int) {
        kind = .other
        code = .success
        diagnostic = "synchronisation: \(dn) changed or moved \(rounds) times while it was read"
        remedy = "find out what writes to it all the time, or keep it out with a filter or base"
    }

    /// An AD server does not say which change it committed last.
    static let noChangeNumber = SyncError(
        kind: .protocolViolation, code: .success,
        diagnostic: "synchronisation: the root DSE shows no usable highestCommittedUSN",
        remedy: "name a domain controller, not a server between, in [directory] uris")

    /// Page follows page, and there is nothing in them.
    static let endlessPages = SyncError(
        kind: .protocolViolation, code: .success,
        diagnostic: "synchronisation: the server answers with empty pages without end",
        remedy: "report this together with name and version of the directory server")

    private init(kind: Kind, code: LDAPResultCode, diagnostic: String, remedy: String) {
        self.kind = kind
        self.code = code
        self.diagnostic = diagnostic
        self.remedy = remedy
    }

    private static func meaning(
        of code: LDAPResultCode, _ family: ServerFamily
    ) -> (Kind, String, String) {
        switch code {
        case .unavailableCriticalExtension where family == .activeDirectory:
            (
                .notOffered, "the server refuses paged results or the sight of deleted objects", ""
            )
        case .unavailableCriticalExtension:
            (
                .notOffered, "the server does not offer content synchronisation",
                "switch it on (OpenLDAP: overlay syncprov on the database; 389 DS: Content "
                    + "Synchronization and Retro Changelog plugins) or set [directory] sync = \"poll\""
            )
        case .noSuchObject:
            (
                .noSuchBase, "the search base does not exist or may not be read",
                "check [directory] base and the rights of bind_dn"
            )
        case .insufficientAccessRights where family == .ds389:
            (
                .accessDenied, "the bind identity may not use content synchronisation",
                "389 DS offers it to bound identities only: set [directory] bind_dn, or sync = "
                    + "\"poll\""
            )
        case .insufficientAccessRights:
            (
                .accessDenied, "the bind identity may not search the base",
                "give bind_dn the right to read and search below the base"
            )
        case .sizeLimitExceeded:
            (
                .limitExceeded, "the server's size limit cut the content short",
                limitRemedy(family, ds389: "nsSizeLimit")
            )
        case .timeLimitExceeded:
            (
                .limitExceeded, "the server's time limit cut the content short",
                limitRemedy(family, ds389: "nsTimeLimit")
            )
        case .adminLimitExceeded:
            (
                .limitExceeded, "an administrative limit of the server cut the content short",
                limitRemedy(family, ds389: "nsLookThroughLimit")
                    + " and index objectClass and modifyTimestamp"
            )
        case .busy, .unavailable: (.unavailable, "the server is busy or shutting down", "")
        case .unwillingToPerform, .syncRefreshRequired:
            (.refused, "the server refuses", "see its log")
        case .referral:
            (
                .referral, "the base lies on another server",
                "name the server that holds the base in [directory] uris"
            )
        default: (.other, "the search ended", "")
        }
    }

    private static func limitRemedy(_ family: ServerFamily, ds389: String) -> String {
        switch family {
        case .openLDAP:
            "give bind_dn a limit of its own (OpenLDAP: olcLimits: dn.exact=\"BIND_DN\" "
                + "size=unlimited time=unlimited)"
        case .ds389: "set \(ds389): -1 in the entry of bind_dn"
        case .activeDirectory:
            "raise the limits of its query policy (ntdsutil, LDAP policies: MaxQueryDuration)"
        case .other: "give bind_dn a limit of its own that is high enough"
        }
    }
}
