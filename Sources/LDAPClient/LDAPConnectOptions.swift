// How a connection is made: the server, TLS, and a bound on everything that could wait.

/// How a connection is protected.
public enum TLSPolicy: String, Hashable, Sendable {
    /// TLS from the first octet on; the URI is `ldaps://`.
    case ldaps
    /// TLS after the StartTLS operation (RFC 4511 §4.14); the URI is `ldap://`.
    case startTLS = "starttls"
    /// No TLS: only for loopback addresses and `ldapi://`.
    case off
}

/// What a session needs to know to connect.
public struct LDAPConnectOptions: Hashable, Sendable {
    /// The certificate bundle of Debian's ca-certificates.
    public static let systemCAFile = "/etc/ssl/certs/ca-certificates.crt"

    /// The URI of the server.
    public var uri: String
    /// How the connection is protected.
    public var tls: TLSPolicy
    /// The certificates that the server's may descend from.
    public var caFile: String
    /// Bounds the TCP connection, and once more the TLS handshake.
    public var networkTimeout: Duration
    /// Bounds every operation that is answered at once (bind, StartTLS, root DSE).
    public var operationTimeout: Duration
    /// TCP keepalive: silence before the first probe.
    public var keepaliveIdle: Duration
    /// TCP keepalive: between two probes.
    public var keepaliveInterval: Duration
    /// TCP keepalive: unanswered probes until the connection counts as broken.
    public var keepaliveProbes: Int
    /// How long sent data may stay unacknowledged (TCP_USER_TIMEOUT).
    public var tcpUserTimeout: Duration
    /// Whether one more connection finds out why one could not be made; takes another
    /// `networkTimeout`.
    public var explainsFailures = true

    /// Options with the defaults of the daemon.
    public init(
        uri: String, tls: TLSPolicy, caFile: String = LDAPConnectOptions.systemCAFile,
        networkTimeout: Duration = .seconds(5), operationTimeout: Duration = .seconds(10),
        keepaliveIdle: Duration = .seconds(30), keepaliveInterval: Duration = .seconds(10),
        keepaliveProbes: Int = 3, tcpUserTimeout: Duration = .seconds(30)
    ) {
        self.uri = uri
        self.tls = tls
        self.caFile = caFile
        self.networkTimeout = networkTimeout
        self.operationTimeout = operationTimeout
        self.keepaliveIdle = keepaliveIdle
        self.keepaliveInterval = keepaliveInterval
        self.keepaliveProbes = keepaliveProbes
        self.tcpUserTimeout = tcpUserTimeout
    }

    /// The address, if URI and TLS policy fit together.
    ///
    /// Throws ``LDAPError`` with step `configure`.
    public func validatedAddress() throws(LDAPError) -> LDAPServerAddress {
        guard let address = LDAPServerAddress(uri) else {
            throw misconfigured(
                "not a URI of a directory server",
                "write ldaps://host, ldap://host:port or ldapi://%2Fpath")
        }
        switch (tls, address.scheme) {
        case (.ldaps, .ldaps), (.startTLS, .ldap), (.off, .ldapi): return address
        case (.ldaps, .ldapi), (.startTLS, .ldapi): return address
        case (.off, .ldap) where address.staysOnThisHost: return address
        case (.off, .ldap):
            throw misconfigured(
                "tls = \"off\" would send passwords in the clear",
                "use tls = \"starttls\" or \"ldaps\"; off is for loopback and ldapi only")
        case (.off, .ldaps):
            throw misconfigured("tls = \"off\" with an ldaps:// URI", "use tls = \"ldaps\"")
        case (.ldaps, .ldap):
            throw misconfigured("tls = \"ldaps\" with an ldap:// URI", "write ldaps://")
        case (.startTLS, .ldaps):
            throw misconfigured("tls = \"starttls\" with an ldaps:// URI", "write ldap://")
        }
    }

    /// Whether the connection is wrapped in TLS at all.
    var usesTLS: Bool {
        tls != .off && LDAPServerAddress(uri)?.scheme != .ldapi
    }

    /// Whether nobody on the way can read what is sent: TLS, or no way at all (ldapi).
    var isProtected: Bool {
        usesTLS || LDAPServerAddress(uri)?.scheme == .ldapi
    }

    private func misconfigured(_ what: String, _ remedy: String) -> LDAPError {
        LDAPError(
            server: uri, step: .configure, code: .parameterError, diagnostic: what, remedy: remedy)
    }
}
