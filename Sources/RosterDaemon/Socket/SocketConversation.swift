// What the sockets of the daemon have in common: one framed request in, one framed reply out.
internal import DaemonProtocol

/// What a socket is for: how its requests are read and answered.
protocol SocketConversation: Sendable {
    /// A request that was read and found in order.
    associatedtype Question: Sendable

    /// What a request is called in the log, for instance `control`.
    var name: String { get }
    /// The longest payload of a request, in octets.
    var longestRequest: Int { get }

    /// Reads a request; what is in `payload` is wiped afterwards.
    ///
    /// On the event loop: does not block.
    func read(_ payload: UnsafeRawBufferPointer, of peer: PeerCredentials) -> SocketRequest<
        Question
    >
    /// Answers a question with a whole frame; see ``ControlHandler/handle(_:peer:)``.
    func answer(_ question: Question, of peer: PeerCredentials) async -> [UInt8]
    /// The whole frame that says what is wrong.
    func frame(for fault: SocketFault) -> [UInt8]
}

/// What became of reading a request.
enum SocketRequest<Question: Sendable> {
    /// It is to be answered.
    case question(Question)
    /// There is nothing to find out: this frame is the answer.
    case reply([UInt8])
}

/// What keeps a request from being read.
enum SocketFault: Equatable {
    /// So many requests of this user are being answered that there is no place for one more.
    case tooMany(uid: UInt32)
    /// What arrived is no frame, or more than one.
    case frame(FrameError)
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
