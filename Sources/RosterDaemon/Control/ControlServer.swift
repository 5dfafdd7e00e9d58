// The control socket: anybody on the host may ask, see ControlRequest.access for what.
internal import DaemonProtocol
internal import Glibc
public import Logging
internal import NIOCore
internal import NIOPosix
public import ServiceLifecycle

/// Listens on the control socket and has requests answered by a ``ControlHandler``.
public struct ControlServer: Service {
    /// What the socket is.
    public enum Endpoint: Sendable, Equatable {
        /// A path at which the socket is made, with mode 0666; at most 107 octets.
        case path(String)
        /// A descriptor of a listening socket, owned by the server from now on (systemd's
        /// LISTEN_FDS).
        case descriptor(CInt)
    }

    private let listener: any Channel
    private let acceptor: NIOLoopBound<ControlAcceptor>
    private let path: String?

    /// Begins to listen; connections are accepted when this returns.
    ///
    /// A socket left over at the path is replaced if nobody listens on it. `handler` answers the
    /// requests, `logger` gets a debug line per request.
    public init(
        endpoint: Endpoint, handler: any ControlHandler, limits: ControlLimits = ControlLimits(),
        logger: Logger
    ) async throws(ControlServerError) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let owner = geteuid()
        do {
            acceptor = try await loop.submit {
                let acceptor = ControlAcceptor(
                    handler: handler, owner: owner, limits: limits, logger: logger)
                return NIOLoopBound(acceptor, eventLoop: loop)
            }.get()
        } catch {
            throw .cannotListen(endpoint: "\(endpoint)", reason: "\(error)")
        }
        let bootstrap = Self.bootstrap(on: loop, acceptor: acceptor)
        switch endpoint {
        case .path(let path):
            listener = try await ControlSocketFile(path: path).listen(bootstrap)
            self.path = path
        case .descriptor(let descriptor):
            do {
                listener = try await bootstrap.withBoundSocket(descriptor).get()
            } catch {
                throw .cannotListen(endpoint: "descriptor \(descriptor)", reason: "\(error)")
            }
            path = nil
        }
    }

    /// Serves until the daemon shuts down or the task is cancelled; then closes every connection.
    public func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            try? await listener.closeFuture.get()
        } onCancelOrGracefulShutdown: {
            listener.close(promise: nil)
        }
        try await listener.eventLoop.submit { acceptor.value.closeAll() }.get()
        if let path { _ = unsafe unlink(path) }
    }

    private static func bootstrap(
        on loop: any EventLoop, acceptor: NIOLoopBound<ControlAcceptor>
    ) -> ServerBootstrap {
        ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 128)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                // The child's loop is the listener's: there is only one in the group.
                acceptor.value.accept(channel)
            }
    }
}

/// Why the control socket cannot be opened.
public enum ControlServerError: Error, Equatable, Sendable {
    /// Another process listens at the path.
    case inUse(path: String)
    /// What lies at the path is not a socket; it is left alone.
    case notASocket(path: String)
    /// The system says no.
    case cannotListen(endpoint: String, reason: String)
}

extension ControlServerError: CustomStringConvertible {
    /// What happened and what to do.
    public var description: String {
        switch self {
        case .inUse(let path):
            "another process listens on \(path): is a second rosterd running? "
                + "(`systemctl status rosterd`)"
        case .notASocket(let path):
            "\(path) exists and is not a socket: move it away and start rosterd again"
        case .cannotListen(let endpoint, let reason):
            "cannot listen on \(endpoint): \(reason); does the folder exist, and may rosterd "
                + "write there?"
        }
    }
}
