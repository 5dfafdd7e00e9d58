// nsswitch.conf(5) as glibc reads it, and what a lookup comes to.

/// What a service of nsswitch.conf answers.
enum SwitchStatus: String, CaseIterable, Sendable {
    case success, notFound = "notfound", unavailable = "unavail", tryAgain = "tryagain"
}

/// What glibc does after an answer.
enum SwitchAction: String, Sendable {
    case goOn = "continue", end = "return", merge
}

/// The line of one database.
struct SwitchLine: Equatable, Sendable {
    /// One service with what follows its answers.
    struct Service: Equatable, Sendable {
        var name: String
        var actions: [SwitchStatus: SwitchAction] = [
            .success: .end, .notFound: .goOn, .unavailable: .goOn, .tryAgain: .goOn,
        ]
    }

    /// The services in their order.
    var services: [Service] = []

    /// Where a service stands; `nil` if it does not.
    func place(of name: String) -> Int? {
        services.firstIndex { $0.name == name }
    }

    /// Whether a lookup finds something when each service answers as `answer` says.
    func finds(_ answer: (String) -> SwitchStatus) -> Bool {
        var last = SwitchStatus.unavailable
        var merged = false
        for service in services {
            let status = answer(service.name)
            if merged, status != .success { continue }
            last = status
            switch service.actions[status] ?? .goOn {
            case .end: return status == .success || merged
            case .merge: merged = merged || status == .success
            case .goOn: break
            }
        }
        return last == .success || merged
    }

    /// Whether a lookup reaches a service when each before it answers as `answer` says.
    func reaches(_ name: String, _ answer: (String) -> SwitchStatus) -> Bool {
        for service in services {
            if service.name == name { return true }
            if service.actions[answer(service.name)] == .end { return false }
        }
        return false
    }
}

/// The whole file.
struct NameSwitch: Equatable, Sendable {
    /// The lines by database; of two for one database the later counts.
    var lines: [String: SwitchLine] = [:]

    /// Reads the text; what is not understood is passed over, as glibc does.
    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let content = line.prefix { $0 != "#" }
            guard let colon = content.firstIndex(of: ":") else { continue }
            let database = content[..<colon].filter { !$0.isWhitespace }
            lines[database] = Self.services(content[content.index(after: colon)...])
        }
    }

    private static func services(_ text: Substring) -> SwitchLine {
        var line = SwitchLine()
        var rest = text
        while true {
            rest = rest.drop { $0.isWhitespace }
            guard let first = rest.first else { return line }
            if first == "[" {
                let end = rest.firstIndex(of: "]") ?? rest.endIndex
                let inside = rest[rest.index(after: rest.startIndex)..<end]
                if !line.services.isEmpty {
                    apply(inside, to: &line.services[line.services.count - 1])
                }
                rest = end == rest.endIndex ? "" : rest[rest.index(after: end)...]
            } else {
                let name = rest.prefix { !$0.isWhitespace && $0 != "[" }
                line.services.append(SwitchLine.Service(name: String(name)))
                rest = rest[name.endIndex...]
            }
        }
    }

    private static func apply(_ text: Substring, to service: inout SwitchLine.Service) {
        for word in text.split(whereSeparator: \.isWhitespace) {
            let sides = word.lowercased().split(separator: "=", maxSplits: 1)
            guard sides.count == 2, let action = SwitchAction(rawValue: String(sides[1])) else {
                continue
            }
            let isNegated = sides[0].first == "!"
            guard let status = SwitchStatus(rawValue: String(sides[0].drop { $0 == "!" })) else {
                continue
            }
            for other in SwitchStatus.allCases where (other == status) != isNegated {
                service.actions[other] = action
            }
        }
    }
}
