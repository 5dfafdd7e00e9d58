// A few entries of a directory: which of the attributes that roster reads can be seen at all.

internal import Accounts
internal import DirectorySync
internal import LDAPClient
internal import Settings

/// What the bind identity sees of the first people and groups below the base.
public struct DirectorySample: Codable, Equatable, Sendable {
    /// How many people were looked at.
    public var people = 0
    /// How many groups were looked at.
    public var groups = 0
    /// The attributes that matter, and on how many people each was seen.
    public var attributes: [Sight] = []
    /// How members of groups are written.
    public var members = "unknown"
    /// On how many people the attribute of the uid was seen.
    public var withUID: Int { attributes.first { $0.use == Self.uidUse }?.seen ?? 0 }

    private static let uidUse = "the uid"

    /// Whether the bind identity sees hashes of passwords, which roster never needs.
    public var showsPasswords = false

    /// An attribute as it was seen.
    public struct Sight: Codable, Equatable, Sendable {
        /// The attribute.
        public var name: String
        /// What it is for.
        public var use: String
        /// On how many people it was seen.
        public var seen: Int
        /// Whether nobody can be published or followed without it.
        public var isNeeded: Bool
        /// Whether the server's schema knows it; `nil`: the server does not show its schema.
        public var isKnown: Bool?
    }

    /// People and groups that are looked at, at most.
    private static let most = 200

    init(_ settings: Settings, on session: borrowing LDAPSession) throws(LDAPError) {
        let wanted = Self.attributes(settings)
        let people = try session.first(
            Self.most,
            of: LDAPSearch(
                base: settings.directory.peopleBase, scope: .subtree,
                filter: Self.peopleFilter(settings),
                attributes: wanted.map(\.name) + ["userPassword"]))
        let schema = try session.readAttributeSchema(session.readRootDSE())
        self.people = people.count
        showsPasswords = people.contains { $0.attributes["userpassword"]?.isEmpty == false }
        attributes = wanted.map { wanted in
            let key = wanted.name.lowercased()
            var sight = wanted
            sight.seen = people.count { $0.attributes[key]?.isEmpty == false }
            sight.isKnown = schema?.contains(wanted.name)
            return sight
        }
        try lookAtGroups(settings, on: session)
    }

    private mutating func lookAtGroups(
        _ settings: Settings, on session: borrowing LDAPSession
    ) throws(LDAPError) {
        let map = settings.accounts.attributes
        let classes = [
            "posixGroup", "groupOfNames", "groupOfUniqueNames", "groupOfMembers", "group",
        ]
        let filter = "(|\(classes.map { "(objectClass=\($0))" }.joined()))"
        let found = try session.first(
            Self.most,
            of: LDAPSearch(
                base: settings.directory.groupsBase, scope: .subtree,
                filter: settings.directory.groupsFilter ?? filter,
                attributes: map.member + [map.memberUid]))
        groups = found.count
        func isShown(_ names: [String]) -> Bool {
            found.contains { entry in
                names.contains { entry.attributes[$0.lowercased()]?.isEmpty == false }
            }
        }
        members =
            switch (isShown([map.memberUid]), isShown(map.member)) {
            case (true, true): "by login name and by DN"
            case (true, false): "by login name (rfc2307)"
            case (false, true): "by DN (rfc2307bis)"
            case (false, false): "no group shows any"
            }
    }

    static func peopleFilter(_ settings: Settings) -> String {
        if let filter = settings.directory.peopleFilter { return filter }
        let map = settings.accounts.attributes
        guard settings.accounts.schema == .activeDirectory else {
            guard settings.accounts.idSource == .hash else { return "(\(map.uidNumber)=*)" }
            return "(|(objectClass=posixAccount)(&(objectClass=person)(\(map.uid)=*)))"
        }
        // Those without a uidNumber too: how many have one decides where ids come from.
        return "(&(objectCategory=person)(objectClass=user)"
            + "(\(map.uid)=*))"
    }

    /// Everything that matters about people.
    private static func attributes(_ settings: Settings) -> [Sight] {
        let map = settings.accounts.attributes
        func sight(_ name: String, _ use: String, needed: Bool = false) -> Sight {
            Sight(name: name, use: use, seen: 0, isNeeded: needed)
        }
        let isActiveDirectory = settings.accounts.schema == .activeDirectory
        // There ids can come from objectSid, which is asked about where nobody has others.
        let areIDsNeeded = !isActiveDirectory && settings.accounts.idSource == .attribute
        let isGIDNeeded = !isActiveDirectory && settings.accounts.defaultGID == nil
        var all = [
            sight(settings.directory.entryID, "the identity of an entry", needed: true),
            sight(map.uid, "the login name", needed: true),
            sight(map.uidNumber, uidUse, needed: areIDsNeeded),
            sight(map.gidNumber, "the primary group", needed: isGIDNeeded),
            sight(map.homeDirectory, "the home directory"),
            sight(settings.ssh.keyAttribute, "public keys for ssh"),
        ]
        if isActiveDirectory {
            all += [
                sight("objectSid", "the uid and gid of ids = \"sid\""),
                sight("uSNChanged", "the change stamp", needed: true),
                sight("userAccountControl", "a disabled account"),
                sight("pwdLastSet", "a password that must be changed"),
            ]
        } else {
            all += [
                sight("entryCSN", "the change stamp, for comparisons"),
                sight("pwdAccountLockedTime", "a locked account"),
            ]
        }
        for rule in settings.accounts.disabled {
            guard settings.namedAttributes.contains(where: { $0.attribute == rule.attribute }),
                !all.contains(where: { $0.name == rule.attribute })
            else { continue }
            all.append(sight(rule.attribute, "a disabled account"))
        }
        return all
    }
}

extension LDAPSession {
    /// The first entries that a search shows, at most `count`; the rest is not waited for.
    ///
    /// Blocks at most `operationTimeout` between two messages.
    borrowing func first(
        _ count: Int, of search: LDAPSearch
    ) throws(LDAPError) -> [LDAPEntry] {
        let id = try start(search)
        var entries: [LDAPEntry] = []
        while entries.count < count {
            guard let message = try nextMessage(timeout: options.operationTimeout) else {
                throw LDAPError(
                    server: options.uri, step: .search, code: .timeout,
                    diagnostic: "no answer within \(options.operationTimeout)",
                    remedy: "is the server stopped or overloaded?")
            }
            guard message.id == id else { continue }
            if message.kind == .entry { entries.append(try message.copiedEntry()) }
            guard message.kind == .searchResult else { continue }
            let result = try message.result()
            let isEnough = [.success, .sizeLimitExceeded].contains(result.code)
            if isEnough || result.code == .noSuchObject { return entries }
            throw LDAPError(
                server: options.uri, step: .search, code: result.code,
                diagnostic: result.diagnostic, remedy: "see the server's log")
        }
        abandon(id)
        return entries
    }
}
