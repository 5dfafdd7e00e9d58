// One client of a socket: a request in, a reply out, closed.
internal import DaemonProtocol
internal import Glibc
internal import NIOCore

/// Serves one connection, on its event loop.
///
/// The states follow each other strictly; whatever does not fit closes the connection:
/// reading (until the request is complete, at most `requestTime`) → answering (the task of the
/// conversation runs) → replying (at most `replyTime`) → closed.
final class SocketConnection<Conversation: SocketConversation>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case reading(RequestOctets)
        case answering(Task<Void, Never>)
        case replying
        case closed
    }

    private let peer: PeerCredentials
    private let conversation: Conversation
    private let limits: SocketLimits
    /// Called once when the request is complete.
    private let requestArrived: () -> Void
    private var state: State
    private var deadline: Scheduled<Void>?

    init(
        peer: PeerCredentials, conversation: Conversation, limits: SocketLimits,
        requestArrived: @escaping () -> Void
    ) throws(FrameError) {
        self.peer = peer
        self.conversation = conversation
        self.limits = limits
        self.requestArrived = requestArrived
        state = .reading(try RequestOctets(limit: conversation.longestRequest))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        closeAfter(limits.requestTime, context: context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        defer { Self.wipe(buffer) }
        switch state {
        case .reading(let request):
            do throws(FrameError) {
                if try Self.receive(buffer, into: request) { decide(request, context: context) }
            } catch {
                fail(error, context: context)
            }
        case .answering(let task):
            task.cancel()
            fail(.trailing, context: context)
        case .replying, .closed: break
        }
    }

    private static func receive(
        _ buffer: ByteBuffer, into request: RequestOctets
    ) throws(FrameError) -> Bool {
        let received = unsafe buffer.withUnsafeReadableBytes { octets in
            Result { () throws(FrameError) in try unsafe request.receive(octets) }
        }
        return try received.get()
    }

    /// Overwrites what NIO read into its own memory, which it goes on to use for others.
    private static func wipe(_ buffer: ByteBuffer) {
        unsafe buffer.withVeryUnsafeBytes { octets in
            guard let start = unsafe UnsafeMutableRawPointer(mutating: octets.baseAddress) else {
                return
            }
            unsafe explicit_bzero(start, octets.count)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// Has the request read and, if there is something to find out, answered.
    private func decide(_ request: RequestOctets, context: ChannelHandlerContext) {
        deadline?.cancel()
        requestArrived()
        let read = unsafe request.withPayload { unsafe conversation.read($0, of: peer) }
        switch read {
        case .question(let question): answer(question, context: context)
        case .reply(let frame): send(frame, context: context)
        }
    }

    /// Runs the conversation beside the event loop and sends what it answers.
    private func answer(_ question: Conversation.Question, context: ChannelHandlerContext) {
        let loop = context.eventLoop
        let connection = NIOLoopBound(self, eventLoop: loop)
        let place = NIOLoopBound(context, eventLoop: loop)
        let task = Self.task(answering: question, of: peer, by: conversation) { frame in
            loop.execute { connection.value.answered(frame, context: place.value) }
        }
        state = .answering(task)
    }

    /// Starts the task of the answer; `then` gets its frame, off the event loop.
    private static func task(
        answering question: Conversation.Question, of peer: PeerCredentials,
        by conversation: Conversation, then: @escaping @Sendable ([UInt8]) -> Void
    ) -> Task<Void, Never> {
        Task { then(await conversation.answer(question, of: peer)) }
    }

    /// The answer is there; the client may have gone meanwhile.
    private func answered(_ frame: [UInt8], context: ChannelHandlerContext) {
        guard case .answering = state else { return }
        send(frame, context: context)
    }

    private func fail(_ error: FrameError, context: ChannelHandlerContext) {
        send(conversation.frame(for: .frame(error)), context: context)
    }

    /// Sends the one reply and closes when the client has taken it.
    private func send(_ frame: [UInt8], context: ChannelHandlerContext) {
        state = .replying
        closeAfter(limits.replyTime, context: context)
        let sent = context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: frame)))
        sent.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func closeAfter(_ time: Duration, context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            context.close(promise: nil)
        }
    }

    private func end() {
        deadline?.cancel()
        if case .answering(let task) = state { task.cancel() }
        state = .closed
    }
}
