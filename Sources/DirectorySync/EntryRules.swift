// What the local rules make of an entry: pure, so that a changed rule can be applied to everything
// that is stored.

public import Accounts

/// The attribute map and the validation for the entries of one directory on one host.
///
/// Evaluating is a function of the entry and of what this value was made from, with one exception:
/// whether a shell is installed is looked up when it is met for the first time.
public struct EntryRules: Sendable {
    let policy: AccountPolicy
    let scope: SearchScope
    let local: LocalAccounts
    let shells: InstalledShells
    let slots: RuleSlots
    private let peopleBaseKey: String
    private let groupsBaseKey: String

    /// Rules for what `scope` asks the directory for.
    public init(
        policy: AccountPolicy, scope: SearchScope, local: LocalAccounts, shells: InstalledShells
    ) {
        self.policy = policy
        self.scope = scope
        self.local = local
        self.shells = shells
        slots = RuleSlots(policy: policy)
        peopleBaseKey = DistinguishedName.key(of: scope.peopleBase)
        groupsBaseKey = DistinguishedName.key(of: scope.groupsBase)
    }

    /// Says what an entry is to roster, and whether and as what it may be published.
    ///
    /// A person is what has the class posixAccount, or a login name and a uid; a group is what has a
    /// class of groups, or a gid and members; both only below their base.
    public func evaluate(_ entry: DirectoryEntry) -> EvaluatedEntry {
        let values = AttributeValues(entry.attributes, slots: slots.table)
        let dnKey = DistinguishedName.key(of: entry.dn)
        let stamp =
            values.first(slots.entryCSN) ?? values.first(slots.uSNChanged)
            ?? values.first(slots.modifyTimestamp)
        let created = values.first(slots.createTimestamp) ?? values.first(slots.whenCreated)
        return EvaluatedEntry(
            entry: entry, dnKey: dnKey,
            linkKey: values.first(slots.link).map { ExtendedDN.key(ofObject: $0) },
            stamp: stamp.map { String(decoding: $0, as: UTF8.self) } ?? "",
            createdAt: created.flatMap(DirectoryNumbers.generalizedTime) ?? Int64.max,
            content: content(values, dn: entry.dn, dnKey: dnKey))
    }

    private func content(_ values: AttributeValues, dn: String, dnKey: String) -> EntryContent {
        let classes = EntryClasses(values, slot: slots.objectClass)
        let isPerson =
            classes.contains(.posixAccount) || values.has(slots.uid) && values.has(slots.uidNumber)
        if isPerson {
            guard DistinguishedName.isKey(dnKey, atOrBelow: peopleBaseKey) else { return .other }
            return .person(person(values, dn: dn))
        }
        let hasGID = classes.contains(.posixGroup) || values.has(slots.gidNumber)
        let hasMembers =
            values.has(slots.memberUid) || slots.member.contains { values.has($0) }
        guard classes.contains(.group) || classes.contains(.posixGroup) || hasGID && hasMembers,
            DistinguishedName.isKey(dnKey, atOrBelow: groupsBaseKey)
        else { return .other }
        return .group(group(values, dn: dn, isPOSIX: hasGID))
    }

    /// The value that names an entry: the one in the RDN, else the first in the order of octets.
    func name(
        _ values: AttributeValues, _ slot: Int, attribute: String, dn: String,
        findings: inout Findings
    ) -> ArraySlice<UInt8>? {
        guard values.count(slot) > 1 else { return values.first(slot) }
        if let wanted = DistinguishedName.rdnValue(of: attribute, in: dn) {
            var exact: ArraySlice<UInt8>?
            var folded: ArraySlice<UInt8>?
            values.forEach(slot) { value in
                if value.elementsEqual(wanted) { exact = value }
                if value.equalsIgnoringCase(wanted) { folded = folded ?? value }
            }
            if let found = exact ?? folded { return found }
        }
        var smallest: ArraySlice<UInt8>?
        values.forEach(slot) { value in
            if let best = smallest, !value.lexicographicallyPrecedes(best) { return }
            smallest = value
        }
        if let smallest {
            findings.note(
                attribute, "several values, none in the RDN; \(quoted(smallest)) is taken")
        }
        return smallest
    }

    /// Checks an id against the floor, the window and the ids of the host.
    func check(
        _ id: UInt32, _ attribute: String, local ids: Set<UInt32>, ranges: [ClosedRange<UInt32>],
        findings: inout Findings
    ) {
        if ReservedIDs.contains(id) {
            findings.withhold(attribute, "\(id) belongs to the system")
        } else if !policy.ids.contains(id) {
            let window = "\(policy.ids.lowerBound)-\(policy.ids.upperBound)"
            let hint = ReservedIDs.isContainerRange(id) ? ", and containers use it" : ""
            findings.withhold(attribute, "\(id) is outside \(window)\(hint)")
        } else if ids.contains(id) {
            findings.withhold(attribute, "\(id) is the id of a local account or group")
        } else if ranges.contains(where: { $0.contains(id) }) {
            findings.note(attribute, "\(id) lies in a range of /etc/subuid or /etc/subgid")
        }
    }
}

/// What was found wrong with an entry, and what is merely worth telling.
struct Findings {
    /// Why the entry is withheld; each begins with the attribute.
    private(set) var reasons: [String] = []
    /// What is reported although it is published.
    private(set) var notes: [String] = []

    /// Adds a reason to withhold the entry.
    mutating func withhold(_ attribute: String, _ reason: String) {
        reasons.append("\(attribute): \(reason)")
    }

    /// Adds something to report.
    mutating func note(_ attribute: String, _ text: String) {
        notes.append("\(attribute): \(text)")
    }

    /// All reasons in one line; `nil`: there is none.
    var withheld: String? {
        reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }
}

/// The object classes that decide what an entry is.
struct EntryClasses: OptionSet {
    let rawValue: UInt8
    static let posixAccount = EntryClasses(rawValue: 1)
    static let posixGroup = EntryClasses(rawValue: 2)
    static let group = EntryClasses(rawValue: 4)

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    init(_ values: AttributeValues, slot: Int) {
        var found: EntryClasses = []
        values.forEach(slot) { value in
            for (name, kind) in Self.names
            where name.utf8.count == value.count && value.equalsIgnoringCase(name.utf8) {
                found.insert(kind)
            }
        }
        self = found
    }

    private static let names: [(String, EntryClasses)] = [
        ("posixaccount", .posixAccount), ("posixgroup", .posixGroup), ("groupofnames", .group),
        ("groupofuniquenames", .group), ("groupofmembers", .group), ("group", .group),
    ]
}

/// The attributes that the rules look at.
struct RuleSlots: Sendable {
    private(set) var table = AttributeSlots()
    let objectClass, uid, uidNumber, gidNumber, gecos, homeDirectory, loginShell: Int
    let groupName, memberUid, commonName, displayName: Int
    let member: [Int]
    /// Which object the entry is, see ``ExtendedDN``.
    let link: Int
    let entryCSN, uSNChanged, modifyTimestamp, createTimestamp, whenCreated: Int
    let shadowLastChange, pwdReset, pwdLastSet, pwdChangedTime, passwordExpirationTime: Int
    let keys: Int
    /// Rules and where their attributes are.
    let disabled: [DisabledMark]
    let expiry: [(rule: ExpiryRule, slot: Int)]

    init(policy: AccountPolicy) {
        let map = policy.attributes
        var table = AttributeSlots()
        objectClass = table.add("objectClass")
        uid = table.add(map.uid)
        uidNumber = table.add(map.uidNumber)
        gidNumber = table.add(map.gidNumber)
        gecos = table.add(map.gecos)
        homeDirectory = table.add(map.homeDirectory)
        loginShell = table.add(map.loginShell)
        groupName = table.add(map.groupName)
        memberUid = table.add(map.memberUid)
        commonName = table.add("cn")
        displayName = table.add("displayName")
        member = map.member.map { table.add($0) }
        link = table.add(ExtendedDN.attribute)
        entryCSN = table.add("entryCSN")
        uSNChanged = table.add("uSNChanged")
        modifyTimestamp = table.add("modifyTimestamp")
        createTimestamp = table.add("createTimestamp")
        whenCreated = table.add("whenCreated")
        shadowLastChange = table.add("shadowLastChange")
        pwdReset = table.add("pwdReset")
        pwdLastSet = table.add("pwdLastSet")
        pwdChangedTime = table.add("pwdChangedTime")
        passwordExpirationTime = table.add("passwordExpirationTime")
        keys = table.add(policy.keyAttribute)
        disabled = policy.disabled.map { DisabledMark($0, slot: table.add($0.attribute)) }
        expiry = policy.expiry.map { ($0, table.add($0.attribute)) }
        self.table = table
    }
}

/// A rule that disables, made ready: nothing is allocated for the many whom it does not concern.
struct DisabledMark: Sendable {
    let rule: DisabledRule
    /// Where the attribute is.
    let slot: Int
    /// The octets of the value that the rule names, if it names one.
    let value: [UInt8]
    /// What a refusal names: `attribute=value`, or the attribute; at most 255 octets.
    let source: String

    init(_ rule: DisabledRule, slot: Int) {
        self.rule = rule
        self.slot = slot
        guard case .equals(let text) = rule.condition else {
            value = []
            source = rule.attribute
            return
        }
        value = Array(text.utf8)
        let whole = "\(rule.attribute)=\(text)"
        source = whole.utf8.count <= 255 ? whole : rule.attribute
    }
}
