// What the service manager is told, by sd_notify(3)'s protocol: a datagram to $NOTIFY_SOCKET.

internal import CLibc

/// The socket of the service manager; does nothing when the daemon was not started by one.
struct ServiceNotification: Sendable {
    /// `$NOTIFY_SOCKET`, a path or, with a leading `@`, an abstract name; `nil`: nobody listens.
    private let address: [UInt8]?

    /// Takes the socket from the environment.
    init() {
        guard let value = unsafe getenv("NOTIFY_SOCKET") else {
            address = nil
            return
        }
        var bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: value, count: strlen(value)))
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        address = bytes
    }

    /// How often a sign of life is wanted (`$WATCHDOG_USEC`), in microseconds; `nil`: never.
    static var watchdogMicroseconds: UInt64? {
        guard let value = unsafe getenv("WATCHDOG_USEC") else { return nil }
        return unsafe UInt64(String(cString: value))
    }

    /// The daemon answers from here on.
    func ready() { send("READY=1") }

    /// The daemon is about to end.
    func stopping() { send("STOPPING=1") }

    /// A sign of life.
    func alive() { send("WATCHDOG=1") }

    /// One line for `systemctl status`.
    func status(_ line: String) { send("STATUS=" + line.filter { $0 != "\n" }) }

    /// Sends one assignment; a manager that does not listen is not the daemon's trouble.
    private func send(_ assignment: String) {
        guard let address, var target = sockaddr_un(path: address) else { return }
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + address.count)
        guard unsafe roster_connect_unix(descriptor, &target, length) == 0 else { return }
        let bytes = Array(assignment.utf8)
        _ = unsafe bytes.withUnsafeBytes {
            unsafe CLibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
    }
}

extension sockaddr_un {
    /// The address of a socket in the file system (or, with a leading NUL, an abstract one); `nil`
    /// when the path is too long for unix(7).
    init?(path: [UInt8]) {
        self.init()
        sun_family = sa_family_t(AF_UNIX)
        let fits = unsafe withUnsafeMutableBytes(of: &sun_path) { room in
            guard path.count < room.count else { return false }
            unsafe room.copyBytes(from: path)
            return true
        }
        guard fits else { return nil }
    }
}
