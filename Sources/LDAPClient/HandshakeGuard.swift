// A bound on TLS handshakes that libldap itself does not keep.
//
// libldap 2.5 with GnuTLS ignores its network timeout while a server that accepted the connection says
// nothing: it spins in the handshake for ever (tried, with ldapsearch too). So a thread of ours stands
// by and shuts the socket down when the time is over; the handshake then ends with an error.

internal import CLDAP
internal import Glibc
internal import Synchronization

/// Knows the socket of a handle while it exists, and can shut it down from another thread.
final class SocketWatch: Sendable {
    private let descriptor = Mutex<CInt>(-1)

    /// The connection was made.
    func opened(_ number: CInt) {
        descriptor.withLock { $0 = number }
    }

    /// The socket is about to be closed.
    func closing() {
        descriptor.withLock { $0 = -1 }
    }

    /// Ends every wait on the socket, if there is one.
    func shutDown() {
        descriptor.withLock { number in
            if number >= 0 { _ = shutdown(number, Int32(SHUT_RDWR)) }
        }
    }

    /// What libldap calls back; `lc_arg` is an unretained reference that the handle keeps alive.
    static func callbacks(_ watch: SocketWatch) -> ldap_conncb {
        var callbacks = unsafe ldap_conncb()
        unsafe callbacks.lc_arg = Unmanaged.passUnretained(watch).toOpaque()
        unsafe callbacks.lc_add = { _, buffer, _, _, context in
            var number: CInt = -1
            let code = unsafe ber_sockbuf_ctrl(buffer, LBER_SB_OPT_GET_FD, &number)
            if code == 1 { unsafe SocketWatch.from(context)?.opened(number) }
            return 0
        }
        unsafe callbacks.lc_del = { _, _, context in
            unsafe SocketWatch.from(context)?.closing()
        }
        return unsafe callbacks
    }

    private static func from(_ context: UnsafeMutablePointer<ldap_conncb>?) -> SocketWatch? {
        guard let argument = unsafe context?.pointee.lc_arg else { return nil }
        return unsafe Unmanaged<SocketWatch>.fromOpaque(argument).takeUnretainedValue()
    }
}

/// A thread that shuts a socket down unless it is called off in time.
final class HandshakeGuard {
    private let callOff: CInt
    private let thread: pthread_t

    private final class Order {
        let watch: SocketWatch
        let limit: Duration
        let callOff: CInt

        init(watch: SocketWatch, limit: Duration, callOff: CInt) {
            self.watch = watch
            self.limit = limit
            self.callOff = callOff
        }

        deinit {
            close(callOff)
        }

        func carryOut() {
            let deadline = Deadline(in: limit)
            var ready: CInt = 0
            repeat {
                var watched = pollfd(fd: callOff, events: Int16(POLLIN), revents: 0)
                ready = unsafe poll(&watched, 1, deadline.remaining.milliseconds)
            } while ready < 0 && errno == EINTR
            if ready == 0 { watch.shutDown() }
        }
    }

    /// Begins to count; `nil` when the host has no thread or descriptor to spare.
    init?(_ watch: SocketWatch, limit: Duration) {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let order = Order(watch: watch, limit: limit, callOff: ends[0])
        let context = unsafe Unmanaged.passRetained(order).toOpaque()
        var made = pthread_t()
        let code = unsafe pthread_create(
            &made, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Order>.fromOpaque(argument).takeRetainedValue().carryOut()
                return nil
            }, context)
        callOff = ends[1]
        thread = made
        if code != 0 {
            unsafe Unmanaged<Order>.fromOpaque(context).release()
            close(ends[1])
            return nil
        }
    }

    /// Calls the thread off and waits for it; must be called once.
    func finish() {
        close(callOff)
        pthread_join(thread, nil)
    }
}
