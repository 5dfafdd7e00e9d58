// The access policy as an item; see IndexLayout for the fields.

#if !hasFeature(Embedded)
    internal import Accounts

    extension ItemEncoder {
        /// The name under which the policy is found.
        static var policyName: String { "/policy" }

        /// Appends the access policy.
        mutating func append(policy: AccessPolicy) throws(IndexError) {
            let tables = PolicyTables(policy)
            guard tables.ruleCount <= IndexLayout.maximumRules,
                tables.longestList <= IndexLayout.maximumSlots,
                tables.byteCount <= IndexLayout.maximumPolicyBytes
            else { throw .unrepresentable("the rules of [access] are too many or too long") }
            let start = try begin(.policy, name: Self.policyName)
            set(start + 16, UInt64(tables.ruleCount) | tables.flags << 32)
            set(start + 24, UInt64(bitPattern: policy.maxStaleness ?? 0))
            for number in tables.numbers { append32(number) }
            bytes.append(contentsOf: tables.octets)
            finishCore(start, low: UInt32(truncatingIfNeeded: policy.texts.count))
            set32(start + 8, UInt32((bytes.count - start) / 8))
            seal(start, words: (bytes.count - start) / 8)
        }
    }

    /// The tables of a policy, with offsets from the start of the item.
    private struct PolicyTables {
        private var rules: [UInt32] = []
        private var textEntries: [UInt32] = []
        private var groups: [UInt32] = []
        private(set) var octets: [UInt8] = []
        private(set) var flags: UInt64 = 0
        private(set) var longestList = 0
        private let policy: AccessPolicy
        private let groupsStart: Int
        private let octetsStart: Int

        init(_ policy: AccessPolicy) {
            self.policy = policy
            let all = [policy.general] + policy.services.values
            let groupCount = all.reduce(0) {
                $0 + $1.denyGroups.count + ($1.allowGroups ?? []).count
            }
            groupsStart =
                IndexLayout.policyRulesOffset + all.count * IndexLayout.ruleBytes
                + policy.texts.count * IndexLayout.policyTextBytes
            octetsStart = groupsStart + groupCount * IndexLayout.ruleGroupBytes
            if policy.maxStaleness != nil { flags |= 1 }
            if policy.allowKeyOptions { flags |= 2 }
            add(policy.general, service: "")
            for (service, rule) in policy.services.sorted(by: { $0.key < $1.key }) {
                add(rule, service: service)
            }
            for (verdict, text) in policy.texts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                textEntries += [UInt32(verdict.rawValue), 0] + place(text)
            }
        }

        var byteCount: Int { octetsStart + octets.count }

        var ruleCount: Int { 1 + policy.services.count }

        /// Rules, texts and groups, one table behind the other.
        var numbers: [UInt32] { rules + textEntries + groups }

        private mutating func add(_ rule: AccessRule, service: String) {
            let section = service.isEmpty ? "access" : "access.\(service)"
            var flags: UInt32 = 0
            if rule.allowGroups != nil { flags |= 1 }
            if rule.allowUsers != nil { flags |= 2 }
            let refusal = rule.allowGroups == nil ? "allow_users" : "allow_groups"
            rules += place(service)
            rules += list(rule.denyGroups, "\(section).deny_groups")
            rules += list(rule.allowGroups ?? [], "\(section).allow_groups")
            rules += place((rule.allowUsers ?? []).map { $0 + "\0" }.joined())
            rules += place("\(section).\(refusal)")
            rules += [flags, 0]
        }

        /// Adds the groups of a list; returns where they are.
        private mutating func list(_ slots: [UInt32], _ setting: String) -> [UInt32] {
            let start = groupsStart + groups.count * 4
            for slot in slots {
                let group = policy.groups.first { $0.slot == slot }
                groups += [slot, group?.gid ?? 0]
                groups += place("\(setting)=\(group?.name ?? "group \(slot)")")
            }
            longestList = max(longestList, slots.count)
            return [UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: slots.count)]
        }

        /// Adds a text; returns where it is.
        private mutating func place(_ text: String) -> [UInt32] {
            let start = octetsStart + octets.count
            octets += text.utf8
            return [
                UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: text.utf8.count),
            ]
        }
    }
#endif
