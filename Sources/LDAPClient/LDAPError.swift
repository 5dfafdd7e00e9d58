// Every failure of this room: which server, which step, what happened, what to do.

internal import CLDAP

/// Why something between this host and the directory failed, in a form to act on.
public struct LDAPError: Error, Equatable, Sendable {
    /// What was being done.
    public enum Step: String, Sendable {
        /// Looking at the settings before anything is sent.
        case configure
        /// Making the connection, TLS included.
        case connect
        /// Proving who we are.
        case bind
        /// A search, from its request to its last message.
        case search
        /// Changing a password (RFC 3062).
        case changePassword = "change a password"
        /// Who am I (RFC 4532).
        case whoAmI = "who am I"
        /// Reading the root DSE.
        case readRootDSE = "read the root DSE"
        /// Reading the schema.
        case readSchema = "read the schema"
        /// Waiting for messages.
        case receive
        /// Making sense of a message.
        case decode
    }

    /// The server as configured.
    public let server: String
    /// What was being done.
    public let step: Step
    /// The code of the server or, below zero, of libldap.
    public let code: LDAPResultCode
    /// What happened, in words: the server's own text or what this host found out.
    public let diagnostic: String
    /// What to do about it; empty when nothing but trying again helps.
    public let remedy: String

    /// An error from its parts.
    public init(
        server: String, step: Step, code: LDAPResultCode, diagnostic: String, remedy: String
    ) {
        self.server = server
        self.step = step
        self.code = code
        self.diagnostic = diagnostic
        self.remedy = remedy
    }

    /// An error that a code explains, with the server's text if it sent one.
    public init(server: String, step: Step, code: LDAPResultCode, serverText: String = "") {
        // libldap has one text for a server that was never reached and for one that went away.
        let isLost = code == .serverDown && step != .connect
        let name =
            isLost ? "the server closed the connection, or sent what is not LDAP" : code.text
        let spoken = serverText.isEmpty || serverText == name ? name : "\(name): \(serverText)"
        self.init(
            server: server, step: step, code: code,
            diagnostic: code.rawValue > 0 ? "\(spoken) (\(code.rawValue))" : spoken,
            remedy: code.remedy(for: step))
    }
}

extension LDAPError: CustomStringConvertible {
    /// One line: server, step, what happened, what to do.
    public var description: String {
        let head = "\(server): \(step.rawValue): \(diagnostic)"
        return remedy.isEmpty ? head : "\(head); \(remedy)"
    }
}

extension LDAPResultCode {
    /// What libldap calls the code.
    var text: String {
        guard self != .syncRefreshRequired else { return "content sync refresh required" }
        guard let text = unsafe ldap_err2string(rawValue) else { return "unknown error" }
        return unsafe String(cString: text)
    }

    /// What an administrator does about the code at a step; empty when only time helps.
    func remedy(for step: LDAPError.Step) -> String {
        switch self {
        case .invalidCredentials:
            "check [directory] bind_dn and the password file"
        case .inappropriateAuthentication, .strongerAuthRequired, .confidentialityRequired:
            "use tls = \"ldaps\" or \"starttls\" and an identity that may bind with a password"
        case .noSuchObject:
            "check [directory] base, and that the bind identity may read it"
        case .invalidDNSyntax:
            "correct the DN in [directory] base or bind_dn"
        case .insufficientAccessRights:
            "give the bind identity the right to read and search below the base"
        case .sizeLimitExceeded, .timeLimitExceeded, .adminLimitExceeded:
            "give the bind identity a limit of its own on the server "
                + "(OpenLDAP: olcLimits ... size=unlimited time=unlimited)"
        case .unavailableCriticalExtension:
            "switch on content synchronisation on the server (OpenLDAP: the syncprov overlay)"
        case .filterError: "correct the search filter"
        case .referral:
            "what was asked for lies on another server: name that one in [directory] uris"
        case .serverDown, .connectError:
            step == .connect ? "check that the server runs and is reachable from this host" : ""
        default: ""
        }
    }
}
