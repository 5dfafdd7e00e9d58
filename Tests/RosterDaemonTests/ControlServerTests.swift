import DaemonProtocol
import Foundation
import Logging
import Synchronization
import Testing

@testable import RosterDaemon

private let fine = ControlReply.wait(
    WaitReport(inSync: true, state: .inSync, generation: 7))

@Suite(.timeLimit(.minutes(1))) struct ControlServerTests {
    @Test("a request is answered, with the kernel's word on who asks")
    func answers() async throws {
        let seen = Mutex<PeerCredentials?>(nil)
        try await withControlServer { request, peer in
            seen.withLock { $0 = peer }
            return request == .allow(name: "ada") ? fine : .user(nil)
        } _: { path in
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.allow(name: "ada").frame())
            #expect(await client.reply() == fine)
        }
        let peer = PeerCredentials(pid: getpid(), uid: geteuid(), gid: getegid())
        #expect(seen.withLock { $0 } == peer)
    }

    @Test("a request that arrives octet by octet is answered")
    func slowly() async throws {
        try await withControlServer { _, _ in
            fine
        } _: { path in
            let client = try #require(RawClient(path: path))
            // Blocks its thread on purpose: a task that sleeps is resumed whenever the other tests
            // leave a thread free, which on a busy machine is after the time for a request.
            for octet in try ControlRequest.status.frame() {
                client.write([octet])
                usleep(2000)
            }
            #expect(await client.reply() == fine)
        }
    }

    @Test("anybody may connect to the socket, whatever the umask")
    func mode() async throws {
        try await withControlServer { _, _ in
            fine
        } _: { path in
            var status = stat()
            #expect(unsafe lstat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o666)
        }
    }

    @Test(
        "what is no request gets one clear error and is closed",
        arguments: [
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), "the message is of another version"),
            ([0xff, 0xff, 0xff, 0xff, 1], "the message is too long"),
            ([0, 1, 0, 2, 1], "the message is too long"),
            ([0, 0, 0, 1, 1], "the message is empty"),
            ([0, 0, 0, 3, 1, 123, 125], "the request cannot be read"),
            ([0, 0, 0, 3, 1, 123, 125, 0], "more than one message was sent"),
        ] as [([UInt8], String)])
    func malformed(octets: [UInt8], start: String) async throws {
        try await withControlServer { _, _ in
            fine
        } _: { path in
            let client = try #require(RawClient(path: path))
            client.write(octets)
            guard case .failure(let failure)? = await client.reply() else {
                Issue.record("no failure came back")
                return
            }
            #expect(failure.kind == .malformed)
            #expect(failure.message.hasPrefix(start))
        }
    }

    @Test("values out of bounds never reach the handler")
    func bounds() async throws {
        let asked = Atomic(false)
        try await withControlServer { _, _ in
            asked.store(true, ordering: .relaxed)
            return fine
        } _: { path in
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.history(name: nil, limit: 0).frame())
            guard case .failure(let failure)? = await client.reply() else {
                Issue.record("no failure came back")
                return
            }
            #expect(failure.message == "the limit is not between 1 and 10000")
        }
        let wasAsked = asked.load(ordering: .relaxed)
        #expect(!wasAsked)
    }

    @Test("a hundred silent connections do not hold up a good one")
    func silent() async throws {
        var limits = SocketLimits()
        limits.connections = 200
        limits.connectionsPerUser = 200
        limits.requestTime = .seconds(300)
        try await withControlServer(limits: limits) { _, _ in
            fine
        } _: { path in
            var silent: [RawClient] = []
            for number in 0..<100 {
                let client = try #require(RawClient(path: path))
                if number % 2 == 0 { client.write([0, 0, 0]) }
                silent.append(client)
            }
            let start = ContinuousClock.now
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.status.frame())
            #expect(await client.reply() == fine)
            // Far less than the time after which the silent ones would be closed.
            #expect(ContinuousClock.now - start < .seconds(60))
            #expect(silent.count == 100)
        }
    }

    @Test("who says nothing is closed after the time for a request")
    func requestTime() async throws {
        var limits = SocketLimits()
        limits.requestTime = .milliseconds(50)
        try await withControlServer(limits: limits) { _, _ in
            fine
        } _: { path in
            let client = try #require(RawClient(path: path))
            client.write([0])
            #expect(await client.readToEnd() == [])
        }
    }

    @Test("a long wait holds nobody up, and is cancelled when its client goes")
    func waiting() async throws {
        let cancelled = Atomic(false)
        try await withControlServer { request, _ in
            guard case .wait = request else { return .user(nil) }
            do { try await Task.sleep(for: .seconds(3600)) } catch {
                cancelled.store(true, ordering: .releasing)
            }
            return fine
        } _: { path in
            var waiting = RawClient(path: path)
            waiting?.write(try ControlRequest.wait(timeoutSeconds: 3600).frame())
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.user(name: "ada").frame())
            #expect(await client.reply() == .user(nil))
            let early = cancelled.load(ordering: .acquiring)
            #expect(!early)
            waiting = nil
            for _ in 0..<1000 where !cancelled.load(ordering: .acquiring) {
                try await Task.sleep(for: .milliseconds(10))
            }
            let late = cancelled.load(ordering: .acquiring)
            #expect(late)
        }
    }

    @Test("a further request while one is being answered cancels it and is an error")
    func pipelining() async throws {
        try await withControlServer { _, _ in
            try? await Task.sleep(for: .seconds(3600))
            return fine
        } _: { path in
            let client = try #require(RawClient(path: path))
            let frame = try ControlRequest.wait(timeoutSeconds: 3600).frame()
            client.write(frame)
            try await Task.sleep(for: .milliseconds(100))
            client.write(frame)
            guard case .failure(let failure)? = await client.reply() else {
                Issue.record("no failure came back")
                return
            }
            #expect(failure.message == "more than one message was sent")
        }
    }

    @Test("a user whose requests are all being answered is told so")
    func busy() async throws {
        var limits = SocketLimits()
        limits.connectionsPerUser = 2
        let answering = Mutex(0)
        try await withControlServer(limits: limits) { _, _ in
            answering.withLock { $0 += 1 }
            try? await Task.sleep(for: .seconds(3600))
            return fine
        } _: { path in
            let frame = try ControlRequest.wait(timeoutSeconds: 3600).frame()
            let waiting = [RawClient(path: path), RawClient(path: path)]
            for client in waiting { client?.write(frame) }
            while answering.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(2)) }
            let client = try #require(RawClient(path: path))
            client.write(frame)
            guard case .failure(let failure)? = await client.reply() else {
                Issue.record("no failure came back")
                return
            }
            #expect(failure.kind == .busy)
            #expect(waiting.count == 2)
        }
    }

    @Test("who does not take the reply is closed after the time for it")
    func replyTime() async throws {
        var limits = SocketLimits()
        limits.replyTime = .milliseconds(100)
        let large = GroupReport(
            name: "all", gid: 3000, members: [String(repeating: "x", count: 8_000_000)])
        try await withControlServer(limits: limits) { _, _ in
            .group(large)
        } _: { path in
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.group(name: "all").frame())
            try await Task.sleep(for: .seconds(3))
            let octets = try #require(await client.readToEnd())
            #expect(octets.count < 8_000_000)
        }
    }

    @Test("a large reply arrives whole; one beyond the limit is a failure that says so")
    func largeReply() async throws {
        let members = (0..<100_000).map { "person\($0)" }
        let large = ControlReply.group(GroupReport(name: "all", gid: 3000, members: members))
        let huge = ControlReply.group(
            GroupReport(
                name: "all", gid: 3000, members: [String(repeating: "x", count: 17 << 20)]))
        try await withControlServer { request, _ in
            request == .group(name: "huge") ? huge : large
        } _: { path in
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.group(name: "all").frame())
            #expect(await client.reply() == large)
            let second = try #require(RawClient(path: path))
            second.write(try ControlRequest.group(name: "huge").frame())
            guard case .failure(let failure)? = await second.reply() else {
                Issue.record("no failure came back")
                return
            }
            #expect(failure.message.hasPrefix("the answer cannot be sent: the message is too long"))
        }
    }
}
