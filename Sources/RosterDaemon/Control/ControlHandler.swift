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

/// Who is at the other end of a unix socket, as the kernel says (SO_PEERCRED, unix(7)).
public struct PeerCredentials: Equatable, Sendable {
    /// The process that connected; it may be gone by now.
    public var pid: Int32
    /// Its effective user id when it connected.
    public var uid: UInt32
    /// Its effective group id when it connected.
    public var gid: UInt32

    /// Credentials from their parts.
    public init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }
}
