// What the common modules answer for the people that the stacks are tried with.

/// Somebody the stacks are tried with.
enum PAMPerson: CaseIterable, Sendable {
    /// Of the directory, admitted, with the right password.
    case admitted
    /// Of the directory, disabled.
    case refused
    /// Of the directory, with a wrong password.
    case wrongPassword
    /// Of /etc/passwd, with the right password.
    case local
    /// uid 0, with the right password.
    case root

    /// Whether /etc/passwd lists the person.
    var isLocal: Bool { self == .local || self == .root }
}

/// Tells what modules answer.
struct PAMModules {
    let service: String
    let kind: PAMKind
    let person: PAMPerson
    /// How pam_roster refuses `refused`: one of `refusals`.
    var refusedWith = PAMCode.permDenied
    /// The ids that the person may have.
    let uids: ClosedRange<UInt32>
    /// Whether the file of a module is there.
    let isInstalled: (String) -> Bool
    /// Whether a file says nothing: all of it comments.
    let saysNothing: (String) -> Bool

    /// The codes that pam_roster refuses with, and whom: see pam_roster(8).
    static let refusals: [(code: PAMCode, whom: String)] = [
        (.permDenied, "who is disabled (perm_denied)"),
        (.acctExpired, "whose account expired (acct_expired)"),
        (.authinfoUnavail, "everybody while the mirror is too old (authinfo_unavail)"),
        (.authtokExpired, "whose password expired (authtok_expired)"),
    ]

    /// What a line may answer: one code, or several where nobody can know here.
    func answers(_ line: PAMLine) -> [PAMCode] {
        guard case .module(let path, let arguments) = line.content, let name = line.module else {
            return [.mustFail]
        }
        guard isInstalled(path) else { return [.moduleUnknown] }
        return known(name, arguments) ?? [.success, refusal]
    }

    /// Whether nobody can know here what a line answers.
    func isUnknown(_ line: PAMLine) -> Bool {
        guard let name = line.module, case .module(let path, let arguments) = line.content,
            isInstalled(path)
        else { return false }
        return known(name, arguments) == nil
    }

    /// How a module of this kind usually refuses.
    private var refusal: PAMCode {
        switch kind {
        case .auth: .authErr
        case .account: .permDenied
        case .password: .authtokErr
        case .session: .sessionErr
        }
    }

    private func known(_ name: String, _ arguments: [String]) -> [PAMCode]? {
        switch name {
        case "pam_roster.so": [roster]
        case "pam_unix.so", "pam_unix_auth.so", "pam_unix_acct.so": [unix]
        case "pam_localuser.so":
            arguments.contains { $0.hasPrefix("file=") }
                ? nil : [person.isLocal ? .success : .permDenied]
        case "pam_succeed_if.so": condition(arguments)
        case "pam_permit.so": [.success]
        case "pam_deny.so": [refusal == .permDenied ? .authErr : refusal]
        case "pam_faillock.so", "pam_tally2.so":
            [arguments.contains("authfail") ? .ignore : .success]
        case "pam_nologin.so": [arguments.contains("successok") ? .success : .ignore]
        case "pam_rootok.so": [.authErr]
        case "pam_access.so": saysNothing("/etc/security/access.conf") ? [.success] : nil
        case "pam_time.so": saysNothing("/etc/security/time.conf") ? [.success] : nil
        case "pam_systemd_home.so": [.userUnknown]
        case "pam_debug.so": [debug(arguments)]
        case "pam_cap.so", "pam_env.so", "pam_faildelay.so", "pam_group.so", "pam_issue.so",
            "pam_warn.so", "pam_echo.so":
            [kind == .session ? .success : .ignore]
        case "pam_keyinit.so", "pam_lastlog.so", "pam_limits.so", "pam_loginuid.so",
            "pam_mail.so", "pam_mkhomedir.so", "pam_motd.so", "pam_selinux.so", "pam_shells.so",
            "pam_systemd.so", "pam_umask.so":
            [.success]
        case "pam_securetty.so": person == .root ? nil : [.success]
        default: nil
        }
    }

    /// See pam_roster(8).
    private var roster: PAMCode {
        switch person {
        case .admitted: .success
        case .refused: refusedWith
        case .wrongPassword: kind == .auth ? .authErr : .success
        case .local, .root: .userUnknown
        }
    }

    /// For people of the directory the password field is `*` and there is no shadow entry.
    private var unix: PAMCode {
        kind == .auth && !person.isLocal ? .authErr : .success
    }

    private func debug(_ arguments: [String]) -> PAMCode {
        let event = kind == .auth ? "auth=" : kind == .account ? "acct=" : "open_session="
        let word = arguments.first { $0.hasPrefix(event) }?.dropFirst(event.count)
        return PAMCode.names.firstIndex { $0[...] == word }.map(PAMCode.init) ?? .success
    }

    /// The conditions of pam_succeed_if; `nil` where they ask for something unknown here.
    private func condition(_ arguments: [String]) -> [PAMCode]? {
        let flags = [
            "debug", "use_uid", "quiet", "quiet_fail", "quiet_success", "audit",
        ]
        guard !arguments.contains("use_uid") else { return nil }
        let words = arguments.filter { !flags.contains($0) }
        guard !words.isEmpty, words.count.isMultiple(of: 3) else { return nil }
        var holds = true
        for start in stride(from: 0, to: words.count, by: 3) {
            guard let one = holdsFor(words[start], words[start + 1], words[start + 2]) else {
                return nil
            }
            holds = holds && one
        }
        return [holds ? .success : .authErr]
    }

    private func holdsFor(_ field: String, _ comparison: String, _ value: String) -> Bool? {
        switch field {
        case "uid":
            guard let number = UInt32(value) else { return nil }
            let low = Self.compare(uids.lowerBound, comparison, number)
            return low == Self.compare(uids.upperBound, comparison, number) ? low : nil
        case "user" where comparison == "=" && person == .root: return value == "root"
        case "user" where comparison == "!=" && person == .root: return value != "root"
        case "user" where comparison == "=" && value == "root": return false
        case "user" where comparison == "!=" && value == "root": return true
        case "service" where comparison == "=": return value == service
        case "service" where comparison == "!=": return value != service
        case "service" where comparison == "in":
            return value.split(separator: ":").contains { $0 == service }
        case "service" where comparison == "notin":
            return !value.split(separator: ":").contains { $0 == service }
        default: return nil
        }
    }

    private static func compare(_ uid: UInt32, _ comparison: String, _ number: UInt32) -> Bool? {
        switch comparison {
        case "<", "lt": uid < number
        case "<=", "le": uid <= number
        case "=", "eq": uid == number
        case "!=", "ne": uid != number
        case ">=", "ge": uid >= number
        case ">", "gt": uid > number
        default: nil
        }
    }
}
