// From the rules of the configuration and the groups that they are bound to, to what the index carries.

internal import AccountStore
internal import Accounts
internal import Settings

extension StoreRules {
    /// What the configuration says about re-use, mass removals and the groups of access rules.
    init(_ settings: Settings) {
        let limit = BrakeLimit(count: settings.removals.count, percent: settings.removals.percent)
        self.init(
            allowsReuse: settings.allowsIDReuse, people: limit, groups: limit, members: limit,
            window: settings.removals.window.components.seconds)
        for rule in [settings.access.general] + settings.access.services.values {
            allowGroups.formUnion(rule.allowGroups ?? [])
            denyGroups.formUnion(rule.denyGroups)
        }
    }
}

extension AccessPolicy {
    /// The rules of the configuration with the groups that their names mean now.
    init(_ settings: Settings, _ access: StoreAccess) {
        self.init(maxStaleness: settings.login.maxStaleness?.components.seconds)
        allowKeyOptions = settings.ssh.allowsKeyOptions
        texts = settings.messages
        general = AccessRule(settings.access.general, access)
        services = settings.access.rulesByService.mapValues { AccessRule($0, access) }
        groups = access.bindings.map { AccessGroup(slot: $0.slot, name: $0.name, gid: $0.gid) }
    }
}

extension StoreOutcome {
    /// Publishes the rules too if what they mean changed.
    mutating func addPolicy(_ settings: Settings) {
        guard let access else { return }
        publication.policy = AccessPolicy(settings, access)
    }
}

extension AccessRule {
    /// Allow rules mean the one group that a name is bound to, while it is there; deny rules every
    /// one that bears or bore the name.
    init(_ rule: Settings.AccessRule, _ access: StoreAccess) {
        self.init()
        allowUsers = rule.allowUsers
        allowGroups = rule.allowGroups.map { names in
            access.bindings.filter { $0.isBound && $0.isShown && names.contains($0.name) }
                .map(\.slot)
        }
        denyGroups = access.bindings.filter { rule.denyGroups.contains($0.name) }.map(\.slot)
    }
}

extension AccessProblem {
    /// The problem in a sentence, with what to do.
    func inWords(_ rules: StoreRules) -> String {
        switch self {
        case .missing(let name):
            rules.allowGroups.contains(name)
                ? "access: the directory shows no group \(name); it admits nobody"
                : "access: the directory shows no group \(name); it denies nobody new"
        case .held(let name, let uuid):
            "access: another group has the name \(name) now, entry \(uuid); it admits nobody until: "
                + "roster confirm \(name)"
        case .renamed(let name, let now):
            "access: the group that \(name) means is called \(now ?? "otherwise") now, and is still "
                + "meant; if another bears the name: roster confirm \(name)"
        case .vanished(let name, let members):
            "access: a group denied as \(name) is gone; the people who were in it (\(members)) stay "
                + "denied until: roster confirm \(name)"
        }
    }
}
