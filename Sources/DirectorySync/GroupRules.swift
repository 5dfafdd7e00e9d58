// The rules for groups: name, gid and members as written.

internal import Accounts

extension EntryRules {
    /// A group as the entry alone would be published; without `isPOSIX` it only passes members on.
    func group(
        _ values: AttributeValues, _ entry: DirectoryEntry, isPOSIX: Bool
    ) -> GroupCandidate {
        var findings = Findings()
        var name: String?
        var gid: UInt32?
        if isPOSIX {
            name = groupName(values, dn: entry.dn, findings: &findings)
            gid = self.gid(values, entry, findings: &findings)
        } else {
            name = plainName(values, dn: entry.dn)
        }
        let members = members(values, findings: &findings)
        return GroupCandidate(
            name: name, gid: gid, members: members, withheld: findings.withheld,
            notes: findings.notes)
    }

    /// The name of a group without gid, by which access rules know it; `nil`: none that can be used.
    private func plainName(_ values: AttributeValues, dn: String) -> String? {
        var ignored = Findings()
        let attribute = policy.attributes.groupName
        let bytes = name(
            values, slots.groupName, attribute: attribute, dn: dn, findings: &ignored)
        guard let bytes, policy.names.allows(bytes) else { return nil }
        return folded(bytes)
    }

    private func groupName(
        _ values: AttributeValues, dn: String, findings: inout Findings
    ) -> String? {
        let attribute = policy.attributes.groupName
        guard
            let bytes = name(
                values, slots.groupName, attribute: attribute, dn: dn, findings: &findings)
        else {
            findings.withhold(attribute, "is missing")
            return nil
        }
        guard policy.names.allows(bytes) else {
            findings.withhold(attribute, "\(quoted(bytes)) \(nameFault(bytes))")
            return nil
        }
        let name = folded(bytes)
        if local.groupNames.contains(name) {
            findings.withhold(attribute, "\(name) is a local group")
        } else if PrivilegedNames.isPrivilegedGroup(name), !policy.privilegedGroups.contains(name) {
            findings.withhold(
                attribute, "\(name) gives privileges; accounts.privileged_groups can name it")
        }
        return name
    }

    /// What is wrong with a name, and what would let it in if only spaces are.
    private func nameFault(_ name: ArraySlice<UInt8>) -> String {
        var rule = policy.names
        rule.extraCharacters.append(UInt8(ascii: " "))
        guard rule.allows(name) else { return "is not a valid name" }
        return "has a space; accounts.extra_name_characters = \" \" would let it in"
    }

    private func members(
        _ values: AttributeValues, findings: inout Findings
    ) -> [MemberReference] {
        var members: [MemberReference] = []
        var leftOut = LeftOutMembers()
        if policy.schema != .rfc2307bis && policy.schema != .activeDirectory {
            members.reserveCapacity(values.count(slots.memberUid))
            values.forEach(slots.memberUid) { value in
                guard policy.names.allows(value) else {
                    return leftOut.add(quoted(value), "is not a valid name")
                }
                let name = folded(value)
                guard !local.userNames.contains(name) else {
                    return leftOut.add(name, "is a local account")
                }
                members.append(.name(name))
            }
        }
        if policy.schema != .rfc2307 {
            for slot in slots.member {
                values.forEach(slot) { members.append(.dn(memberKey($0))) }
            }
        }
        if let primary = primaryMembers(values, findings: &findings) { members.append(primary) }
        leftOut.report(policy.attributes.memberUid, to: &findings)
        guard members.count > 1 else { return members }
        var seen = Set<MemberReference>(minimumCapacity: members.count)
        members.removeAll { !seen.insert($0).inserted }
        return members
    }

    /// The DN of a member; what uniqueMember may have behind it (RFC 4517 §3.3.21) is cut off.
    private func memberKey(_ value: ArraySlice<UInt8>) -> String {
        if let object = ExtendedDN.object(in: value) { return ExtendedDN.key(ofObject: object) }
        guard value.last == UInt8(ascii: "B"), value.dropLast().last == UInt8(ascii: "'"),
            let mark = value.lastIndex(of: UInt8(ascii: "#")),
            value[mark...].dropFirst().first == UInt8(ascii: "'")
        else { return DistinguishedName.key(of: value) }
        return DistinguishedName.key(of: value[..<mark])
    }
}

/// Members that were left out; a hostile list of a million makes a few notes only.
private struct LeftOutMembers {
    private static let mostNotes = 10
    private var shown: [String] = []
    private var count = 0

    mutating func add(_ name: String, _ reason: String) {
        count += 1
        if shown.count < Self.mostNotes { shown.append("\(name) \(reason) and is left out") }
    }

    func report(_ attribute: String, to findings: inout Findings) {
        for text in shown { findings.note(attribute, text) }
        if count > shown.count {
            findings.note(attribute, "\(count - shown.count) more are left out")
        }
    }
}
