// What the PAM module and the daemon say to each other on /run/roster/login.sock.
//
// One request and one reply per connection, each inside a `Frame`. Payload of a request:
//
// | size | meaning                                                                               |
// |------|---------------------------------------------------------------------------------------|
// | 1    | kind, see `LoginRequestKind`                                                          |
// | 1    | flags: 1 = the caller is changing somebody else's password (root)                     |
// | 2+n  | name: length (big-endian) and octets; 1 to 256 octets                                 |
// | 2+n  | PAM service, 0 to 64 octets                                                           |
// | 2+n  | remote host (PAM_RHOST), 0 to 255 octets; for the log only                            |
// | 2+n  | password (authenticate) or old password (change), 0 to 1024 octets                    |
// | 2+n  | new password, 0 to 1024 octets                                                        |
//
// Payload of a reply:
//
// | size | meaning                                                                               |
// |------|---------------------------------------------------------------------------------------|
// | 1    | verdict, see `LoginVerdict`                                                           |
// | 1    | flags: 1 = decided without the directory (cached verifier)                            |
// | 1    | number of messages for the person, 0 to 4                                             |
// | 2+n  | each message: UTF-8 without control characters, 1 to 400 octets                       |
//
// Name, service and remote host hold no NUL. Fields that a kind has no use for are empty: both
// passwords of `account`, the new one of `authenticate` and `checkChange`. Nothing follows the last
// field. All of it lies in buffers that the caller provides and wipes: see `SecretOctets`.

/// What is asked on the login socket.
public enum LoginRequestKind: UInt8, CaseIterable, Sendable {
    /// Is this the password of that person? (pam_sm_authenticate)
    case authenticate = 1
    /// May that person use the account now? For callers that may not read the gate themselves.
    case account = 2
    /// Could the password be changed now, and with which old one? (pam_sm_chauthtok, PRELIM_CHECK)
    case checkChange = 3
    /// Change it. (pam_sm_chauthtok, UPDATE_AUTHTOK)
    case change = 4
}

/// How long the parts of a message of the login socket may be, in octets.
public enum LoginLimits {
    /// The longest name of an account.
    public static let name = 256
    /// The longest name of a PAM service.
    public static let service = 64
    /// The longest remote host.
    public static let remoteHost = 255
    /// The longest password, old or new.
    public static let password = 1024
    /// The most messages in a reply.
    public static let messages = 4
    /// The longest message in a reply.
    public static let message = 400
    /// The longest payload of a request.
    public static let requestPayload =
        2 + 5 * 2 + name + service + remoteHost + password + password
    /// The longest payload of a reply.
    public static let replyPayload = 3 + messages * (2 + message)
    /// The longest frame of a request, header included.
    public static let requestFrame = Frame.headerOctets + requestPayload
    /// The longest frame of a reply, header included.
    public static let replyFrame = Frame.headerOctets + replyPayload
}

/// What is wrong with a message of the login socket; the connection is of no use afterwards.
public enum LoginCodingError: Error, Equatable, Sendable {
    /// The frame around it is wrong.
    case frame(FrameError)
    /// It ended within a field.
    case cut
    /// Something follows its last field.
    case trailing
    /// A field is shorter or longer than it may be, or there are too many.
    case length
    /// The request is of no known kind.
    case unknownKind
    /// The reply bears no known verdict.
    case unknownVerdict
    /// A flag without a meaning is set.
    case unknownFlag
    /// A text holds what it may not: NUL; in a reply any control character or malformed UTF-8.
    case text
    /// A field is filled that this kind of request has no use for.
    case needless
    /// The buffer given for the frame is too small.
    case noRoom

    /// The fault in words, without what was received.
    public var explanation: StaticString {
        switch self {
        case .frame(let error): error.explanation
        case .cut: "the message ended within a field"
        case .trailing: "something follows the last field"
        case .length: "a field is too short or too long"
        case .unknownKind: "the kind of the request is unknown"
        case .unknownVerdict: "the verdict is unknown"
        case .unknownFlag: "an unknown flag is set"
        case .text: "a text holds characters that it may not hold"
        case .needless: "a field is filled that has no use"
        case .noRoom: "the buffer is too small"
        }
    }
}

/// How far a frame of the login socket has arrived.
public enum LoginFrame {
    /// How many more octets to wait for, given those that have arrived; 0 when the frame is complete.
    ///
    /// First the rest of the header, then the rest of the payload; never more than one frame, so
    /// that a buffer of ``LoginLimits/requestFrame`` or ``LoginLimits/replyFrame`` octets suffices.
    /// `limit` is the longest payload accepted.
    public static func missing(
        after received: UnsafeRawBufferPointer, limit: Int
    ) throws(LoginCodingError) -> Int {
        guard received.count >= Frame.headerOctets else {
            return Frame.headerOctets - received.count
        }
        do throws(FrameError) {
            let payload = try unsafe Frame.payloadLength(
                header: UnsafeRawBufferPointer(rebasing: received[..<Frame.headerOctets]),
                limit: limit)
            let whole = Frame.headerOctets + payload
            guard received.count <= whole else { throw .trailing }
            return whole - received.count
        } catch {
            throw .frame(error)
        }
    }

    /// The payload inside exactly one complete frame.
    public static func payload(
        of frame: UnsafeRawBufferPointer, limit: Int
    ) throws(LoginCodingError) -> UnsafeRawBufferPointer {
        guard try unsafe missing(after: frame, limit: limit) == 0 else { throw .frame(.tooShort) }
        return unsafe UnsafeRawBufferPointer(rebasing: frame[Frame.headerOctets...])
    }
}
