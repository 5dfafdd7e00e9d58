// A unix socket on which anybody on the host may ask; the conversation judges who may what.
internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// What a socket of the daemon is.
public enum SocketEndpoint: Sendable, Equatable {
    /// A path at which the socket is made, with mode 0666; at most 107 octets.
    case path(String)
    /// A descriptor of a listening socket, owned by the server from now on (see
    /// ``PassedSockets``).
    case descriptor(CInt)
}

/// Listens on a socket and has requests answered by a ``SocketConversation``.
struct SocketServer<Conversation: SocketConversation>: Service {
    private let listener: any Channel
    private let acceptor: NIOLoopBound<SocketAcceptor<Conversation>>
    private let path: String?
    private let closingTime: Duration

    /// Begins to listen; who connects waits until the server runs, when signals are heard as well:
    /// a signal before that ends the daemon at once, and must find nobody accepted.
    ///
    /// A socket left over at the path is replaced if nobody listens on it.
    init(
        endpoint: SocketEndpoint, conversation: Conversation, limits: SocketLimits, logger: Logger
    ) async throws(SocketServerError) {
        closingTime = limits.closingTime
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        do {
            acceptor = try await loop.submit {
                let acceptor = SocketAcceptor(conversation, limits: limits, logger: logger)
                return NIOLoopBound(acceptor, eventLoop: loop)
            }.get()
        } catch {
            throw .cannotListen(endpoint: "\(endpoint)", reason: "\(error)")
        }
        let bootstrap = Self.bootstrap(on: loop, acceptor: acceptor)
        switch endpoint {
        case .path(let path):
            listener = try await SocketFile(path: path).listen(bootstrap)
            self.path = path
        case .descriptor(let descriptor):
            do {
                listener = try await bootstrap.withBoundSocket(descriptor).get()
                // NIO listens anew, and that with the least queue there is.
                _ = listen(descriptor, CInt(SOMAXCONN))
            } catch {
                throw .cannotListen(endpoint: "descriptor \(descriptor)", reason: "\(error)")
            }
            path = nil
        }
    }

    /// Serves until the daemon shuts down or the task is cancelled; then closes every connection.
    ///
    /// At a shutdown those who are connected are served on for the limits' closing time.
    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            try? await listener.setOption(.autoRead, value: true).get()
            try? await listener.closeFuture.get()
        } onCancelOrGracefulShutdown: {
            listener.close(promise: nil)
        }
        if let path { _ = unsafe unlink(path) }
        try await finish()
        try await listener.eventLoop.submit { acceptor.value.closeAll() }.get()
    }

    /// Waits for those who are connected to be served; not when the task is cancelled.
    private func finish() async throws {
        let end = ContinuousClock.now + closingTime
        while !Task.isCancelled, ContinuousClock.now < end {
            let count = try await listener.eventLoop.submit { acceptor.value.count }.get()
            guard count > 0 else { return }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    private static func bootstrap(
        on loop: any EventLoop, acceptor: NIOLoopBound<SocketAcceptor<Conversation>>
    ) -> ServerBootstrap {
        ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: CInt(SOMAXCONN))
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                // The child's loop is the listener's: there is only one in the group.
                acceptor.value.accept(channel)
            }
    }
}

/// Why a socket cannot be opened.
public enum SocketServerError: Error, Equatable, Sendable {
    /// Another process listens at the path.
    case inUse(path: String)
    /// What lies at the path is not a socket; it is left alone.
    case notASocket(path: String)
    /// The system says no.
    case cannotListen(endpoint: String, reason: String)
}

extension SocketServerError: CustomStringConvertible {
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
