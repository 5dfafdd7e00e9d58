// One client of the control socket: a request in, a reply out, closed.
internal import DaemonProtocol
internal import Logging
internal import NIOCore

/// Serves one connection, on its event loop.
///
/// The states follow each other strictly; whatever does not fit closes the connection:
/// reading (until the request is complete, at most `requestTime`) → answering (the handler's task
/// runs) → replying (at most `replyTime`) → closed.
final class ControlConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case reading(FrameReader)
        case answering(Task<Void, Never>)
        case replying
        case closed
    }

    private let peer: PeerCredentials
    private let owner: UInt32
    private let handler: any ControlHandler
    private let limits: ControlLimits
    private let logger: Logger
    /// Called once when the request is complete.
    private let requestArrived: () -> Void
    private var state = State.reading(FrameReader(limit: Frame.longestRequest))
    private var deadline: Scheduled<Void>?

    init(
        peer: PeerCredentials, owner: UInt32, handler: any ControlHandler, limits: ControlLimits,
        logger: Logger, requestArrived: @escaping () -> Void
    ) {
        self.peer = peer
        self.owner = owner
        self.handler = handler
        self.limits = limits
        self.logger = logger
        self.requestArrived = requestArrived
    }

    func handlerAdded(context: ChannelHandlerContext) {
        closeAfter(limits.requestTime, context: context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let octets = unwrapInboundIn(data).readableBytesView
        switch state {
        case .reading(var reader):
            state = .closed  // so that the reader's octets are not copied for every piece
            do throws(FrameError) {
                let payload = try reader.receive(octets)
                state = .reading(reader)
                if let payload { decide(payload, context: context) }
            } catch {
                fail(.malformed, "\(error.explanation)", context: context)
            }
        case .answering(let task):
            task.cancel()
            fail(.malformed, "\(FrameError.trailing.explanation)", context: context)
        case .replying, .closed: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// Decodes and judges the request, and has it answered.
    private func decide(_ payload: [UInt8], context: ChannelHandlerContext) {
        deadline?.cancel()
        requestArrived()
        let request: ControlRequest
        do throws(ControlCodingError) {
            request = try ControlRequest(payload: payload)
        } catch {
            return fail(.malformed, "the request cannot be read", context: context)
        }
        if let fault = request.fault { return fail(.malformed, fault, context: context) }
        let verdict = ControlAuthorisation(request: request, uid: peer.uid, owner: owner)
        logger.debug(
            "control request",
            metadata: [
                "request": "\(request.label)", "uid": "\(peer.uid)", "pid": "\(peer.pid)",
                "verdict": "\(verdict)",
            ])
        switch verdict {
        case .whole: answer(request, reduced: false, context: context)
        case .reduced: answer(request, reduced: true, context: context)
        case .refused: reply(.failure(.notPermitted), context: context)
        }
    }

    /// Runs the handler beside the event loop and sends what it answers.
    private func answer(_ request: ControlRequest, reduced: Bool, context: ChannelHandlerContext) {
        let loop = context.eventLoop
        let connection = NIOLoopBound(self, eventLoop: loop)
        let place = NIOLoopBound(context, eventLoop: loop)
        let task = Self.task(answering: request, of: peer, reduced: reduced, by: handler) { frame in
            loop.execute { connection.value.answered(frame, context: place.value) }
        }
        state = .answering(task)
    }

    /// Starts the handler's task; `then` gets the frame of its answer, off the event loop.
    private static func task(
        answering request: ControlRequest, of peer: PeerCredentials, reduced: Bool,
        by handler: any ControlHandler, then: @escaping @Sendable ([UInt8]) -> Void
    ) -> Task<Void, Never> {
        Task {
            let reply = await handler.handle(request, peer: peer)
            then(frame(of: reduced ? reply.reduced() : reply))
        }
    }

    /// The handler is done; the client may have gone meanwhile.
    private func answered(_ frame: [UInt8], context: ChannelHandlerContext) {
        guard case .answering = state else { return }
        send(frame, context: context)
    }

    private func fail(
        _ kind: ControlFailure.Kind, _ message: String, context: ChannelHandlerContext
    ) {
        reply(.failure(ControlFailure(kind: kind, message: message)), context: context)
    }

    private func reply(_ reply: ControlReply, context: ChannelHandlerContext) {
        send(Self.frame(of: reply), context: context)
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

    /// The reply's frame; a short failure instead where it is too long.
    private static func frame(of reply: ControlReply) -> [UInt8] {
        do throws(ControlCodingError) {
            return try reply.frame()
        } catch {
            let failure = ControlFailure(
                kind: .failed, message: "the answer cannot be sent: \(error.message)")
            return (try? ControlReply.failure(failure).frame()) ?? []
        }
    }
}
