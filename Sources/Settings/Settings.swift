// The configuration of roster as one validated value.

public import Accounts

/// What `/etc/roster/roster.toml` says, complete and consistent.
public struct Settings: Equatable, Sendable {
    /// Where the configuration is unless another file is named.
    public static let defaultPath = "/etc/roster/roster.toml"

    /// The directory: where it is and how it is asked.
    public var directory: Directory
    /// Which accounts are let in, and as what.
    public var accounts: AccountPolicy
    /// Whether a name or id that a removed account had may be given to another person.
    public var allowsIDReuse: Bool
    /// When removals are held for confirmation.
    public var removals: Removals
    /// Who may log in.
    public var access: Access
    /// How logins are decided.
    public var login: Login
    /// What sshd gets.
    public var ssh: SSH
    /// What people are told with a verdict, where it is not the built-in text; one line each.
    public var messages: [LoginVerdict: String]
    /// The attributes that the directory's schema must know, each with the key that names it.
    public var namedAttributes: [NamedAttribute]

    /// The table `[directory]`.
    public struct Directory: Equatable, Sendable {
        /// The servers, in the order in which they are tried; never empty.
        public var uris: [DirectoryURI]
        /// The DN below which everything lies that has no base of its own.
        public var base: String
        /// How roster says who it is.
        public var bind: Bind
        /// The PEM file of the authorities that may sign the server's certificate.
        public var caFile: String
        /// How changes are followed.
        public var sync: SyncChoice
        /// How often the polling strategies ask.
        public var pollInterval: Duration
        /// How often every entry is compared at the least; see ``Settings/comparisonInterval``.
        public var compareInterval: Duration
        /// The DN below which people are.
        public var peopleBase: String
        /// The DN below which groups are.
        public var groupsBase: String
        /// The LDAP filter for people; `nil`: what fits the schema.
        public var peopleFilter: String?
        /// The LDAP filter for groups; `nil`: what fits the schema.
        public var groupsFilter: String?
        /// How long one step on the network may take.
        public var networkTimeout: Duration
        /// How long a refresh may make no progress.
        public var refreshTimeout: Duration
        /// The attribute with the identity of an entry.
        public var entryID: String
    }

    /// How roster says who it is to the directory.
    public enum Bind: Equatable, Sendable {
        /// It does not.
        case anonymous
        /// By name and password; see ``Settings/readBindPassword(credentialsDirectory:)``.
        case simple(dn: String, passwordFile: String?)
        /// SASL EXTERNAL: by the user it runs as, over ldapi.
        case external
    }

    /// How changes are followed.
    public enum SyncChoice: String, CaseIterable, Sendable {
        /// By what the directory offers.
        case automatic = "auto"
        /// RFC 4533.
        case syncrepl
        /// As Active Directory offers it.
        case dirsync
        /// Asking again and again for what changed.
        case poll
    }

    /// The table `[removals]`: more than both numbers at once within the window is held.
    public struct Removals: Equatable, Sendable {
        /// The share in percent above which removals are held.
        public var percent: Int
        /// The number up to which they never are, unless nothing would be left.
        public var count: Int
        /// The time over which removals are counted.
        public var window: Duration
    }

    /// The table `[access]`.
    public struct Access: Equatable, Sendable {
        /// The rule for services that have none of their own.
        public var general: AccessRule
        /// The rules for single PAM services, by the service's name; each stands alone.
        public var services: [String: AccessRule]
    }

    /// Who may log in through a service.
    public struct AccessRule: Equatable, Sendable {
        /// The groups whose members may, by name or entry UUID; `nil`: not restricted by group;
        /// never empty.
        public var allowGroups: [String]?
        /// The groups whose members may not, whatever else is said.
        public var denyGroups: [String]
        /// The people who may besides the groups; `nil`: not restricted by name; never empty.
        public var allowUsers: [String]?
    }

    /// The table `[login]`.
    public struct Login: Equatable, Sendable {
        /// How long a password check may take altogether.
        public var timeout: Duration
        /// Whether a cached verifier may stand in for a directory that does not answer.
        public var isOfflineAllowed: Bool
        /// How long after the last bind a verifier is good for.
        public var offlineMaxAge: Duration
        /// How old the mirror may be before nobody is admitted any more; `nil`: never too old.
        public var maxStaleness: Duration?
        /// Who sets the passwords of others to the directory; `nil`: root on this host may not.
        public var resetDN: String?
        /// The file with its password; see ``Settings/readResetPassword(credentialsDirectory:)``.
        public var resetPasswordFile: String?
    }

    /// The table `[ssh]`.
    public struct SSH: Equatable, Sendable {
        /// The attribute with the public keys.
        public var keyAttribute: String
        /// Whether keys may carry options such as `command=`.
        public var allowsKeyOptions: Bool
    }

    /// Reads and checks a configuration file; blocks on the disk only.
    ///
    /// Throws the place of a syntax error, or everything else that is wrong at once.
    public static func load(path: String = defaultPath) throws(SettingsError) -> Settings {
        let file = try FileContents(path: path, limit: longestFile)
        return try parse(file.bytes, path: path)
    }

    /// Checks a configuration that was read already; `path` is what messages call it.
    public static func parse(
        _ bytes: [UInt8], path: String = defaultPath
    ) throws(SettingsError) -> Settings {
        let document = SettingsTable(
            prefix: "", values: try ConfigurationValue.document(bytes, path: path))
        var reader = SettingsReader()
        let settings = reader.settings(document)
        reader.reportUnknownKeys(in: document)
        guard reader.problems.isEmpty else {
            let problems = Set(reader.problems).sorted {
                ($0.key, $0.problem) < ($1.key, $1.problem)
            }
            throw .invalid(path: path, problems: problems)
        }
        return settings
    }

    /// Octets; a configuration of more than this is another file.
    private static let longestFile = 1 << 20
}
