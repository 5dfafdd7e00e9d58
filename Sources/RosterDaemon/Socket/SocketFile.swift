// The socket's place in the file system.
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// A path at which a socket is made.
struct SocketFile {
    /// The path; at most 107 octets (unix(7)).
    let path: String

    /// Binds and listens; a socket on which nobody listens any more is removed first.
    ///
    /// The caller holds the lock on the state folder, so no second daemon does the same meanwhile.
    func listen(_ bootstrap: ServerBootstrap) async throws(SocketServerError) -> any Channel {
        var listener: any Channel
        do {
            listener = try await bootstrap.bind(unixDomainSocketPath: path).get()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            try await removeStale()
            do {
                listener = try await bootstrap.bind(unixDomainSocketPath: path).get()
            } catch {
                throw .cannotListen(endpoint: path, reason: "\(error)")
            }
        } catch {
            throw .cannotListen(endpoint: path, reason: "\(error)")
        }
        guard unsafe chmod(path, 0o666) == 0 else {
            let reason = unsafe String(cString: strerror(errno))
            try? await listener.close().get()
            throw .cannotListen(endpoint: path, reason: reason)
        }
        return listener
    }

    /// Removes the socket at the path unless somebody listens on it.
    private func removeStale() async throws(SocketServerError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let group = MultiThreadedEventLoopGroup.singleton
        do {
            let probe = try await ClientBootstrap(group: group)
                .connect(unixDomainSocketPath: path).get()
            try? await probe.close().get()
        } catch let error as IOError where error.errnoCode == ECONNREFUSED {
            guard unsafe unlink(path) == 0 || errno == ENOENT else {
                throw .cannotListen(
                    endpoint: path, reason: "the old socket there cannot be removed")
            }
            return
        } catch {
            throw .cannotListen(endpoint: path, reason: "\(error)")
        }
        throw .inUse(path: path)
    }
}
