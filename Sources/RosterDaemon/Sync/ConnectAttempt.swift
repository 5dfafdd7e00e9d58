// Connecting on a thread of its own, so that the sync thread goes on to serve commands and the index.

internal import LDAPClient
internal import NIOPosix
internal import Synchronization

/// A session on its way from one thread to another; whoever takes it owns it.
private final class ConnectedSession: Sendable {
    private let session: Mutex<LDAPSession?>

    init(_ session: consuming sending LDAPSession) {
        self.session = Mutex(consume session)
    }

    /// The session; `nil` the second time.
    func take() -> sending LDAPSession? {
        session.withLock { $0.take() }
    }
}

/// An attempt to connect to one server.
///
/// Dropped before it is taken, a session that came closes itself.
final class ConnectAttempt: Sendable {
    private let outcome = Mutex<Result<ConnectedSession, DirectoryFailure>?>(nil)

    /// Begins to connect; `wakeup` is signalled at the end.
    init(
        to position: Int, by connector: DirectoryConnector, on threads: NIOThreadPool,
        wakeup: Wakeup
    ) {
        threads.submit { _ in
            let result: Result<ConnectedSession, DirectoryFailure>
            do throws(DirectoryFailure) {
                result = .success(ConnectedSession(try connector.connect(to: position)))
            } catch {
                result = .failure(error)
            }
            self.outcome.withLock { $0 = result }
            wakeup.signal()
        }
    }

    /// Whether the attempt has come to its end.
    var isDone: Bool {
        outcome.withLock { $0 != nil }
    }

    /// The session, once; throws why there is none.
    func take() throws(DirectoryFailure) -> sending LDAPSession {
        guard let result = outcome.withLock({ $0 }), let taken = try result.get().take() else {
            throw DirectoryFailure("the attempt to connect was given up")
        }
        return taken
    }
}
