// What is asked of the directory: bases, filters and attributes.

internal import Accounts

/// Where people and groups are, as the configuration says.
public struct SearchScope: Hashable, Sendable {
    /// The DN below which people are.
    public var peopleBase: String
    /// The DN below which groups are.
    public var groupsBase: String
    /// The filter for people; `nil`: what fits the schema.
    public var peopleFilter: String?
    /// The filter for groups; `nil`: what fits the schema.
    public var groupsFilter: String?
    /// The attribute with the identity of an entry.
    public var entryID: String

    /// A scope from its parts.
    public init(
        peopleBase: String, groupsBase: String, peopleFilter: String? = nil,
        groupsFilter: String? = nil, entryID: String = "entryUUID"
    ) {
        self.peopleBase = peopleBase
        self.groupsBase = groupsBase
        self.peopleFilter = peopleFilter
        self.groupsFilter = groupsFilter
        self.entryID = entryID
    }
}

/// The searches that together show everything; one wherever possible, because presence is then
/// simple: an entry that moves stays present.
public struct SearchPlan: Hashable, Sendable {
    /// One search over a whole subtree.
    public struct Search: Hashable, Sendable {
        /// Where it begins.
        public var base: String
        /// How far below the base it looks.
        public var scope: Scope
        /// What it selects (RFC 4515).
        public var filter: String
        /// The attributes to send, sorted.
        public var attributes: [String]
    }

    /// How far below its base a search looks.
    public enum Scope: Hashable, Sendable {
        /// The base and everything below it.
        case subtree
    }

    /// The searches; one or two.
    public var searches: [Search]
}

extension EntryRules {
    /// What to ask the directory for.
    ///
    /// A filter of people that is configured stands as it is; so that no person comes in through the
    /// other filters, these admit nothing with a uid, unless they are configured as well.
    public var searchPlan: SearchPlan {
        searchPlan(entryID: scope.entryID)
    }

    /// What to ask a directory for whose entries are identified by another attribute.
    ///
    /// `entryID` is the attribute with the identity of an entry. When it is to be a single search,
    /// it begins at the common parent of people and groups, at the price of entries that match
    /// elsewhere below it; where they have none, two are planned all the same.
    public func searchPlan(entryID: String, isSingle: Bool = false) -> SearchPlan {
        let people = DistinguishedName.key(of: scope.peopleBase)
        let groups = DistinguishedName.key(of: scope.groupsBase)
        func search(_ base: String, _ filters: [String]) -> SearchPlan.Search {
            SearchPlan.Search(
                base: base, scope: .subtree, filter: anyOf(filters + [containerFilter]),
                attributes: requestedAttributes(entryID: entryID))
        }
        if DistinguishedName.isKey(groups, atOrBelow: people) {
            return SearchPlan(searches: [search(scope.peopleBase, [peopleFilter, groupsFilter])])
        }
        if DistinguishedName.isKey(people, atOrBelow: groups) {
            return SearchPlan(searches: [search(scope.groupsBase, [peopleFilter, groupsFilter])])
        }
        if isSingle, let parent = commonParent {
            return SearchPlan(searches: [search(parent, [peopleFilter, groupsFilter])])
        }
        return SearchPlan(searches: [
            search(scope.peopleBase, [peopleFilter]), search(scope.groupsBase, [groupsFilter]),
        ])
    }

    /// The attributes to ask for: those that the rules look at, and the entry's identity; sorted,
    /// operational ones by name.
    public var requestedAttributes: [String] {
        requestedAttributes(entryID: scope.entryID)
    }

    private func requestedAttributes(entryID: String) -> [String] {
        let names = slots.table.names.map { String(decoding: $0, as: UTF8.self) }
        return Set(names + [entryID.lowercased()]).subtracting([ExtendedDN.attribute]).sorted()
    }

    /// The nearest DN that has people and groups below it; `nil`: they share none.
    ///
    /// Cut out of the base of the people, in its spelling; a comma inside a value is not taken for
    /// the end of it.
    public var commonParent: String? {
        let groups = DistinguishedName.key(of: scope.groupsBase)
        var candidate = Substring(scope.peopleBase)
        while true {
            let key = DistinguishedName.key(of: String(candidate))
            if !key.isEmpty, DistinguishedName.isKey(groups, atOrBelow: key) {
                return String(candidate.drop { $0 == " " })
            }
            guard let comma = Self.firstSeparator(in: candidate) else { return nil }
            candidate = candidate[candidate.index(after: comma)...]
        }
    }

    private static func firstSeparator(in dn: Substring) -> Substring.Index? {
        var isEscaped = false
        var isQuoted = false
        for position in dn.indices {
            let character = dn[position]
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == ",", !isQuoted {
                return position
            }
        }
        return nil
    }

    private var peopleFilter: String {
        if let filter = scope.peopleFilter { return filter }
        let map = policy.attributes
        if policy.schema == .activeDirectory {
            return "(&(objectCategory=person)(\(map.uid)=*)(\(map.uidNumber)=*))"
        }
        return "(objectClass=posixAccount)"
    }

    private var groupsFilter: String {
        if let filter = scope.groupsFilter { return filter }
        if policy.schema == .activeDirectory { return "(objectCategory=group)" }
        let classes = ["posixGroup", "groupOfNames", "groupOfUniqueNames", "groupOfMembers"]
        return withoutPeople(anyOf(classes.map { "(objectClass=\($0))" }))
    }

    private var containerFilter: String {
        withoutPeople("(|\(ContainerWatch.filterComponents))")
    }

    private func withoutPeople(_ filter: String) -> String {
        "(&\(filter)(!(\(policy.attributes.uidNumber)=*)))"
    }

    private func anyOf(_ filters: [String]) -> String {
        filters.count == 1 ? filters[0] : "(|\(filters.joined()))"
    }
}
