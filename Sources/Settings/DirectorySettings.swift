// Reads [directory] and [directory.attributes], and puts the whole together.

internal import Accounts

extension SettingsReader {
    /// The whole document; not to be used when there are problems.
    mutating func settings(_ document: SettingsTable) -> Settings {
        let table = table("directory", in: document)
        let schema: DirectorySchema = choice("schema", in: table) ?? .automatic
        let attributeTable = self.table("attributes", in: table)
        let attributes = attributes(attributeTable, schema: schema)
        let directory = directory(table, schema: schema)
        let accountTable = self.table("accounts", in: document)
        var accounts = accounts(accountTable, schema: schema, attributes: attributes)
        let ssh = ssh(self.table("ssh", in: document))
        accounts.keyAttribute = ssh.keyAttribute
        accounts.allowsKeyOptions = ssh.allowsKeyOptions
        return Settings(
            directory: directory, accounts: accounts,
            allowsIDReuse: flag("id_reuse", in: accountTable) ?? false,
            removals: removals(self.table("removals", in: document)),
            access: access(self.table("access", in: document)),
            login: login(self.table("login", in: document)), ssh: ssh,
            messages: messages(self.table("messages", in: document)),
            namedAttributes: namedAttributes(document, accounts))
    }

    private mutating func directory(
        _ table: SettingsTable, schema: DirectorySchema
    ) -> Settings.Directory {
        let base = distinguishedName("base", in: table)
        if table.values["base"] == nil {
            report("directory.base", "is missing", "name the DN below which the people are")
        }
        let uris = uris(table)
        return Settings.Directory(
            uris: uris, base: base ?? "", bind: bind(table, uris: uris),
            caFile: text(
                "ca_file", in: table, remedy: "name a PEM file by its absolute path",
                where: Self.isPath) ?? "/etc/ssl/certs/ca-certificates.crt",
            sync: choice("sync", in: table) ?? .automatic,
            pollInterval: duration("poll_interval", in: table, Self.timeouts) ?? .seconds(30),
            compareInterval: duration("compare_interval", in: table, Self.intervals)
                ?? .seconds(3600),
            peopleBase: distinguishedName("people_base", in: table) ?? base ?? "",
            groupsBase: distinguishedName("groups_base", in: table) ?? base ?? "",
            peopleFilter: filter("people_filter", in: table),
            groupsFilter: filter("groups_filter", in: table),
            networkTimeout: duration("network_timeout", in: table, Self.timeouts) ?? .seconds(10),
            refreshTimeout: duration("refresh_timeout", in: table, Self.timeouts) ?? .seconds(60),
            entryID: attribute("entry_id", in: table)
                ?? (schema == .activeDirectory ? "objectGUID" : "entryUUID"))
    }

    private static let intervals: ClosedRange<Duration> = .seconds(1) ... .seconds(30 * 86400)
    private static let timeouts: ClosedRange<Duration> = .milliseconds(100) ... .seconds(86400)

    private mutating func uris(_ table: SettingsTable) -> [DirectoryURI] {
        let remedy = "write \"ldaps://host\", \"ldap://host\" or \"ldapi:///path\""
        let listed = texts("uris", in: table)
        if [nil, .list([])].contains(table.values["uris"]) {
            report("directory.uris", "names no server", remedy)
        }
        let mode: TLSMode? = choice("tls", in: table)
        var uris: [DirectoryURI] = []
        for text in listed ?? [] {
            guard var uri = DirectoryURI(text: text) else {
                report("directory.uris", "\"\(text)\" is not the address of a server", remedy)
                continue
            }
            if let mode { apply(mode, to: &uri) }
            uris.append(uri)
        }
        return uris
    }

    /// Sets how a connection is protected, and reports what does not go together.
    private mutating func apply(_ mode: TLSMode, to uri: inout DirectoryURI) {
        let key = "directory.tls"
        switch (mode, uri.scheme) {
        case (_, .ldapi), (.ldaps, .ldaps), (.startTLS, .ldap), (.ldaps, .srv), (.startTLS, .srv):
            if uri.scheme != .ldapi { uri.tls = mode }
        case (.ldaps, .ldap):
            report(
                key, "\"ldaps\" does not go with \(uri.text)",
                "write ldaps:// in directory.uris, or tls = \"starttls\"")
        case (.startTLS, .ldaps):
            report(
                key, "\"starttls\" does not go with \(uri.text)",
                "write ldap:// in directory.uris, or tls = \"ldaps\"")
        case (.off, .ldaps):
            report(
                key, "\"off\" does not go with \(uri.text)", "take it out: ldaps:// is protected")
        case (.off, .srv):
            report(
                key, "\"off\" does not go with \(uri.text)",
                "choose \"ldaps\" (_ldaps._tcp) or \"starttls\" (_ldap._tcp)")
        case (.off, .ldap):
            uri.tls = .off
            if !uri.isLocal {
                report(
                    key, "\"off\" would send passwords readable to \(uri.host)",
                    "choose \"starttls\", or ldaps://; only loopback and ldapi may do without")
            }
        }
    }

    private mutating func bind(_ table: SettingsTable, uris: [DirectoryURI]) -> Settings.Bind {
        let dn = bindName("bind_dn", in: table)
        let passwordFile = text(
            "bind_password_file", in: table, remedy: "name a file by its absolute path",
            where: Self.isPath)
        let sasl = text(
            "sasl", in: table, remedy: "\"external\" is the only one", where: { $0 == "external" })
        if sasl == nil {
            if dn == nil && table.values["bind_dn"] == nil && passwordFile != nil {
                report(
                    "directory.bind_password_file", "has no bind_dn to go with",
                    "name directory.bind_dn as well")
            }
            return dn.map { .simple(dn: $0, passwordFile: passwordFile) } ?? .anonymous
        }
        if dn != nil || passwordFile != nil {
            report(
                "directory.sasl", "does not go with bind_dn and bind_password_file",
                "take out sasl, or these two")
        }
        for uri in uris where uri.scheme != .ldapi {
            report(
                "directory.sasl", "\"external\" does not go with \(uri.text)",
                "use ldapi://, or bind_dn and bind_password_file")
        }
        return .external
    }

    private mutating func attributes(
        _ table: SettingsTable, schema: DirectorySchema
    ) -> AttributeMap {
        var map = schema == .activeDirectory ? AttributeMap.activeDirectory : AttributeMap()
        map.uid = attribute("uid", in: table) ?? map.uid
        map.uidNumber = attribute("uidNumber", in: table) ?? map.uidNumber
        map.gidNumber = attribute("gidNumber", in: table) ?? map.gidNumber
        map.gecos = attribute("gecos", in: table) ?? map.gecos
        map.homeDirectory = attribute("homeDirectory", in: table) ?? map.homeDirectory
        map.loginShell = attribute("loginShell", in: table) ?? map.loginShell
        map.groupName = attribute("groupName", in: table) ?? map.groupName
        map.memberUid = attribute("memberUid", in: table) ?? map.memberUid
        map.member =
            texts(
                "member", in: table, remedy: "write names of attributes, such as [\"member\"]",
                where: AttributeName.isValid) ?? map.member
        return map
    }

    mutating func distinguishedName(_ name: String, in table: SettingsTable) -> String? {
        text(
            name, in: table, remedy: "write a DN, such as \"ou=people,dc=example,dc=com\"",
            where: { DistinguishedName.isValid(Array($0.utf8)) })
    }

    /// Who binds: a DN or, as Active Directory takes it, a user principal name.
    mutating func bindName(_ name: String, in table: SettingsTable) -> String? {
        text(
            name, in: table,
            remedy: "write a DN, such as \"cn=roster,dc=example,dc=com\", or to Active Directory "
                + "a name such as \"roster@example.com\"",
            where: { DistinguishedName.isValid(Array($0.utf8)) || Self.isPrincipal($0) })
    }

    /// `NAME@REALM` (MS-ADTS section 5.1.1.1.1); what could be a DN is none.
    private static func isPrincipal(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return false }
        let isNamed = parts[0].allSatisfy { $0 > 0x20 && !#"=,+;<>\"/\[]:|*?"#.utf8.contains($0) }
        return isNamed
            && parts[1].allSatisfy { octet in
                switch octet {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
                    true
                default: octet >= 0x80
                }
            }
    }

    private mutating func filter(_ name: String, in table: SettingsTable) -> String? {
        text(
            name, in: table,
            remedy: "write an LDAP filter in parentheses, such as \"(objectClass=posixAccount)\"",
            where: { FilterText(Array($0.utf8)).isValid })
    }

    /// What a person cannot do without, and whatever else is named in the file.
    private func namedAttributes(
        _ document: SettingsTable, _ policy: AccountPolicy
    ) -> [NamedAttribute] {
        let map = policy.attributes
        var needed = [("uid", map.uid)]
        if policy.idSource == .attribute { needed.append(("uidNumber", map.uidNumber)) }
        if policy.idSource != .sid, policy.defaultGID == nil {
            needed.append(("gidNumber", map.gidNumber))
        }
        if policy.defaultHome == nil { needed.append(("homeDirectory", map.homeDirectory)) }
        var named = needed.map {
            NamedAttribute(attribute: $0.1, key: "directory.attributes.\($0.0)")
        }
        if policy.idSource == .sid {
            named += ["objectSid", "primaryGroupID"].map {
                NamedAttribute(attribute: $0, key: "accounts.ids")
            }
        }
        func add(_ value: ConfigurationValue?, _ key: String, _ attribute: (String) -> String?) {
            var values = [value].compactMap(\.self)
            if case .list(let list) = value { values = list }
            for case .text(let text) in values {
                guard let attribute = attribute(text) else { continue }
                let one = NamedAttribute(attribute: attribute, key: key)
                if !named.contains(one) { named.append(one) }
            }
        }
        guard case .table(let directory) = document.values["directory"] else { return named }
        add(directory["entry_id"], "directory.entry_id") { $0 }
        for key in ["people_filter", "groups_filter"] {
            guard case .text(let filter) = directory[key] else { continue }
            for attribute in FilterText(Array(filter.utf8)).attributes {
                add(.text(attribute), "directory.\(key)") { $0 }
            }
        }
        if case .table(let attributes) = directory["attributes"] {
            for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
                add(value, "directory.attributes.\(name)") { $0 }
            }
        }
        if case .table(let accounts) = document.values["accounts"] {
            add(accounts["disabled"], "accounts.disabled") { DisabledRule(text: $0)?.attribute }
        }
        if case .table(let ssh) = document.values["ssh"] {
            add(ssh["key_attribute"], "ssh.key_attribute") { $0 }
        }
        return named
    }
}
