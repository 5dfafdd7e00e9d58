// How the mirror is, as `roster status` tells it.

#if !hasFeature(Embedded)
    /// Where the mirror stands.
    public enum MirrorState: String, Codable, Sendable, CaseIterable {
        /// The daemon has just started and has not reached the directory yet.
        case starting
        /// The directory is being read for the first time, or all over again.
        case loading
        /// Every change arrives as it happens.
        case inSync = "in_sync"
        /// What is published was true once; the directory does not answer.
        case stale
        /// It cannot work without somebody's doing.
        case error
    }

    /// The answer to `status`; times are seconds since the epoch, sizes octets.
    public struct StatusReport: Codable, Equatable, Sendable {
        /// Where the mirror stands.
        public var state: MirrorState
        /// Since when it stands there.
        public var since: Int64
        /// What went wrong last, a sentence; `nil` while nothing is wrong.
        public var lastError: String?
        /// The server in use, or tried last.
        public var serverURI: String?
        /// How changes arrive: `syncrepl`, `usn` (Active Directory), `poll`.
        public var strategy: String?
        /// Within which time a change and a deletion arrive, in words.
        public var promise: String?
        /// What would let them arrive sooner; `nil`: nothing is known.
        public var advice: String?
        /// When the directory last answered anything.
        public var lastContactAt: Int64?
        /// When the mirror was last known to equal the directory.
        public var lastVerifiedAt: Int64?
        /// When the next comparison of all entries is due.
        public var nextComparisonAt: Int64?
        /// What is published, and how much is withheld.
        public var counts = Counts()
        /// Removals held for confirmation.
        public var held = HeldCounts()
        /// From a change's arrival on this host until it is visible; by this host's clock alone.
        public var publicationDelay: Delay?
        /// The generation of the index that is published.
        public var generation: UInt64 = 0
        /// The size of the index files.
        public var indexOctets: Int64 = 0
        /// The size of the store.
        public var storeOctets: Int64 = 0
        /// Index publications since the daemon started.
        public var publications: Int64 = 0
        /// Rebuilds of the index's base since the daemon started.
        public var rebuilds: Int64 = 0
        /// The running load; `nil` while none is.
        public var load: LoadProgress?
        /// The journal (history, freed ids) was lost and begun anew.
        public var journalLost = false
        /// The store was unusable, set aside and is rebuilt from the directory.
        public var storeSetAside = false
        /// The daemon's process.
        public var pid: Int32
        /// The daemon's version.
        public var version: String
        /// When the daemon started.
        public var startedAt: Int64
        /// The names that `roster deny` blocks; only for root.
        public var blocked: [BlockedName]?
        /// What access rules suppose and the directory does not show; only for root.
        public var accessProblems: [String]?
        /// The sync cookies with what is confidential taken out; only for root.
        public var cookies: [String]?

        /// A report with everything else empty.
        public init(
            state: MirrorState, since: Int64, pid: Int32, version: String, startedAt: Int64
        ) {
            self.state = state
            self.since = since
            self.pid = pid
            self.version = version
            self.startedAt = startedAt
        }

        /// What anybody on the host may see.
        func reduced() -> StatusReport {
            var report = self
            report.cookies = nil
            report.blocked = nil
            report.accessProblems = nil
            return report
        }
    }

    /// A name that an administrator of this host blocked.
    public struct BlockedName: Codable, Equatable, Sendable {
        /// The name.
        public var name: String
        /// Since when, in seconds since the epoch.
        public var since: Int64
        /// The uid of who blocked it.
        public var byUID: UInt32

        /// A block from its parts.
        public init(name: String, since: Int64, byUID: UInt32) {
            self.name = name
            self.since = since
            self.byUID = byUID
        }
    }

    extension StatusReport {
        /// How much is published and withheld.
        public struct Counts: Codable, Equatable, Sendable {
            /// Published people.
            public var people: Int
            /// Published groups.
            public var groups: Int
            /// Published memberships, nested ones included.
            public var memberships: Int
            /// People and groups that are withheld.
            public var withheld: Int

            /// The counts from their parts.
            public init(people: Int = 0, groups: Int = 0, memberships: Int = 0, withheld: Int = 0) {
                self.people = people
                self.groups = groups
                self.memberships = memberships
                self.withheld = withheld
            }
        }

        /// How many removals are held for confirmation.
        public struct HeldCounts: Codable, Equatable, Sendable {
            /// People.
            public var people: Int
            /// Groups.
            public var groups: Int
            /// Member edges.
            public var memberships: Int

            /// The counts from their parts.
            public init(people: Int = 0, groups: Int = 0, memberships: Int = 0) {
                self.people = people
                self.groups = groups
                self.memberships = memberships
            }

            /// All of them together.
            public var total: Int { people + groups + memberships }
        }

        /// How long the last changes took.
        public struct Delay: Codable, Equatable, Sendable {
            /// How many changes were counted.
            public var changes: Int
            /// The median, in milliseconds.
            public var medianMilliseconds: Double
            /// The 99th percentile, in milliseconds.
            public var p99Milliseconds: Double

            /// A delay from its parts.
            public init(changes: Int, medianMilliseconds: Double, p99Milliseconds: Double) {
                self.changes = changes
                self.medianMilliseconds = medianMilliseconds
                self.p99Milliseconds = p99Milliseconds
            }
        }

        /// How far a running load is.
        public struct LoadProgress: Codable, Equatable, Sendable {
            /// Entries received so far.
            public var entries: Int
            /// How many there were last time; `nil` when nobody knows.
            public var expected: Int?
            /// When the load began.
            public var startedAt: Int64

            /// A progress from its parts.
            public init(entries: Int, expected: Int? = nil, startedAt: Int64) {
                self.entries = entries
                self.expected = expected
                self.startedAt = startedAt
            }
        }
    }

    /// The answer to `wait`.
    public struct WaitReport: Codable, Equatable, Sendable {
        /// Whether the mirror has caught up; `false`: the time ran out first.
        public var inSync: Bool
        /// Where the mirror stands.
        public var state: MirrorState
        /// The generation that is published.
        public var generation: UInt64
        /// What went wrong last; `nil` while nothing is wrong.
        public var lastError: String?

        /// A report from its parts.
        public init(
            inSync: Bool, state: MirrorState, generation: UInt64, lastError: String? = nil
        ) {
            self.inSync = inSync
            self.state = state
            self.generation = generation
            self.lastError = lastError
        }
    }
#endif
