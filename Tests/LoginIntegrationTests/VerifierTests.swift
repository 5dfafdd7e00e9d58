// What the directory's refusals mean for the verifiers, with a real slapd.

import Accounts
import DaemonProtocol
import Foundation
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct VerifierTests {
    private static let brief = "timeout = \"1s\""

    /// Restarts rosterd, and waits until it has opened the verifiers.
    private func restart(_ host: LoginHost) throws {
        host.stop()
        try host.start()
        // Verifiers are made on the thread that opens them; this is the person's first.
        try host.wait("a verifier to be made") {
            try host.login("user8", "pw8").verdict == .accepted && host.verifiers("user8") == 1
        }
    }

    /// What a login comes to while the directory does not answer.
    private func offline(
        _ host: LoginHost, _ server: SlapdServer, _ name: String, _ password: String
    ) throws -> Answer {
        try server.freeze()
        defer { server.thaw() }
        return host.login(name, password)
    }

    private func untilAsked(_ host: LoginHost) throws {
        try host.wait("the directory to be asked again") {
            host.login("user9", "pw9") == Answer(verdict: .accepted)
        }
    }

    @Test("after a restart too a refused password costs the verifier, another one does not")
    func restarted() throws {
        // Without password policy nothing but the refusal shows that the password is another one.
        var options = SlapdOptions()
        options.people = 9
        let server = try SlapdServer(options)
        let host = try LoginHost(uris: [server.uri], login: Self.brief)
        try host.prepare("user1", "pw1")
        try host.prepare("user2", "pw2")
        try restart(host)
        #expect(host.login("user2", "not-it") == Answer(verdict: .wrongPassword))
        try server.replace(dn(1), "userPassword", with: "another")
        #expect(host.login("user1", "pw1") == Answer(verdict: .wrongPassword))
        try host.wait("the verifier to go") { try host.verifiers("user1") == 0 }
        #expect(try host.verifiers("user2") == 1)
        #expect(try offline(host, server, "user1", "pw1").verdict == .undecidable)
        #expect(
            try offline(host, server, "user2", "pw2") == Answer(verdict: .accepted, isOffline: true)
        )
    }

    @Test("a locked account's verifier rests, also after a restart, until a login succeeds")
    func locked() throws {
        let server = try policyServer()
        let host = try LoginHost(uris: [server.uri], login: Self.brief)
        try host.prepare("user1", "pw1")
        try server.replace(dn(1), "pwdAccountLockedTime", with: "20250101000000Z")
        #expect(host.login("user1", "pw1").verdict == .locked)
        #expect(try offline(host, server, "user1", "pw1") == Answer(verdict: .undecidable))
        try untilAsked(host)
        try restart(host)
        #expect(try host.verifiers("user1") == 1)
        #expect(try offline(host, server, "user1", "pw1") == Answer(verdict: .undecidable))
        try untilAsked(host)
        try server.apply("dn: \(dn(1))\nchangetype: modify\ndelete: pwdAccountLockedTime\n")
        #expect(host.login("user1", "pw1").verdict == .accepted)
        try host.wait("the verifier to be of use again") {
            try untilAsked(host)
            return try offline(host, server, "user1", "pw1")
                == Answer(verdict: .accepted, isOffline: true)
        }
    }

    @Test("an expired password costs the verifier")
    func expired() throws {
        let server = try policyServer()
        try server.apply(policy: "aged", to: 4)
        try server.replace(dn(4), "userPassword", with: "pw4")
        let host = try LoginHost(uris: [server.uri], login: Self.brief)
        try host.prepare("user4", "pw4")
        try host.wait("the last grace login") {
            host.login("user4", "pw4").verdict == .passwordExpired
        }
        try host.wait("the verifier to go") { try host.verifiers("user4") == 0 }
    }

    @Test("who has to change the password has to do so offline too, though no attribute says so")
    func mustChange() throws {
        let server = try policyServer()
        try server.reconfigure(
            """
            dn: olcDatabase={1}mdb,cn=config
            changetype: modify
            replace: olcAccess
            olcAccess: {0}to attrs=userPassword by self =xw by anonymous auth by * none
            olcAccess: {1}to attrs=pwdReset by * none
            olcAccess: {2}to * by * read

            """)
        try server.apply(policy: "reset", to: 6)
        try server.apply("dn: \(dn(6))\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")
        let host = try LoginHost(uris: [server.uri], login: Self.brief)
        #expect(host.login("user6", "pw6").verdict == .mustChangePassword)
        #expect(host.ask(.account, "user6").verdict == .accepted)
        try host.wait("the verifier") { try host.verifiers("user6") == 1 }
        #expect(
            try offline(host, server, "user6", "pw6")
                == Answer(verdict: .mustChangePassword, isOffline: true))
    }
}
