// What follows from several keys together, or from what Debian calls its PAM services.

extension Settings {
    /// How often every entry is compared: at least three times within ``Login/maxStaleness``.
    ///
    /// Never below one second. Only a comparison says that the mirror is what the directory is; a
    /// healthy host must not become too old between two of them.
    public var comparisonInterval: Duration {
        guard let limit = login.maxStaleness else { return directory.compareInterval }
        return min(directory.compareInterval, max(.seconds(1), limit / 3))
    }

    /// The longest rest between two comparisons, however long one takes; for the same reason.
    public var longestComparisonRest: Duration {
        max(.seconds(1), (login.maxStaleness ?? .seconds(30 * 86400)) / 3)
    }
}

extension Settings.Access {
    /// PAM services that are another one in the form of a login, and that other one.
    private static let loginForms = ["sudo-i": "sudo", "su-l": "su", "runuser-l": "runuser"]

    /// The service whose table decides about a PAM service; `nil`: ``general`` does.
    ///
    /// `sudo-i`, `su-l` and `runuser-l` without a table of their own take that of `sudo`, `su` and
    /// `runuser`.
    public func table(for service: String) -> String? {
        if services[service] != nil { return service }
        guard let base = Self.loginForms[service], services[base] != nil else { return nil }
        return base
    }

    /// The rules of all services that have one of their own or, as ``table(for:)`` says, another's.
    public var rulesByService: [String: Settings.AccessRule] {
        var rules = services
        for service in Self.loginForms.keys {
            guard let table = table(for: service) else { continue }
            rules[service] = services[table]
        }
        return rules
    }
}
