// What the names in the rules of `[access]` mean, and whom the administrator blocked: as others see it.

public import Accounts

/// What the access rules of the configuration stand for in the directory.
public struct StoreAccess: Equatable, Sendable {
    /// The groups that the rules name, by slot.
    public var bindings: [AccessBinding] = []
    /// How many people are kept in a group that a deny rule names and that vanished, by slot.
    public var keptMembers: [UInt32: Int] = [:]

    /// What rules stand for that name nobody.
    public init() {}
}

/// A group of the directory that a rule names, or named when it was first seen.
public struct AccessBinding: Equatable, Sendable {
    /// Its number, never 0 and never used again for another.
    public var slot: UInt32
    /// The name or entry UUID as configured.
    public var name: String
    /// The entry.
    public var uuid: EntryUUID
    /// When it first bore the name here, in seconds since the epoch.
    public var firstSeen: Int64
    /// Whether allow rules mean this group by the name; deny rules mean every one of the name.
    public var isBound: Bool
    /// Whether the directory shows the group.
    public var isShown = false
    /// What the group is called now; `nil`: it is not shown, or has no usable name.
    public var currentName: String?
    /// `gr_gid`; of a group that a deny rule names also the last one it had.
    public var gid: UInt32?

    /// Whether the group bears the name by which the rule knows it.
    public var bearsName: Bool {
        isShown && (currentName == name || EntryUUID(text: Array(name.utf8)[...]) != nil)
    }
}

/// Something about access rules that the administrator should know.
public enum AccessProblem: Equatable, Sendable {
    /// No group of the directory has this name: an allow rule admits nobody by it.
    case missing(name: String)
    /// Another group than before has a name of an allow rule; it admits nobody until confirmed.
    case held(name: String, uuid: EntryUUID)
    /// The group that a rule means is called otherwise now; the rule goes on to mean it.
    case renamed(name: String, now: String?)
    /// A group of a deny rule vanished; those who were in it stay denied until confirmed.
    case vanished(name: String, members: Int)
}

extension StoreAccess {
    /// What is not as the rules suppose, in the order of the names.
    public func problems(of rules: StoreRules) -> [AccessProblem] {
        var problems: [AccessProblem] = []
        for name in rules.accessNames.sorted() {
            let mine = bindings.filter { $0.name == name }
            let bound = mine.first(where: \.isBound)
            let isDenied = rules.denyGroups.contains(name)
            let isMissing = !mine.contains(where: \.isShown)
            // Of a denied group that vanished the last lines say more.
            if isMissing, rules.allowGroups.contains(name) || mine.isEmpty {
                problems.append(.missing(name: name))
            }
            for one in mine where one.isShown && !one.bearsName {
                problems.append(.renamed(name: name, now: one.currentName))
            }
            if rules.allowGroups.contains(name), bound?.bearsName != true {
                problems += mine.filter { !$0.isBound && $0.bearsName }.map {
                    .held(name: name, uuid: $0.uuid)
                }
            }
            for one in mine where isDenied && !one.isShown {
                problems.append(.vanished(name: name, members: keptMembers[one.slot] ?? 0))
            }
        }
        return problems
    }
}

/// A name that an administrator of this host blocked.
public struct LocalBlock: Equatable, Sendable {
    /// The name as it was given.
    public var name: String
    /// The person who had it then, or who was first to have it; `nil`: nobody so far.
    public var uuid: EntryUUID?
    /// Since when, in seconds since the epoch.
    public var at: Int64
    /// The uid of who said so.
    public var byUID: UInt32

    /// A block from its parts.
    public init(name: String, uuid: EntryUUID?, at: Int64, byUID: UInt32) {
        self.name = name
        self.uuid = uuid
        self.at = at
        self.byUID = byUID
    }
}
