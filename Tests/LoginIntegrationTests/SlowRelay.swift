// A TCP relay that keeps the server's answers back.

import Foundation
import Glibc
import Synchronization
import TestSupport

/// Relays to a port of this host; what comes back is delayed.
///
/// Its threads end with the process.
final class SlowRelay: Sendable {
    /// Where to connect to.
    var port: UInt16 { listener.port }
    private let listener: LoopbackListener
    private let delay = Atomic<UInt32>(0)

    init(to target: UInt16) throws {
        listener = try LoopbackListener()
        let listening = listener.descriptor
        Thread.detachNewThread {
            while true {
                let client = accept(listening, nil, nil)
                guard client >= 0 else { return }
                let server = Self.connection(to: target)
                Thread.detachNewThread { self.pass(client, server, isDelayed: false) }
                Thread.detachNewThread { self.pass(server, client, isDelayed: true) }
            }
        }
    }

    /// How long each piece of the server's answers is kept from now on.
    func setDelay(milliseconds: UInt32) {
        delay.store(milliseconds, ordering: .relaxed)
    }

    private func pass(_ from: CInt, _ to: CInt, isDelayed: Bool) {
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe recv(from, &piece, piece.count, 0)
            guard count > 0 else { break }
            if isDelayed { usleep(delay.load(ordering: .relaxed) * 1000) }
            guard unsafe send(to, piece, count, CInt(MSG_NOSIGNAL)) == count else { break }
        }
        shutdown(to, CInt(SHUT_RDWR))
        shutdown(from, CInt(SHUT_RDWR))
    }

    private static func connection(to port: UInt16) -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
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
}
