// What the directory sends, and what the local rules make of it: from DirectorySync to AccountStore.

#if !hasFeature(Embedded)
    /// An entry as the directory shows it, reduced to the attributes that were asked for.
    public struct DirectoryEntry: Equatable, Sendable {
        /// Its identity.
        public var uuid: EntryUUID
        /// Its distinguished name as the server writes it.
        public var dn: String
        /// Its attributes as sent.
        public var attributes: AttributeList

        /// An entry from its parts.
        public init(uuid: EntryUUID, dn: String, attributes: AttributeList) {
            self.uuid = uuid
            self.dn = dn
            self.attributes = attributes
        }
    }

    /// An entry after the local rules (attribute map, validation) were applied to it alone.
    ///
    /// What depends on other entries (double names and ids, re-use, memberships) is the store's.
    public struct EvaluatedEntry: Equatable, Sendable {
        /// The entry as the directory shows it.
        public var entry: DirectoryEntry
        /// The DN in the form in which two spellings of one DN are equal (RFC 4514, folded).
        public var dnKey: String
        /// What groups list the entry by: ``dnKey``, or the object itself where the directory says which
        /// one a DN means.
        public var linkKey: String
        /// The change stamp that the comparison uses: entryCSN, else uSNChanged, else modifyTimestamp,
        /// else empty.
        public var stamp: String
        /// createTimestamp in seconds since the epoch; `Int64.max` when the server does not say.
        ///
        /// Of two entries with one name or id the earlier keeps it.
        public var createdAt: Int64
        /// What the entry is.
        public var content: EntryContent

        /// An evaluated entry from its parts.
        public init(
            entry: DirectoryEntry, dnKey: String, linkKey: String? = nil, stamp: String,
            createdAt: Int64, content: EntryContent
        ) {
            self.entry = entry
            self.dnKey = dnKey
            self.linkKey = linkKey ?? dnKey
            self.stamp = stamp
            self.createdAt = createdAt
            self.content = content
        }
    }

    /// What an entry is to roster.
    public enum EntryContent: Equatable, Sendable {
        /// A person with (or, when withheld, perhaps without) usable passwd fields.
        case person(PersonCandidate)
        /// A group: published if it has name and gid, otherwise it only passes members on.
        case group(GroupCandidate)
        /// Neither; kept so that presence can be compared.
        case other
    }

    /// A person as the entry alone would be published.
    public struct PersonCandidate: Equatable, Sendable {
        /// The fields of passwd(5); empty or 0 where the entry has no usable value (then withheld).
        public var passwd: PasswdFields
        /// Disabled, expired, must change.
        public var state: AccountState
        /// Keys and the mark of the password.
        public var login: LoginAttributes
        /// Why the person must not be published, beginning with the attribute at fault; `nil`: may be.
        public var withheld: String?
        /// What `roster check` reports although the person is published (a shell replaced by
        /// nologin, an id inside a /etc/subuid range, ...).
        public var notes: [String]

        /// A candidate from its parts.
        public init(
            passwd: PasswdFields, state: AccountState = .active,
            login: LoginAttributes = LoginAttributes(), withheld: String? = nil,
            notes: [String] = []
        ) {
            self.passwd = passwd
            self.state = state
            self.login = login
            self.withheld = withheld
            self.notes = notes
        }
    }

    /// What an entry says about logging in beside the state; takes no memory of its own when the
    /// entry says nothing.
    public struct LoginAttributes: Equatable, Sendable {
        /// Lines for authorized_keys(5): each one valid public key.
        public var keys: [String] = []
        /// Changes whenever the directory shows that the password changed; empty where no such
        /// attribute is readable.
        public var passwordStamp = ""

        /// What an entry says that says nothing.
        public init() {}
    }

    /// The fields of passwd(5) without the password, which is always `*`.
    public struct PasswdFields: Equatable, Sendable {
        /// `pw_name`, validated.
        public var name: String
        /// `pw_uid`.
        public var uid: UInt32
        /// `pw_gid`.
        public var gid: UInt32
        /// `pw_gecos`: UTF-8, no control characters, no colon.
        public var gecos: String
        /// `pw_dir`: absolute, below an allowed prefix.
        public var home: String
        /// `pw_shell`.
        public var shell: String

        /// The fields from their parts.
        public init(
            name: String, uid: UInt32, gid: UInt32, gecos: String, home: String, shell: String
        ) {
            self.name = name
            self.uid = uid
            self.gid = gid
            self.gecos = gecos
            self.home = home
            self.shell = shell
        }
    }

    /// A group as the entry alone would be published.
    public struct GroupCandidate: Equatable, Sendable {
        /// `gr_name`, validated; `nil` for a group without usable name, which only passes members on.
        public var name: String?
        /// `gr_gid`; `nil` for a group that is no POSIX group: access rules alone go by its name.
        public var gid: UInt32?
        /// The members as written, each once.
        public var members: [MemberReference]
        /// Why the group must not be published (its members pass on all the same); `nil`: may be.
        public var withheld: String?
        /// What `roster check` reports although the group is published.
        public var notes: [String]

        /// A candidate from its parts.
        public init(
            name: String?, gid: UInt32?, members: [MemberReference], withheld: String? = nil,
            notes: [String] = []
        ) {
            self.name = name
            self.gid = gid
            self.members = members
            self.withheld = withheld
            self.notes = notes
        }
    }

    /// A member of a group as the directory writes it.
    public enum MemberReference: Hashable, Sendable {
        /// member, uniqueMember: a DN in its comparable form (see ``EvaluatedEntry/linkKey``).
        case dn(String)
        /// memberUid: a login name.
        case name(String)
    }
#endif
