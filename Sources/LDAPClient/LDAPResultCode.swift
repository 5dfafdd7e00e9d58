// Result codes are an open set: servers invent them, and libldap adds its own below zero.

/// A result code of the protocol (RFC 4511 §4.1.9), or, below zero, of libldap itself.
public struct LDAPResultCode: RawRepresentable, Hashable, Sendable {
    /// The number.
    public let rawValue: Int32

    /// Wraps a number.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The operation was carried out.
    public static let success = LDAPResultCode(rawValue: 0)
    /// The server failed inside.
    public static let operationsError = LDAPResultCode(rawValue: 1)
    /// The server did not understand the request.
    public static let protocolError = LDAPResultCode(rawValue: 2)
    /// The time limit of the search was reached.
    public static let timeLimitExceeded = LDAPResultCode(rawValue: 3)
    /// The size limit of the search was reached.
    public static let sizeLimitExceeded = LDAPResultCode(rawValue: 4)
    /// The server wants a stronger bind.
    public static let strongerAuthRequired = LDAPResultCode(rawValue: 8)
    /// What was asked for lies on another server.
    public static let referral = LDAPResultCode(rawValue: 10)
    /// A limit of the administrator was reached.
    public static let adminLimitExceeded = LDAPResultCode(rawValue: 11)
    /// The server lacks a control that was marked critical.
    public static let unavailableCriticalExtension = LDAPResultCode(rawValue: 12)
    /// The connection is not protected enough.
    public static let confidentialityRequired = LDAPResultCode(rawValue: 13)
    /// A value breaks a rule; what 389 Directory Server says of a locked account, and every server
    /// of a new password that its policy refuses.
    public static let constraintViolation = LDAPResultCode(rawValue: 19)
    /// The search base does not exist, or is invisible to the bind identity.
    public static let noSuchObject = LDAPResultCode(rawValue: 32)
    /// A DN is malformed.
    public static let invalidDNSyntax = LDAPResultCode(rawValue: 34)
    /// The bind identity may not bind at all.
    public static let inappropriateAuthentication = LDAPResultCode(rawValue: 48)
    /// Wrong bind DN or password.
    public static let invalidCredentials = LDAPResultCode(rawValue: 49)
    /// The bind identity has no right to do this.
    public static let insufficientAccessRights = LDAPResultCode(rawValue: 50)
    /// The server is too busy.
    public static let busy = LDAPResultCode(rawValue: 51)
    /// The server is shutting down or a backend is off line.
    public static let unavailable = LDAPResultCode(rawValue: 52)
    /// The server refuses; its text says why.
    public static let unwillingToPerform = LDAPResultCode(rawValue: 53)
    /// The operation was cancelled (RFC 3909).
    public static let canceled = LDAPResultCode(rawValue: 118)
    /// e-syncRefreshRequired of RFC 4533 §2.6.
    public static let syncRefreshRequired = LDAPResultCode(rawValue: 4096)

    /// libldap: no connection, or it broke.
    public static let serverDown = LDAPResultCode(rawValue: -1)
    /// libldap: what was sent could not be decoded.
    public static let decodingError = LDAPResultCode(rawValue: -4)
    /// libldap: the deadline passed.
    public static let timeout = LDAPResultCode(rawValue: -5)
    /// libldap: a search filter is malformed.
    public static let filterError = LDAPResultCode(rawValue: -7)
    /// libldap: a parameter is malformed.
    public static let parameterError = LDAPResultCode(rawValue: -9)
    /// libldap: the connection could not be made.
    public static let connectError = LDAPResultCode(rawValue: -11)
}
