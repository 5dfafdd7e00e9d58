// What changed and what was done about it: the answers to `history`, `sync` and `allow`.

#if !hasFeature(Embedded)
    /// The answer to `history`.
    public struct HistoryReport: Codable, Equatable, Sendable {
        /// The changes, newest first.
        public var changes: [Change]
        /// Whether there are more than were asked for.
        public var truncated: Bool
        /// The journal was begun anew with what could be saved: older changes may be missing.
        public var journalLost: Bool

        /// A report from its parts.
        public init(changes: [Change], truncated: Bool = false, journalLost: Bool = false) {
            self.changes = changes
            self.truncated = truncated
            self.journalLost = journalLost
        }

        /// A change of identity; times are seconds since the epoch.
        public struct Change: Codable, Equatable, Sendable {
            /// When it took effect on this host.
            public var effectiveAt: Int64
            /// When the directory says it happened, by the directory's clock; `nil`: it does not.
            public var directoryAt: Int64?
            /// What changed.
            public var kind: EntryKind
            /// The name of the person or group.
            public var name: String
            /// What happened, in a few words: `appeared`, `disabled`, `shell /bin/sh to /bin/bash`.
            public var what: String

            /// A change from its parts.
            public init(
                effectiveAt: Int64, directoryAt: Int64?, kind: EntryKind, name: String, what: String
            ) {
                self.effectiveAt = effectiveAt
                self.directoryAt = directoryAt
                self.kind = kind
                self.name = name
                self.what = what
            }
        }
    }

    /// The answer to `sync`, given when it is done.
    public struct SyncReport: Codable, Equatable, Sendable {
        /// Whether all of the directory was read again; `false`: it was compared.
        public var full: Bool
        /// Where the mirror stands afterwards.
        public var state: MirrorState
        /// The generation that is published afterwards.
        public var generation: UInt64
        /// Entries of the directory that were looked at.
        public var entries: Int
        /// People and groups that differed and were put right.
        public var changed: Int
        /// Removals that had been held and were applied now.
        public var accepted: StatusReport.HeldCounts
        /// Removals that are held now.
        public var held: StatusReport.HeldCounts

        /// A report from its parts.
        public init(
            full: Bool, state: MirrorState, generation: UInt64, entries: Int, changed: Int,
            accepted: StatusReport.HeldCounts = .init(), held: StatusReport.HeldCounts = .init()
        ) {
            self.full = full
            self.state = state
            self.generation = generation
            self.entries = entries
            self.changed = changed
            self.accepted = accepted
            self.held = held
        }
    }

    /// The answer to `allow`.
    public struct AllowReport: Codable, Equatable, Sendable {
        /// The name that was given.
        public var name: String
        /// Whether a block was taken back or something withheld released; `false`: nothing of that
        /// name can be.
        public var released: Bool
        /// What was released, or why nothing could be; a sentence without full stop.
        public var message: String

        /// A report from its parts.
        public init(name: String, released: Bool, message: String) {
            self.name = name
            self.released = released
            self.message = message
        }
    }

    /// The answer to `deny`.
    public struct DenyReport: Codable, Equatable, Sendable {
        /// The name that was given.
        public var name: String
        /// Whether the block is new; `false`: it was there before.
        public var blocked: Bool
        /// What was done; a sentence without full stop.
        public var message: String

        /// A report from its parts.
        public init(name: String, blocked: Bool, message: String) {
            self.name = name
            self.blocked = blocked
            self.message = message
        }
    }

    /// The answer to `confirm`.
    public struct ConfirmReport: Codable, Equatable, Sendable {
        /// The name of an access rule that was given.
        public var name: String
        /// How many groups the rule means now, or means no more; 0: nothing waited.
        public var changed: Int
        /// What was done; a sentence without full stop.
        public var message: String

        /// A report from its parts.
        public init(name: String, changed: Int, message: String) {
            self.name = name
            self.changed = changed
            self.message = message
        }
    }
#endif
