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
    /// Whether following the directory shows deletions; if not, comparisons alone find them.
    public var showsDeletions = false

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

    init(
        _ settings: Settings, _ strategy: SyncStrategy, on session: borrowing LDAPSession
    ) throws(LDAPError) {
        let wanted = Self.attributes(settings, entryID: strategy.entryID.name)
        let people = try session.first(
            Self.most,
            of: LDAPSearch(
                base: settings.directory.peopleBase, scope: .subtree,
                filter: Self.peopleFilter(settings),
                attributes: wanted.map(\.name) + ["userPassword"]),
            inPages: strategy.method == .usn)
        let schema = try session.readAttributeSchema(session.readRootDSE())
        self.people = people.count
        showsPasswords = people.contains { $0.attributes["userpassword"]?.isEmpty == false }
        showsDeletions = strategy.seesDeletions
        attributes = wanted.map { wanted in
            var sight = wanted
            sight.seen = people.count { $0.shows(wanted.name) }
            sight.isKnown = schema?.contains(wanted.name)
            return sight
        }
        try lookAtGroups(settings, on: session, inPages: strategy.method == .usn)
    }

    private mutating func lookAtGroups(
        _ settings: Settings, on session: borrowing LDAPSession, inPages: Bool
    ) throws(LDAPError) {
        let map = settings.accounts.attributes
        let classes = ["posixGroup", "groupOfNames", "groupOfUniqueNames", "groupOfMembers"]
        let filter =
            settings.accounts.schema == .activeDirectory
            ? "(objectCategory=group)"
            : "(|\(classes.map { "(objectClass=\($0))" }.joined()))"
        let found = try session.first(
            Self.most,
            of: LDAPSearch(
                base: settings.directory.groupsBase, scope: .subtree,
                filter: settings.directory.groupsFilter ?? filter,
                attributes: map.member + [map.memberUid]),
            inPages: inPages)
        groups = found.count
        func isShown(_ names: [String]) -> Bool {
            found.contains { names.contains(where: $0.shows) }
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
    private static func attributes(_ settings: Settings, entryID: String) -> [Sight] {
        func sight(_ name: String, _ use: String, needed: Bool = false) -> Sight {
            Sight(name: name, use: use, seen: 0, isNeeded: needed)
        }
        let map = settings.accounts.attributes
        let isActiveDirectory = settings.accounts.schema == .activeDirectory
        var all = [
            sight(entryID, "the identity of an entry", needed: true),
            sight(map.uid, "the login name", needed: true),
        ]
        all += ids(settings, sight)
        all += [
            sight(map.homeDirectory, "the home directory"),
            sight(settings.ssh.keyAttribute, "public keys for ssh"),
        ]
        if isActiveDirectory {
            all += [
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

    /// What uid and primary group come from, as configured.
    private static func ids(
        _ settings: Settings, _ sight: (String, String, Bool) -> Sight
    ) -> [Sight] {
        let map = settings.accounts.attributes
        // There people without ids are asked about, and others come from objectSid if told so.
        let isActiveDirectory = settings.accounts.schema == .activeDirectory
        let isGIDNeeded = !isActiveDirectory && settings.accounts.defaultGID == nil
        let gid = sight(map.gidNumber, "the primary group", isGIDNeeded)
        switch settings.accounts.idSource {
        case .sid:
            return [
                sight("objectSid", "the uid", true),
                sight("primaryGroupID", "the primary group", true),
            ]
        case .hash: return [gid]
        case .attribute:
            let uid = sight(map.uidNumber, uidUse, !isActiveDirectory)
            guard isActiveDirectory else { return [uid, gid] }
            return [uid, gid, sight("objectSid", "the uid and gid of ids = \"sid\"", false)]
        }
    }
}

extension LDAPEntry {
    /// Whether an attribute has a value, or the first part of very many (`member;range=0-1499`).
    fileprivate func shows(_ attribute: String) -> Bool {
        let key = attribute.lowercased()
        return attributes.contains { name, values in
            !values.isEmpty && (name == key || name.hasPrefix("\(key);range="))
        }
    }
}

extension LDAPSession {
    /// Pages without an entry that one look may have.
    private static var mostPages: Int { 1000 }

    /// The first entries that a search shows, at most `count`; the rest is not waited for.
    ///
    /// `inPages` asks page by page, for a server that cuts what is longer. Blocks at most
    /// `operationTimeout` between two messages.
    borrowing func first(
        _ count: Int, of search: LDAPSearch, inPages: Bool
    ) throws(LDAPError) -> [LDAPEntry] {
        var entries: [LDAPEntry] = []
        var page: [UInt8] = []
        var pagesLeft = inPages ? Self.mostPages : 1
        repeat {
            var asked = search
            if inPages { asked.controls += SearchPlan.Search.page(from: page) }
            page = try add(to: &entries, upTo: count, answering: asked)
            pagesLeft -= 1
        } while entries.count < count && !page.isEmpty && pagesLeft > 0
        return entries
    }

    /// Adds the entries of one answer, at most so many that there are `count`; where the next page
    /// begins.
    private borrowing func add(
        to entries: inout [LDAPEntry], upTo count: Int, answering search: LDAPSearch
    ) throws(LDAPError) -> [UInt8] {
        let id = try start(search)
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
            if result.code == .success { return try PollMessage.nextPage(of: result, message) }
            if [.sizeLimitExceeded, .noSuchObject].contains(result.code) { return [] }
            throw LDAPError(
                server: options.uri, step: .search, code: result.code,
                diagnostic: result.diagnostic, remedy: "see the server's log")
        }
        abandon(id)
        return []
    }
}
