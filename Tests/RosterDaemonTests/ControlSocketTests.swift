import DaemonProtocol
import Foundation
import Logging
import ServiceLifecycle
import Testing

@testable import RosterDaemon

private let handler = ScriptedHandler { _, _ in .user(nil) }
private let silentLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Suite(.timeLimit(.minutes(1))) struct ControlSocketTests {
    @Test("a socket that nobody listens on any more is replaced")
    func stale() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/control.sock"
            close(try leaveSocket(at: path, listening: false))
            let server = try await ControlServer(
                endpoint: .path(path), handler: handler, logger: silentLogger)
            let running = Task { try await server.run() }
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.user(name: "ada").frame())
            #expect(await client.reply() == .user(nil))
            running.cancel()
            try await running.value
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("a socket that somebody listens on is left alone")
    func live() async throws {
        try await withControlServer { _, _ in
            .user(nil)
        } _: { path in
            await #expect(throws: SocketServerError.inUse(path: path)) {
                try await ControlServer(
                    endpoint: .path(path), handler: handler, logger: silentLogger)
            }
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.user(name: "ada").frame())
            #expect(await client.reply() == .user(nil))
        }
    }

    @Test("a file that is no socket is left alone")
    func file() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/control.sock"
            #expect(FileManager.default.createFile(atPath: path, contents: Data("x".utf8)))
            await #expect(throws: SocketServerError.notASocket(path: path)) {
                try await ControlServer(
                    endpoint: .path(path), handler: handler, logger: silentLogger)
            }
            #expect(FileManager.default.contents(atPath: path) == Data("x".utf8))
        }
    }

    @Test("a folder that does not exist and a path that is too long are named")
    func impossible() async {
        for path in ["/nonexistent/roster/control.sock", "/" + String(repeating: "x", count: 200)] {
            await #expect {
                try await ControlServer(
                    endpoint: .path(path), handler: handler, logger: silentLogger)
            } throws: {
                guard case .cannotListen(path, _)? = $0 as? SocketServerError else { return false }
                return "\($0)".hasPrefix("cannot listen on \(path): ")
            }
        }
    }

    @Test("a listening descriptor is served; its path is left to whoever made it")
    func descriptor() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/control.sock"
            let descriptor = try leaveSocket(at: path, listening: true)
            let server = try await ControlServer(
                endpoint: .descriptor(descriptor), handler: handler, logger: silentLogger)
            let running = Task { try await server.run() }
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.user(name: "ada").frame())
            #expect(await client.reply() == .user(nil))
            running.cancel()
            try await running.value
            #expect(FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("the daemon's graceful shutdown ends the service")
    func gracefulShutdown() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/control.sock"
            let server = try await ControlServer(
                endpoint: .path(path), handler: handler, logger: silentLogger)
            let group = ServiceGroup(services: [server], logger: silentLogger)
            let running = Task { try await group.run() }
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.user(name: "ada").frame())
            #expect(await client.reply() == .user(nil))
            await group.triggerGracefulShutdown()
            try await running.value
            #expect(RawClient(path: path) == nil)
        }
    }

    @Test("stopping closes the connections whose requests are still being answered")
    func stopping() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/control.sock"
            let server = try await ControlServer(
                endpoint: .path(path),
                handler: ScriptedHandler { _, _ in
                    try? await Task.sleep(for: .seconds(3600))
                    return .user(nil)
                }, logger: silentLogger)
            let running = Task { try await server.run() }
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.wait(timeoutSeconds: 3600).frame())
            try await Task.sleep(for: .milliseconds(100))
            running.cancel()
            try await running.value
            #expect(await client.readToEnd(seconds: 5) == [])
        }
    }

    @Test("who is connected at a graceful shutdown is served on; who comes later is not")
    func closing() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/control.sock"
            var limits = SocketLimits()
            limits.closingTime = .seconds(50)
            let (asked, tellAsked) = AsyncStream<Void>.makeStream()
            let (released, release) = AsyncStream<Void>.makeStream()
            let server = try await ControlServer(
                endpoint: .path(path),
                handler: ScriptedHandler { _, _ in
                    tellAsked.finish()
                    for await _ in released {}
                    return .user(nil)
                }, limits: limits, logger: silentLogger)
            let group = ServiceGroup(services: [server], logger: silentLogger)
            let running = Task { try await group.run() }
            let silent = try #require(RawClient(path: path))
            let client = try #require(RawClient(path: path))
            client.write(try ControlRequest.user(name: "ada").frame())
            for await _ in asked {}
            await group.triggerGracefulShutdown()
            while RawClient(path: path) != nil { try await Task.sleep(for: .milliseconds(2)) }
            silent.write(try ControlRequest.user(name: "ada").frame())
            release.finish()
            #expect(await client.reply() == .user(nil))
            #expect(await silent.reply() == .user(nil))
            try await running.value
        }
    }
}
