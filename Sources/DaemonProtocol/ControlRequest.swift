// What the administrator's command asks of the daemon on the control socket.

#if !hasFeature(Embedded)
    /// A request on the control socket; a connection carries one request and its reply.
    public enum ControlRequest: Codable, Equatable, Sendable {
        /// How the mirror is.
        case status
        /// A person by login name.
        case user(name: String)
        /// A group by name.
        case group(name: String)
        /// The configuration's findings, and what is withheld and why.
        case check
        /// Changes of identity, newest first: of one name, or of all; at most `limit`.
        case history(name: String?, limit: Int)
        /// Answered when the mirror has caught up, or after the time; 0 seconds: at once.
        case wait(timeoutSeconds: Int)
        /// Compare with the directory now, or read all of it again; release held removals.
        case sync(full: Bool, acceptRemovals: Bool)
        /// Takes back the block of a name, and releases a withheld re-use of it.
        case allow(name: String)
        /// Blocks a name on this host.
        case deny(name: String)
        /// Accepts what the directory shows under a name of an access rule.
        case confirm(name: String)
        /// Whether a person could use a service now, and why; of others than oneself for root only.
        case explain(name: String, service: String?)
    }

    /// Who may ask.
    public enum ControlAccess: Equatable, Sendable {
        /// Anybody on the host, with the same answer for all.
        case everyone
        /// Anybody, but only root sees all of the answer; see ``ControlReply/reduced()``.
        case everyoneReduced
        /// Root, or the user that the daemon runs as.
        case administrator
    }

    extension ControlRequest {
        /// Who may make this request.
        public var access: ControlAccess {
            switch self {
            case .wait, .explain: .everyone
            case .status, .user, .group, .check: .everyoneReduced
            case .history, .sync, .allow, .deny, .confirm: .administrator
            }
        }

        /// The request's name, as the command line calls it; for messages and the log.
        public var label: String {
            switch self {
            case .status: "status"
            case .user: "user"
            case .group: "group"
            case .check: "check"
            case .history: "history"
            case .wait: "wait"
            case .sync: "sync"
            case .allow: "allow"
            case .deny: "deny"
            case .confirm: "confirm"
            case .explain: "explain"
            }
        }

        /// What makes the request unacceptable before anybody looks at it; `nil`: nothing.
        ///
        /// Names have 1 to 1024 octets, limits and times are bounded, so that a handler may use
        /// them as they are.
        public var fault: String? {
            switch self {
            case .status, .check, .sync: nil
            case .user(let name), .group(let name), .allow(let name), .deny(let name),
                .confirm(let name):
                Self.fault(inName: name)
            case .explain(let name, let service):
                Self.fault(inName: name) ?? service.flatMap(Self.fault(inName:))
            case .history(let name, let limit):
                limit < 1 || limit > Self.longestHistory
                    ? "the limit is not between 1 and \(Self.longestHistory)"
                    : name.flatMap(Self.fault(inName:))
            case .wait(let seconds):
                seconds < 0 || seconds > Self.longestWaitSeconds
                    ? "the time is not between 0 and \(Self.longestWaitSeconds) seconds" : nil
            }
        }

        /// The most entries one history request can ask for.
        public static let longestHistory = 10_000
        /// The longest time one wait request can ask for: a day, in seconds.
        public static let longestWaitSeconds = 86_400

        private static func fault(inName name: String) -> String? {
            name.isEmpty || name.utf8.count > 1024 || name.utf8.contains(0)
                ? "the name is empty, too long or contains a zero octet" : nil
        }
    }
#endif
