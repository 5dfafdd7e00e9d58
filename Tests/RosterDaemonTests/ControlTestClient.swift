import DaemonProtocol
import Foundation
import Logging
import Testing

@testable import RosterDaemon

/// A client that does on a control socket exactly what a test says; blocking calls run on a thread
/// of their own, so that they never keep the server under test from running.
final class RawClient: Sendable {
    let descriptor: CInt

    init?(path: String) {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let result = unsafe withUnsafePointer(to: &address) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result != 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Writes as much as the socket takes at once.
    func write(_ octets: [UInt8]) {
        _ = unsafe octets.withUnsafeBytes {
            unsafe send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
    }

    /// Everything until the server closes; `nil` if it has not within `seconds`.
    func readToEnd(seconds: Int = 20) async -> [UInt8]? {
        await onThread { self.read(seconds: seconds) }
    }

    /// The reply that the server sends before it closes.
    func reply(seconds: Int = 20) async -> ControlReply? {
        guard let octets = await readToEnd(seconds: seconds) else { return nil }
        var reader = FrameReader(limit: Frame.longestReply)
        guard let payload = try? reader.receive(octets) else { return nil }
        return try? ControlReply(payload: payload)
    }

    private func read(seconds: Int) -> [UInt8]? {
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        while true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 { return errno == ECONNRESET ? octets : nil }
            if count == 0 { return octets }
            octets += buffer.prefix(count)
        }
    }
}

/// Runs blocking work on a thread of its own.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread { continuation.resume(returning: work()) }.start()
    }
}

/// Answers by a script.
struct ScriptedHandler: ControlHandler {
    var answer: @Sendable (ControlRequest, PeerCredentials) async -> ControlReply

    func handle(_ request: ControlRequest, peer: PeerCredentials) async -> ControlReply {
        await answer(request, peer)
    }
}

/// Runs `body` with a server in a temporary folder, and stops the server afterwards.
func withControlServer(
    limits: SocketLimits = SocketLimits(),
    answer: @escaping @Sendable (ControlRequest, PeerCredentials) async -> ControlReply,
    _ body: (String) async throws -> Void
) async throws {
    try await withTemporaryFolder { folder in
        let path = folder + "/control.sock"
        let server = try await ControlServer(
            endpoint: .path(path), handler: ScriptedHandler(answer: answer), limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await server.run() }
        do {
            try await body(path)
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        try await running.value
    }
}

/// Runs `body` with a temporary folder that anybody may enter.
func withTemporaryFolder(_ body: (String) async throws -> Void) async throws {
    let folder = NSTemporaryDirectory() + "roster-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
}

/// Binds a socket at `path`, as a daemon that was killed leaves it, or one that systemd passes on.
func leaveSocket(at path: String, listening: Bool) throws -> CInt {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let bound = unsafe withUnsafePointer(to: &address) { place in
        unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    try #require(bound == 0)
    if listening { try #require(listen(descriptor, 16) == 0) }
    return descriptor
}
