// What the gate part says of an account and of who may log in, proven and bounded.
internal import Accounts
internal import CLibc

/// What is set of a gate account.
struct GateFlags: Equatable {
    var rawValue: UInt8

    static var disabled: UInt8 { 1 }
    static var mustChangePassword: UInt8 { 2 }
    static var blocked: UInt8 { 4 }
    static var held: UInt8 { 8 }

    func contains(_ flag: UInt8) -> Bool { rawValue & flag != 0 }
}

/// An account of the gate part; the texts lie in the mapping.
@safe
struct GateAccount {
    let uid: UInt32
    let gid: UInt32
    let uuid: EntryUUID
    let flags: GateFlags
    /// Seconds since the epoch; `Int64.max`: never.
    let expiresAt: Int64
    /// Seconds since the epoch; `nil`: confirmed whenever the mirror is.
    let confirmedAt: Int64?
    let disabledBy: UnsafeRawBufferPointer
    let expiresBy: UnsafeRawBufferPointer
    let mustChangeBy: UnsafeRawBufferPointer
    let slotCount: Int
    private let slots: UnsafeRawPointer
    /// Where the keys begin and how many bytes they are; not yet proven.
    fileprivate let keyPlace: Int
    let keyBytes: Int

    /// Puts an account together from a proven item whose `fields` follow its name.
    fileprivate init(
        _ item: AccountItem, _ lengths: GateLengths, uuid: EntryUUID, confirmedAt: Int64?,
        slots: UnsafeRawPointer, end: Int
    ) {
        uid = item.id
        gid = item.second
        self.uuid = uuid
        flags = lengths.flags
        expiresAt = Int64(bitPattern: item.wide)
        self.confirmedAt = confirmedAt
        unsafe self.slots = slots
        slotCount = item.groupCount
        var text = unsafe slots + item.groupCount &* 4
        func take(_ count: Int) -> UnsafeRawBufferPointer {
            defer { unsafe text += count }
            return unsafe UnsafeRawBufferPointer(start: text, count: count)
        }
        unsafe disabledBy = take(lengths.disabledBy)
        unsafe expiresBy = take(lengths.expiresBy)
        unsafe mustChangeBy = take(lengths.mustChangeBy)
        keyPlace = end
        keyBytes = lengths.keys
    }

    /// The slot at `index`, which must be below `slotCount`.
    func slot(at index: Int) -> UInt32 {
        unsafe UInt32(littleEndian: (slots + index &* 4).load(as: UInt32.self))
    }

    /// Whether the account is in the group of a slot, or has its gid (0: none) as primary one.
    func isMember(slot: UInt32, gid group: UInt32) -> Bool {
        if group != 0, group == gid { return true }
        for index in 0..<slotCount where self.slot(at: index) == slot { return true }
        return false
    }
}

/// The last fixed word of a gate account.
private struct GateLengths {
    let flags: GateFlags
    let disabledBy: Int
    let expiresBy: Int
    let mustChangeBy: Int
    let keys: Int

    init(_ word: UInt64) {
        flags = GateFlags(rawValue: UInt8(truncatingIfNeeded: word))
        disabledBy = Int(word >> 8 & 0xFF)
        expiresBy = Int(word >> 16 & 0xFF)
        mustChangeBy = Int(word >> 24 & 0xFF)
        keys = Int(word >> 32)
    }
}

extension IndexView {
    /// A found item as a gate account; throws unless all of it fits together.
    func gateAccount(_ account: AccountItem) throws(IndexFault) -> GateAccount {
        let lengths = GateLengths(account.last)
        let isHeld = lengths.flags.contains(GateFlags.held)
        let start = IndexLayout.nameOffset &+ (account.nameCount &+ 8) / 8 &* 8
        let slots = start &+ (isHeld ? 24 : 16)
        let texts = lengths.disabledBy &+ lengths.expiresBy &+ lengths.mustChangeBy
        guard account.kind == ItemKind.gateAccount.rawValue, !account.isRemoved,
            account.nameCount > 0, account.groupCount <= IndexLayout.maximumSlots,
            lengths.keys <= IndexLayout.maximumKeyBytes,
            slots &+ padded(account.groupCount &* 4 &+ texts) == account.coreWords &* 8,
            !ReservedIDs.contains(account.id), !ReservedIDs.contains(account.second)
        else { throw .corrupt }
        let end = account.place &+ account.coreWords &* 8
        let keyWords = lengths.keys == 0 ? 0 : 1 &+ padded(lengths.keys) / 8
        guard account.words == account.coreWords &+ keyWords else { throw .corrupt }
        let uuid = account.place &+ start
        return unsafe GateAccount(
            account, lengths, uuid: EntryUUID(high: word(uuid), low: word(uuid &+ 8)),
            confirmedAt: isHeld ? Int64(bitPattern: word(uuid &+ 16)) : nil,
            slots: base + (account.place &+ slots), end: end)
    }

    /// The keys of an account, each with its newline; throws unless they are proven.
    func keys(of account: GateAccount) throws(IndexFault) -> UnsafeRawBufferPointer {
        if account.keyBytes == 0 { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
        let place = account.keyPlace
        guard
            unsafe seed.checksum(base + (place &+ 8), words: padded(account.keyBytes) / 8)
                == word(place)
        else { throw .corrupt }
        return unsafe UnsafeRawBufferPointer(start: base + (place &+ 8), count: account.keyBytes)
    }

    /// Bytes with what fills their last word.
    private func padded(_ bytes: Int) -> Int { (bytes &+ 7) / 8 &* 8 }

    /// When the directory was last contacted and the mirror verified.
    func times() throws(IndexFault) -> GateTimes {
        GateTimes(
            contact: try time(IndexLayout.lastContact),
            verified: try time(IndexLayout.lastVerified))
    }

    private func time(_ place: Int) throws(IndexFault) -> GateClock? {
        let boot = try sealed(place &+ IndexLayout.bootOfTime)
        let now = try sealed(place)
        let uptime = try sealed(place &+ IndexLayout.uptimeOfTime)
        if now == 0 { return nil }
        // Without its uptime a time is of no known boot.
        return GateClock(
            now: Int64(truncatingIfNeeded: now), uptime: Int64(truncatingIfNeeded: uptime) &- 1,
            boot: uptime == 0 ? 0 : boot)
    }
}

/// The access policy; everything it leads to lies inside its proven item.
@safe
struct GatePolicy {
    private let base: UnsafeRawPointer
    private let byteCount: Int
    let ruleCount: Int
    let textCount: Int
    /// Seconds; `nil`: the mirror never becomes too old.
    let maxStaleness: Int64?
    let allowsKeyOptions: Bool

    /// A policy from its proven item, which begins at `base`; throws unless its tables fit.
    fileprivate init(_ item: AccountItem, base: UnsafeRawPointer) throws(IndexFault) {
        let rules = Int(item.id)
        guard item.kind == ItemKind.policy.rawValue, !item.isRemoved,
            item.nameCount == IndexLayout.policyName.utf8CodeUnitCount,
            rules >= 1, rules <= IndexLayout.maximumRules, item.groupCount <= 256,
            IndexLayout.policyRulesOffset &+ rules &* IndexLayout.ruleBytes
                &+ item.groupCount &* IndexLayout.policyTextBytes <= item.coreWords &* 8,
            item.coreWords &* 8 <= IndexLayout.maximumPolicyBytes
        else { throw .corrupt }
        unsafe self.base = base
        byteCount = item.coreWords &* 8
        ruleCount = rules
        textCount = item.groupCount
        maxStaleness = item.second & 1 == 0 ? nil : Int64(bitPattern: item.wide)
        allowsKeyOptions = item.second & 2 != 0
    }

    /// The number at a byte offset that was checked.
    fileprivate func half(_ place: Int) -> UInt32 {
        unsafe UInt32(littleEndian: (base + place).loadUnaligned(as: UInt32.self))
    }

    /// The bytes that offset and number at a checked place lead to.
    fileprivate func text(at place: Int) throws(IndexFault) -> UnsafeRawBufferPointer {
        let start = try bounded(place, size: 1)
        return unsafe UnsafeRawBufferPointer(start: base + start.place, count: start.count)
    }

    /// Where offset and number at a checked place lead to; throws unless it is inside the item.
    fileprivate func bounded(
        _ place: Int, size: Int
    ) throws(IndexFault) -> (place: Int, count: Int) {
        let start = Int(half(place))
        let count = Int(half(place &+ 4))
        guard start <= byteCount, count <= (byteCount &- start) / size else { throw .corrupt }
        return (start, count)
    }

    /// The rule at `index`, which must be below `ruleCount`.
    func rule(at index: Int) throws(IndexFault) -> GateRule {
        try GateRule(
            self, at: IndexLayout.policyRulesOffset &+ index &* IndexLayout.ruleBytes)
    }

    /// The rule of a service: its own, else the one for all.
    func rule(for service: UnsafeRawBufferPointer) throws(IndexFault) -> GateRule {
        var index = 1
        while index < ruleCount {
            let rule = try rule(at: index)
            if unsafe isSame(rule.service, service) { return rule }
            index &+= 1
        }
        return try rule(at: 0)
    }

    /// The text at `index`, which must be below `textCount`, and the verdict it belongs to.
    func message(
        at index: Int
    ) throws(IndexFault) -> (verdict: UInt32, text: UnsafeRawBufferPointer) {
        let place =
            IndexLayout.policyRulesOffset &+ ruleCount &* IndexLayout.ruleBytes
            &+ index &* IndexLayout.policyTextBytes
        return unsafe (half(place), try text(at: place &+ 8))
    }

    /// The configured text for a verdict; `nil`: the built-in one counts.
    func text(for verdict: LoginVerdict) throws(IndexFault) -> UnsafeRawBufferPointer? {
        for index in 0..<textCount {
            let (found, text) = unsafe try message(at: index)
            if found == UInt32(verdict.rawValue) { return unsafe text }
        }
        return nil
    }
}

/// The rule of one service, or of all that have none.
@safe
struct GateRule {
    private let policy: GatePolicy
    private let place: Int
    let service: UnsafeRawBufferPointer
    let deniedCount: Int
    let allowedCount: Int
    private let deniedPlace: Int
    private let allowedPlace: Int
    /// Names with a NUL behind each.
    let users: UnsafeRawBufferPointer
    let isRestrictedByGroup: Bool
    let isRestrictedByName: Bool

    fileprivate init(_ policy: GatePolicy, at place: Int) throws(IndexFault) {
        self.policy = policy
        self.place = place
        unsafe service = try policy.text(at: place)
        let denied = try policy.bounded(place &+ 8, size: IndexLayout.ruleGroupBytes)
        let allowed = try policy.bounded(place &+ 16, size: IndexLayout.ruleGroupBytes)
        guard denied.count <= IndexLayout.maximumSlots, allowed.count <= IndexLayout.maximumSlots
        else { throw .corrupt }
        (deniedPlace, deniedCount) = denied
        (allowedPlace, allowedCount) = allowed
        unsafe users = try policy.text(at: place &+ 24)
        let flags = policy.half(place &+ 40)
        isRestrictedByGroup = flags & 1 != 0
        isRestrictedByName = flags & 2 != 0
    }

    /// What refuses those who are not allowed.
    func refusal() throws(IndexFault) -> UnsafeRawBufferPointer {
        unsafe try policy.text(at: place &+ 32)
    }

    /// The denied group at `index`, which must be below `deniedCount`.
    func denied(at index: Int) throws(IndexFault) -> GateRuleGroup {
        try GateRuleGroup(policy, at: deniedPlace &+ index &* IndexLayout.ruleGroupBytes)
    }

    /// The allowed group at `index`, which must be below `allowedCount`.
    func allowed(at index: Int) throws(IndexFault) -> GateRuleGroup {
        try GateRuleGroup(policy, at: allowedPlace &+ index &* IndexLayout.ruleGroupBytes)
    }

    /// Whether a name of at least one byte is among the allowed ones.
    func names(_ name: UnsafeRawBufferPointer) -> Bool {
        var start = 0
        let users = unsafe users
        for index in 0..<users.count where unsafe users[index] == 0 {
            let one = unsafe UnsafeRawBufferPointer(rebasing: users[start..<index])
            if unsafe isSame(one, name) { return true }
            start = index &+ 1
        }
        return false
    }
}

/// A group of a rule.
@safe
struct GateRuleGroup {
    let slot: UInt32
    /// 0: none.
    let gid: UInt32
    /// What decides, for the log.
    let source: UnsafeRawBufferPointer

    fileprivate init(_ policy: GatePolicy, at place: Int) throws(IndexFault) {
        slot = policy.half(place)
        gid = policy.half(place &+ 4)
        unsafe source = try policy.text(at: place &+ 8)
    }
}

/// Whether two byte strings are the same.
func isSame(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
    guard one.count == other.count else { return false }
    guard let left = one.baseAddress, let right = other.baseAddress else { return one.count == 0 }
    return unsafe memcmp(left, right, one.count) == 0
}

extension IndexView {
    /// The access policy of a generation; throws if there is none or it does not fit together.
    func policy(generation: UInt64) throws(IndexFault) -> GatePolicy {
        let name = IndexLayout.policyName
        let key = unsafe NameKey(
            start: UnsafeRawPointer(name.utf8Start), count: name.utf8CodeUnitCount)
        guard let item = try find(key, in: .passwdByName, generation: generation) else {
            throw .corrupt
        }
        return try policy(item)
    }

    /// A found item as the access policy.
    func policy(_ item: AccountItem) throws(IndexFault) -> GatePolicy {
        unsafe try GatePolicy(item, base: base + item.place)
    }

    /// Proves everything that the policy leads to.
    func verify(_ policy: GatePolicy) throws(IndexFault) {
        for index in 0..<policy.ruleCount {
            let rule = try policy.rule(at: index)
            _ = unsafe try rule.refusal()
            for group in 0..<rule.deniedCount { _ = try rule.denied(at: group) }
            for group in 0..<rule.allowedCount { _ = try rule.allowed(at: group) }
        }
        for index in 0..<policy.textCount { _ = unsafe try policy.message(at: index) }
    }
}
