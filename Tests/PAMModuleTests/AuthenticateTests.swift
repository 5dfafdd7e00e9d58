import Accounts
import CPAM
import DaemonProtocol
import Testing

@testable import PAMModule

@Suite struct AuthenticateTests {
    private func host() throws -> TestHost {
        let test = try TestHost()
        try test.publish([person("anna")])
        return test
    }

    @Test(
        "the daemon's verdict becomes the code, its words are told",
        arguments: LoginVerdict.allCases)
    func verdicts(verdict: LoginVerdict) throws {
        let test = try host()
        let daemon = try test.serve(verdict, isOffline: false, "So it is.")
        let pam = ScriptedPAM(
            user: "anna", items: [.service: "login", .remoteHost: "::1"],
            script: [
                .asks("Password: ", "s3cret"),
                verdict == .accepted ? .informs("So it is.") : .complains("So it is."),
            ])
        // Of an account of ours the daemon cannot say that it knows nothing.
        let meant = verdict == .unknownUser ? .removed : verdict
        #expect(test.authenticate(pam) == meant.authenticateCode)
        var expected = try #require(ReceivedRequest(daemon.received.first))
        expected.kind = .authenticate
        #expect(expected.name == "anna" && expected.password == "s3cret")
        #expect(expected.service == "login" && expected.remoteHost == "::1" && !expected.isReset)
        #expect(pam.text(.password) == "s3cret", "later modules can use it")
        let isRefusal = ![.accepted, .mustChangePassword, .stale, .undecidable].contains(verdict)
        #expect(pam.delays == (isRefusal ? [2_000_000] : []))
        #expect(pam.lines.count == 1)
        #expect(
            pam.lines.first?.hasSuffix(
                "roster: phase=auth user=anna service=login rhost=::1 verdict=\(meant.word) source=directory"
            ) == true)
        #expect(!pam.lines.joined().contains("s3cret"))
    }

    @Test("local names, root, and names of nobody are none of ours: at once, without the daemon")
    func foreign() throws {
        let test = try host()
        let daemon = try test.serve(.accepted)
        for name in ["root", "local", "nobody-at-all", "", "a/b", "a:b", "a b", "/policy"] {
            #expect(test.authenticate(ScriptedPAM(user: name)) == PAM_USER_UNKNOWN)
        }
        #expect(
            test.authenticate(ScriptedPAM(user: String(repeating: "x", count: 257)))
                == PAM_USER_UNKNOWN)
        #expect(daemon.received.isEmpty)
    }

    @Test("a local namesake is local, whatever the index says")
    func namesake() throws {
        let test = try host()
        try test.publish([person("local"), person("root", 70002)])
        let daemon = try test.serve(.accepted)
        #expect(test.authenticate(ScriptedPAM(user: "local")) == PAM_USER_UNKNOWN)
        #expect(test.authenticate(ScriptedPAM(user: "root")) == PAM_USER_UNKNOWN)
        test.remove("index/gate.1")
        #expect(test.authenticate(ScriptedPAM(user: "local")) == PAM_USER_UNKNOWN)
        #expect(daemon.received.isEmpty)
    }

    @Test("an earlier module's password is used and nobody is asked")
    func stacked() throws {
        for options in [["use_first_pass"], ["try_first_pass"], []] {
            let test = try host()
            let daemon = try test.serve(.accepted)
            let pam = ScriptedPAM(user: "anna", items: [.service: "su", .password: "typed"])
            let code = test.run(.authenticate, pam, options: options) { $0.authenticate() }
            #expect(code == PAM_SUCCESS)
            #expect(ReceivedRequest(daemon.received.first)?.password == "typed")
        }
    }

    @Test("with use_first_pass and no password nobody is asked")
    func useFirstPass() throws {
        let test = try host()
        let daemon = try test.serve(.accepted)
        #expect(test.authenticate(ScriptedPAM(user: "anna"), "use_first_pass") == PAM_AUTH_ERR)
        #expect(daemon.received.isEmpty)
    }

    @Test(
        "passwords that nobody can have are wrong ones, and no directory sees them",
        arguments: [
            "", "\u{8}\n\r\u{7f}INCORRECT", "\u{8}\n\r\u{7f}INCORR", "\u{8}",
            String(repeating: "x", count: 1025),
        ])
    func inadmissible(password: String) throws {
        let test = try host()
        let daemon = try test.serve(.wrongPassword)
        let pam = ScriptedPAM(user: "anna", script: [.asks("Password: ", password)])
        #expect(test.authenticate(pam) == PAM_AUTH_ERR)
        #expect(daemon.received.isEmpty)
        let wrong = ScriptedPAM(user: "anna", script: [.asks("Password: ", "wrong")])
        #expect(test.authenticate(wrong) == PAM_AUTH_ERR)
        #expect(daemon.received.count == 1)
        #expect(pam.lines == wrong.lines && pam.delays == wrong.delays)
    }

    @Test("PAM_SILENT and no_warn keep the module quiet, but not from asking")
    func silent() throws {
        let test = try host()
        try test.serve(.locked, isOffline: false, "Locked.")
        let script: [ScriptStep] = [.asks("Password: ", "x")]
        let flags = UInt32(PAM_SILENT)
        #expect(
            test.authenticate(ScriptedPAM(user: "anna", script: script), flags: flags)
                == PAM_MAXTRIES)
        #expect(
            test.authenticate(ScriptedPAM(user: "anna", script: script), "no_warn")
                == PAM_MAXTRIES)
    }

    @Test(
        "a conversation that fails ends the phase with a code of ours",
        arguments: [
            (PAM_CONV_ERR, PAM_CONV_ERR), (PAM_CONV_AGAIN, PAM_INCOMPLETE),
            (PAM_IGNORE, PAM_CONV_ERR), (PAM_SUCCESS, PAM_CONV_ERR),
        ])
    func failingConversation(code: CInt, result: CInt) throws {
        let test = try host()
        let pam = ScriptedPAM(user: "anna", script: [.asks("Password: ", nil, code: code)])
        #expect(test.authenticate(pam) == result)
    }

    @Test("an unusable index is no unknown user on a configured host, and no name is logged")
    func unusableIndex() throws {
        for readsGate in [true, false] {
            let test = try host()
            test.readsGate = readsGate
            test.write(readsGate ? "index/gate.1" : "index/public.1", "garbage")
            let pam = ScriptedPAM(user: "maybe-a-password")
            #expect(test.authenticate(pam) == PAM_AUTHINFO_UNAVAIL)
            #expect(pam.lines.count == 1 && !pam.lines.joined().contains("maybe"))
            test.remove("roster.toml")
            #expect(test.authenticate(ScriptedPAM(user: "anna")) == PAM_USER_UNKNOWN)
        }
    }

    @Test("who may not read the gate finds its name in the public part")
    func unprivileged() throws {
        let test = try host()
        test.readsGate = false
        test.remove("index/gate.1")
        let daemon = try test.serve(.accepted)
        #expect(test.authenticate(ScriptedPAM(user: "nobody-here")) == PAM_USER_UNKNOWN)
        let pam = ScriptedPAM(user: "anna", items: [.password: "x"])
        #expect(test.authenticate(pam) == PAM_SUCCESS)
        #expect(daemon.received.count == 1)
    }

    @Test("a verdict from a cached verifier says so in the log")
    func offline() throws {
        let test = try host()
        try test.serve(.accepted, isOffline: true)
        let pam = ScriptedPAM(user: "anna", items: [.password: "x"])
        #expect(test.authenticate(pam) == PAM_SUCCESS)
        #expect(pam.lines.first?.hasSuffix("verdict=accepted source=verifier") == true)
    }

    @Test("that a password must change and cannot be remembered lets nobody in")
    func noMemoryForTheMark() throws {
        let test = try host()
        let daemon = try test.serve(.mustChangePassword)
        let pam = ScriptedPAM(user: "anna", items: [.password: "x"])
        pam.hasMemory = false
        #expect(test.authenticate(pam, "no_warn") == PAM_BUF_ERR)
        #expect(daemon.received.count == 1)
        try test.serve(.accepted)
        #expect(test.authenticate(pam) == PAM_SUCCESS, "nothing is to be remembered")
    }

    @Test("someone who was removed a moment ago is refused, not unknown")
    func removed() throws {
        let test = try TestHost()
        try test.publish([person("bert", 70002)], removed: ["anna"])
        try test.serve(.wrongPassword)
        let pam = ScriptedPAM(user: "anna", items: [.password: "x"])
        #expect(test.authenticate(pam) == PAM_AUTH_ERR)
    }

    @Test("an option that nobody knows is logged, once a call, and changes nothing")
    func unknownOption() throws {
        let test = try host()
        try test.serve(.accepted)
        let pam = ScriptedPAM(user: "anna", items: [.password: "x"])
        #expect(test.authenticate(pam, "nullok", "what\nis this") == PAM_SUCCESS)
        #expect(pam.lines.filter { $0.contains("unknown-option") }.count == 1)
        #expect(pam.lines.first?.hasSuffix("warning=unknown-option option=nullok") == true)
    }

    @Test("debug logs what happens, never a secret")
    func debug() throws {
        let test = try host()
        try test.serve(.wrongPassword)
        let pam = ScriptedPAM(user: "anna", script: [.asks("Password: ", "s3cret")])
        #expect(test.authenticate(pam, "debug") == PAM_AUTH_ERR)
        #expect(pam.lines.contains { $0.hasSuffix("debug=returns code=7") })
        #expect(!pam.lines.joined().contains("s3cret"))
    }

    @Test("what users supply cannot forge a field or a line of the log")
    func escaping() throws {
        let test = try TestHost()
        try test.publish([person("anna")])
        try test.serve(.wrongPassword)
        let pam = ScriptedPAM(
            user: "anna",
            items: [
                .service: "s\"h\\d", .password: "x",
                .remoteHost: "h verdict=accepted\nroster: ü\u{1b}[2J",
            ])
        #expect(test.authenticate(pam) == PAM_AUTH_ERR)
        #expect(
            pam.lines == [
                "5 roster: phase=auth user=anna service=s\\x22h\\x5cd"
                    + " rhost=h\\x20verdict=accepted\\x0aroster:\\x20\\xc3\\xbc\\x1b[2J"
                    + " verdict=wrong-password source=directory"
            ])
    }
}
