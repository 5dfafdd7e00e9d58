import DaemonProtocol
import Foundation
import Testing

@testable import roster

/// Listens at a path, sends the same octets to everybody at once, and closes or stays silent.
private final class RawServer: Sendable {
    private let descriptor: CInt

    init(path: String, sending octets: [UInt8], closing: Bool) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let bound = unsafe withUnsafePointer(to: &address) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(descriptor, 8) == 0)
        let listener = descriptor
        // The thread closes the listener: closed earlier, its number could be another test's.
        Thread {
            defer { close(listener) }
            while true {
                let client = accept(listener, nil, nil)
                if client < 0 { return }
                _ = unsafe octets.withUnsafeBytes {
                    unsafe send(client, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                if closing { close(client) }
            }
        }.start()
    }

    deinit {
        shutdown(descriptor, CInt(SHUT_RDWR))
    }
}

@Suite(.timeLimit(.minutes(1))) struct DaemonClientTests {
    /// What the client makes of a daemon that sends `octets` and closes.
    private func ask(sending octets: [UInt8]) async throws -> Result<ControlReply, DaemonError> {
        let path = NSTemporaryDirectory() + "roster-\(UInt32.random(in: 0 ... .max)).sock"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let server = try RawServer(path: path, sending: octets, closing: true)
        let result = await Self.result(DaemonClient(path: path))
        withExtendedLifetime(server) {}
        return result
    }

    private static func result(_ client: DaemonClient) async -> Result<ControlReply, DaemonError> {
        await withCheckedContinuation { continuation in
            Thread {
                continuation.resume(
                    returning: Result { () throws(DaemonError) in
                        try client.ask(.status, tick: {})
                    })
            }.start()
        }
    }

    @Test("a whole reply is taken, whatever happens to the connection afterwards")
    func whole() async throws {
        let frame = try ControlReply.user(nil).frame()
        #expect(try await ask(sending: frame) == .success(.user(nil)))
    }

    @Test("a connection that ends early is told apart from an answer", arguments: [0, 3, 5, 12])
    func early(count: Int) async throws {
        let frame = try ControlReply.user(nil).frame()
        try #require(frame.count > 12)
        #expect(try await ask(sending: Array(frame.prefix(count))) == .failure(.lost))
    }

    @Test(
        "what is no reply is not understood",
        arguments: [
            [0, 0, 0, 3, 2, 123, 125], [0, 0, 0, 3, 1, 123, 125], [0xff, 0xff, 0xff, 0xff, 1],
            [0, 0, 0, 0, 1], Array("HTTP/1.1 400 Bad Request\r\n".utf8),
        ] as [[UInt8]])
    func garbage(octets: [UInt8]) async throws {
        #expect(try await ask(sending: octets) == .failure(.notUnderstood))
    }

    @Test("no socket, and a path that cannot be one, are named")
    func nobody() async {
        let path = "/nonexistent/control.sock"
        #expect(await Self.result(DaemonClient(path: path)) == .failure(.notRunning(path: path)))
        let long = "/" + String(repeating: "x", count: 200)
        #expect(
            await Self.result(DaemonClient(path: long))
                == .failure(.noAnswer(reason: "the path of its socket is too long")))
        #expect(
            await Self.result(DaemonClient(path: "/etc/passwd/x"))
                == .failure(.noAnswer(reason: "/etc/passwd/x: Not a directory")))
    }

    @Test("while the answer is awaited the caller is called")
    func ticking() async throws {
        let path = NSTemporaryDirectory() + "roster-\(UInt32.random(in: 0 ... .max)).sock"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var server: RawServer? = try RawServer(path: path, sending: [], closing: false)
        let ticks = await withCheckedContinuation { continuation in
            Thread {
                var count = 0
                var client = DaemonClient(path: path)
                client.patienceMilliseconds = 1200
                _ = try? client.ask(.status) { count += 1 }
                continuation.resume(returning: count)
            }.start()
        }
        server = nil
        #expect(server == nil)
        #expect((1...4).contains(ticks))
    }
}
