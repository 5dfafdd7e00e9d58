// What one transaction of the store changed of what the host sees: from AccountStore to AccountIndex.

#if !hasFeature(Embedded)
    /// A person as published: passwd, the groups, and what the gate decides by.
    public struct PublishedPerson: Equatable, Sendable {
        /// The entry's identity.
        public var uuid: EntryUUID
        /// The fields of passwd(5).
        public var passwd: PasswdFields
        /// The gids of all published groups the person is in, nested ones included; ascending, each
        /// once, without the primary group unless it lists the person.
        public var groups: [UInt32]
        /// Disabled, expired, must change.
        public var state: AccountState
        /// What else the gate and the login service go by.
        public var login = LoginFacts()

        /// A published person from its parts.
        public init(
            uuid: EntryUUID, passwd: PasswdFields, groups: [UInt32], state: AccountState,
            login: LoginFacts = LoginFacts()
        ) {
            self.uuid = uuid
            self.passwd = passwd
            self.groups = groups
            self.state = state
            self.login = login
        }
    }

    /// What gate and login service know of a person beside the state.
    public struct LoginFacts: Equatable, Sendable {
        /// Lines for authorized_keys(5): each one valid public key.
        public var keys: [String] = []
        /// The slots of the access groups that the person is a member of, ascending, each once.
        ///
        /// Nested groups included, groups without gid too, and deny groups that vanished while the
        /// person was in them. The primary group counts only if it lists the person.
        public var accessGroups: [UInt32] = []
        /// Whether an administrator of this host blocked the person (`roster deny`).
        public var isBlocked = false
        /// When the directory last confirmed a person whose removal is held, in seconds since the
        /// epoch; `nil`: not held, confirmed whenever the mirror is.
        public var confirmedAt: Int64?
        /// Changes whenever the directory shows that the password changed; empty where no such
        /// attribute is readable.
        public var passwordStamp = ""

        /// The facts of a person of whom nothing is known.
        public init() {}
    }

    /// The two keys under which a person or a group is found.
    public struct PublishedKey: Hashable, Sendable {
        /// `pw_name` or `gr_name`.
        public var name: String
        /// `pw_uid` or `gr_gid`.
        public var id: UInt32

        /// A key from its parts.
        public init(name: String, id: UInt32) {
            self.name = name
            self.id = id
        }
    }

    /// A person who appeared, changed or went.
    public struct PersonChange: Equatable, Sendable {
        /// Where the person was found before; `nil`: not published before.
        public var was: PublishedKey?
        /// The person now; `nil`: no longer published.
        public var now: PublishedPerson?

        /// A change from its parts.
        public init(was: PublishedKey?, now: PublishedPerson?) {
            self.was = was
            self.now = now
        }
    }

    /// A group that appeared, changed or went.
    public struct GroupChange: Equatable, Sendable {
        /// Where the group was found before; `nil`: not published before.
        public var was: PublishedKey?
        /// Where it is found now; `nil`: no longer published.
        public var now: PublishedKey?
        /// Names of published people who became members; for a new group all of them.
        public var membersAdded: [String]
        /// Names that no longer are members (a renamed person: old name here, new one above).
        public var membersRemoved: [String]

        /// A change from its parts.
        public init(
            was: PublishedKey?, now: PublishedKey?, membersAdded: [String], membersRemoved: [String]
        ) {
            self.was = was
            self.now = now
            self.membersAdded = membersAdded
            self.membersRemoved = membersRemoved
        }
    }

    /// Everything one transaction changed of what is published; empty when nothing did.
    public struct PublicationChange: Equatable, Sendable {
        /// People, in no particular order.
        public var people: [PersonChange]
        /// Groups, in no particular order.
        public var groups: [GroupChange]
        /// The access rules, if they or what their names mean changed.
        public var policy: AccessPolicy?

        /// A change from its parts.
        public init(
            people: [PersonChange] = [], groups: [GroupChange] = [], policy: AccessPolicy? = nil
        ) {
            self.people = people
            self.groups = groups
            self.policy = policy
        }

        /// Whether nothing that is published changed.
        public var isEmpty: Bool {
            people.isEmpty && groups.isEmpty && policy == nil
        }
    }
#endif
