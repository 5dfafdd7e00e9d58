// One person and one group, as `roster user` and `roster group` show them.

#if !hasFeature(Embedded)
    /// A name and its number; the name is `nil` when no group object has the number.
    public struct NamedID: Codable, Equatable, Sendable {
        /// `gr_name`.
        public var name: String?
        /// `gr_gid`.
        public var id: UInt32

        /// A pair from its parts.
        public init(name: String?, id: UInt32) {
            self.name = name
            self.id = id
        }
    }

    /// A person: what getpwnam(3) answers, and for root what stands behind it.
    public struct AccountReport: Codable, Equatable, Sendable {
        /// `pw_name`; what the entry has, if it is withheld.
        public var name: String
        /// `pw_uid`.
        public var uid: UInt32
        /// `pw_gid`.
        public var gid: UInt32
        /// `pw_gecos`.
        public var gecos: String
        /// `pw_dir`.
        public var home: String
        /// `pw_shell`.
        public var shell: String
        /// All groups, nested ones included, the primary group first.
        public var groups: [NamedID]
        /// Whether the host's programs can see the person.
        public var published = true
        /// What only root sees.
        public var details: Details?

        /// A report from its parts.
        public init(
            name: String, uid: UInt32, gid: UInt32, gecos: String, home: String, shell: String,
            groups: [NamedID], published: Bool = true, details: Details? = nil
        ) {
            self.name = name
            self.uid = uid
            self.gid = gid
            self.gecos = gecos
            self.home = home
            self.shell = shell
            self.groups = groups
            self.published = published
            self.details = details
        }

        /// What only root sees of a person; times are seconds since the epoch.
        public struct Details: Codable, Equatable, Sendable {
            /// The entry's identity.
            public var uuid: String
            /// Where the entry is.
            public var dn: String
            /// Why the person is withheld; `nil`: is not.
            public var withheld: String?
            /// What is odd though the person is published.
            public var notes: [String]
            /// Disabled by the directory.
            public var disabled: Bool
            /// Expired from this moment on; `nil`: never.
            public var expiresAt: Int64?
            /// The directory wants a new password first.
            public var mustChangePassword: Bool
            /// The directory removed the person then, and the removal is held; `nil`: it is not.
            public var heldSince: Int64?

            /// The details from their parts.
            public init(
                uuid: String, dn: String, withheld: String? = nil, notes: [String] = [],
                disabled: Bool = false, expiresAt: Int64? = nil, mustChangePassword: Bool = false,
                heldSince: Int64? = nil
            ) {
                self.uuid = uuid
                self.dn = dn
                self.withheld = withheld
                self.notes = notes
                self.disabled = disabled
                self.expiresAt = expiresAt
                self.mustChangePassword = mustChangePassword
                self.heldSince = heldSince
            }
        }

        /// What anybody on the host may see: nothing, if the person is not published.
        func reduced() -> AccountReport? {
            guard published else { return nil }
            var report = self
            report.details = nil
            return report
        }
    }

    /// A group: what getgrnam(3) answers, and for root what stands behind it.
    public struct GroupReport: Codable, Equatable, Sendable {
        /// `gr_name`; what the entry has, if it is withheld.
        public var name: String
        /// `gr_gid`.
        public var gid: UInt32
        /// `gr_mem`: published people, members of nested groups included.
        public var members: [String]
        /// Whether the host's programs can see the group.
        public var published = true
        /// What only root sees.
        public var details: Details?

        /// A report from its parts.
        public init(
            name: String, gid: UInt32, members: [String], published: Bool = true,
            details: Details? = nil
        ) {
            self.name = name
            self.gid = gid
            self.members = members
            self.published = published
            self.details = details
        }

        /// What only root sees of a group.
        public struct Details: Codable, Equatable, Sendable {
            /// The entry's identity.
            public var uuid: String
            /// Where the entry is.
            public var dn: String
            /// Why the group is withheld; `nil`: is not.
            public var withheld: String?
            /// What is odd though the group is published.
            public var notes: [String]
            /// The directory removed the group then, and the removal is held; `nil`: it is not.
            public var heldSince: Int64?

            /// The details from their parts.
            public init(
                uuid: String, dn: String, withheld: String? = nil, notes: [String] = [],
                heldSince: Int64? = nil
            ) {
                self.uuid = uuid
                self.dn = dn
                self.withheld = withheld
                self.notes = notes
                self.heldSince = heldSince
            }
        }

        /// What anybody on the host may see: nothing, if the group is not published.
        func reduced() -> GroupReport? {
            guard published else { return nil }
            var report = self
            report.details = nil
            return report
        }
    }
#endif
