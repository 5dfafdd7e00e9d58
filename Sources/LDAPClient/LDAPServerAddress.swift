// The URI of a server, taken apart strictly: what is not understood is refused, not guessed.

/// Where a directory server is: `ldap://host[:port]`, `ldaps://host[:port]` or `ldapi://path`.
public struct LDAPServerAddress: Hashable, Sendable {
    /// How the server is spoken to.
    public enum Scheme: String, Sendable {
        /// TCP, plain or with StartTLS.
        case ldap
        /// TCP with TLS from the first octet on.
        case ldaps
        /// A socket of this host.
        case ldapi
    }

    /// As configured.
    public let uri: String
    /// How the server is spoken to.
    public let scheme: Scheme
    /// Name or address without brackets; for `ldapi` the percent-encoded path (empty: default).
    public let host: String
    /// The port; 0 for `ldapi`.
    public let port: UInt16

    /// Takes a URI apart; `nil` unless it is one of the three forms.
    public init?(_ uri: String) {
        guard let mark = uri.firstRange(of: "://"),
            let scheme = Scheme(rawValue: uri[..<mark.lowerBound].lowercased())
        else { return nil }
        var rest = uri[mark.upperBound...]
        if rest.last == "/" { rest.removeLast() }
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !rest.contains(where: { "/?#@,".contains($0) })
        else { return nil }
        self.uri = uri
        self.scheme = scheme
        guard scheme != .ldapi else {
            host = String(rest)
            port = 0
            return
        }
        guard let (host, port) = Self.split(rest) else { return nil }
        self.host = host
        self.port = port ?? (scheme == .ldaps ? 636 : 389)
    }

    /// `host`, `host:port`, `[v6]` or `[v6]:port`.
    private static func split(_ text: Substring) -> (String, UInt16?)? {
        var host = text
        var port: UInt16?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.first == ":" else { return nil }
            if !tail.isEmpty {
                guard let number = UInt16(tail.dropFirst()) else { return nil }
                port = number
            }
        } else if let colon = text.firstIndex(of: ":") {
            guard let number = UInt16(text[text.index(after: colon)...]) else { return nil }
            host = text[..<colon]
            port = number
        }
        guard !host.isEmpty, port != 0 else { return nil }
        return (String(host), port)
    }

    /// Whether what is sent cannot leave this host.
    public var staysOnThisHost: Bool {
        guard scheme != .ldapi else { return true }
        if host.lowercased() == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
