// The login socket and what works for it in the background.

internal import Accounts
internal import DaemonProtocol
internal import Logging
internal import ServiceLifecycle
internal import Settings

/// Listens on the login socket and keeps connections to the directory ready.
struct LoginServer: Service {
    private let server: SocketServer<LoginConversation>
    private let service: LoginService

    /// Begins to listen; connections are accepted when this runs.
    init(
        endpoint: SocketEndpoint, service: LoginService, logger: Logger
    ) async throws(SocketServerError) {
        self.service = service
        server = try await SocketServer(
            endpoint: endpoint, conversation: LoginConversation(service: service),
            limits: Self.limits, logger: logger)
    }

    /// sshd asks as root, once for each login; who has asked waits for the directory.
    private static var limits: SocketLimits {
        var limits = SocketLimits()
        limits.connectionsPerUser = 4
        limits.connectionsOfRoot = 1024
        limits.requestTime = .seconds(3)
        limits.replyTime = .seconds(3)
        limits.closingTime = .seconds(1)
        return limits
    }

    /// Serves until the daemon shuts down or the task is cancelled.
    func run() async throws {
        // Not waited for at the end: a question that the directory does not answer may be open.
        let background = Task { await service.directory.tend() }
        defer { background.cancel() }
        try await server.run()
    }
}

/// Requests and replies of the login socket.
struct LoginConversation: SocketConversation {
    let service: LoginService

    var name: String { "login" }
    var longestRequest: Int { LoginLimits.requestPayload }

    func read(
        _ payload: UnsafeRawBufferPointer, of peer: PeerCredentials
    ) -> SocketRequest<LoginQuestion> {
        do throws(LoginCodingError) {
            return .question(LoginQuestion(try unsafe LoginRequest(payload: payload)))
        } catch {
            return .reply(frame(of: LoginAnswer(.undecidable)))
        }
    }

    func answer(_ question: LoginQuestion, of peer: PeerCredentials) async -> [UInt8] {
        frame(of: await service.answer(question, of: peer))
    }

    func frame(for fault: SocketFault) -> [UInt8] {
        frame(of: LoginAnswer(.undecidable))
    }

    private func frame(of answer: LoginAnswer) -> [UInt8] {
        do throws(FrameError) {
            return try LoginReply.frame(
                verdict: answer.verdict, isOffline: answer.isOffline, messages: answer.messages)
        } catch {
            return []
        }
    }
}
