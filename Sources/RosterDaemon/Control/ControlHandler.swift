// Where the control socket meets the rest of the daemon.
public import DaemonProtocol

/// Answers the requests that arrive on the control socket.
public protocol ControlHandler: Sendable {
    /// Answers one request, which `peer` was found allowed to make and whose values are in bounds.
    ///
    /// Takes as long as it needs: other requests are answered meanwhile. The task is cancelled when
    /// the client goes or the daemon stops. What only root may see is taken out of the answer
    /// afterwards (``DaemonProtocol/ControlReply/reduced()``), so it may always be complete.
    func handle(_ request: ControlRequest, peer: PeerCredentials) async -> ControlReply
}
