// A connection to one server. Blocking; used from one dedicated thread.

internal import Glibc

/// Names an operation of a session until its last message.
public struct LDAPMessageID: RawRepresentable, Hashable, Sendable {
    /// The number that the messages carry.
    public let rawValue: Int32

    /// Wraps a number.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }
}

/// A connection to one server.
///
/// Every call blocks at most as long as its documentation says (name resolution excepted, which
/// resolv.conf(5) bounds). It is not for the cooperative pool: one thread makes it, uses it and ends
/// it. The connection closes when the value and the last message taken from it are gone.
@safe public struct LDAPSession: ~Copyable {
    /// How the connection was made.
    public let options: LDAPConnectOptions
    let handle: LDAPHandle

    /// Connects, with TLS as the policy says; no credentials are sent.
    ///
    /// Blocks at most three times `networkTimeout` and once `operationTimeout` (StartTLS). After a
    /// failure one further handshake, bounded by `networkTimeout`, finds out why (unless
    /// `explainsFailures` is off). Throws
    /// ``LDAPError`` with step `configure` or `connect`.
    public init(_ options: LDAPConnectOptions) throws(LDAPError) {
        let address = try options.validatedAddress()
        let handle = try LDAPHandle(options)
        try handle.connect(options, address)
        self.options = options
        self.handle = handle
    }

    /// Ends the connection now, unless a message still holds it.
    public consuming func close() {}

    /// The socket, for poll(2) next to other descriptors.
    ///
    /// TLS may hold decrypted messages that poll does not show: take messages with a timeout of
    /// zero until there are none, then wait. Closed by the session.
    public var descriptor: CInt? {
        handle.descriptor
    }
}

// MARK: - Waiting

extension LDAPSession {
    /// Why ``wait(orFor:timeout:)`` came back.
    public enum WakeReason: Hashable, Sendable {
        /// The connection has something to read, or broke.
        case connection
        /// The other descriptor became readable.
        case descriptor
        /// The time is over.
        case timeout
    }

    /// Waits until the connection or `other` (for instance an eventfd) is readable.
    ///
    /// To be called after ``nextMessage(timeout:)`` has answered `nil`. Blocks at most `timeout`.
    public func wait(orFor other: CInt, timeout: Duration) -> WakeReason {
        let readable = Int16(POLLIN)
        var descriptors = [
            pollfd(fd: other, events: readable, revents: 0),
            pollfd(fd: descriptor ?? -1, events: readable, revents: 0),
        ]
        let ready = unsafe poll(&descriptors, 2, timeout.milliseconds)
        guard ready > 0 else { return ready == 0 ? .timeout : .connection }
        return descriptors[0].revents != 0 ? .descriptor : .connection
    }

    /// The next message of any operation; `nil` if none came within `timeout`.
    ///
    /// With a timeout of zero only what has already arrived is looked at. Throws ``LDAPError`` when
    /// the connection is gone or the server announces that it closes it (RFC 4511 §4.4.1).
    public func nextMessage(timeout: Duration) throws(LDAPError) -> LDAPMessage? {
        guard let message = try handle.message(of: -1, within: timeout, step: .receive) else {
            return nil
        }
        guard message.id.rawValue == 0, message.kind == .extendedResult else { return message }
        let result = try message.result()
        throw LDAPError(
            server: handle.server, step: .receive, code: result.code,
            serverText: "the server closes the connection. \(result.diagnostic)")
    }

    /// The next message of one operation, or an error when the operation timeout passes.
    func answer(to id: LDAPMessageID, step: LDAPError.Step) throws(LDAPError) -> LDAPMessage {
        try handle.answer(to: id.rawValue, within: options.operationTimeout, step: step)
    }
}
