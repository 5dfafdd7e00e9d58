// The rules for the state of an account: disabled, expired, to change its password.

internal import Accounts

extension EntryRules {
    /// What the entry says about the account beside the fields of passwd(5).
    ///
    /// What cannot be read counts against the account (disabled, with a note): an unreadable expiry
    /// that meant "never" would keep somebody in.
    func state(_ values: AttributeValues, findings: inout Findings) -> AccountState {
        var state = AccountState.active
        for mark in slots.disabled where holds(mark, in: values) {
            state.disabledBy = mark.source
            break
        }
        for (rule, slot) in slots.expiry {
            values.forEach(slot) { text in
                switch moment(text, rule.unit) {
                case .never: break
                case .from(let seconds):
                    if let earlier = state.expiresAt, earlier <= seconds { break }
                    state.expiresAt = seconds
                    state.expiresBy = rule.attribute
                case .unreadable:
                    state.disabledBy = state.disabledBy ?? rule.attribute
                    findings.note(
                        rule.attribute, "\(quoted(text)) is not a time; the account is disabled")
                }
            }
        }
        if values.contains(slots.pwdReset, where: { $0.equalsIgnoringCase("TRUE".utf8) }) {
            state.mustChangeBy = "pwdReset"
        } else if values.contains(slots.shadowLastChange, where: { $0.elementsEqual("0".utf8) }) {
            state.mustChangeBy = "shadowLastChange"
        } else if values.contains(slots.pwdLastSet, where: { $0.elementsEqual("0".utf8) }),
            !has(DirectoryBits.passwordStays, slots.userAccountControl, values)
        {
            state.mustChangeBy = "pwdLastSet"
        } else if values.contains(slots.passwordExpirationTime, where: isEpoch) {
            state.mustChangeBy = "passwordExpirationTime"
        } else if has(DirectoryBits.passwordExpired, slots.computedControl, values) {
            state.mustChangeBy = "msDS-User-Account-Control-Computed"
        } else if values.contains(
            slots.passwordExpired, where: { $0.equalsIgnoringCase("TRUE".utf8) })
        {
            state.mustChangeBy = "msDS-UserPasswordExpired"
        }
        return state
    }

    /// Whether a value has one of the bits.
    private func has(_ bits: UInt32, _ slot: Int, _ values: AttributeValues) -> Bool {
        values.contains(slot) { (DirectoryNumbers.bits($0) ?? 0) & bits != 0 }
    }

    /// What 389 DS writes when an administrator has set the password.
    private func isEpoch(_ text: ArraySlice<UInt8>) -> Bool {
        text.first == UInt8(ascii: "1") && DirectoryNumbers.generalizedTime(text) == 0
    }

    private func holds(_ mark: DisabledMark, in values: AttributeValues) -> Bool {
        switch mark.rule.condition {
        case .present: values.has(mark.slot)
        case .equals: values.contains(mark.slot) { $0.equalsIgnoringCase(mark.value) }
        case .anyBit(let mask):
            values.contains(mark.slot) { text in
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
