// Takes connections in, within the limits.
internal import Glibc
internal import Logging
internal import NIOCore

/// Admits the connections of a socket; lives on the listener's event loop.
final class SocketAcceptor<Conversation: SocketConversation> {
    private let conversation: Conversation
    private let limits: SocketLimits
    private let logger: Logger
    private var table: ConnectionTable<ObjectIdentifier>
    private var channels: [ObjectIdentifier: any Channel] = [:]

    init(_ conversation: Conversation, limits: SocketLimits, logger: Logger) {
        self.conversation = conversation
        self.limits = limits
        self.logger = logger
        table = ConnectionTable(
            total: limits.connections, perUser: limits.connectionsPerUser,
            ofRoot: limits.connectionsOfRoot)
    }

    /// Asks the kernel who connected and serves the connection, or closes it.
    func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.close()
        }
        let credentials: EventLoopFuture<KernelCredentials> = provider.unsafeGetSocketOption(
            level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET),
            name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        return credentials.assumeIsolated().flatMapThrowing { kernel in
            let peer = PeerCredentials(pid: kernel.pid, uid: kernel.uid, gid: kernel.gid)
            try self.serve(channel, peer: peer)
        }.nonisolated()
    }

    /// How many connections are open.
    var count: Int { channels.count }

    /// Closes every connection; the running requests are cancelled.
    func closeAll() {
        for channel in channels.values { channel.close(promise: nil) }
    }

    private func serve(_ channel: any Channel, peer: PeerCredentials) throws {
        let id = ObjectIdentifier(channel)
        switch table.admit(id, uid: peer.uid) {
        case .admitted: break
        case .admittedInsteadOf(let silent): channels[silent]?.close(promise: nil)
        case .refused: return try refuse(channel, peer: peer)
        }
        channels[id] = channel
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            self.channels[id] = nil
            self.table.remove(id)
        }
        let connection = try SocketConnection(
            peer: peer, conversation: conversation, limits: limits,
            requestArrived: { self.table.requestArrived(id) })
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    /// Says so, as far as the socket's buffer takes it at once, and closes.
    private func refuse(_ channel: any Channel, peer: PeerCredentials) throws {
        logger.notice(
            "too many \(conversation.name) connections", metadata: ["uid": "\(peer.uid)"])
        let frame = conversation.frame(for: .tooMany(uid: peer.uid))
        try channel.pipeline.syncOperations.addHandler(Refusal(frame: frame))
    }
}

/// Writes one reply as soon as the connection is there, and closes it.
private final class Refusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let frame: [UInt8]

    init(frame: [UInt8]) {
        self.frame = frame
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: frame)), promise: nil)
        context.close(promise: nil)
    }
}

/// `struct ucred` of unix(7).
private struct KernelCredentials: Sendable {
    var pid: Int32 = 0
    var uid: UInt32 = .max
    var gid: UInt32 = .max
}
