// Logins while the directory is frozen, slow, dead or a black hole.

import Accounts
import DaemonProtocol
import Foundation
import Glibc
import TestSupport
import Testing

/// Beyond every deadline here; a busy machine is slow, a missing deadline lasts for ever.
private let patience = 10.0

@Suite(.serialized, .timeLimit(.minutes(4))) struct OutageTests {
    private func server() throws -> SlapdServer {
        var options = SlapdOptions()
        options.people = 4
        options.monitor = true
        return try SlapdServer(options)
    }

    @Test("a password stamp, a removal and a new name each cost the verifier, other changes do not")
    func forgotten() throws {
        let server = try server()
        let host = try LoginHost(uris: [server.uri])
        for number in 1...4 { try host.prepare("user\(number)", "pw\(number)") }
        func dn(_ number: Int) -> String { "uid=user\(number),\(SlapdServer.people)" }
        try server.replace(dn(1), "shadowLastChange", with: "20000")
        try server.delete(dn(2))
        try server.replace(dn(3), "description", with: "nothing that matters")
        try server.rename(dn(4), to: "uid=user44")
        try host.wait("three verifiers to go") {
            try [1, 2, 4].allSatisfy { try host.verifiers("user\($0)") == 0 }
        }
        #expect(try host.verifiers("user3") == 1)
    }

    @Test("frozen: the verifier admits, refuses, and the second login does not wait any more")
    func frozen() throws {
        let server = try server()
        let host = try LoginHost(uris: [server.uri], login: "timeout = \"1s\"")
        try host.prepare("user1", "pw1")
        try server.freeze()
        let first = host.login("user1", "pw1")
        #expect(first == Answer(verdict: .accepted, isOffline: true))
        #expect(first.seconds < patience)
        let second = host.login("user1", "pw1")
        #expect(second == Answer(verdict: .accepted, isOffline: true))
        #expect(host.login("user1", "wrong") == Answer(verdict: .wrongPassword, isOffline: true))
        #expect(host.login("user2", "pw2") == Answer(verdict: .undecidable))
        #expect(host.ask(.checkChange, "user1", "pw1").verdict == .undecidable)
        #expect(host.ask(.change, "user1", "pw1", new: "x1").verdict == .undecidable)
        server.thaw()
        try host.wait("the directory to be asked again") {
            host.login("user2", "pw2") == Answer(verdict: .accepted)
        }
        #expect(host.login("user1", "wrong") == Answer(verdict: .wrongPassword))
        try server.freeze()
        _ = host.login("user2", "pw2")
        #expect(host.stop() < 2)
    }

    @Test("five seconds slow: the verifier stands in, and nobody waits for the directory again")
    func slow() throws {
        let server = try server()
        let relay = try SlowRelay(to: server.port)
        let host = try LoginHost(
            uris: ["ldap://127.0.0.1:\(relay.port)"], login: "timeout = \"1s\"")
        try host.prepare("user1", "pw1")
        relay.setDelay(milliseconds: 5000)
        let first = host.login("user1", "pw1")
        #expect(first == Answer(verdict: .accepted, isOffline: true))
        let before = try server.binds()
        for _ in 0..<5 {
            #expect(host.login("user1", "pw1") == Answer(verdict: .accepted, isOffline: true))
        }
        // The reading of the count is the one bind.
        #expect(try server.binds() <= before + 2)
        relay.setDelay(milliseconds: 0)
        try host.wait("the directory to be asked again") {
            host.login("user2", "pw2") == Answer(verdict: .accepted)
        }
    }

    @Test("others than root ask for themselves only, and not without end")
    func otherUsers() throws {
        let server = try server()
        let host = try LoginHost(uris: [server.uri])
        _ = unsafe chmod(host.folder.path, 0o711)
        let own = try host.ask(as: 20001, .authenticate, "user1", "pw1")
        #expect(own == Answer(verdict: .accepted))
        #expect(try host.ask(as: 20001, .account, "user1").verdict == .accepted)
        #expect(try host.ask(as: 20001, .authenticate, "user2", "pw2").verdict == .undecidable)
        #expect(try host.ask(as: 20001, .account, "user2").verdict == .undecidable)
        #expect(try host.ask(as: 20001, .authenticate, "nobody-here", "x").verdict == .unknownUser)
        let answers = try (0..<20).map { _ in
            try host.ask(as: 20002, .authenticate, "user2", "pw2").verdict
        }
        #expect(answers.first == .accepted)
        #expect(answers.contains(.undecidable))
        #expect(host.login("user2", "pw2").verdict == .accepted)
    }

    @Test("dead: a restarted rosterd admits by the verifier, and failures are still counted")
    func dead() throws {
        let server = try server()
        let host = try LoginHost(uris: [server.uri], login: "timeout = \"1s\"")
        try host.prepare("user1", "pw1")
        server.kill()
        for _ in 0..<3 { #expect(host.login("user1", "wrong").verdict == .wrongPassword) }
        #expect(host.stop() < 2)
        try host.start()
        try host.wait("the verifiers to be open") {
            host.logged.contains("delayed after")
                || {
                    let answer = host.login("user1", "pw1")
                    return answer.messages.contains { $0.contains("Too many wrong passwords") }
                        || answer.isOffline
                }()
        }
        try host.wait("the delay to pass") {
            host.login("user1", "pw1") == Answer(verdict: .accepted, isOffline: true)
        }
        try server.start()
        try host.wait("the directory to be asked again") {
            host.login("user2", "pw2") == Answer(verdict: .accepted)
        }
    }

    @Test("after the directory said no, no verifier says yes; a changed password costs it")
    func refused() throws {
        let server = try server()
        let host = try LoginHost(uris: [server.uri], login: "timeout = \"1s\"")
        try host.prepare("user1", "pw1")
        try server.replace(
            "uid=user1,\(SlapdServer.people)", "userPassword", with: "another")
        #expect(host.login("user1", "pw1") == Answer(verdict: .wrongPassword))
        try host.wait("the verifier to be forgotten") {
            try server.freeze()
            defer { server.thaw() }
            return host.login("user1", "pw1").verdict == .undecidable
        }
    }

    @Test("a server that never answers and one that takes no connection keep nobody waiting long")
    func blackHole() throws {
        let server = try server()
        let silent = try LoopbackListener()
        let host = try LoginHost(
            uris: [server.uri, "ldap://127.0.0.1:\(silent.port)"], login: "timeout = \"1s\"")
        try host.prepare("user1", "pw1")
        server.kill()
        let answer = host.login("user1", "pw1")
        #expect(answer == Answer(verdict: .accepted, isOffline: true))
        #expect(answer.seconds < patience)
        // Its queue is full: further connections get no answer at all.
        var queued: [CInt] = []
        for _ in 0..<64 { queued.append(try connecting(to: silent.port)) }
        #expect(host.login("user1", "pw1").seconds < patience)
        #expect(host.login("user2", "pw2") == Answer(verdict: .undecidable))
        for descriptor in queued { close(descriptor) }
        #expect(host.stop() < 2)
    }

    /// A connection that is being made and is not waited for.
    private func connecting(to port: UInt16) throws -> CInt {
        let kind =
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        _ = unsafe withUnsafePointer(to: &address) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return descriptor
    }

    @Test("the second server of the list serves logins when the first is dead")
    func secondServer() throws {
        let server = try server()
        let dead = try freePort()
        let host = try LoginHost(uris: ["ldap://127.0.0.1:\(dead)", server.uri])
        #expect(host.login("user1", "pw1") == Answer(verdict: .accepted))
        #expect(host.login("user1", "wrong") == Answer(verdict: .wrongPassword))
    }

    @Test("silent clients and clients that send rubbish keep nobody from logging in")
    func hostileClients() throws {
        let server = try server()
        let host = try LoginHost(uris: [server.uri])
        var silent: [UnixClient] = []
        for number in 0..<200 {
            let client = try #require(UnixClient(path: host.socket))
            if number % 2 == 0 { client.send([0, 0, 1, 0, 1, 1]) }
            if number % 3 == 0 { client.send([0xFF, 0xFF, 0xFF, 0xFF]) }
            silent.append(client)
        }
        let answer = host.login("user1", "pw1")
        #expect(answer == Answer(verdict: .accepted))
        #expect(silent.count == 200)
    }
}
