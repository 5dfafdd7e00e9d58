// Codes and actions of Linux-PAM, and the control field of a line: pam.conf(5).

/// A code that a module returns; the numbers are libpam's.
struct PAMCode: Equatable, Hashable, Sendable {
    let number: Int

    /// The names of pam.conf(5) in the order of the numbers.
    static let names = [
        "success", "open_err", "symbol_err", "service_err", "system_err", "buf_err",
        "perm_denied", "auth_err", "cred_insufficient", "authinfo_unavail", "user_unknown",
        "maxtries", "new_authtok_reqd", "acct_expired", "session_err", "cred_unavail",
        "cred_expired", "cred_err", "no_module_data", "conv_err", "authtok_err",
        "authtok_recover_err", "authtok_lock_busy", "authtok_disable_aging", "try_again",
        "ignore", "abort", "authtok_expired", "module_unknown", "bad_item", "conv_again",
        "incomplete",
    ]

    static let success = PAMCode(number: 0)
    static let permDenied = PAMCode(number: 6)
    static let authErr = PAMCode(number: 7)
    static let authinfoUnavail = PAMCode(number: 9)
    static let userUnknown = PAMCode(number: 10)
    static let newAuthtokReqd = PAMCode(number: 12)
    static let acctExpired = PAMCode(number: 13)
    static let sessionErr = PAMCode(number: 14)
    static let authtokErr = PAMCode(number: 20)
    static let ignore = PAMCode(number: 25)
    static let authtokExpired = PAMCode(number: 27)
    static let moduleUnknown = PAMCode(number: 28)

    /// What libpam makes of a line that it cannot use.
    static let mustFail = permDenied
}

/// What libpam does with a code.
enum PAMAction: Equatable, Sendable {
    case ignore, ok, done, bad, die, reset
    /// Passes over so many modules.
    case jump(Int)

    /// In libpam's order, in which words are compared.
    fileprivate static let words: [(String, PAMAction)] = [
        ("ignore", .ignore), ("ok", .ok), ("done", .done), ("bad", .bad), ("die", .die),
        ("reset", .reset),
    ]
}

/// What is done with each code.
struct PAMControl: Equatable, Sendable {
    private var actions: [PAMAction?]

    /// The action for a code.
    subscript(_ code: PAMCode) -> PAMAction {
        guard actions.indices.contains(code.number) else { return .bad }
        return actions[code.number] ?? .bad
    }

    /// Everything is a failure.
    static let allBad = PAMControl([:], otherwise: .bad)
    /// Nothing matters.
    static let allIgnored = PAMControl([:], otherwise: .ignore)

    private init(_ some: [PAMCode: PAMAction], otherwise: PAMAction) {
        actions = PAMCode.names.indices.map { some[PAMCode(number: $0)] ?? otherwise }
    }

    /// One of the four words; `nil` for any other.
    init?(word: String) {
        switch word.lowercased() {
        case "required":
            self.init([.success: .ok, .newAuthtokReqd: .ok, .ignore: .ignore], otherwise: .bad)
        case "requisite":
            self.init([.success: .ok, .newAuthtokReqd: .ok, .ignore: .ignore], otherwise: .die)
        case "optional":
            self.init([.success: .ok, .newAuthtokReqd: .ok], otherwise: .ignore)
        case "sufficient":
            self.init([.success: .done, .newAuthtokReqd: .done], otherwise: .ignore)
        default:
            return nil
        }
    }

    /// `value=action value=action ...`, without the brackets; `nil` if libpam cannot read it either.
    init?(pairs text: Substring) {
        actions = Array(repeating: nil, count: PAMCode.names.count)
        var rest = text.drop { $0.isWhitespace }
        while !rest.isEmpty {
            guard let code = Self.code(&rest) else { return nil }
            rest = rest.drop { $0.isWhitespace }
            guard rest.popFirst() == "=" else { return nil }
            rest = rest.drop { $0.isWhitespace }
            guard let action = Self.action(&rest) else { return nil }
            if let code {
                actions[code] = action
            } else {
                actions = actions.map { $0 ?? action }
            }
            rest = rest.drop { $0.isWhitespace }
        }
    }

    /// Takes the name of a code; the inner `nil` is `default`, the outer one a mistake.
    private static func code(_ rest: inout Substring) -> Int?? {
        for (number, name) in PAMCode.names.enumerated() where rest.hasPrefix(name) {
            rest = rest.dropFirst(name.count)
            return .some(number)
        }
        guard rest.hasPrefix("default") else { return nil }
        rest = rest.dropFirst("default".count)
        return .some(nil)
    }

    private static func action(_ rest: inout Substring) -> PAMAction? {
        for (word, action) in PAMAction.words where rest.hasPrefix(word) {
            rest = rest.dropFirst(word.count)
            return action
        }
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number > 0 else { return nil }
        rest = rest.dropFirst(digits.count)
        return .jump(number)
    }
}
