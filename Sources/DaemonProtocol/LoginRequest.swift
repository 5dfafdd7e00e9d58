// A request on the login socket, see the table in LoginMessages.swift.

/// A request on the login socket; its texts and passwords lie in buffers of the caller.
///
/// The value is of use only as long as these buffers are. It copies no password but into the frame
/// that it is told to write, and never describes one.
@safe
public struct LoginRequest: CustomStringConvertible {
    /// What is asked.
    public var kind: LoginRequestKind
    /// Whether root is changing somebody else's password.
    public var isReset: Bool
    /// The account's name, 1 to ``LoginLimits/name`` octets without NUL.
    public var name: UnsafeRawBufferPointer
    /// The PAM service, 0 to ``LoginLimits/service`` octets without NUL.
    public var service = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// The remote host for the log, 0 to ``LoginLimits/remoteHost`` octets without NUL.
    public var remoteHost = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// The password, or the old one; 0 to ``LoginLimits/password`` octets, any.
    public var password = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// The new password, 0 to ``LoginLimits/password`` octets, any.
    public var newPassword = unsafe UnsafeRawBufferPointer(start: nil, count: 0)

    /// A request about `name`, with nothing else in it.
    public init(_ kind: LoginRequestKind, name: UnsafeRawBufferPointer, isReset: Bool = false) {
        self.kind = kind
        self.isReset = isReset
        unsafe self.name = name
    }

    /// The request that a payload carries; its texts lie in `payload`.
    public init(payload: UnsafeRawBufferPointer) throws(LoginCodingError) {
        var fields = unsafe LoginFieldReader(payload)
        guard let kind = try LoginRequestKind(rawValue: fields.octet()) else {
            throw .unknownKind
        }
        let flags = try fields.octet()
        guard flags & ~1 == 0 else { throw .unknownFlag }
        try unsafe self.init(
            kind, name: fields.field(1...LoginLimits.name), isReset: flags & 1 != 0)
        try unsafe service = fields.field(0...LoginLimits.service)
        try unsafe remoteHost = fields.field(0...LoginLimits.remoteHost)
        try unsafe password = fields.field(0...LoginLimits.password)
        try unsafe newPassword = fields.field(0...LoginLimits.password)
        try fields.end()
        try check()
    }

    /// Writes the request into `frame` and returns how many octets it takes there.
    ///
    /// ``LoginLimits/requestFrame`` octets always suffice. The frame holds the passwords, also when
    /// an error is thrown: the caller wipes it.
    public func write(to frame: UnsafeMutableRawBufferPointer) throws(LoginCodingError) -> Int {
        try check()
        var fields = try unsafe LoginFieldWriter(frame)
        try fields.octet(kind.rawValue)
        try fields.octet(isReset ? 1 : 0)
        try unsafe fields.field(name, 1...LoginLimits.name)
        try unsafe fields.field(service, 0...LoginLimits.service)
        try unsafe fields.field(remoteHost, 0...LoginLimits.remoteHost)
        try unsafe fields.field(password, 0...LoginLimits.password)
        try unsafe fields.field(newPassword, 0...LoginLimits.password)
        fields.finish()
        return fields.count
    }

    /// The kind alone: names are for structured logs, passwords for nobody.
    public var description: String {
        switch kind {
        case .authenticate: "authenticate"
        case .account: "account"
        case .checkChange: "check of a change"
        case .change: "change"
        }
    }

    /// What both sides hold a request against besides its lengths.
    private func check() throws(LoginCodingError) {
        guard unsafe isFreeOfNUL(name), unsafe isFreeOfNUL(service), unsafe isFreeOfNUL(remoteHost)
        else { throw .text }
        switch kind {
        case .authenticate, .checkChange:
            guard unsafe newPassword.isEmpty else { throw .needless }
        case .account:
            guard unsafe password.isEmpty, unsafe newPassword.isEmpty else { throw .needless }
        case .change: break
        }
        let mayReset = kind == .checkChange || kind == .change
        guard mayReset || !isReset else { throw .unknownFlag }
    }
}
