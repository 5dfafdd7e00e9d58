// The rules for the state of an account: disabled, expired, to change its password.

internal import Accounts

extension EntryRules {
    /// What the entry says about the account beside the fields of passwd(5).
    ///
    /// What cannot be read counts against the account (disabled, with a note): an unreadable expiry
    /// that meant "never" would keep somebody in.
    func state(_ values: AttributeValues, findings: inout Findings) -> AccountState {
        var state = AccountState.active
        for (rule, slot, value) in slots.disabled where holds(rule, slot, value, in: values) {
            state.disabledBy = rule.attribute
        }
        for (rule, slot) in slots.expiry {
            values.forEach(slot) { text in
                switch moment(text, rule.unit) {
                case .never: break
                case .from(let seconds):
                    state.expiresAt = min(state.expiresAt ?? seconds, seconds)
                case .unreadable:
                    state.disabledBy = rule.attribute
                    findings.note(
                        rule.attribute, "\(quoted(text)) is not a time; the account is disabled")
                }
            }
        }
        if values.contains(slots.pwdReset, where: { $0.equalsIgnoringCase("TRUE".utf8) }) {
            state.mustChangeBy = "pwdReset"
        } else if values.contains(slots.shadowLastChange, where: { $0.elementsEqual("0".utf8) }) {
            state.mustChangeBy = "shadowLastChange"
        } else if values.contains(slots.pwdLastSet, where: { $0.elementsEqual("0".utf8) }) {
            state.mustChangeBy = "pwdLastSet"
        }
        return state
    }

    private func holds(
        _ rule: DisabledRule, _ slot: Int, _ value: [UInt8], in values: AttributeValues
    ) -> Bool {
        switch rule.condition {
        case .present: values.has(slot)
        case .equals: values.contains(slot) { $0.equalsIgnoringCase(value) }
        case .anyBit(let mask):
            values.contains(slot) { text in
                guard let number = DirectoryNumbers.integer(text) else { return true }
                return UInt32(truncatingIfNeeded: number) & mask != 0
            }
        }
    }

    private enum Moment {
        case never
        case from(Int64)
        case unreadable
    }

    private func moment(_ text: ArraySlice<UInt8>, _ unit: ExpiryRule.Unit) -> Moment {
        switch unit {
        case .generalizedTime:
            return DirectoryNumbers.generalizedTime(text).map(Moment.from) ?? .unreadable
        case .days:
            guard let days = DirectoryNumbers.integer(text) else { return .unreadable }
            if days == -1 { return .never }
            // Any other day before the epoch is as long past as the epoch itself.
            let (seconds, overflow) = max(days, 0).multipliedReportingOverflow(by: 86400)
            return overflow ? .unreadable : .from(seconds)
        case .fileTime:
            guard let ticks = DirectoryNumbers.integer(text), ticks >= 0 else { return .unreadable }
            if ticks == 0 || ticks == Int64.max { return .never }
            return .from(max(0, ticks / 10_000_000 - 11_644_473_600))
        }
    }
}
