// Every key of the configuration: what the manual page, the messages and the reader agree on.

internal import Accounts

/// A key of the configuration, its default and what it is for.
public struct SettingsKey: Hashable, Sendable {
    /// The key path; `SERVICE` stands for the name of a PAM service.
    public var path: String
    /// The default as one would write it; empty when there is none.
    public var defaultText: String
    /// What it is for, in one line.
    public var help: String

    fileprivate init(_ path: String, _ defaultText: String, _ help: String) {
        self.path = path
        self.defaultText = defaultText
        self.help = help
    }
}

extension Settings {
    /// Every key, in the order of the manual page.
    public static let keys: [SettingsKey] =
        directoryKeys + attributeKeys + accountKeys + removalKeys + accessKeys + loginKeys + sshKeys
        + messageKeys.map { SettingsKey("messages.\($0.name)", "", "what people are told") }

    private static let directoryKeys = [
        SettingsKey("directory.uris", "", "the servers, tried in this order (required)"),
        SettingsKey("directory.base", "", "the DN below which everything is looked for (required)"),
        SettingsKey("directory.bind_dn", "", "who roster is to the directory; absent: anonymous"),
        SettingsKey("directory.bind_password_file", "", "the file with the password of bind_dn"),
        SettingsKey("directory.sasl", "", "\"external\" over ldapi instead of bind_dn"),
        SettingsKey("directory.tls", "", "\"ldaps\", \"starttls\" or \"off\"; absent: by the URI"),
        SettingsKey(
            "directory.ca_file", "\"/etc/ssl/certs/ca-certificates.crt\"",
            "the certificates that may sign the server's"),
        SettingsKey("directory.schema", "\"auto\"", "how members of groups are written"),
        SettingsKey("directory.sync", "\"auto\"", "how changes are followed"),
        SettingsKey("directory.poll_interval", "\"30s\"", "how often \"poll\" and \"dirsync\" ask"),
        SettingsKey("directory.compare_interval", "\"1h\"", "how often everything is compared"),
        SettingsKey("directory.people_base", "the base", "the DN below which people are"),
        SettingsKey("directory.groups_base", "the base", "the DN below which groups are"),
        SettingsKey("directory.people_filter", "by the schema", "the LDAP filter for people"),
        SettingsKey("directory.groups_filter", "by the schema", "the LDAP filter for groups"),
        SettingsKey("directory.network_timeout", "\"10s\"", "how long one step may take"),
        SettingsKey("directory.refresh_timeout", "\"60s\"", "how long a load may stand still"),
        SettingsKey("directory.entry_id", "\"entryUUID\"", "the attribute that never changes"),
    ]

    private static let attributeKeys = [
        SettingsKey("directory.attributes.uid", "\"uid\"", "the login name"),
        SettingsKey("directory.attributes.uidNumber", "\"uidNumber\"", "the numeric user id"),
        SettingsKey("directory.attributes.gidNumber", "\"gidNumber\"", "the numeric group id"),
        SettingsKey("directory.attributes.gecos", "\"gecos\"", "the full name"),
        SettingsKey("directory.attributes.homeDirectory", "\"homeDirectory\"", "the home"),
        SettingsKey("directory.attributes.loginShell", "\"loginShell\"", "the shell"),
        SettingsKey("directory.attributes.groupName", "\"cn\"", "the name of a group"),
        SettingsKey("directory.attributes.memberUid", "\"memberUid\"", "members by login name"),
        SettingsKey(
            "directory.attributes.member", "[\"member\", \"uniqueMember\"]", "members by DN"),
    ]

    private static let accountKeys = [
        SettingsKey("accounts.ids", "\"attribute\"", "where uids and gids come from"),
        SettingsKey("accounts.min_id", "1000", "the smallest uid and gid that is let in"),
        SettingsKey("accounts.max_id", "60000", "the largest uid and gid that is let in"),
        SettingsKey("accounts.sid_slice_size", "200000", "how many ids a slice of \"sid\" has"),
        SettingsKey("accounts.default_gid", "", "the primary gid of people without one"),
        SettingsKey("accounts.disabled", "[]", "more marks of a disabled account"),
        SettingsKey("accounts.default_shell", "\"/bin/bash\"", "the shell of people without one"),
        SettingsKey("accounts.replace_shells", "[]", "shells replaced by default_shell"),
        SettingsKey("accounts.default_home", "", "the home of people without one; %u: the name"),
        SettingsKey("accounts.home_prefixes", "[\"/home\"]", "where home directories may lie"),
        SettingsKey("accounts.id_reuse", "false", "whether a freed name or id may be given anew"),
        SettingsKey("accounts.privileged_groups", "[]", "privileged group names to let in"),
        SettingsKey(
            "accounts.extra_name_characters", "", "more characters of names: @, +, $, space"),
        SettingsKey("accounts.fold_names", "false", "whether names become lower case"),
        SettingsKey("accounts.max_name_length", "32", "the longest name in octets, up to 256"),
    ]

    private static let removalKeys = [
        SettingsKey("removals.percent", "20", "removals above this share are held"),
        SettingsKey("removals.count", "10", "as long as they are more than this many"),
        SettingsKey("removals.window", "\"10m\"", "the time over which removals are counted"),
    ]

    private static let accessKeys =
        ["access", "access.SERVICE"].flatMap { table in
            [
                SettingsKey("\(table).allow_groups", "", "groups that may log in"),
                SettingsKey("\(table).deny_groups", "[]", "groups that may not; wins"),
                SettingsKey("\(table).allow_users", "", "people who may log in"),
            ]
        }

    private static let loginKeys = [
        SettingsKey("login.timeout", "\"3s\"", "how long a password check may take"),
        SettingsKey("login.offline", "true", "whether a cached verifier may stand in"),
        SettingsKey("login.offline_max_age", "\"24h\"", "how long a verifier is good for"),
        SettingsKey("login.max_staleness", "\"7d\"", "how old the mirror may be, or \"never\""),
        SettingsKey("login.reset_dn", "", "who sets passwords of others; absent: nobody here may"),
        SettingsKey("login.reset_password_file", "", "the file with the password of reset_dn"),
    ]

    /// The keys of `[messages]` and the verdicts that they give words to.
    static let messageKeys: [(name: String, verdict: LoginVerdict)] = [
        ("removed", .removed), ("blocked", .blocked), ("disabled", .disabled),
        ("expired", .expired), ("denied", .denied), ("not_allowed", .notAllowed),
        ("stale", .stale), ("must_change", .mustChangePassword), ("locked", .locked),
        ("password_expired", .passwordExpired), ("unavailable", .undecidable),
    ]

    private static let sshKeys = [
        SettingsKey("ssh.key_attribute", "\"sshPublicKey\"", "the attribute with the public keys"),
        SettingsKey("ssh.allow_key_options", "false", "whether keys may carry options"),
    ]
}
