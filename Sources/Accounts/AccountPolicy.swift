// What the administrator allows directory accounts to be: from Settings to DirectorySync.

#if !hasFeature(Embedded)
    /// The local rules for directory accounts, as `[accounts]` and `[directory]` state them.
    public struct AccountPolicy: Equatable, Sendable {
        /// The ids that people and groups may have; ``ReservedIDs`` stay withheld inside it.
        ///
        /// The default ends below the ids that containers use, so these need a window that names
        /// them.
        public var ids: ClosedRange<UInt32> = 1000...60000
        /// Where uids and gids come from.
        public var idSource = IDSource.attribute
        /// How many ids a slice has, with ids from security identifiers.
        public var sidSliceSize: UInt32 = 200_000
        /// The primary gid of people whose entry names none; `nil`: they are withheld.
        public var defaultGID: UInt32?
        /// Any one of these that holds makes a person disabled.
        public var disabled: [DisabledRule] = DisabledRule.presets.flatMap(\.rules)
        /// The attributes that say from when on a person is expired; the earliest counts.
        public var expiry: [ExpiryRule] = DisabledRule.presets.flatMap(\.expiry)
        /// The shell of a person without one, and of one whose shell is in ``replaceShells``.
        public var defaultShell = "/bin/bash"
        /// Shells that are replaced by ``defaultShell``.
        public var replaceShells: [String] = []
        /// The home directory of people without one, `%u` standing for the name; `nil`: they are
        /// withheld.
        public var defaultHome: String?
        /// Home directories lie below one of these; absolute, without a trailing slash.
        public var homePrefixes: [String] = ["/home"]
        /// The names that people and groups may have.
        public var names = AccountNameRule()
        /// Whether upper-case ASCII letters in names of people and groups become lower-case ones.
        public var foldsNames = false
        /// Names of privileged groups that the directory may provide all the same.
        public var privilegedGroups: [String] = []
        /// Which attributes say what.
        public var attributes = AttributeMap()
        /// How members of groups are written.
        public var schema = DirectorySchema.automatic
        /// The attribute with a person's public keys; as configured.
        public var keyAttribute = "sshPublicKey"
        /// Whether keys may carry options such as `command=`.
        public var allowsKeyOptions = false

        /// The policy of a configuration that says nothing.
        public init() {}
    }

    /// Where uids and gids come from; `[accounts] ids`.
    public enum IDSource: String, CaseIterable, Equatable, Sendable {
        /// From the attributes that the map names.
        case attribute
        /// From objectSid and primaryGroupID, as SSSD's ldap_id_mapping computes them.
        case sid
        /// From a hash of the entry's identity; the primary gid of people stays an attribute.
        case hash

        /// The ids of people and groups where the configuration names no window: those of SSSD where
        /// they are computed, which need room.
        public var usualWindow: ClosedRange<UInt32> {
            self == .attribute ? 1000...60000 : 200_000...2_000_200_000
        }
    }

    /// How a directory writes people and groups.
    public enum DirectorySchema: String, CaseIterable, Equatable, Sendable {
        /// Whatever the entry shows.
        case automatic = "auto"
        /// Members as login names in memberUid; DNs are not looked at.
        case rfc2307
        /// Members as DNs in member or uniqueMember; memberUid is not looked at.
        case rfc2307bis
        /// Active Directory: names in sAMAccountName, members as DNs.
        case activeDirectory = "ad"
    }

    /// The names of the attributes that roster reads; `[directory.attributes]`.
    ///
    /// As configured; attribute names are compared without regard to case.
    public struct AttributeMap: Equatable, Sendable {
        /// The login name.
        public var uid = "uid"
        /// The numeric user id.
        public var uidNumber = "uidNumber"
        /// The primary group of a person, the id of a group.
        public var gidNumber = "gidNumber"
        /// The full name; cn and displayName stand in for it.
        public var gecos = "gecos"
        /// The home directory.
        public var homeDirectory = "homeDirectory"
        /// The shell.
        public var loginShell = "loginShell"
        /// The name of a group.
        public var groupName = "cn"
        /// Members of a group by login name.
        public var memberUid = "memberUid"
        /// Members of a group by DN.
        public var member = ["member", "uniqueMember"]

        /// The names of RFC 2307 and RFC 2307bis.
        public init() {}

        /// The names that Active Directory uses.
        public static var activeDirectory: AttributeMap {
            var map = AttributeMap()
            map.uid = "sAMAccountName"
            map.homeDirectory = "unixHomeDirectory"
            map.groupName = "sAMAccountName"
            map.member = ["member"]
            return map
        }
    }

    /// An attribute that a rule or a map names, and the key of the configuration that names it.
    public struct NamedAttribute: Hashable, Sendable {
        /// The attribute as written.
        public var attribute: String
        /// The key path, such as `accounts.disabled`.
        public var key: String

        /// A named attribute from its parts.
        public init(attribute: String, key: String) {
            self.attribute = attribute
            self.key = key
        }
    }
#endif
