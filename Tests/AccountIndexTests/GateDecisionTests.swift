// Who may log in: the order of the verdicts, the rules, and what is said for which reason.
import Accounts
import Testing

@testable import AccountIndex

/// One row of a table of decisions.
struct DecisionCase: CustomTestStringConvertible {
    var sentence: String
    var account: PublishedPerson
    var policy = AccessPolicy()
    var service = "sshd"
    var clock = GateClock.usual
    var verdict: LoginVerdict
    var source = ""

    var testDescription: String { sentence }
}

struct GateDecisionTests {
    /// An account with everything wrong with it that can be.
    static let hopeless = account(
        state: AccountState(
            disabledBy: "nsAccountLock=TRUE", expiresAt: 999_999, expiresBy: "shadowExpire",
            mustChangeBy: "pwdReset=TRUE"), slots: [2], blocked: true)
    static let strict = AccessPolicy(
        AccessRule(allow: [1], deny: [2]), maxStaleness: 60)

    /// The hopeless account with its faults mended one by one, in the order of the verdicts.
    static var order: [DecisionCase] {
        var rows: [DecisionCase] = []
        var now = hopeless
        let late = GateClock.usual.after(61)
        func row(_ verdict: LoginVerdict, _ source: String, _ clock: GateClock) {
            rows.append(
                DecisionCase(
                    sentence: "\(verdict)", account: now, policy: strict, clock: clock,
                    verdict: verdict, source: source))
        }
        row(.blocked, "roster deny", late)
        now.login.isBlocked = false
        row(.disabled, "nsAccountLock=TRUE", late)
        now.state.disabledBy = nil
        row(.expired, "shadowExpire", late)
        now.state.expiresAt = nil
        row(.stale, "max_staleness", late)
        row(.denied, "access.deny_groups=contractors", .usual)
        now.login.accessGroups = []
        row(.notAllowed, "access.allow_groups", .usual)
        now.login.accessGroups = [1]
        row(.mustChangePassword, "pwdReset=TRUE", .usual)
        now.state.mustChangeBy = nil
        row(.accepted, "access.allow_groups=staff", .usual)
        return rows
    }

    static let rules: [DecisionCase] = [
        DecisionCase(sentence: "no rule admits everybody", account: account(), verdict: .accepted),
        DecisionCase(
            sentence: "an empty list of allowed groups admits nobody", account: account(slots: [1]),
            policy: AccessPolicy(AccessRule(allow: [])), verdict: .notAllowed,
            source: "access.allow_groups"),
        DecisionCase(
            sentence: "an empty list of allowed users admits nobody", account: account(slots: [1]),
            policy: AccessPolicy(AccessRule(users: [])), verdict: .notAllowed,
            source: "access.allow_users"),
        DecisionCase(
            sentence: "deny wins over allow", account: account(slots: [1, 2]),
            policy: AccessPolicy(AccessRule(allow: [1], deny: [2], users: ["alice"])),
            verdict: .denied, source: "access.deny_groups=contractors"),
        DecisionCase(
            sentence: "a deny rule alone admits the others", account: account(slots: [1, 3]),
            policy: AccessPolicy(AccessRule(deny: [2])), verdict: .accepted),
        DecisionCase(
            sentence: "one of several groups is enough", account: account(slots: [3]),
            policy: AccessPolicy(AccessRule(allow: [1, 3])), verdict: .accepted,
            source: "access.allow_groups=vault"),
        DecisionCase(
            sentence: "a name admits whom no group does", account: account(slots: [3]),
            policy: AccessPolicy(AccessRule(allow: [1], users: ["bob", "alice"])),
            verdict: .accepted, source: "allow_users"),
        DecisionCase(
            sentence: "another name does not, nor a part of one", account: account(),
            policy: AccessPolicy(AccessRule(users: ["bob", "alic", "alicea", "Alice"])),
            verdict: .notAllowed, source: "access.allow_users"),
        DecisionCase(
            sentence: "the primary group counts by its gid, to allow", account: account(gid: 3001),
            policy: AccessPolicy(AccessRule(allow: [1])), verdict: .accepted,
            source: "access.allow_groups=staff"),
        DecisionCase(
            sentence: "and to deny", account: account(gid: 3002, slots: [1]),
            policy: AccessPolicy(AccessRule(allow: [1], deny: [2])), verdict: .denied,
            source: "access.deny_groups=contractors"),
        DecisionCase(
            sentence: "a group without gid is nobody's primary group", account: account(),
            policy: AccessPolicy(AccessRule(allow: [3])), verdict: .notAllowed,
            source: "access.allow_groups"),
        DecisionCase(
            sentence: "a slot that no group has still denies", account: account(slots: [9]),
            policy: AccessPolicy(AccessRule(deny: [9])), verdict: .denied,
            source: "access.deny_groups=group 9"),
        DecisionCase(
            sentence: "a service's own rule stands alone", account: account(slots: [2]),
            policy: AccessPolicy(AccessRule(deny: [2]), ["sshd": AccessRule(allow: [2])]),
            verdict: .accepted, source: "access.sshd.allow_groups=contractors"),
        DecisionCase(
            sentence: "and is named when it refuses", account: account(slots: [1]),
            policy: AccessPolicy(AccessRule(), ["sshd": AccessRule(allow: [2], deny: [3])]),
            verdict: .notAllowed, source: "access.sshd.allow_groups"),
        DecisionCase(
            sentence: "an empty rule of a service admits everybody to it",
            account: account(slots: [2]),
            policy: AccessPolicy(AccessRule(deny: [2]), ["sshd": AccessRule()]),
            verdict: .accepted),
        DecisionCase(
            sentence: "another service goes by the general rule", account: account(slots: [2]),
            policy: AccessPolicy(
                AccessRule(deny: [2]), ["sshd": AccessRule(), "su": AccessRule()]),
            service: "sudo", verdict: .denied, source: "access.deny_groups=contractors"),
        DecisionCase(
            sentence: "services are told apart byte by byte", account: account(slots: [2]),
            policy: AccessPolicy(
                AccessRule(deny: [2]), ["su": AccessRule(), "sudo": AccessRule()]),
            service: "sud", verdict: .denied, source: "access.deny_groups=contractors"),
        DecisionCase(
            sentence: "no service at all goes by the general rule", account: account(slots: [2]),
            policy: AccessPolicy(AccessRule(deny: [2]), ["sshd": AccessRule()]), service: "",
            verdict: .denied, source: "access.deny_groups=contractors"),
        DecisionCase(
            sentence: "a state without a named source is still that state",
            account: account(state: AccountState(disabledBy: "")), verdict: .disabled),
    ]

    @Test("each verdict, in the one order", arguments: order)
    func inOrder(row: DecisionCase) throws { try check(row) }

    @Test("the rules of [access]", arguments: rules)
    func byRule(row: DecisionCase) throws { try check(row) }

    private func check(_ row: DecisionCase) throws {
        let index = try TestIndex()
        try index.buildGate([row.account, account("other", 70001)], row.policy)
        let answer = try index.decide(
            row.account.passwd.name, service: row.service, at: row.clock)
        let text = unsafe String(
            decoding: UnsafeRawBufferPointer(
                start: row.verdict.builtInText.utf8Start,
                count: row.verdict.builtInText.utf8CodeUnitCount), as: UTF8.self)
        #expect(
            answer
                == Answer(
                    verdict: row.verdict, text: text, source: row.source,
                    uid: row.account.passwd.uid))
    }

    @Test("a name that is none of ours is unknown, whatever it looks like")
    func unknown() throws {
        let index = try TestIndex()
        try index.buildGate([account()])
        let names = ["", "bob", "alic", "alicea", "root", "/policy", "/", "alice\0", "70000"]
        for name in names + [String(repeating: "a", count: 300)] {
            let answer = Answer(verdict: .unknownUser, text: "", source: "", uid: 0)
            #expect(try index.decide(name) == answer)
            #expect(try index.keys(name) == [])
        }
    }

    @Test("a name that was removed a moment ago is refused, not unknown")
    func removed() throws {
        let index = try TestIndex()
        let bob = account("bob", 70001)
        var writer = try index.buildGate([account(), bob], removed: ["carol", "alice"])
        #expect(try index.decide("carol").verdict == .removed)
        #expect(try index.decide("carol").source == "removed")
        #expect(try index.decide("alice").verdict == .accepted, "she is there again")
        _ = try writer.apply(change((bob, nil)))
        #expect(try index.decide("bob").verdict == .removed)
        var renamed = account("alicia", 70000)
        renamed.uuid = account().uuid
        _ = try writer.apply(change((account(), renamed)))
        #expect(try index.decide("alice").verdict == .removed)
        #expect(try index.decide("alicia").verdict == .accepted)
        _ = try writer.apply(change((nil, bob), (nil, account("carol", 70002))))
        #expect(try index.decide("bob").verdict == .accepted)
        #expect(try index.decide("carol").verdict == .accepted)
        #expect(try index.snapshot(.gate).gateAccount(named: "alice") == nil)
        try index.snapshot(.gate).verify()
    }

    @Test("a configured text takes the place of the built-in one, for its verdict only")
    func texts() throws {
        let index = try TestIndex()
        var policy = AccessPolicy()
        policy.texts = [.disabled: "Ask Käthe.", .removed: "Gone.", .undecidable: "Later."]
        let disabled = account("off", 70001, state: AccountState(disabledBy: "a=b"))
        try index.buildGate([account("in"), disabled], policy, removed: ["old"])
        #expect(try index.decide("off").text == "Ask Käthe.")
        #expect(try index.decide("old").text == "Gone.")
        #expect(try index.decide("in").text == "")
        try IndexPath.with(index.gatePath, index.state, .gate) { path in
            let gate = try GateIndex(path: path)
            let texts = try [LoginVerdict.undecidable, .expired].map {
                let text = unsafe try gate.text(for: $0)
                return unsafe String(decoding: text, as: UTF8.self)
            }
            #expect(texts == ["Later.", "This account has expired."])
        }
    }

    @Test("without a policy nobody is decided on, and nobody gets in")
    func noPolicy() throws {
        let index = try TestIndex()
        var writer = try index.buildGate([account()], nil)
        #expect(throws: IndexFault.corrupt) { try index.decide("alice") }
        _ = try writer.apply(PublicationChange(policy: AccessPolicy()))
        #expect(try index.decide("alice").verdict == .accepted)
    }

    @Test("a reserved uid or gid is no account's, whatever the file says")
    func floor() throws {
        for (uid, gid) in [(0, 2000), (999, 2000), (65534, 2000), (70000, 0), (70000, 1 << 31)] {
            let index = try TestIndex()
            try index.buildGate([account("eve", UInt32(uid), gid: UInt32(gid))])
            #expect(throws: IndexFault.corrupt) { try index.decide("eve") }
        }
    }

    @Test("the public part says whether a name is published, and nothing more")
    func publicPart() throws {
        let index = try TestIndex()
        try index.buildGate([account()], removed: ["carol"])
        let known = try IndexPath.with(index.publicPath, index.state, .public) { path in
            let main = try PublicIndex(path: path)
            return try ["alice", "carol", "", "alic"].map { name in
                try unsafe Array(name.utf8).withUnsafeBytes { try unsafe main.contains(name: $0) }
            }
        }
        #expect(known == [true, false, false, false])
    }
}
