// The bounds within which anybody on the host may use a socket of the daemon.

/// How much of the daemon the clients of a socket may take up.
public struct SocketLimits: Sendable {
    /// Connections of all users but root together.
    public var connections = 64
    /// Connections of one user; a shell script runs a few commands at once, not more.
    public var connectionsPerUser = 16
    /// Connections of root, who has places of its own; `nil`: as many as any other user.
    public var connectionsOfRoot: Int?
    /// From accepting a connection until its request is complete.
    public var requestTime: Duration = .seconds(5)
    /// From the first octet of the reply until the client has taken all of it.
    public var replyTime: Duration = .seconds(10)
    /// At the end of the daemon: so long those are served on who are connected already.
    public var closingTime: Duration = .milliseconds(200)

    /// The limits of the control socket.
    public init() {}
}
