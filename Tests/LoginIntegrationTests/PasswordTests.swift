// Passwords through the login socket, rosterd and a real slapd with password policies.

import Accounts
import DaemonProtocol
import Foundation
import TestSupport
import Testing

/// Policies beside the default one, and an overlay that tells who is locked.
private let policies = """
    dn: cn=strict,\(SlapdServer.suffix)
    objectClass: organizationalRole
    objectClass: pwdPolicy
    cn: strict
    pwdAttribute: userPassword
    pwdMinLength: 8
    pwdCheckQuality: 2
    pwdInHistory: 3
    pwdMinAge: 0

    dn: cn=young,\(SlapdServer.suffix)
    objectClass: organizationalRole
    objectClass: pwdPolicy
    cn: young
    pwdAttribute: userPassword
    pwdMinAge: 86400

    dn: cn=aged,\(SlapdServer.suffix)
    objectClass: organizationalRole
    objectClass: pwdPolicy
    cn: aged
    pwdAttribute: userPassword
    pwdMaxAge: 1
    pwdGraceAuthNLimit: 2

    dn: cn=ageing,\(SlapdServer.suffix)
    objectClass: organizationalRole
    objectClass: pwdPolicy
    cn: ageing
    pwdAttribute: userPassword
    pwdMaxAge: 864000
    pwdExpireWarning: 863999

    dn: cn=reset,\(SlapdServer.suffix)
    objectClass: organizationalRole
    objectClass: pwdPolicy
    cn: reset
    pwdAttribute: userPassword
    pwdMustChange: TRUE

    dn: cn=fixed,\(SlapdServer.suffix)
    objectClass: organizationalRole
    objectClass: pwdPolicy
    cn: fixed
    pwdAttribute: userPassword
    pwdAllowUserChange: FALSE

    """

func dn(_ number: Int) -> String { "uid=user\(number),\(SlapdServer.people)" }

func policyServer(people: Int = 12) throws -> SlapdServer {
    var options = SlapdOptions()
    options.ppolicy = true
    options.monitor = true
    options.people = people
    options.ldif = policies
    let server = try SlapdServer(options)
    try server.reconfigure(
        """
        dn: olcOverlay={1}ppolicy,olcDatabase={1}mdb,cn=config
        changetype: modify
        replace: olcPPolicyUseLockout
        olcPPolicyUseLockout: TRUE

        dn: olcDatabase={1}mdb,cn=config
        changetype: modify
        replace: olcAccess
        olcAccess: {0}to attrs=userPassword by self =xw by anonymous auth by * none
        olcAccess: {1}to * by * read

        """)
    return server
}

extension SlapdServer {
    func apply(policy: String, to number: Int) throws {
        try replace(dn(number), "pwdPolicySubentry", with: "cn=\(policy),\(Self.suffix)")
    }

    /// Binds since the start, this question's own one not counted.
    func binds() throws -> Int {
        let found = try run(
            "ldapsearch",
            [
                "-x", "-LLL", "-H", uri, "-b", "cn=Bind,cn=Operations,cn=Monitor", "-s", "base",
                "monitorOpInitiated",
            ])
        let line = found.output.split(separator: "\n").first { $0.hasPrefix("monitorOpInitiated") }
        return try #require(line.flatMap { Int($0.split(separator: " ").last ?? "") })
    }
}

@Suite(.serialized, .timeLimit(.minutes(3))) struct PasswordTests {
    @Test("right, wrong, empty and unknown, each with its verdict; the log holds no password")
    func basics() throws {
        let server = try policyServer()
        let host = try LoginHost(uris: [server.uri])
        #expect(host.login("user1", "pw1").verdict == .accepted)
        #expect(host.login("user1", "pw2-wrong").verdict == .wrongPassword)
        #expect(host.login("user2", "pw2").verdict == .accepted)
        #expect(host.login("user1", "").verdict == .wrongPassword)
        #expect(host.login("user1", "pw1").verdict == .accepted)
        #expect(host.login("nobody-here", "pw1").verdict == .unknownUser)
        #expect(host.login("root", "pw1").verdict == .unknownUser)
        #expect(host.logged.contains("user1"))
        for password in ["pw1", "pw2-wrong", "pw2 "] {
            #expect(!host.logged.contains(password), "the log holds \(password)")
        }
        let patience = host.stop()
        #expect(patience < 2)
    }

    @Test("what the gate refuses, and passwords that none can be, reach no server")
    func unasked() throws {
        let server = try policyServer()
        let access = "[access]\nallow_users = [\"user1\", \"user2\"]"
        try server.replace(dn(2), "shadowExpire", with: "1")
        let host = try LoginHost(uris: [server.uri], access: access)
        _ = host.login("user1", "pw1")
        let before = try server.binds()
        let junk = "\u{08}\n\r\u{7F}INCORRECT\u{08}\n\r"
        for (name, password) in [
            ("user2", "pw2"), ("user3", "pw3"), ("user3", "wrong"), ("user1", ""), ("user1", junk),
            ("user1", "pw1\0"), ("user1", String(repeating: "x", count: 1024) + "y"),
            ("nobody-here", "x"),
        ] {
            let answer = host.login(name, password)
            let isLong = password.utf8.count > 1024
            let verdict: LoginVerdict =
                isLong ? .undecidable : name == "nobody-here" ? .unknownUser : .wrongPassword
            #expect(answer.verdict == verdict, "\(name)")
            #expect(answer.messages.isEmpty || isLong, "\(name)")
        }
        #expect(host.ask(.account, "user2").verdict == .expired)
        #expect(host.ask(.account, "user3").verdict == .notAllowed)
        #expect(!host.ask(.account, "user3").messages.isEmpty)
        #expect(try server.binds() == before + 1)
    }

    @Test("locked, expired, grace, expiring and reset end in verdicts and words of their own")
    func policyAnswers() throws {
        let server = try policyServer()
        try server.apply(policy: "aged", to: 4)
        try server.apply(policy: "ageing", to: 5)
        try server.apply(policy: "reset", to: 6)
        for number in [4, 5] {
            try server.replace(dn(number), "userPassword", with: "pw\(number)")
        }
        try server.apply(
            "dn: \(dn(6))\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")
        let host = try LoginHost(uris: [server.uri])
        usleep(2_100_000)  // the policy's age is one second
        let first = host.login("user4", "pw4")
        #expect(first.verdict == .accepted)
        #expect(first.messages == ["Your password has expired; it can be used once more."])
        let second = host.login("user4", "pw4")
        #expect(
            second.messages == [
                "Your password has expired; this was the last time it could be used."
            ])
        #expect(host.login("user4", "pw4").verdict == .passwordExpired)
        let ageing = host.login("user5", "pw5")
        #expect(ageing.verdict == .accepted)
        #expect(ageing.messages == ["Your password expires in 9 days."])
        #expect(host.login("user6", "pw6").verdict == .mustChangePassword)
        #expect(host.login("user6", "wrong").verdict == .wrongPassword)
        try server.replace(dn(7), "pwdAccountLockedTime", with: "20250101000000Z")
        #expect(host.login("user7", "pw7").verdict == .locked)
    }

    @Test("a password is changed, or refused in words; must-change ends with it")
    func changes() throws {
        let server = try policyServer()
        try server.apply(policy: "strict", to: 1)
        try server.apply(policy: "young", to: 2)
        try server.apply(policy: "fixed", to: 3)
        try server.apply(policy: "reset", to: 6)
        try server.replace(dn(2), "userPassword", with: "pw2")
        try server.apply(
            "dn: \(dn(6))\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")
        let host = try LoginHost(uris: [server.uri])
        func change(_ number: Int, _ old: String, _ new: String) -> Answer {
            host.ask(.change, "user\(number)", old, new: new, service: "passwd")
        }
        #expect(host.ask(.checkChange, "user1", "pw1").verdict == .accepted)
        #expect(host.ask(.checkChange, "user1", "wrong").verdict == .wrongPassword)
        #expect(host.ask(.checkChange, "user1").verdict == .accepted)
        #expect(change(1, "wrong", "a-longer-one").verdict == .wrongPassword)
        let short = change(1, "pw1", "short")
        #expect(short.verdict == .newPasswordRefused)
        #expect(short.messages == ["The new password is too short."])
        #expect(change(1, "pw1", "").verdict == .newPasswordRefused)
        #expect(change(1, "pw1", "a-longer-one").verdict == .accepted)
        #expect(host.login("user1", "pw1").verdict == .wrongPassword)
        #expect(host.login("user1", "a-longer-one").verdict == .accepted)
        #expect(change(1, "a-longer-one", "another-long-one").verdict == .accepted)
        let used = change(1, "another-long-one", "a-longer-one")
        #expect(used.messages == ["The new password was used before."])
        let young = change(2, "pw2", "anything-else")
        #expect(young.verdict == .newPasswordRefused)
        #expect(young.messages == ["The password was changed too recently to be changed again."])
        #expect(change(3, "pw3", "anything-else").verdict == .changeNotPermitted)
        #expect(host.login("user6", "pw6").verdict == .mustChangePassword)
        #expect(host.ask(.checkChange, "user6", "pw6").verdict == .accepted)
        #expect(change(6, "pw6", "chosen-by-myself").verdict == .accepted)
        // The gate follows the directory, which clears pwdReset with the change.
        try host.wait("the end of pwdReset to arrive") {
            host.login("user6", "chosen-by-myself").verdict == .accepted
        }
        let reset = host.ask(.change, "user5", new: "set-by-root", isReset: true)
        #expect(reset.verdict == .changeNotPermitted)
        #expect(reset.messages.first?.contains("directory") == true)
        #expect(host.login("user5", "pw5").verdict == .accepted)
        for password in ["a-longer-one", "another-long-one", "chosen-by-myself", "set-by-root"] {
            #expect(!host.logged.contains(password), "the log holds \(password)")
        }
    }

    @Test("with a reset identity root sets a password, without knowing the old one")
    func reset() throws {
        let server = try policyServer()
        let secret = try TemporaryDirectory("roster-reset")
        let file = try secret.write(SlapdServer.adminPassword, to: "password")
        _ = unsafe chmod(file, 0o600)
        let host = try LoginHost(
            uris: [server.uri],
            login: "reset_dn = \"\(SlapdServer.adminDN)\"\nreset_password_file = \"\(file)\"")
        #expect(host.login("user1", "pw1").verdict == .accepted)
        #expect(host.ask(.checkChange, "user1", isReset: true).verdict == .accepted)
        #expect(host.ask(.change, "user1", new: "by-root", isReset: true).verdict == .accepted)
        #expect(host.login("user1", "by-root").verdict == .accepted)
        #expect(host.login("user1", "pw1").verdict == .wrongPassword)
    }
}
