// What keeps entries from being seen, as `roster check` lists it.

#if !hasFeature(Embedded)
    /// What an entry is.
    public enum EntryKind: String, Codable, Sendable, CaseIterable {
        /// A person.
        case person
        /// A group.
        case group
        /// A person's membership in a group.
        case membership
    }

    /// The answer to `check`.
    public struct CheckReport: Codable, Equatable, Sendable {
        /// What does not work until somebody mends it: an attribute the schema does not know, ...
        public var errors: [String]
        /// What works, but probably not as meant.
        public var warnings: [String]
        /// How many entries are withheld.
        public var withheldCount: Int
        /// How many removals are held.
        public var heldCount: Int
        /// How many published entries have something odd about them.
        public var noteCount: Int
        /// The withheld entries; `nil` for anybody but root.
        public var withheld: [WithheldEntry]?
        /// The held removals; `nil` for anybody but root.
        public var held: [HeldRemoval]?
        /// The odd entries; `nil` for anybody but root.
        public var notes: [EntryNote]?

        /// A report from its lists.
        public init(
            errors: [String] = [], warnings: [String] = [], withheld: [WithheldEntry] = [],
            held: [HeldRemoval] = [], notes: [EntryNote] = []
        ) {
            self.errors = errors
            self.warnings = warnings
            withheldCount = withheld.count
            heldCount = held.count
            noteCount = notes.count
            self.withheld = withheld
            self.held = held
            self.notes = notes
        }

        /// Whether there is anything for the administrator to do or to know.
        public var hasFindings: Bool {
            !errors.isEmpty || !warnings.isEmpty || withheldCount + heldCount > 0
        }

        /// What anybody on the host may see: the numbers.
        func reduced() -> CheckReport {
            var report = self
            report.errors = []
            report.warnings = []
            report.withheld = nil
            report.held = nil
            report.notes = nil
            if !errors.isEmpty || !warnings.isEmpty {
                report.errors = ["the configuration has findings that only root may read"]
            }
            return report
        }
    }

    /// An entry that the host's programs do not see.
    public struct WithheldEntry: Codable, Equatable, Sendable {
        /// What it is.
        public var kind: EntryKind
        /// Its identity.
        public var uuid: String
        /// Where it is.
        public var dn: String
        /// The name it would have; `nil` if it has none that can be used.
        public var name: String?
        /// Why, beginning with the attribute at fault.
        public var reason: String
        /// Whether `roster allow NAME` releases it.
        public var canAllow: Bool

        /// An entry from its parts.
        public init(
            kind: EntryKind, uuid: String, dn: String, name: String?, reason: String,
            canAllow: Bool = false
        ) {
            self.kind = kind
            self.uuid = uuid
            self.dn = dn
            self.name = name
            self.reason = reason
            self.canAllow = canAllow
        }
    }

    /// A removal that waits for `roster sync --accept-removals`.
    public struct HeldRemoval: Codable, Equatable, Sendable {
        /// What would go.
        public var kind: EntryKind
        /// The person or group; for a membership the person.
        public var name: String
        /// For a membership the group.
        public var group: String?
        /// Since when it is held, in seconds since the epoch.
        public var since: Int64

        /// A removal from its parts.
        public init(kind: EntryKind, name: String, group: String? = nil, since: Int64) {
            self.kind = kind
            self.name = name
            self.group = group
            self.since = since
        }
    }

    /// What is odd about an entry that is published all the same.
    public struct EntryNote: Codable, Equatable, Sendable {
        /// What it is.
        public var kind: EntryKind
        /// Its name.
        public var name: String
        /// Where it is.
        public var dn: String
        /// What is odd.
        public var text: String

        /// A note from its parts.
        public init(kind: EntryKind, name: String, dn: String, text: String) {
            self.kind = kind
            self.name = name
            self.dn = dn
            self.text = text
        }
    }
#endif
