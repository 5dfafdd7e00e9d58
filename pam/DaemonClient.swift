// The module's end of the login socket: one request, one reply, one deadline.
internal import CLibc
internal import CPAM
internal import DaemonProtocol

/// Why the daemon gave no answer; every one of them is "cannot be decided" to the caller.
enum DaemonFailure: Error, Equatable {
    /// There is no socket, or nobody listens.
    case absent
    /// Whoever listens is neither root nor the owner of the state directory.
    case untrusted
    /// Nothing complete came in time.
    case late
    /// The connection ended before the reply, as when the daemon restarts.
    case lost
    /// The reply is none of this protocol, or the request fits none.
    case garbled
    /// A call of the system failed.
    case system

    /// The failure's word in the log.
    var word: StaticString {
        switch self {
        case .absent: "daemon-absent"
        case .untrusted: "daemon-untrusted"
        case .late: "daemon-late"
        case .lost: "daemon-lost"
        case .garbled: "daemon-garbled"
        case .system: "daemon-unreachable"
        }
    }
}

/// Asks the daemon; blocks for as long as the patience given, never longer.
@safe
struct DaemonClient {
    /// The path of the socket, at most 107 octets.
    let socket: UnsafePointer<CChar>
    /// The directory whose owner the daemon may run as, beside root.
    let stateDirectory: UnsafePointer<CChar>
    /// Milliseconds for requests with a password; the daemon answers within its own, lesser timeout.
    let authenticatePatience: Int64
    /// Milliseconds for questions about an account, and for connecting.
    let accountPatience: Int64

    /// Sends a request and hands the reply to `body`; its messages are valid in there only.
    ///
    /// Nothing is left behind: no descriptor, no memory, and the frame with the password is wiped.
    func ask<Answer>(
        _ request: LoginRequest, _ body: (LoginReply) -> Answer
    ) throws(DaemonFailure) -> Answer {
        let isShort = request.kind == .account
        let deadline = Deadline(milliseconds: isShort ? accountPatience : authenticatePatience)
        guard let frame = SecretOctets(count: LoginLimits.requestFrame),
            let reply = SecretOctets(count: LoginLimits.replyFrame)
        else { throw .system }
        let length: Int
        do throws(DaemonProtocol.LoginCodingError) {
            length = try unsafe request.write(to: frame.octets)
        } catch { throw .garbled }
        let connection = try UnixConnection()
        try unsafe connection.connect(
            to: socket, deadline: deadline.sooner(Deadline(milliseconds: accountPatience)))
        try check(connection)
        try unsafe connection.send(
            UnsafeRawBufferPointer(rebasing: frame.octets[..<length]), deadline)
        frame.wipe()
        let payload = try unsafe connection.receive(into: reply.octets, deadline)
        do throws(DaemonProtocol.LoginCodingError) {
            return try unsafe body(LoginReply(payload: payload))
        } catch { throw .garbled }
    }

    /// Makes sure that a password goes to the daemon and to nobody who took its place.
    private func check(_ connection: borrowing UnixConnection) throws(DaemonFailure) {
        guard let owner = connection.peer() else { throw .system }
        if owner == 0 { return }
        var status = stat()
        guard unsafe fstatat(AT_FDCWD, stateDirectory, &status, 0) == 0, status.st_uid == owner
        else { throw .untrusted }
    }
}

/// A point of CLOCK_MONOTONIC.
struct Deadline {
    private let milliseconds: Int64

    /// That many milliseconds from now.
    init(milliseconds: Int64) {
        self.milliseconds = Self.now() &+ milliseconds
    }

    /// The milliseconds left, 0 to 65,535.
    var left: CInt {
        let left = milliseconds &- Self.now()
        return left <= 0 ? 0 : CInt(truncatingIfNeeded: left < 65_535 ? left : 65_535)
    }

    /// The earlier of two.
    func sooner(_ other: Deadline) -> Deadline {
        other.milliseconds < milliseconds ? other : self
    }

    private static func now() -> Int64 {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_MONOTONIC, &time) == 0 else { return Int64.max / 2 }
        return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
    }
}

/// A unix stream socket that never blocks and never raises SIGPIPE; closed when it goes.
private struct UnixConnection: ~Copyable {
    private let descriptor: CInt

    init() throws(DaemonFailure) {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let made = socket(AF_UNIX, kind, 0)
        guard made >= 0 else { throw .system }
        descriptor = made
    }

    deinit { _ = close(descriptor) }

    /// Connects; a full queue of the listener (EAGAIN) is tried again until the deadline.
    func connect(to path: UnsafePointer<CChar>, deadline: Deadline) throws(DaemonFailure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let length = unsafe strnlen(path, MemoryLayout.size(ofValue: address.sun_path))
        guard length < MemoryLayout.size(ofValue: address.sun_path) else { throw .system }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: path, count: length))
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        while unsafe roster_connect_unix(descriptor, &address, size) != 0 {
            switch roster_errno() {
            case EINTR: continue
            case EISCONN: return
            case EAGAIN:
                let left = deadline.left
                guard left > 0 else { throw .late }
                _ = poll(nil, 0, left < 20 ? left : 20)
            case ENOENT, ECONNREFUSED, ENOTDIR: throw .absent
            default: throw .system
            }
        }
    }

    /// Whom the other end runs as.
    func peer() -> uid_t? {
        var owner = uid_t.max
        return unsafe roster_peer_uid(descriptor, &owner) == 0 ? owner : nil
    }

    /// Sends all of it; a reply may come although the other end stopped reading, so that the end of
    /// the connection is left to ``receive(into:_:)``.
    func send(_ octets: UnsafeRawBufferPointer, _ deadline: Deadline) throws(DaemonFailure) {
        var rest = unsafe octets
        while unsafe !rest.isEmpty {
            let count = unsafe CLibc.send(
                descriptor, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL))
            if count > 0 {
                unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                continue
            }
            let code = roster_errno()
            if code == EPIPE || code == ECONNRESET { return }
            guard code == EAGAIN || code == EINTR else { throw .system }
            try wait(for: POLLOUT, deadline)
        }
    }

    /// Receives one frame and returns the payload in it.
    func receive(
        into room: UnsafeMutableRawBufferPointer, _ deadline: Deadline
    ) throws(DaemonFailure) -> UnsafeRawBufferPointer {
        var count = 0
        while true {
            let received = unsafe UnsafeRawBufferPointer(rebasing: room[..<count])
            let missing: Int
            do throws(DaemonProtocol.LoginCodingError) {
                missing = try unsafe LoginFrame.missing(
                    after: received, limit: LoginLimits.replyPayload)
                if missing == 0 {
                    return try unsafe LoginFrame.payload(
                        of: received, limit: LoginLimits.replyPayload)
                }
            } catch { throw .garbled }
            guard missing <= room.count - count, let start = room.baseAddress else {
                throw .garbled
            }
            let more = unsafe recv(descriptor, start + count, missing, 0)
            if more > 0 {
                count += more
            } else if more == 0 || roster_errno() == ECONNRESET {
                throw .lost
            } else {
                guard roster_errno() == EAGAIN || roster_errno() == EINTR else { throw .system }
                try wait(for: POLLIN, deadline)
            }
        }
    }

    /// Waits until there is something to do, or the deadline.
    private func wait(for events: CInt, _ deadline: Deadline) throws(DaemonFailure) {
        let left = deadline.left
        guard left > 0 else { throw .late }
        var waiting = pollfd(
            fd: descriptor, events: CShort(truncatingIfNeeded: events), revents: 0)
        let ready = unsafe poll(&waiting, 1, left)
        guard ready >= 0 || roster_errno() == EINTR else { throw .system }
    }
}
