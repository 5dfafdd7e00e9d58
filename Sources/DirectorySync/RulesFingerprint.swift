// Telling whether stored entries were evaluated by the rules there are now.

internal import Accounts

extension EntryRules {
    /// A number that changes when the rules do, and is the same on every run.
    ///
    /// It covers the configuration, the local accounts and this program's own rules, not which shells
    /// are installed. Stored beside the entries; when it differs, all of them have to be evaluated again.
    public var fingerprint: UInt64 {
        var hash = StableHash()
        hash.add("rules 4")
        hash.add("\(policy.ids.lowerBound)-\(policy.ids.upperBound) \(policy.schema.rawValue)")
        hash.add("\(policy.idSource.rawValue) \(policy.sidSliceSize)")
        hash.add(list: [policy.defaultGID.map { "\($0)" }, policy.defaultHome].map { $0 ?? "" })
        hash.add("\(policy.keyAttribute) \(policy.allowsKeyOptions) \(policy.foldsNames)")
        for mark in slots.disabled {
            let rule = mark.rule
            let condition =
                switch rule.condition {
                case .equals(let value): "=\(value)"
                case .present: "*"
                case .anyBit(let mask): "&\(mask)"
                }
            hash.add(rule.attribute + condition)
        }
        for (rule, _) in slots.expiry { hash.add("\(rule.attribute) \(rule.unit)") }
        hash.add(policy.defaultShell)
        hash.add(list: policy.replaceShells)
        hash.add(list: policy.homePrefixes)
        hash.add(list: policy.privilegedGroups)
        hash.add("\(policy.names.maximumLength) \(policy.names.extraCharacters)")
        let map = policy.attributes
        hash.add(list: [
            map.uid, map.uidNumber, map.gidNumber, map.gecos, map.homeDirectory, map.loginShell,
            map.groupName, map.memberUid,
        ])
        hash.add(list: map.member)
        hash.add(list: [scope.peopleBase, scope.groupsBase])
        hash.add(list: local.userNames.sorted())
        hash.add(list: local.groupNames.sorted())
        for ids in [local.userIDs, local.groupIDs] { hash.add(list: ids.sorted().map { "\($0)" }) }
        for ranges in [local.subordinateUserIDs, local.subordinateGroupIDs] {
            hash.add(list: ranges.map { "\($0)" })
        }
        return hash.value
    }
}

/// FNV-1a over texts, each with its length: the same on every run, unlike `Hasher`.
private struct StableHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) {
        for octet in "\(text.utf8.count) \(text)".utf8 {
            value = (value ^ UInt64(octet)) &* 0x100_0000_01B3
        }
    }

    mutating func add(list: [String]) {
        add("\(list.count)")
        for text in list { add(text) }
    }
}
