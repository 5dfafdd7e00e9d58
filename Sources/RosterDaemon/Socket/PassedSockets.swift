// The listening sockets that the service manager made and passes on: sd_listen_fds(3).

internal import CLibc
internal import Logging

/// Sockets that were there before the daemon and stay when it goes: who connects meanwhile waits.
///
/// A socket is known by the path that it is bound to, not by its place or name. Its file, and the
/// file's mode, belong to whoever made it.
struct PassedSockets {
    /// The first descriptor passed (SD_LISTEN_FDS_START).
    private static let first: CInt = 3
    /// More than rosterd.socket could sensibly name; a larger number is nobody's intention.
    private static let most: CInt = 64

    private var descriptors: [String: CInt] = [:]

    /// Takes over the descriptors in `passed` that listen at one of `paths`, and closes the others
    /// with a warning that names them all.
    ///
    /// Every descriptor in `passed` is owned by this process alone; none survives an exec.
    init(_ passed: Range<CInt>, expecting paths: [String], logger: Logger) {
        var strangers: [String] = []
        for descriptor in passed {
            _ = roster_set_close_on_exec(descriptor)
            let path = Self.path(ofListener: descriptor)
            if let path, paths.contains(path), descriptors[path] == nil {
                descriptors[path] = descriptor
            } else {
                strangers.append(path ?? "descriptor \(descriptor), no listening unix socket")
                close(descriptor)
            }
        }
        guard !strangers.isEmpty else { return }
        logger.warning(
            """
            the service manager passed sockets that rosterd does not serve, they are closed: \
            correct ListenStream= in rosterd.socket, which may name each of \
            \(paths.joined(separator: " and ")) once
            """, metadata: ["closed": "\(strangers.joined(separator: ", "))"])
    }

    /// The socket passed for a path; where there is none, the path, at which one is to be made.
    func endpoint(at path: String) -> SocketEndpoint {
        descriptors[path].map { .descriptor($0) } ?? .path(path)
    }

    /// The descriptors that the environment announces to this process; unsets the variables.
    ///
    /// To be called before there is a second thread, and once.
    static func announced() -> Range<CInt> {
        let found = range(
            listenPID: variable("LISTEN_PID"), listenFDs: variable("LISTEN_FDS"), own: getpid())
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
        return found
    }

    /// The descriptors that the variables announce to the process `own`; none if they are meant for
    /// another process or make no sense.
    static func range(listenPID: String?, listenFDs: String?, own: pid_t) -> Range<CInt> {
        guard let listenPID, pid_t(listenPID) == own,
            let listenFDs, let count = CInt(listenFDs), (1...most).contains(count)
        else { return first..<first }
        return first..<(first + count)
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// The path that a listening stream socket is bound to; `nil`: the descriptor is none.
    private static func path(ofListener descriptor: CInt) -> String? {
        guard option(SO_ACCEPTCONN, of: descriptor) == 1,
            option(SO_TYPE, of: descriptor) == CInt(SOCK_STREAM.rawValue)
        else { return nil }
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        guard unsafe roster_own_name(descriptor, &address, &length) == 0,
            address.sun_family == sa_family_t(AF_UNIX)
        else { return nil }
        let path = unsafe withUnsafeBytes(of: &address.sun_path) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return path.isEmpty ? nil : path  // one without a name, or an abstract one
    }

    private static func option(_ name: CInt, of descriptor: CInt) -> CInt? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 else {
            return nil
        }
        return value
    }
}
