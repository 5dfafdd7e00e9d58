import Accounts
import CLibc
import CPAM
import DaemonProtocol
import Testing

@testable import PAMModule

@Suite(.serialized) struct DaemonClientTests {
    /// Authenticates anna and returns the code and what the log calls the source.
    private func outcome(_ test: TestHost) throws -> (code: CInt, source: String) {
        let pam = ScriptedPAM(user: "anna", items: [.password: "s3cret"])
        let code = test.authenticate(pam)
        let line = try #require(pam.lines.first)
        return (code, line.split(separator: "source=").last.map { String($0) } ?? "")
    }

    private func host() throws -> TestHost {
        let test = try TestHost()
        try test.publish([person("anna")])
        return test
    }

    @Test("without a daemon it cannot be decided, at once")
    func absent() throws {
        let test = try host()
        #expect(try outcome(test) == (PAM_AUTHINFO_UNAVAIL, "daemon-absent"))
        test.write("login.sock", "a file, not a socket")
        #expect(try outcome(test) == (PAM_AUTHINFO_UNAVAIL, "daemon-absent"))
    }

    @Test("a daemon that ends the connection, at any octet of its reply, is lost")
    func lost() throws {
        let test = try host()
        try test.serve(.refuses)
        #expect(try outcome(test) == (PAM_AUTHINFO_UNAVAIL, "daemon-lost"))
        let reply = try LoginReply.frame(verdict: .accepted, messages: ["Welcome."])
        for count in 0..<reply.count {
            try test.serve(.leaves(Array(reply.prefix(count))))
            #expect(try outcome(test) == (PAM_AUTHINFO_UNAVAIL, "daemon-lost"))
        }
    }

    @Test("a reply that trickles in is read whole")
    func trickle() throws {
        let test = try host()
        let reply = try LoginReply.frame(verdict: .accepted)
        try test.serve(.answers(reply, pieces: 1))
        #expect(try outcome(test) == (PAM_SUCCESS, "directory"))
    }

    @Test(
        "a garbled reply decides nothing",
        arguments: [
            [0, 0, 0, 4, 2, 1, 0, 0], [0xff, 0xff, 0xff, 0xff, 1, 1, 0, 0], [0, 0, 0, 1, 1],
            [0, 0, 0, 4, 1, 0, 0, 0], [0, 0, 0, 4, 1, 17, 0, 0], [0, 0, 0, 4, 1, 1, 0, 1],
            [0, 0, 0, 5, 1, 1, 0, 0, 0], Array("HTTP/1.1 200 OK\r\n".utf8),
        ] as [[UInt8]])
    func garbled(octets: [UInt8]) throws {
        let test = try host()
        try test.serve(.answers(octets))
        #expect(try outcome(test) == (PAM_AUTHINFO_UNAVAIL, "daemon-garbled"))
    }

    @Test("a silent daemon is waited for until the deadline, not longer")
    func silent() throws {
        let test = try host()
        test.patience = 150
        try test.serve(.isSilent)
        let clock = ContinuousClock()
        let start = clock.now
        #expect(try outcome(test) == (PAM_AUTHINFO_UNAVAIL, "daemon-late"))
        let spent = clock.now - start
        #expect(spent >= .milliseconds(140) && spent < .seconds(15))
    }

    @Test("a daemon that accepts nobody any more is waited for until the deadline")
    func fullQueue() throws {
        let test = try host()
        test.accountPatience = 100
        let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var clients: [CInt] = []
        defer { for descriptor in clients + [listener] { _ = close(descriptor) } }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: "\(test.directory)/login.sock".utf8)
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = unsafe withUnsafePointer(to: &address) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener, $0, size)
            }
        }
        try #require(bound == 0 && listen(listener, 0) == 0)
        var isFull = false
        while !isFull && clients.count < 100 {
            let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
            clients.append(socket(AF_UNIX, kind, 0))
            isFull = unsafe roster_connect_unix(clients[clients.count - 1], &address, size) != 0
        }
        try #require(isFull)
        #expect(try outcome(test) == (PAM_AUTHINFO_UNAVAIL, "daemon-late"))
    }

    @Test("questions about an account have a shorter deadline of their own")
    func accountDeadline() throws {
        let test = try host()
        test.readsGate = false
        test.accountPatience = 100
        try test.serve(.isSilent)
        let pam = ScriptedPAM(
            user: "anna", script: [.complains("\(LoginVerdict.undecidable.builtInText)")])
        #expect(test.account(pam) == PAM_AUTHINFO_UNAVAIL)
    }

    @Test("no descriptor is left behind, whatever happens")
    func descriptors() throws {
        let test = try host()
        let reply = try LoginReply.frame(verdict: .accepted)
        for behaviour in [.refuses, .leaves([0, 0]), .answers(reply)] as [DaemonBehaviour] {
            try test.serve(behaviour)
            let before = lowestFreeDescriptor()
            for _ in 0..<150 { _ = try outcome(test) }
            #expect(lowestFreeDescriptor() <= before + 60, "the rest may be other tests'")
        }
    }

    private func lowestFreeDescriptor() -> CInt {
        let descriptor = unsafe roster_open("/dev/null", O_RDONLY, 0)
        _ = close(descriptor)
        return descriptor
    }
}
