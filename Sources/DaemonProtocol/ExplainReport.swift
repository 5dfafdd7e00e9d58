// Whether a person could log in now, and everything that this depends on.

#if !hasFeature(Embedded)
    /// The answer to `explain`; times are seconds since the epoch.
    public struct ExplainReport: Codable, Equatable, Sendable {
        /// The name that was asked about.
        public var name: String
        /// The PAM service that was asked about; `nil`: any without a rule of its own.
        public var service: String?
        /// The verdict as the log has it: `accepted`, `disabled`, `not_allowed`, ...
        public var verdict: String
        /// Whether the person would get in, a new password first or not.
        public var admitted: Bool
        /// The attribute or rule that decided; `nil`: none is to blame.
        public var decidedBy: String?
        /// What the person is told; `nil`: nothing.
        public var text: String?
        /// The table of the configuration with the rule that stands for the service.
        public var rule: String
        /// Whether the name is that of a local account, which roster leaves alone.
        public var local = false
        /// The entry; `nil` for a local account that the directory does not know.
        public var entry: Entry?
        /// The public keys that sshd is given.
        public var keys: [Key] = []
        /// What is odd about the entry: keys that are withheld, ...
        public var notes: [String] = []
        /// How the password is checked when the directory does not answer.
        public var offline: Offline
        /// How fresh all this is.
        public var freshness: Freshness

        /// A report without entry.
        public init(
            name: String, service: String?, verdict: String, admitted: Bool, rule: String,
            offline: Offline, freshness: Freshness
        ) {
            self.name = name
            self.service = service
            self.verdict = verdict
            self.admitted = admitted
            self.rule = rule
            self.offline = offline
            self.freshness = freshness
        }
    }

    extension ExplainReport {
        /// What the directory says about the person.
        public struct Entry: Codable, Equatable, Sendable {
            /// Where it is.
            public var dn: String
            /// Its identity.
            public var uuid: String
            /// Why the person is withheld; `nil`: published.
            public var withheld: String?
            /// What disables the account; `nil`: nothing.
            public var disabledBy: String?
            /// From when on it is expired; `nil`: never.
            public var expiresAt: Int64?
            /// The attribute that says so.
            public var expiresBy: String?
            /// What wants a new password first; `nil`: nothing.
            public var mustChangeBy: String?
            /// Whether `roster deny` blocks the person.
            public var blocked = false
            /// The groups, the primary one included.
            public var groups: [NamedID] = []
            /// The names of access rules that mean a group of the person.
            public var accessGroups: [String] = []
            /// Since when the removal is held; `nil`: it is not.
            public var heldSince: Int64?
            /// When the directory last confirmed a person whose removal is held.
            public var confirmedAt: Int64?

            /// An entry with everything else empty.
            public init(dn: String, uuid: String) {
                self.dn = dn
                self.uuid = uuid
            }
        }

        /// A public key, without the key.
        public struct Key: Codable, Equatable, Sendable {
            /// Its type, such as `ssh-ed25519`.
            public var type: String
            /// The comment behind it; empty: none.
            public var comment: String
            /// Whether it has options.
            public var options: Bool

            /// A key from its parts.
            public init(type: String, comment: String, options: Bool) {
                self.type = type
                self.comment = comment
                self.options = options
            }
        }

        /// The cached verifier.
        public struct Offline: Codable, Equatable, Sendable {
            /// Whether the configuration lets it stand in.
            public var allowed: Bool
            /// How long it is good for, in seconds.
            public var maxAgeSeconds: Int64
            /// When it was made; `nil`: there is none.
            public var madeAt: Int64?
            /// Whether the directory shows when the password changes; else only the age bounds it.
            public var changeSeen: Bool

            /// The facts from their parts.
            public init(
                allowed: Bool, maxAgeSeconds: Int64, madeAt: Int64? = nil,
                changeSeen: Bool = false
            ) {
                self.allowed = allowed
                self.maxAgeSeconds = maxAgeSeconds
                self.madeAt = madeAt
                self.changeSeen = changeSeen
            }
        }

        /// How fresh the mirror is.
        public struct Freshness: Codable, Equatable, Sendable {
            /// When the directory last answered.
            public var lastContactAt: Int64?
            /// When the mirror was last known to be what the directory is.
            public var lastVerifiedAt: Int64?
            /// How long ago that is by the clocks that the gate goes by.
            public var ageSeconds: Int64?
            /// How old it may be; `nil`: never too old.
            public var maxStalenessSeconds: Int64?

            /// The facts from their parts.
            public init(
                lastContactAt: Int64? = nil, lastVerifiedAt: Int64? = nil,
                ageSeconds: Int64? = nil, maxStalenessSeconds: Int64? = nil
            ) {
                self.lastContactAt = lastContactAt
                self.lastVerifiedAt = lastVerifiedAt
                self.ageSeconds = ageSeconds
                self.maxStalenessSeconds = maxStalenessSeconds
            }
        }
    }
#endif
