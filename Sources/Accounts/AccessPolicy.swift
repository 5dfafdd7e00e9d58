// Who may log in, as the index carries it: the rules of `[access]` with their group names resolved.

#if !hasFeature(Embedded)
    /// What the account gate decides by, beside the accounts themselves.
    public struct AccessPolicy: Equatable, Sendable {
        /// How old the mirror may be, in seconds; `nil`: never too old.
        public var maxStaleness: Int64?
        /// The rule for services without one of their own.
        public var general = AccessRule()
        /// The rules of single PAM services, by the service's name; each stands alone.
        public var services: [String: AccessRule] = [:]
        /// The groups that the rules name.
        public var groups: [AccessGroup] = []
        /// Whether ssh keys may have options before them (`[ssh] allow_key_options`).
        public var allowKeyOptions = false
        /// What a person is told with a refusal; a verdict without a text has the built-in one.
        public var texts: [LoginVerdict: String] = [:]

        /// The policy of a configuration that says nothing but how old the mirror may be.
        public init(maxStaleness: Int64? = nil) {
            self.maxStaleness = maxStaleness
        }
    }

    /// Who may log in through a service; groups as numbers of ``AccessGroup/slot``.
    ///
    /// A name of the configuration can stand for several slots: a deny rule applies to every group
    /// that bears or bore the name.
    public struct AccessRule: Equatable, Sendable {
        /// Members of these may; `nil`: not restricted by group; empty: nobody by group.
        public var allowGroups: [UInt32]?
        /// Members of these may not, whatever else is said.
        public var denyGroups: [UInt32] = []
        /// These may besides the groups; `nil`: not restricted by name.
        public var allowUsers: [String]?

        /// A rule that admits every valid account.
        public init() {}
    }

    /// A group that a rule names, bound to an entry of the directory.
    public struct AccessGroup: Equatable, Sendable {
        /// Its number in the rules and in ``PublishedPerson/accessGroups``; never 0, never re-used.
        public var slot: UInt32
        /// The name or entry UUID as configured, for the log.
        public var name: String
        /// `gr_gid` if the group is published: whose primary group it is counts as a member.
        public var gid: UInt32?

        /// A bound group from its parts.
        public init(slot: UInt32, name: String, gid: UInt32?) {
            self.slot = slot
            self.name = name
            self.gid = gid
        }
    }
#endif
