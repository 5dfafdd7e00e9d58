// A daemon's end of the login socket, over a real unix socket.
import Accounts
import CLibc
import DaemonProtocol
import Foundation
import Synchronization
import Testing

/// How the daemon behaves to whoever connects.
enum DaemonBehaviour: Sendable {
    /// Reads the request and answers with these octets, in pieces of that size.
    case answers([UInt8], pieces: Int = Int.max)
    /// Reads the request and ends the connection after these octets.
    case leaves([UInt8])
    /// Ends the connection before it reads anything.
    case refuses
    /// Reads the request and says nothing until the client has gone.
    case isSilent
}

/// Serves connections one after the other on a thread of its own until it goes.
final class TestDaemon: Sendable {
    private let listener: CInt
    private let requests = Mutex<[[UInt8]]>([])

    /// The requests so far, without their frames.
    var received: [[UInt8]] { requests.withLock { $0 } }

    init(path: String, _ behaviour: DaemonBehaviour) throws {
        listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = unsafe withUnsafePointer(to: &address) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener, $0, size)
            }
        }
        try #require(bound == 0)
        try #require(listen(listener, 8) == 0)
        // The thread closes the listener, after the end: closed earlier, its number could be that of
        // another test's socket already when the thread accepts next.
        Thread.detachNewThread { [listener, weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 {
                    if roster_errno() == EINVAL { break }  // shut down
                    continue
                }
                self?.serve(connection, behaviour)
                close(connection)
            }
            close(listener)
        }
    }

    deinit {
        _ = shutdown(listener, CInt(SHUT_RDWR))
    }

    private func serve(_ connection: CInt, _ behaviour: DaemonBehaviour) {
        if case .refuses = behaviour { return }
        var reader = FrameReader(limit: LoginLimits.requestPayload)
        var request: [UInt8]?
        while request == nil {
            guard let octets = receive(connection, reader.missing), !octets.isEmpty else { return }
            request = try? reader.receive(octets)
        }
        if let request { requests.withLock { $0.append(request) } }
        switch behaviour {
        case .answers(let octets, let pieces): send(connection, octets, pieces: pieces)
        case .leaves(let octets): send(connection, octets, pieces: Int.max)
        case .isSilent: _ = receive(connection, 1)
        case .refuses: break
        }
    }

    private func receive(_ connection: CInt, _ count: Int) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: count)
        let received = unsafe recv(connection, &buffer, count, 0)
        return received < 0 ? nil : Array(buffer.prefix(received))
    }

    private func send(_ connection: CInt, _ octets: [UInt8], pieces: Int) {
        var rest = octets[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieces))
            _ = unsafe CLibc.send(connection, piece, piece.count, CInt(MSG_NOSIGNAL))
            rest = rest.dropFirst(piece.count)
            if !rest.isEmpty { usleep(1000) }
        }
    }
}

/// A request of the module as the daemon reads it.
struct ReceivedRequest: Equatable {
    var kind = LoginRequestKind.authenticate
    var isReset = false
    var name = ""
    var service = ""
    var remoteHost = ""
    var password = ""
    var newPassword = ""

    init?(_ payload: [UInt8]?) {
        guard let payload else { return nil }
        let read: ReceivedRequest? = unsafe payload.withUnsafeBytes { octets in
            guard let request = try? unsafe LoginRequest(payload: octets) else { return nil }
            return ReceivedRequest(request)
        }
        guard let read else { return nil }
        self = read
    }

    private init(_ request: LoginRequest) {
        kind = request.kind
        isReset = request.isReset
        name = unsafe String(decoding: request.name, as: UTF8.self)
        service = unsafe String(decoding: request.service, as: UTF8.self)
        remoteHost = unsafe String(decoding: request.remoteHost, as: UTF8.self)
        password = unsafe String(decoding: request.password, as: UTF8.self)
        newPassword = unsafe String(decoding: request.newPassword, as: UTF8.self)
    }
}
