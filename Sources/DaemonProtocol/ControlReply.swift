// What the daemon answers on the control socket.

#if !hasFeature(Embedded)
    /// The answer to a ``ControlRequest``.
    public enum ControlReply: Codable, Equatable, Sendable {
        /// To `status`.
        case status(StatusReport)
        /// To `user`; `nil`: there is no such person.
        case user(AccountReport?)
        /// To `group`; `nil`: there is no such group.
        case group(GroupReport?)
        /// To `check`.
        case check(CheckReport)
        /// To `history`.
        case history(HistoryReport)
        /// To `wait`.
        case wait(WaitReport)
        /// To `sync`.
        case sync(SyncReport)
        /// To `allow`.
        case allow(AllowReport)
        /// To `deny`.
        case deny(DenyReport)
        /// To `confirm`.
        case confirm(ConfirmReport)
        /// To `explain`; `nil`: the directory has nobody of this name.
        case explain(ExplainReport?)
        /// To anything that could not be done.
        case failure(ControlFailure)
    }

    extension ControlReply {
        /// What anybody on the host may see of the answer.
        ///
        /// Who is disabled, withheld or held, and where entries lie in the directory, is left out.
        public func reduced() -> ControlReply {
            switch self {
            case .status(let report): .status(report.reduced())
            case .user(let report): .user(report?.reduced())
            case .group(let report): .group(report?.reduced())
            case .check(let report): .check(report.reduced())
            case .wait, .explain, .failure: self
            case .history, .sync, .allow, .deny, .confirm: .failure(.notPermitted)
            }
        }
    }

    /// Why a request was not done, and what to do about it.
    public struct ControlFailure: Error, Codable, Equatable, Sendable {
        /// The kind of failure, for the exit status.
        public enum Kind: String, Codable, Sendable {
            /// The peer may not ask this.
            case refused
            /// What the request names is not there.
            case notFound = "not_found"
            /// The request cannot be read or is out of bounds.
            case malformed
            /// Too many connections; later it may work.
            case busy
            /// Anything else.
            case failed
        }

        /// The kind of failure.
        public var kind: Kind
        /// What happened, a sentence without full stop.
        public var message: String
        /// What to do, a sentence without full stop; `nil` when there is nothing to do.
        public var remedy: String?

        /// A failure from its parts.
        public init(kind: Kind, message: String, remedy: String? = nil) {
            self.kind = kind
            self.message = message
            self.remedy = remedy
        }

        /// The answer to a peer who may not ask this.
        public static let notPermitted = ControlFailure(
            kind: .refused, message: "only root may do this",
            remedy: "Run the same command with sudo")
    }
#endif
