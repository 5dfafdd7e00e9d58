// What index-tool does to the gate part.
internal import AccountIndex
internal import Accounts

extension IndexTool {
    /// Publishes a person with these facts and no others.
    ///
    /// `disabled=BY`, `expires=SECONDS`, `must-change=BY`, `blocked`, `held=SECONDS`, `slots=1,2`,
    /// `key=LINE`.
    static func gate(_ directory: String, _ name: String, facts: ArraySlice<String>) throws {
        var state = AccountState.active
        var login = LoginFacts()
        for fact in facts {
            let (word, value) = split(fact)
            switch word {
            case "disabled": state.disabledBy = value
            case "expires": state.expiresAt = Int64(value)
            case "must-change": state.mustChangeBy = value
            case "blocked": login.isBlocked = true
            case "held": login.confirmedAt = Int64(value)
            case "slots": login.accessGroups = numbers(value)
            case "key": login.keys.append(value)
            default: throw ToolError(description: "no fact of the gate: \(fact)")
            }
        }
        var writer = try open(directory)
        let result = try publish(&writer, directory, name) {
            $0.state = state
            $0.login = login
        }
        print(result)
    }

    /// Sets all rules anew.
    ///
    /// `[SERVICE:]allow=1,2`, `[SERVICE:]deny=3`, `[SERVICE:]users=a,b`, `staleness=SECONDS`,
    /// `options`, `disabled=TEXT`; slots have no gid.
    static func policy(_ directory: String, rules: [String]) throws {
        var policy = AccessPolicy()
        for rule in rules {
            let (words, value) = split(rule)
            let parts = words.split(separator: ":").map(String.init)
            let service = parts.count > 1 ? parts[0] : nil
            var access = service.map { policy.services[$0] ?? AccessRule() } ?? policy.general
            switch parts.last {
            case "allow": access.allowGroups = numbers(value)
            case "deny": access.denyGroups = numbers(value)
            case "users": access.allowUsers = value.split(separator: ",").map(String.init)
            case "staleness": policy.maxStaleness = Int64(value)
            case "options": policy.allowKeyOptions = true
            case "disabled": policy.texts[.disabled] = value
            default: throw ToolError(description: "no rule: \(rule)")
            }
            if let service { policy.services[service] = access } else { policy.general = access }
        }
        var writer = try open(directory)
        print(try writer.apply(PublicationChange(policy: policy)))
    }

    static func verified(_ directory: String) throws {
        var writer = try open(directory)
        writer.noteVerified(at: .ofThisHost())
    }

    static func decide(_ directory: String, _ name: String, service: String) throws {
        let file = directory + "/gate.1"
        let state = directory + "/.."
        let (verdict, source) = try unsafe file.withCString { file in
            try unsafe state.withCString { state in
                let gate = try GateIndex(
                    path: unsafe IndexPath(file: file, stateDirectory: state, part: .gate))
                return try unsafe Array(name.utf8).withUnsafeBytes { name in
                    try unsafe Array(service.utf8).withUnsafeBytes { service in
                        let decision = unsafe try gate.decide(
                            name: name, service: service, clock: .ofThisHost())
                        let source = unsafe String(decoding: decision.source, as: UTF8.self)
                        return (decision.verdict, source)
                    }
                }
            }
        }
        print("\(verdict) \(source)")
    }

    private static func split(_ text: String) -> (String, String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
    }

    private static func numbers(_ text: String) -> [UInt32] {
        text.split(separator: ",").compactMap { UInt32($0) }
    }
}
