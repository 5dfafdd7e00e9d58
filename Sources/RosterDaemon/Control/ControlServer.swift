// The control socket: anybody on the host may ask, see ControlRequest.access for what.
internal import DaemonProtocol
internal import Glibc
public import Logging
public import ServiceLifecycle

/// Listens on the control socket and has requests answered by a ``ControlHandler``.
public struct ControlServer: Service {
    private let server: SocketServer<ControlConversation>

    /// Begins to listen; connections are accepted when this runs.
    ///
    /// A socket left over at the path is replaced if nobody listens on it. `handler` answers the
    /// requests, `logger` gets a debug line per request.
    public init(
        endpoint: SocketEndpoint, handler: any ControlHandler,
        limits: SocketLimits = SocketLimits(), logger: Logger
    ) async throws(SocketServerError) {
        let conversation = ControlConversation(handler: handler, owner: geteuid(), logger: logger)
        server = try await SocketServer(
            endpoint: endpoint, conversation: conversation, limits: limits, logger: logger)
    }

    /// Serves until the daemon shuts down or the task is cancelled; then closes every connection.
    public func run() async throws {
        try await server.run()
    }
}

/// Requests and replies of the control socket.
struct ControlConversation: SocketConversation {
    let handler: any ControlHandler
    /// The user that the daemon runs as.
    let owner: UInt32
    let logger: Logger

    /// A request, and whether what only root may see is taken out of its answer.
    struct Question: Sendable {
        var request: ControlRequest
        var isReduced: Bool
    }

    var name: String { "control" }
    var longestRequest: Int { Frame.longestRequest }

    func read(
        _ payload: UnsafeRawBufferPointer, of peer: PeerCredentials
    ) -> SocketRequest<Question> {
        let request: ControlRequest
        do throws(ControlCodingError) {
            request = try unsafe ControlRequest(payload: Array(payload))
        } catch {
            return .reply(malformed("the request cannot be read"))
        }
        if let fault = request.fault { return .reply(malformed(fault)) }
        let verdict = ControlAuthorisation(request: request, uid: peer.uid, owner: owner)
        logger.debug(
            "control request",
            metadata: [
                "request": "\(request.label)", "uid": "\(peer.uid)", "pid": "\(peer.pid)",
                "verdict": "\(verdict)",
            ])
        return switch verdict {
        case .whole: .question(Question(request: request, isReduced: false))
        case .reduced: .question(Question(request: request, isReduced: true))
        case .refused: .reply(frame(of: .failure(.notPermitted)))
        }
    }

    func answer(_ question: Question, of peer: PeerCredentials) async -> [UInt8] {
        let reply = await handler.handle(question.request, peer: peer)
        return frame(of: question.isReduced ? reply.reduced() : reply)
    }

    func frame(for fault: SocketFault) -> [UInt8] {
        switch fault {
        case .frame(let error): malformed("\(error.explanation)")
        case .tooMany(let uid):
            frame(
                of: .failure(
                    ControlFailure(
                        kind: .busy, message: "too many requests of uid \(uid) are being answered",
                        remedy: "Try again when some of them are done")))
        }
    }

    private func malformed(_ message: String) -> [UInt8] {
        frame(of: .failure(ControlFailure(kind: .malformed, message: message)))
    }

    /// The reply's frame; a short failure instead where it is too long.
    private func frame(of reply: ControlReply) -> [UInt8] {
        do throws(ControlCodingError) {
            return try reply.frame()
        } catch {
            let failure = ControlFailure(
                kind: .failed, message: "the answer cannot be sent: \(error.message)")
            return (try? ControlReply.failure(failure).frame()) ?? []
        }
    }
}
