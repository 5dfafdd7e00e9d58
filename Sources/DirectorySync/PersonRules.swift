// The rules for people: the fields of passwd(5).

internal import Accounts

extension EntryRules {
    /// A person as the entry alone would be published.
    func person(_ values: AttributeValues, _ entry: DirectoryEntry) -> PersonCandidate {
        var findings = Findings()
        let name = loginName(values, dn: entry.dn, findings: &findings)
        let ids = ids(values, entry, findings: &findings)
        let passwd = PasswdFields(
            name: name, uid: ids.uid ?? 0, gid: ids.gid ?? 0,
            gecos: gecos(values, dn: entry.dn, findings: &findings),
            home: home(values, of: name, findings: &findings),
            shell: shell(values, findings: &findings))
        let state = state(values, findings: &findings)
        let login = login(values, findings: &findings)
        let primaryGroup = primaryGroup(values, findings: &findings)
        return PersonCandidate(
            passwd: passwd, state: state, login: login, primaryGroup: primaryGroup,
            withheld: findings.withheld, notes: findings.notes)
    }

    private func loginName(
        _ values: AttributeValues, dn: String, findings: inout Findings
    ) -> String {
        let attribute = policy.attributes.uid
        guard
            let bytes = name(values, slots.uid, attribute: attribute, dn: dn, findings: &findings)
        else {
            findings.withhold(attribute, "is missing")
            return ""
        }
        guard policy.names.allowsPerson(bytes) else {
            findings.withhold(attribute, "\(quoted(bytes)) is not a valid name")
            return ""
        }
        let name = folded(bytes)
        if local.userNames.contains(name) {
            findings.withhold(attribute, "\(name) is a local account")
        } else if PrivilegedNames.isSystemUser(name) {
            findings.withhold(attribute, "\(name) is a name of the system")
        }
        return name
    }

    /// A name as it is published: in lower case if so configured.
    func folded(_ name: ArraySlice<UInt8>) -> String {
        guard policy.foldsNames else { return String(decoding: name, as: UTF8.self) }
        return String(
            decoding: name.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// A number that must be there; single-valued, because a second value would be another identity.
    func identifier(
        _ values: AttributeValues, _ slot: Int, _ attribute: String, _ findings: inout Findings
    ) -> UInt32? {
        guard let text = values.first(slot) else {
            findings.withhold(attribute, "is missing")
            return nil
        }
        guard values.count(slot) == 1 else {
            findings.withhold(attribute, "has several values")
            return nil
        }
        guard let number = DirectoryNumbers.decimal(text) else {
            findings.withhold(attribute, "\(quoted(text)) is not an id")
            return nil
        }
        return number
    }

    /// gecos; else the first cn that is not the RDN (Entra's is the display name), displayName, cn.
    private func gecos(
        _ values: AttributeValues, dn: String, findings: inout Findings
    ) -> String {
        var attribute = policy.attributes.gecos
        var text = values.first(slots.gecos)
        if text == nil {
            attribute = "cn"
            text = commonName(values, dn: dn)
        }
        if text == nil, let name = values.first(slots.displayName) {
            attribute = "displayName"
            text = name
        }
        guard let found = text ?? values.first(slots.commonName) else { return "" }
        if let problem = fieldProblem(found, limit: FieldLimits.gecos) {
            findings.withhold(attribute, "\(quoted(found)) \(problem)")
            return ""
        }
        return String(decoding: found, as: UTF8.self)
    }

    private func commonName(_ values: AttributeValues, dn: String) -> ArraySlice<UInt8>? {
        guard values.has(slots.commonName) else { return nil }
        guard let inRDN = DistinguishedName.rdnValue(of: "cn", in: dn) else {
            return values.first(slots.commonName)
        }
        var other: ArraySlice<UInt8>?
        values.forEach(slots.commonName) { value in
            if other == nil, !value.equalsIgnoringCase(inRDN) { other = value }
        }
        return other
    }

    /// The home directory: absolute, below a prefix, without `.`, `..` and empty components.
    private func home(
        _ values: AttributeValues, of name: String, findings: inout Findings
    ) -> String {
        let attribute = policy.attributes.homeDirectory
        let own = values.first(slots.homeDirectory)
        guard let bytes = own?.isEmpty == false ? own : defaultHome(of: name) else {
            findings.withhold(attribute, "is missing")
            return ""
        }
        if let problem = fieldProblem(bytes, limit: FieldLimits.path) {
            findings.withhold(attribute, "\(quoted(bytes)) \(problem)")
            return ""
        }
        guard isCleanPath(bytes) else {
            findings.withhold(
                attribute, "\(quoted(bytes)) is not absolute, or has empty, . or .. parts")
            return ""
        }
        guard isBelowPrefix(bytes) else {
            let prefixes = policy.homePrefixes.joined(separator: ", ")
            findings.withhold(attribute, "\(quoted(bytes)) is not below \(prefixes)")
            return ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The home directory of a person whose entry names none; `nil`: no such is configured.
    private func defaultHome(of name: String) -> ArraySlice<UInt8>? {
        guard let template = policy.defaultHome?.utf8 else { return nil }
        var path: [UInt8] = []
        var isEscaped = false
        for character in template {
            if isEscaped {
                path += name.utf8
                isEscaped = false
            } else if character == UInt8(ascii: "%") {
                isEscaped = true
            } else {
                path.append(character)
            }
        }
        return path[...]
    }

    private func isBelowPrefix(_ path: ArraySlice<UInt8>) -> Bool {
        policy.homePrefixes.contains { prefix in
            path.count > prefix.utf8.count + 1 && path.starts(with: prefix.utf8)
                && path.dropFirst(prefix.utf8.count).first == UInt8(ascii: "/")
        }
    }

    /// Whether a path starts with `/` and none of its parts is empty, `.` or `..`.
    private func isCleanPath(_ path: ArraySlice<UInt8>) -> Bool {
        guard path.first == UInt8(ascii: "/") else { return false }
        var length = 0
        var dots = 0
        for character in path.dropFirst() {
            if character == UInt8(ascii: "/") {
                guard length > 0, dots < length || length > 2 else { return false }
                (length, dots) = (0, 0)
            } else {
                length += 1
                if character == UInt8(ascii: ".") { dots += 1 }
            }
        }
        return length > 0 && (dots < length || length > 2)
    }

    /// The shell; one that is not installed never turns into one that lets people in.
    private func shell(_ values: AttributeValues, findings: inout Findings) -> String {
        let attribute = policy.attributes.loginShell
        var shell = policy.defaultShell
        if let bytes = values.first(slots.loginShell), !bytes.isEmpty {
            if let problem = fieldProblem(bytes, limit: FieldLimits.path) {
                findings.withhold(attribute, "\(quoted(bytes)) \(problem)")
                return ""
            }
            let wanted = String(decoding: bytes, as: UTF8.self)
            if !policy.replaceShells.contains(wanted) { shell = wanted }
        }
        if Self.blockingShells.contains(shell) || shells.contains(shell) { return shell }
        findings.note(
            attribute, "\(quoted(Array(shell.utf8))) is not installed; \(Self.noLogin) stands in")
        return Self.noLogin
    }

    /// What a person gets whose shell is not installed.
    private static let noLogin = "/usr/sbin/nologin"

    /// Shells that let nobody in, installed or not.
    private static let blockingShells: Set<String> = [
        noLogin, "/sbin/nologin", "/bin/nologin", "/usr/bin/nologin", "/bin/false",
        "/usr/bin/false",
    ]
}
