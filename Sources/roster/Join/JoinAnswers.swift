// What joining needs to know, and the configuration that says it.

/// Everything that goes into the configuration of a host that joins.
struct JoinAnswers: Equatable {
    /// How roster says who it is.
    enum Bind: Equatable {
        case anonymous
        case simple(dn: String)
        case external
    }

    /// The servers, in the order in which they are tried.
    var uris: [String] = []
    /// How connections are protected; `nil`: by the URI.
    var tls: String?
    /// The certificates that may sign the server's; `nil`: the system's.
    var caFile: String?
    /// The DN below which everything lies; `nil`: not known yet.
    var base: String?
    var bind = Bind.anonymous
    /// How members of groups are written; `nil`: as the entries show it.
    var schema: String?
    /// Where uids and gids come from; `nil`: from their attributes.
    var ids: String?
    /// More marks of a disabled account, each `ATTRIBUTE=VALUE`.
    var disabled: [String] = []
    /// The groups whose members may log in; empty: everybody may.
    var allowGroups: [String] = []

    /// Stands for a base that is not known yet: settings need one to be settings.
    static let unknownBase = "cn=unknown"
    static let header = """
        # Written by "roster join". Every key is in roster.toml(5); what is not here has its default.
        # After a change: rosterd --check, then systemctl restart rosterd.

        """

    /// The configuration file; `passwordFile` is where the daemon finds the password.
    func text(passwordFile: String) -> String {
        var lines = ["[directory]", "uris = \(Self.list(uris))"]
        func add(_ key: String, _ value: String?) {
            if let value { lines.append("\(key) = \(Self.quoted(value))") }
        }
        add("base", base ?? Self.unknownBase)
        switch bind {
        case .anonymous: lines.append("# no bind_dn: the directory is read anonymously")
        case .external: add("sasl", "external")
        case .simple(let dn):
            add("bind_dn", dn)
            add("bind_password_file", passwordFile)
        }
        add("tls", tls)
        add("ca_file", caFile)
        if schema != "auto" { add("schema", schema) }
        if ids != nil || !disabled.isEmpty { lines += ["", "[accounts]"] }
        add("ids", ids)
        if !disabled.isEmpty {
            lines.append("# beside the marks that roster knows by itself")
            lines.append("disabled = \(Self.list(disabled))")
        }
        lines += ["", "[access]"]
        if allowGroups.isEmpty {
            lines.append("# no allow_groups: everybody of the directory may log in")
        } else {
            lines += ["# only members of these groups may log in"]
            lines.append("allow_groups = \(Self.list(allowGroups))")
        }
        return Self.header + lines.joined(separator: "\n") + "\n"
    }

    private static func list(_ values: [String]) -> String {
        "[\(values.map(quoted).joined(separator: ", "))]"
    }

    /// A basic string of TOML.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default:
                guard scalar.value < 0x20 || scalar.value == 0x7F else {
                    result.unicodeScalars.append(scalar)
                    continue
                }
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result + "\""
    }
}

/// The lines that one text has and another has not, as `-` and `+`; empty: they say the same.
///
/// Comments and empty lines say nothing.
func lineDifferences(from old: String, to new: String) -> [String] {
    func lines(_ text: String) -> [Substring] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") && $0.contains { $0 != " " } }
    }
    let (before, after) = (lines(old), lines(new))
    return before.filter { !after.contains($0) }.map { "- \($0)" }
        + after.filter { !before.contains($0) }.map { "+ \($0)" }
}
