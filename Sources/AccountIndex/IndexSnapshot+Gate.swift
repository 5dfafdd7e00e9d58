// Reading the gate part in ordinary Swift.

#if !hasFeature(Embedded)
    public import Accounts

    extension IndexSnapshot {
        /// The gate account with this name; `nil` if there is none (of the gate part).
        public func gateAccount(named name: String) throws(IndexError) -> IndexedGateAccount? {
            guard let item = try find(name, .passwdByName) else { return nil }
            return try gateAccount(item)
        }

        /// The gate account with this uid; `nil` if there is none (of the gate part).
        public func gateAccount(uid: UInt32) throws(IndexError) -> IndexedGateAccount? {
            guard let item = try find(uid, .passwdByUID) else { return nil }
            return try gateAccount(item)
        }

        /// Calls `body` with every account of the gate part.
        public func forEachGateAccount(
            _ body: (IndexedGateAccount) -> Void
        ) throws(IndexError) {
            try forEach(.gateAccount) { (item) throws(IndexError) in body(try gateAccount(item)) }
        }

        /// The access policy of the gate part; `nil` if there is none.
        ///
        /// Of the groups it has those that a rule names, once for each slot.
        public func accessPolicy() throws(IndexError) -> AccessPolicy? {
            guard let item = try find(ItemEncoder.policyName, .passwdByName) else { return nil }
            return try proven("the access policy") { () throws(IndexFault) in
                try IndexedPolicy(view.policy(item)).policy
            }
        }

        private func gateAccount(_ item: AccountItem) throws(IndexError) -> IndexedGateAccount {
            let (account, keys) = try proven("a gate account") { () throws(IndexFault) in
                let account = try view.gateAccount(item)
                let keys = unsafe try view.keys(of: account)
                return (account, unsafe keys.split(separator: UInt8(ascii: "\n")).map(text))
            }
            var state = AccountState(expiresBy: unsafe text(account.expiresBy[...]))
            if account.flags.contains(GateFlags.disabled) {
                state.disabledBy = unsafe text(account.disabledBy[...])
            }
            if account.flags.contains(GateFlags.mustChangePassword) {
                state.mustChangeBy = unsafe text(account.mustChangeBy[...])
            }
            if account.expiresAt != Int64.max { state.expiresAt = account.expiresAt }
            var login = LoginFacts()
            login.keys = keys
            login.accessGroups = (0..<account.slotCount).map { account.slot(at: $0) }
            login.isBlocked = account.flags.contains(GateFlags.blocked)
            login.confirmedAt = account.confirmedAt
            return IndexedGateAccount(
                key: PublishedKey(name: view.nameText(item), id: account.uid), gid: account.gid,
                uuid: account.uuid, state: state, login: login)
        }
    }

    private func text(_ octets: Slice<UnsafeRawBufferPointer>) -> String {
        unsafe String(decoding: octets, as: UTF8.self)
    }

    /// Puts the policy together again.
    private struct IndexedPolicy {
        var policy: AccessPolicy

        init(_ item: GatePolicy) throws(IndexFault) {
            policy = AccessPolicy(maxStaleness: item.maxStaleness)
            policy.allowKeyOptions = item.allowsKeyOptions
            for index in 0..<item.ruleCount {
                let rule = try item.rule(at: index)
                let service = unsafe text(rule.service[...])
                let read = try read(rule)
                if index == 0 { policy.general = read } else { policy.services[service] = read }
            }
            for index in 0..<item.textCount {
                let (number, words) = unsafe try item.message(at: index)
                guard let raw = UInt8(exactly: number),
                    let verdict = LoginVerdict(rawValue: raw)
                else { continue }
                policy.texts[verdict] = unsafe text(words[...])
            }
        }

        private mutating func read(_ rule: GateRule) throws(IndexFault) -> AccessRule {
            var read = AccessRule()
            for index in 0..<rule.deniedCount {
                read.denyGroups.append(note(try rule.denied(at: index)))
            }
            var allowed: [UInt32] = []
            for index in 0..<rule.allowedCount {
                allowed.append(note(try rule.allowed(at: index)))
            }
            if rule.isRestrictedByGroup { read.allowGroups = allowed }
            if rule.isRestrictedByName {
                read.allowUsers = unsafe rule.users.split(separator: 0).map(text)
            }
            return read
        }

        private mutating func note(_ group: GateRuleGroup) -> UInt32 {
            if !policy.groups.contains(where: { $0.slot == group.slot }) {
                let source = unsafe text(group.source[...])
                let name = source.drop { $0 != "=" }.dropFirst()
                policy.groups.append(
                    AccessGroup(
                        slot: group.slot, name: String(name),
                        gid: group.gid == 0 ? nil : group.gid))
            }
            return group.slot
        }
    }
#endif
