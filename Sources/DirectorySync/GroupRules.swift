// The rules for groups: name, gid and members as written.

internal import Accounts

extension EntryRules {
    /// A group as the entry alone would be published; without `isPOSIX` it only passes members on.
    func group(_ values: AttributeValues, dn: String, isPOSIX: Bool) -> GroupCandidate {
        var findings = Findings()
        var name: String?
        var gid: UInt32?
        if isPOSIX {
            name = groupName(values, dn: dn, findings: &findings)
            gid = identifier(values, slots.gidNumber, policy.attributes.gidNumber, &findings)
            if let gid {
                check(
                    gid, policy.attributes.gidNumber, local: local.groupIDs,
                    ranges: local.subordinateGroupIDs, findings: &findings)
            }
        } else {
            name = plainName(values, dn: dn)
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
        return String(decoding: bytes, as: UTF8.self)
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
            findings.withhold(attribute, "\(quoted(bytes)) is not a valid name")
            return nil
        }
        let name = String(decoding: bytes, as: UTF8.self)
        if local.groupNames.contains(name) {
            findings.withhold(attribute, "\(name) is a local group")
        } else if PrivilegedNames.isPrivilegedGroup(name), !policy.privilegedGroups.contains(name) {
            findings.withhold(
                attribute, "\(name) gives privileges; accounts.privileged_groups can name it")
        }
        return name
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
                let name = String(decoding: value, as: UTF8.self)
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
