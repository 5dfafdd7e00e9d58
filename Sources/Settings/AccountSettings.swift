// Reads [accounts], [removals], [access], [login], [ssh].

internal import Accounts

extension SettingsReader {
    /// `[accounts]`, with the attributes and the schema of `[directory]`.
    mutating func accounts(
        _ table: SettingsTable, schema: DirectorySchema, attributes: AttributeMap
    ) -> AccountPolicy {
        var policy = AccountPolicy()
        policy.schema = schema
        policy.attributes = attributes
        policy.idSource = choice("ids", in: table) ?? .attribute
        policy.ids = idWindow(table, default: policy.idSource.usualWindow)
        computedIDs(table, into: &policy)
        disabledRules(table, into: &policy)
        names = nameRule(table)
        policy.names = names
        foldsNames = flag("fold_names", in: table) ?? (schema == .activeDirectory)
        policy.foldsNames = foldsNames
        let shellRemedy = "name a program by its absolute path, such as \"/bin/bash\""
        policy.defaultShell =
            text("default_shell", in: table, remedy: shellRemedy, where: Self.isPath)
            ?? policy.defaultShell
        policy.replaceShells =
            texts("replace_shells", in: table, remedy: shellRemedy, where: Self.isPath) ?? []
        policy.homePrefixes = homePrefixes(table) ?? policy.homePrefixes
        policy.defaultHome = defaultHome(table, schema, below: policy.homePrefixes)
        let names = names
        policy.privilegedGroups = folded(
            texts(
                "privileged_groups", in: table, remedy: "name a group as the directory does",
                where: { names.allows($0.utf8) }) ?? [])
        return policy
    }

    private mutating func nameRule(_ table: SettingsTable) -> AccountNameRule {
        var rule = AccountNameRule()
        let possible = String(decoding: AccountNameRule.possibleExtras, as: UTF8.self)
        let extras = text(
            "extra_name_characters", in: table, remedy: "choose among \"\(possible)\"",
            where: { $0.utf8.allSatisfy { AccountNameRule.possibleExtras.contains($0) } })
        rule.extraCharacters = Array((extras ?? "").utf8)
        let lengths = AccountNameRule.usualLength...AccountNameRule.longest
        rule.maximumLength =
            integer("max_name_length", in: table, lengths) ?? AccountNameRule.usualLength
        return rule
    }

    private mutating func idWindow(
        _ table: SettingsTable, default window: ClosedRange<UInt32>
    ) -> ClosedRange<UInt32> {
        let range = 1000...Int(Int32.max)
        let low = integer("min_id", in: table, range) ?? Int(window.lowerBound)
        let high = integer("max_id", in: table, range) ?? Int(window.upperBound)
        for (name, id) in [("min_id", low), ("max_id", high)]
        where ReservedIDs.contains(UInt32(id)) {
            report(
                table.prefix + name, "\(id) belongs to the system",
                "choose an id outside 0-999 and 60001-65535")
        }
        guard low <= high else {
            report(
                table.prefix + "min_id", "\(low) is larger than max_id, \(high)",
                "choose both, with min_id at most max_id")
            return window
        }
        return UInt32(low)...UInt32(high)
    }

    /// What is listed adds to the presets; `"none"` leaves only what is listed.
    private mutating func disabledRules(_ table: SettingsTable, into policy: inout AccountPolicy) {
        guard let listed = texts("disabled", in: table) else { return }
        if listed.contains("none") {
            policy.disabled = []
            policy.expiry = []
        }
        for text in listed where text != "none" {
            if let preset = DisabledRule.presets.first(where: { $0.name == text }) {
                policy.disabled += preset.rules.filter { !policy.disabled.contains($0) }
                policy.expiry += preset.expiry.filter { !policy.expiry.contains($0) }
            } else if let rule = DisabledRule(text: text) {
                policy.disabled.append(rule)
            } else {
                let names = DisabledRule.presets.map(\.name).joined(separator: ", ")
                report(
                    table.prefix + "disabled", "\"\(text)\" is not a rule",
                    "write \"attribute=value\", or one of none, \(names)")
            }
        }
    }

    /// What belongs to ids that are not attributes, and does not go with those that are.
    private mutating func computedIDs(_ table: SettingsTable, into policy: inout AccountPolicy) {
        let range = 1000...Int(Int32.max)
        let source = policy.idSource
        if let size = integer("sid_slice_size", in: table, range) {
            policy.sidSliceSize = UInt32(size)
        }
        if source == .sid, policy.schema != .activeDirectory {
            report(
                table.prefix + "ids", "\"sid\" goes with Active Directory only",
                "set directory.schema = \"ad\", or take it out")
        }
        if source == .sid, policy.ids.upperBound - policy.ids.lowerBound < policy.sidSliceSize {
            report(
                table.prefix + "sid_slice_size", "is larger than what min_id and max_id leave",
                "widen these, or make it smaller")
        }
        guard let gid = integer("default_gid", in: table, range) else { return }
        if source == .sid {
            report(
                table.prefix + "default_gid", "does not go with ids = \"sid\"",
                "take it out: the primary group comes from primaryGroupID")
        } else if ReservedIDs.contains(UInt32(gid)) {
            report(
                table.prefix + "default_gid", "\(gid) belongs to the system",
                "choose an id outside 0-999 and 60001-65535")
        }
        policy.defaultGID = UInt32(gid)
    }

    private mutating func defaultHome(
        _ table: SettingsTable, _ schema: DirectorySchema, below prefixes: [String]
    ) -> String? {
        let remedy = "write a path with %u for the name below a folder of home_prefixes"
        let usual = schema == .activeDirectory ? "\(prefixes.first ?? "/home")/%u" : nil
        return text("default_home", in: table, remedy: remedy) { path in
            let parts = path.split(separator: "%", omittingEmptySubsequences: false)
            return parts.count > 1 && parts.dropFirst().allSatisfy { $0.first == "u" }
                && Self.isPath(path) && prefixes.contains { path.hasPrefix($0 + "/") }
        } ?? usual
    }

    private mutating func homePrefixes(_ table: SettingsTable) -> [String]? {
        let prefixes = texts(
            "home_prefixes", in: table,
            remedy: "name a folder other than / by its absolute path, without . and ..",
            where: { Self.isPath(Self.withoutTrailingSlash($0)) })
        if prefixes?.isEmpty == true {
            report(table.prefix + "home_prefixes", "is empty", "name a folder, such as \"/home\"")
        }
        return prefixes?.map(Self.withoutTrailingSlash)
    }

    /// The table `[removals]`.
    mutating func removals(_ table: SettingsTable) -> Settings.Removals {
        Settings.Removals(
            percent: integer("percent", in: table, 0...100) ?? 20,
            count: integer("count", in: table, 0...1_000_000) ?? 10,
            window: duration("window", in: table, .seconds(1) ... .seconds(86400)) ?? .seconds(600))
    }

    /// `[access]` and the tables of the services below it.
    mutating func access(_ table: SettingsTable) -> Settings.Access {
        var access = Settings.Access(general: accessRule(table), services: [:])
        for (name, value) in table.values.sorted(by: { $0.key < $1.key }) {
            guard case .table(let values) = value, !Self.accessKeys.contains(name) else { continue }
            guard AccountNameRule().allows(name.utf8) else {
                report(
                    table.prefix + name, "is not the name of a PAM service",
                    "name a file of /etc/pam.d")
                continue
            }
            access.services[name] = accessRule(
                SettingsTable(prefix: table.prefix + name + ".", values: values))
        }
        return access
    }

    private static let accessKeys = ["allow_groups", "deny_groups", "allow_users"]

    private mutating func accessRule(_ table: SettingsTable) -> Settings.AccessRule {
        let remedy = "write names as getent(1) shows them"
        let groupRemedy = remedy + ", or entry UUIDs"
        let names = names
        func isName(_ text: String) -> Bool { names.allowsPerson(text.utf8) }
        func isGroup(_ text: String) -> Bool {
            names.allows(text.utf8) || EntryUUID(text: Array(text.utf8)[...]) != nil
        }
        return Settings.AccessRule(
            allowGroups: filled("allow_groups", in: table, remedy: groupRemedy, where: isGroup),
            denyGroups: folded(
                texts("deny_groups", in: table, remedy: groupRemedy, where: isGroup) ?? []),
            allowUsers: filled("allow_users", in: table, remedy: remedy, where: isName))
    }

    /// A list that restricts; an empty one restricts nothing.
    private mutating func filled(
        _ name: String, in table: SettingsTable, remedy: String, where isGood: (String) -> Bool
    ) -> [String]? {
        let listed = texts(name, in: table, remedy: remedy, where: isGood)
        return listed?.isEmpty == true ? nil : listed.map(folded)
    }

    /// The table `[login]`.
    mutating func login(_ table: SettingsTable) -> Settings.Login {
        var staleness: Duration?
        if table.values["max_staleness"] != .text("never") {
            staleness = duration("max_staleness", in: table) ?? .seconds(7 * 86400)
        }
        let resetDN = bindName("reset_dn", in: table)
        let resetFile = text(
            "reset_password_file", in: table, remedy: "name a file by its absolute path",
            where: Self.isPath)
        if resetFile != nil && table.values["reset_dn"] == nil {
            report(
                table.prefix + "reset_password_file", "has no reset_dn to go with",
                "name login.reset_dn as well")
        }
        return Settings.Login(
            timeout: duration("timeout", in: table, .milliseconds(100) ... .seconds(60))
                ?? .seconds(3),
            isOfflineAllowed: flag("offline", in: table) ?? true,
            offlineMaxAge: duration("offline_max_age", in: table) ?? .seconds(86400),
            maxStaleness: staleness, resetDN: resetDN, resetPasswordFile: resetFile)
    }

    /// The table `[messages]`.
    mutating func messages(_ table: SettingsTable) -> [LoginVerdict: String] {
        var messages: [LoginVerdict: String] = [:]
        for (name, verdict) in Settings.messageKeys {
            messages[verdict] = text(
                name, in: table, remedy: "write one sentence of at most 200 octets",
                where: { $0.utf8.count <= 200 })
        }
        return messages
    }

    /// The table `[ssh]`.
    mutating func ssh(_ table: SettingsTable) -> Settings.SSH {
        Settings.SSH(
            keyAttribute: attribute("key_attribute", in: table) ?? "sshPublicKey",
            allowsKeyOptions: flag("allow_key_options", in: table) ?? false)
    }

    /// The name of an attribute.
    mutating func attribute(_ name: String, in table: SettingsTable) -> String? {
        text(
            name, in: table, remedy: "write the name of an attribute, such as \"uid\"",
            where: AttributeName.isValid)
    }

    /// Whether a path is absolute, clean and fit for a line of passwd(5).
    static func isPath(_ path: String) -> Bool {
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= 255, !path.contains(":")
        else {
            return false
        }
        let parts = path.utf8.dropFirst().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
        }
    }

    private static func withoutTrailingSlash(_ path: String) -> String {
        path.utf8.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
