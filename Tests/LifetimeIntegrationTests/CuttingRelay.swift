// A TCP relay whose connections the test counts, limits and cuts.

import Foundation
import Glibc
import Synchronization
import TestSupport

/// Relays to a port of this host; its threads end with the process.
final class CuttingRelay: Sendable {
    private struct State {
        var most = Int.max
        var open: [CInt: CInt] = [:]
        var accepted = 0
    }

    private let listener: LoopbackListener
    private let state = Mutex(State())

    init(to target: UInt16) throws {
        listener = try LoopbackListener()
        let listening = listener.descriptor
        Thread.detachNewThread {
            while true {
                let client = accept(listening, nil, nil)
                guard client >= 0 else { return }
                self.take(client, to: target)
            }
        }
    }

    var uri: String { "ldap://127.0.0.1:\(listener.port)" }

    /// Connections so far, refused ones too.
    var accepted: Int { state.withLock { $0.accepted } }

    /// How many connections there may be at a time; more are closed at once.
    func allow(_ most: Int) { state.withLock { $0.most = most } }

    /// Cuts every connection.
    func cut() {
        for (client, server) in state.withLock({ $0.open }) {
            shutdown(client, CInt(SHUT_RDWR))
            shutdown(server, CInt(SHUT_RDWR))
        }
    }

    private func take(_ client: CInt, to target: UInt16) {
        let isAllowed = state.withLock { state in
            state.accepted += 1
            return state.open.count < state.most
        }
        guard isAllowed, let server = Self.connection(to: target) else {
            close(client)
            return
        }
        state.withLock { $0.open[client] = server }
        Thread.detachNewThread {
            self.pass(client, server)
        }
        Thread.detachNewThread {
            self.pass(server, client)
            // The last octet of one way ends the other; the descriptors go here only.
            self.state.withLock { $0.open[client] = nil }
            usleep(100_000)
            close(client)
            close(server)
        }
    }

    private func pass(_ from: CInt, _ to: CInt) {
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe recv(from, &piece, piece.count, 0)
            guard count > 0 else { break }
            guard unsafe send(to, piece, count, CInt(MSG_NOSIGNAL)) == count else { break }
        }
        shutdown(to, CInt(SHUT_RDWR))
        shutdown(from, CInt(SHUT_RDWR))
    }

    private static func connection(to port: UInt16) -> CInt? {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        let code = unsafe withUnsafePointer(to: &address) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
