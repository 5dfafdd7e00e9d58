// A TCP connection that never waits longer than its deadline, for finding out what is wrong.

internal import Glibc

/// A connected, non-blocking socket; closed with the value.
struct TCPProbe: ~Copyable {
    let descriptor: CInt

    /// Connects to the first address of `host` that accepts.
    init(host: String, port: UInt16, deadline: Deadline) throws(ConnectFault) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw .unknownHost(unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? "")
        }
        defer { unsafe freeaddrinfo(list) }
        var fault = ConnectFault.unreachable("no address")
        var next = unsafe list
        while let address = unsafe next {
            do throws(ConnectFault) {
                descriptor = try unsafe Self.connect(address.pointee, deadline)
                return
            } catch {
                fault = error
            }
            unsafe next = address.pointee.ai_next
        }
        throw fault
    }

    deinit {
        close(descriptor)
    }

    private static func connect(
        _ address: addrinfo, _ deadline: Deadline
    ) throws(ConnectFault) -> CInt {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let made = unsafe socket(
            address.ai_family, address.ai_socktype | flags, address.ai_protocol)
        guard made >= 0 else { throw .unreachable(text(errno)) }
        do throws(ConnectFault) {
            if unsafe Glibc.connect(made, address.ai_addr, address.ai_addrlen) != 0 {
                guard errno == EINPROGRESS else { throw .unreachable(text(errno)) }
                try wait(made, POLLOUT, deadline, "connection")
                var error: CInt = 0
                var size = socklen_t(MemoryLayout<CInt>.size)
                _ = unsafe getsockopt(made, SOL_SOCKET, SO_ERROR, &error, &size)
                guard error == 0 else { throw .unreachable(text(error)) }
            }
            return made
        } catch {
            close(made)
            throw error
        }
    }

    /// Waits until the socket is ready.
    func wait(_ events: Int32, _ deadline: Deadline, _ what: String) throws(ConnectFault) {
        try Self.wait(descriptor, events, deadline, what)
    }

    private static func wait(
        _ descriptor: CInt, _ events: Int32, _ deadline: Deadline, _ what: String
    ) throws(ConnectFault) {
        while true {
            let remaining = deadline.remaining
            guard remaining > .zero else { throw .timeout(what) }
            var watched = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let ready = unsafe poll(&watched, 1, remaining.milliseconds)
            if ready > 0 { return }
            guard ready == 0 || errno == EINTR else { throw .unreachable(text(errno)) }
        }
    }

    private static func text(_ number: CInt) -> String {
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }
}

/// The StartTLS operation by hand: one fixed request, and a look at the answer.
enum StartTLSProbe {
    /// LDAPMessage { 1, ExtendedRequest { 1.3.6.1.4.1.1466.20037 } } (RFC 4511 §4.14.1).
    private static let request: [UInt8] =
        [0x30, 0x1D, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16]
        + Array("1.3.6.1.4.1.1466.20037".utf8)

    /// Sends the request and waits for success.
    static func request(on socket: borrowing TCPProbe, _ deadline: Deadline) throws(ConnectFault) {
        let flags = Int32(MSG_NOSIGNAL)
        let sent = unsafe send(socket.descriptor, request, request.count, flags)
        guard sent == request.count else { throw .closed("StartTLS") }
        var answer: [UInt8] = []
        while answer.count < 2 || answer.count < 2 + Int(answer[1]) {
            try socket.wait(POLLIN, deadline, "answer to StartTLS")
            var piece = [UInt8](repeating: 0, count: 256)
            let count = unsafe recv(socket.descriptor, &piece, piece.count, 0)
            guard count > 0 else { throw .closed("StartTLS") }
            answer += piece[..<count]
            // An answer in the long form of lengths is an explanation, not a success.
            if answer.count >= 2, answer[1] > 0x7F { throw .noStartTLS }
        }
        let success: [UInt8] = [0x02, 0x01, 0x01, 0x78]
        guard answer.count >= 10, Array(answer[2..<6]) == success, answer[7] == 0x0A,
            answer[9] == 0
        else { throw .noStartTLS }
    }
}
