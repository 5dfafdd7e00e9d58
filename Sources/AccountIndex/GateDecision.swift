// Who may log in: the one place where that is decided.
public import Accounts

/// What the gate says to one login, and why.
///
/// The texts lie in the mapping of the ``GateIndex`` that answered, or are constants.
@safe
public struct GateDecision {
    /// The verdict.
    public let verdict: LoginVerdict
    /// What the person is told, UTF-8, configured or built in; may be empty.
    public let text: UnsafeRawBufferPointer
    /// What decided, for the log: an attribute of the directory, or a setting; may be empty.
    public let source: UnsafeRawBufferPointer
    /// The uid of the account; 0 if there is none.
    public let uid: UInt32
    /// The account's entry; `nil` if there is no account.
    public let uuid: EntryUUID?
}

/// A verdict and what it comes from.
@safe
struct GateReason {
    let verdict: LoginVerdict
    let source: UnsafeRawBufferPointer

    init(_ verdict: LoginVerdict, _ source: UnsafeRawBufferPointer) {
        self.verdict = verdict
        unsafe self.source = source
    }

    init(_ verdict: LoginVerdict, _ source: StaticString = "") {
        self.verdict = verdict
        unsafe self.source = source.octets
    }
}

extension StaticString {
    /// The octets of the text, which live as long as the process.
    var octets: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}

extension GateAccount {
    /// Decides on this account by its state, the age of the mirror and the rules, in this order.
    func decide(
        name: UnsafeRawBufferPointer, service: UnsafeRawBufferPointer, policy: GatePolicy,
        times: GateTimes, clock: GateClock
    ) throws(IndexFault) -> GateReason {
        if flags.contains(GateFlags.blocked) { return GateReason(.blocked, "roster deny") }
        if flags.contains(GateFlags.disabled) { return unsafe GateReason(.disabled, disabledBy) }
        let now = times.now(clock)
        if expiresAt != Int64.max, now >= expiresAt {
            return unsafe GateReason(.expired, expiresBy)
        }
        if isStale(policy, times: times, clock: clock, now: now) {
            return GateReason(.stale, "max_staleness")
        }
        let rule = unsafe try policy.rule(for: service)
        let admission = unsafe try admission(by: rule, name: name)
        guard admission.verdict == .accepted else { return admission }
        if flags.contains(GateFlags.mustChangePassword) {
            return unsafe GateReason(.mustChangePassword, mustChangeBy)
        }
        return admission
    }

    /// Whether nobody has confirmed this account for too long.
    private func isStale(
        _ policy: GatePolicy, times: GateTimes, clock: GateClock, now: Int64
    ) -> Bool {
        guard let limit = policy.maxStaleness else { return false }
        guard let age = times.age(clock) else { return true }
        guard let confirmedAt else { return age > limit }
        return max(age, now.subtractingSaturated(confirmedAt)) > limit
    }

    /// What a rule says: deny wins, then any allowed group or name; without restriction, everybody.
    private func admission(
        by rule: GateRule, name: UnsafeRawBufferPointer
    ) throws(IndexFault) -> GateReason {
        for index in 0..<rule.deniedCount {
            let group = try rule.denied(at: index)
            if isMember(slot: group.slot, gid: group.gid) {
                return unsafe GateReason(.denied, group.source)
            }
        }
        guard rule.isRestrictedByGroup || rule.isRestrictedByName else {
            return GateReason(.accepted)
        }
        if rule.isRestrictedByGroup {
            for index in 0..<rule.allowedCount {
                let group = try rule.allowed(at: index)
                if isMember(slot: group.slot, gid: group.gid) {
                    return unsafe GateReason(.accepted, group.source)
                }
            }
        }
        if rule.isRestrictedByName, unsafe rule.names(name) {
            return GateReason(.accepted, "allow_users")
        }
        return unsafe GateReason(.notAllowed, try rule.refusal())
    }
}
