// The connections of logins, as the pool sees them.

internal import LDAPClient

/// A connection for passwords; used by one thread at a time.
protocol BindSession: AnyObject {
    /// As ``LDAPSession/authenticate(dn:password:within:)``.
    func authenticate(
        dn: String, password: Password, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer
    /// As ``LDAPSession/passwordChangeMethod(within:)``; asked once for a connection.
    func passwordChangeMethod(within limit: Duration) throws(LDAPError) -> PasswordChangeMethod
    /// As ``LDAPSession/changePassword(of:old:new:within:)``, or by unicodePwd where the method that
    /// ``passwordChangeMethod(within:)`` found is that.
    func changePassword(
        of dn: String, old: Password, new: Password, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer
    /// As ``LDAPSession/ping(within:)``.
    func ping(within limit: Duration) throws(LDAPError)
    /// As ``LDAPSession/isQuiet()``.
    func isQuiet() -> Bool
}

/// Where connections come from.
protocol BindDirectory: Sendable {
    /// How many servers there are, the preferred one first.
    var serverCount: Int { get }
    /// Connects to a server, without binding; may block longer than `limit` in the resolver.
    func connect(to server: Int, within limit: Duration) throws(LDAPError) -> any BindSession
}

/// The servers of the configuration.
struct ConfiguredDirectory: BindDirectory {
    let connector: DirectoryConnector

    var serverCount: Int { connector.uris.count }

    func connect(to server: Int, within limit: Duration) throws(LDAPError) -> any BindSession {
        let clock = ContinuousClock()
        let end = clock.now + limit
        var failure: LDAPError?
        for options in try connector.options(to: server) {
            let left = clock.now.duration(to: end)
            if let failure, left <= .zero { throw failure }
            do throws(LDAPError) {
                return try connect(options, within: max(left, .milliseconds(1)))
            } catch {
                failure = error
            }
        }
        throw failure
            ?? LDAPError(
                server: connector.uris[server], step: .connect, code: .serverDown,
                diagnostic: "no server to connect to", remedy: "")
    }

    private func connect(
        _ server: LDAPConnectOptions, within limit: Duration
    ) throws(LDAPError) -> any BindSession {
        var options = server
        options.networkTimeout = limit
        options.operationTimeout = limit
        options.tcpUserTimeout = .seconds(10)
        // Finding out why takes another connection; the sync says it anyway.
        options.explainsFailures = false
        return DirectorySession(try LDAPSession(options))
    }
}

/// A session of libldap.
private final class DirectorySession: BindSession {
    private let session: LDAPSession
    private var method: PasswordChangeMethod?

    init(_ session: consuming LDAPSession) {
        self.session = session
    }

    func authenticate(
        dn: String, password: Password, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer {
        try session.authenticate(dn: dn, password: password.secret, within: limit)
    }

    func changePassword(
        of dn: String, old: Password, new: Password, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer {
        switch method {
        case .unicodePassword:
            try session.changeUnicodePassword(
                of: dn, old: old.secret, new: new.secret, within: limit)
        case .extended, nil:
            try session.changePassword(of: dn, old: old.secret, new: new.secret, within: limit)
        }
    }

    func passwordChangeMethod(within limit: Duration) throws(LDAPError) -> PasswordChangeMethod {
        if let method { return method }
        let found = try session.passwordChangeMethod(within: limit)
        method = found
        return found
    }

    func ping(within limit: Duration) throws(LDAPError) {
        try session.ping(within: limit)
    }

    func isQuiet() -> Bool {
        session.isQuiet()
    }
}
