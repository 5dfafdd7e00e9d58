// The command's end of the control socket.
internal import DaemonProtocol
internal import Glibc

/// Why there is no answer from the daemon.
enum DaemonError: Error, Equatable {
    /// Nobody listens: no socket, or nobody behind it.
    case notRunning(path: String)
    /// The socket cannot be used, or nothing came in time.
    case noAnswer(reason: String)
    /// The connection ended before the answer.
    case lost
    /// The answer is none of this protocol.
    case notUnderstood

    /// What happened, a sentence without full stop.
    var message: String {
        switch self {
        case .notRunning: "rosterd is not running"
        case .noAnswer(let reason): "rosterd does not answer (\(reason))"
        case .lost: "rosterd ended the connection before it answered"
        case .notUnderstood: "rosterd answers in another version of the protocol"
        }
    }
}

/// Asks the daemon, one connection per request; blocks, with a deadline.
struct DaemonClient {
    /// Where the control socket is.
    let path: String
    /// How long any answer may take; `nil`: as long as suits the request.
    var patienceMilliseconds: Int64?

    init(path: String) {
        self.path = path
    }

    /// Asks and waits for the answer; calls `tick` about twice a second meanwhile.
    func ask(_ request: ControlRequest, tick: () -> Void) throws(DaemonError) -> ControlReply {
        let socket = try UnixSocket()
        try socket.connect(to: path)
        guard let frame = try? request.frame() else { throw .notUnderstood }
        socket.send(frame)
        var reader = FrameReader(limit: Frame.longestReply)
        let patience = patienceMilliseconds ?? request.patienceMilliseconds
        let deadline = patience.map { monotonicClockMilliseconds() + $0 }
        while true {
            guard let octets = try socket.receive(waitingMilliseconds: 500) else {
                if let deadline, monotonicClockMilliseconds() >= deadline {
                    throw .noAnswer(reason: "nothing came in time")
                }
                tick()
                continue
            }
            guard !octets.isEmpty else { throw .lost }
            if let reply = try Self.reply(octets, &reader) { return reply }
        }
    }

    private static func reply(
        _ octets: ArraySlice<UInt8>, _ reader: inout FrameReader
    ) throws(DaemonError) -> ControlReply? {
        do {
            guard let payload = try reader.receive(octets) else { return nil }
            return try ControlReply(payload: payload)
        } catch {
            throw .notUnderstood
        }
    }
}

extension ControlRequest {
    /// How long an answer may take before the daemon counts as stuck; `nil`: as long as it needs.
    ///
    /// Under systemd the socket is there also while no daemon runs, so that a request outlasts a
    /// restart. What the index can answer as well waits for little more than that.
    fileprivate var patienceMilliseconds: Int64? {
        switch self {
        case .status, .user, .group: 5_000
        case .check, .history, .allow, .deny, .confirm, .explain: 30_000
        case .wait(let seconds): Int64(seconds) * 1000 + 10_000
        case .sync: nil
        }
    }
}

/// A unix stream socket, closed when it goes.
private struct UnixSocket: ~Copyable {
    private let descriptor: CInt

    init() throws(DaemonError) {
        let made = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard made >= 0 else { throw .noAnswer(reason: errorText(errno)) }
        descriptor = made
    }

    deinit { close(descriptor) }

    /// Connects; waits at most 5 s for a place in the listener's queue.
    func connect(to path: String) throws(DaemonError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .noAnswer(reason: "the path of its socket is too long")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        var time = timeval(tv_sec: 5, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        let result = unsafe withUnsafePointer(to: &address) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        let code = errno
        guard result == 0 else {
            if code == ENOENT || code == ECONNREFUSED { throw .notRunning(path: path) }
            throw .noAnswer(reason: "\(path): \(errorText(code))")
        }
    }

    /// Sends all of it, or as much as the daemon takes: what went wrong, its reply says.
    func send(_ octets: [UInt8]) {
        var rest = octets[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// What has arrived; empty at the end of the connection, `nil` if nothing came in the time.
    func receive(waitingMilliseconds: CInt) throws(DaemonError) -> ArraySlice<UInt8>? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = unsafe poll(&waiting, 1, waitingMilliseconds)
        if ready == 0 || (ready < 0 && errno == EINTR) { return nil }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 {
            if errno == EINTR { return nil }
            if errno == ECONNRESET { return [] }
            throw .noAnswer(reason: errorText(errno))
        }
        return buffer.prefix(count)
    }
}

/// The system's words for an error number.
private func errorText(_ code: CInt) -> String {
    unsafe String(cString: strerror(code))
}
