// The rules for ids: from attributes, from security identifiers, or from the entry's own identity.

internal import Accounts

/// Bits of groupType and userAccountControl (MS-ADTS 2.2.12, 2.2.16).
enum DirectoryBits {
    /// groupType: a security group; without it one for mail alone.
    static let security: UInt32 = 0x8000_0000
    /// userAccountControl: the account of another domain, a workstation or a domain controller.
    static let machine: UInt32 = 0x0800 | 0x1000 | 0x2000
    /// userAccountControl: the password never expires, or a smart card stands in its place.
    static let passwordStays: UInt32 = 0x1_0000 | 0x4_0000
    /// msDS-User-Account-Control-Computed: the password has expired.
    static let passwordExpired: UInt32 = 0x80_0000
}

extension EntryRules {
    /// uid and primary gid of a person, checked; `nil` where there is none (then withheld).
    func ids(
        _ values: AttributeValues, _ entry: DirectoryEntry, findings: inout Findings
    ) -> (uid: UInt32?, gid: UInt32?) {
        let map = policy.attributes
        let uid: UInt32?
        var gid: UInt32?
        switch policy.idSource {
        case .attribute:
            uid = identifier(values, slots.uidNumber, map.uidNumber, &findings)
            checkUser(uid, map.uidNumber, &findings)
        case .hash:
            uid = hashed(entry.uuid)
            checkUser(uid, "entry_id", &findings)
        case .sid:
            let account = securityIdentifier(values, findings: &findings)
            uid = account.flatMap { mapped($0, relative: $0.relative, "objectSid", &findings) }
            checkUser(uid, "objectSid", &findings)
            gid = account.flatMap { primaryGID(values, of: $0, findings: &findings) }
            return (uid, gid)
        }
        if !values.has(slots.gidNumber), let named = policy.defaultGID {
            checkDefault(named, &findings)
            return (uid, named)
        }
        gid = identifier(values, slots.gidNumber, map.gidNumber, &findings)
        let usual = IDSource.attribute.usualWindow
        // Where uids are hashes the window is made for these; a directory's own gid is a small one.
        let isUsual = policy.idSource == .hash && gid.map(usual.contains) ?? false
        checkGroup(gid, map.gidNumber, window: isUsual ? usual : policy.ids, &findings)
        return (uid, gid)
    }

    /// The gid of a group, checked; `nil` where there is none (then withheld).
    func gid(
        _ values: AttributeValues, _ entry: DirectoryEntry, findings: inout Findings
    ) -> UInt32? {
        switch policy.idSource {
        case .attribute:
            let attribute = policy.attributes.gidNumber
            let gid = identifier(values, slots.gidNumber, attribute, &findings)
            checkGroup(gid, attribute, &findings)
            return gid
        case .hash:
            let gid = hashed(entry.uuid)
            checkGroup(gid, "entry_id", &findings)
            return gid
        case .sid:
            guard let group = securityIdentifier(values, findings: &findings) else { return nil }
            let gid = mapped(group, relative: group.relative, "objectSid", &findings)
            checkGroup(gid, "objectSid", &findings)
            return gid
        }
    }

    /// Whether a group is one to the host too, or only passes its members on.
    ///
    /// With ids from security identifiers that is what SSSD shows: security groups of the domain,
    /// neither groups for mail nor those that every Windows machine has.
    func hasID(_ values: AttributeValues, _ classes: EntryClasses) -> Bool {
        switch policy.idSource {
        case .attribute: return classes.contains(.posixGroup) || values.has(slots.gidNumber)
        case .hash: return true
        case .sid:
            let type = values.first(slots.groupType).flatMap(DirectoryNumbers.bits)
            if let type, type & DirectoryBits.security == 0 { return false }
            let sid = values.first(slots.objectSid).flatMap(SecurityIdentifier.init(octets:))
            return !(sid?.isBuiltIn ?? false)
        }
    }

    /// The objectSid of the primary group; `nil`: the directory names none, or not this way.
    ///
    /// A person whose primary group cannot be told is withheld: a deny rule may mean it.
    func primaryGroup(_ values: AttributeValues, findings: inout Findings) -> String? {
        guard let text = values.first(slots.primaryGroupID) else { return nil }
        guard let relative = DirectoryNumbers.decimal(text) else {
            findings.withhold("primaryGroupID", "\(quoted(text)) is not an id")
            return nil
        }
        guard let octets = values.first(slots.objectSid) else {
            findings.withhold("objectSid", "is missing, but primaryGroupID is there")
            return nil
        }
        guard let account = SecurityIdentifier(octets: octets) else {
            findings.withhold("objectSid", "\(quoted(octets)) is not a security identifier")
            return nil
        }
        return "\(account.domain)-\(relative)"
    }

    // MARK: - Security identifiers

    /// How groups list those whose primary group they are; `nil`: the directory does not say.
    ///
    /// Active Directory knows groups by sAMAccountName, and each has an objectSid; where that cannot
    /// be read a rule that names the group misses these people. AD LDS has neither.
    func primaryMembers(
        _ values: AttributeValues, findings: inout Findings
    ) -> MemberReference? {
        if let sid = values.first(slots.objectSid).flatMap(SecurityIdentifier.init(octets:)) {
            return .primaryGroup("\(sid)")
        }
        let isKnownBySAM = policy.attributes.groupName.lowercased() == "samaccountname"
        let isSaid = findings.withheld?.hasPrefix("objectSid") == true
        if policy.schema == .activeDirectory, isKnownBySAM, !isSaid {
            findings.note(
                "objectSid", "cannot be read; people whose primary group it is are not its members")
        }
        return nil
    }

    private func securityIdentifier(
        _ values: AttributeValues, findings: inout Findings
    ) -> SecurityIdentifier? {
        guard let octets = values.first(slots.objectSid) else {
            findings.withhold("objectSid", "is missing")
            return nil
        }
        guard let found = SecurityIdentifier(octets: octets), values.count(slots.objectSid) == 1
        else {
            findings.withhold("objectSid", "\(quoted(octets)) is not a security identifier")
            return nil
        }
        guard found.isOfDomain else {
            findings.withhold("objectSid", "\(found) does not belong to a domain")
            return nil
        }
        return found
    }

    private func primaryGID(
        _ values: AttributeValues, of account: SecurityIdentifier, findings: inout Findings
    ) -> UInt32? {
        let attribute = "primaryGroupID"
        let relative = identifier(values, slots.primaryGroupID, attribute, &findings)
        let gid = relative.flatMap { mapped(account, relative: $0, attribute, &findings) }
        checkGroup(gid, attribute, &findings)
        return gid
    }

    private func mapped(
        _ account: SecurityIdentifier, relative: UInt32, _ attribute: String,
        _ findings: inout Findings
    ) -> UInt32? {
        let mapping = SIDMapping(window: policy.ids, sliceSize: policy.sidSliceSize)
        do {
            return try mapping.id(domain: account.domain, relative: relative)
        } catch {
            let sid = "\(account.domain)-\(relative)"
            let problem =
                switch error {
                case .noSlices: "has no slice between accounts.min_id and accounts.max_id"
                case .ambiguous: "has a slice that falls together with another one of its domain"
                }
            findings.withhold(attribute, "\(sid) \(problem)")
            return nil
        }
    }

    // MARK: - Hashes

    /// An id in the window that depends on nothing but the entry's identity and the window.
    ///
    /// Ids of the system are passed over; a window of nothing else gives the first of them.
    private func hashed(_ uuid: EntryUUID) -> UInt32 {
        let size = UInt64(policy.ids.upperBound - policy.ids.lowerBound) + 1
        for attempt in UInt32(0)..<64 {
            let hash = MurmurHash3.hash(uuid.octets, seed: attempt)
            // The high half of the product: every id is as likely as another.
            let id = policy.ids.lowerBound + UInt32(truncatingIfNeeded: (UInt64(hash) * size) >> 32)
            if !ReservedIDs.contains(id) { return id }
        }
        return policy.ids.lowerBound
    }

    // MARK: - Checks

    private func checkUser(_ id: UInt32?, _ attribute: String, _ findings: inout Findings) {
        guard let id else { return }
        check(
            id, attribute, local: local.userIDs, ranges: local.subordinateUserIDs,
            findings: &findings)
    }

    private func checkGroup(
        _ id: UInt32?, _ attribute: String, window: ClosedRange<UInt32>? = nil,
        _ findings: inout Findings
    ) {
        guard let id else { return }
        check(
            id, attribute, window: window, local: local.groupIDs,
            ranges: local.subordinateGroupIDs, findings: &findings)
    }

    /// The administrator's own choice need not lie in the window.
    private func checkDefault(_ gid: UInt32, _ findings: inout Findings) {
        if ReservedIDs.contains(gid) {
            findings.withhold("accounts.default_gid", "\(gid) belongs to the system")
        } else if local.groupIDs.contains(gid) {
            findings.withhold(
                "accounts.default_gid", "\(gid) is the id of a local account or group")
        }
    }
}
