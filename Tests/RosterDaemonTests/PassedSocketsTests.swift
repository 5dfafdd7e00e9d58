// The sockets of the service manager: which are taken, and that they stay when the daemon goes.

import DaemonProtocol
import Foundation
import Logging
import Synchronization
import Testing

@testable import RosterDaemon

private let silentLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Suite(.timeLimit(.minutes(1))) struct PassedSocketsTests {
    @Test("only what is announced to this very process is taken")
    func announced() {
        #expect(PassedSockets.range(listenPID: "77", listenFDs: "2", own: 77) == 3..<5)
        for (pid, count) in [
            ("78", "2"), ("77", "0"), ("77", "-1"), ("77", "2147483647"), ("77", "x"), ("77", nil),
            (nil, "2"), ("", "2"), ("77 ", "2"),
        ] {
            #expect(PassedSockets.range(listenPID: pid, listenFDs: count, own: 77).isEmpty)
        }
    }

    @Test("a socket is known by the path it is bound to, whatever its place")
    func byPath() async throws {
        try await withTemporaryFolder { folder in
            let (one, two) = (folder + "/login.sock", folder + "/control.sock")
            let first = try leaveSocket(at: two, listening: true)
            let second = try leaveSocket(at: one, listening: true)
            defer { for descriptor in [first, second] { close(descriptor) } }
            for descriptor in [first, second] {
                let (sockets, warnings) = taking(
                    descriptor..<(descriptor + 1), expecting: [one, two])
                #expect(warnings.isEmpty)
                let path = descriptor == first ? two : one
                #expect(sockets.endpoint(at: path) == .descriptor(descriptor))
                let other = descriptor == first ? one : two
                #expect(sockets.endpoint(at: other) == .path(other))
                #expect(fcntl(descriptor, F_GETFD) == FD_CLOEXEC)
            }
        }
    }

    @Test("what is no listening unix stream socket, or bound elsewhere, is closed with one warning")
    func strangers() async throws {
        try await withTemporaryFolder { folder in
            let wanted = folder + "/login.sock"
            let elsewhere = try leaveSocket(at: folder + "/other.sock", listening: true)
            let silent = try leaveSocket(at: wanted, listening: false)
            let internet = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            try #require(listen(internet, 1) == 0)
            let file = unsafe open("/dev/null", O_RDONLY)
            for descriptor in [elsewhere, silent, internet, file] {
                let (sockets, warnings) = taking(
                    descriptor..<(descriptor + 1), expecting: [wanted])
                #expect(warnings.count == 1)
                #expect(sockets.endpoint(at: wanted) == .path(wanted))
            }
        }
    }

    @Test("of two sockets at one path the first is taken")
    func twice() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/login.sock"
            let listener = try leaveSocket(at: path, listening: true)
            // A row of descriptors that nothing else in this process has, far above the used ones.
            let row = CInt(700)..<CInt(702)
            for place in row { try #require(dup2(listener, place) == place) }
            close(listener)
            let (sockets, warnings) = taking(row, expecting: [path])
            #expect(warnings.count == 1)
            #expect(sockets.endpoint(at: path) == .descriptor(700))
            #expect(fcntl(701, F_GETFD) == -1)
            close(700)
        }
    }

    @Test("who connects before the daemon is there waits; the socket outlives the daemon")
    func outlives() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/control.sock"
            let kept = try leaveSocket(at: path, listening: true)
            defer { close(kept) }
            try #require(unsafe chmod(path, 0o600) == 0)
            for turn in 0..<2 {
                let early = try #require(RawClient(path: path))
                early.write(try ControlRequest.user(name: "ada").frame())
                let seen = Mutex<PeerCredentials?>(nil)
                let server = try await ControlServer(
                    endpoint: .descriptor(dup(kept)),
                    handler: ScriptedHandler { _, peer in
                        seen.withLock { $0 = peer }
                        return .user(nil)
                    }, logger: silentLogger)
                let running = Task { try await server.run() }
                #expect(await early.reply() == .user(nil), "turn \(turn)")
                let peer = PeerCredentials(pid: getpid(), uid: geteuid(), gid: getegid())
                #expect(seen.withLock { $0 } == peer)
                running.cancel()
                try await running.value
                var status = stat()
                #expect(unsafe lstat(path, &status) == 0)
                #expect(status.st_mode & 0o777 == 0o600)
            }
        }
    }

    @Test("the limits of connections hold on a passed socket too")
    func limits() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/control.sock"
            var limits = SocketLimits()
            limits.connectionsPerUser = 1
            limits.connectionsOfRoot = 1
            let server = try await ControlServer(
                endpoint: .descriptor(try leaveSocket(at: path, listening: true)),
                handler: ScriptedHandler { _, _ in .user(nil) }, limits: limits,
                logger: silentLogger)
            let running = Task { try await server.run() }
            let silent = try #require(RawClient(path: path))
            let next = try #require(RawClient(path: path))
            next.write(try ControlRequest.user(name: "ada").frame())
            #expect(await next.reply() == .user(nil))
            #expect(await silent.readToEnd() == [])
            running.cancel()
            try await running.value
        }
    }

    /// What is made of some descriptors, and the warnings about them.
    private func taking(
        _ descriptors: Range<CInt>, expecting paths: [String]
    ) -> (PassedSockets, [String]) {
        let log = WarningLog()
        let logger = Logger(label: "test") { _ in log }
        let sockets = PassedSockets(descriptors, expecting: paths, logger: logger)
        return (sockets, log.warnings.withLock { $0 })
    }
}

/// Keeps the warnings that were logged.
private final class WarningLog: LogHandler {
    let warnings = Mutex<[String]>([])
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        guard event.level == .warning else { return }
        warnings.withLock { $0.append(event.message.description) }
    }
}
