// Where a directory server is.

/// The address of a directory server: `ldaps://host[:port]`, `ldap://host[:port]`, `ldapi://path`; or
/// of a domain whose servers DNS names, `srv:domain`.
public struct DirectoryURI: Hashable, Sendable {
    /// How the URI begins.
    public enum Scheme: String, CaseIterable, Sendable {
        /// TLS from the first octet on.
        case ldaps
        /// Plain, or TLS by StartTLS.
        case ldap
        /// A Unix socket.
        case ldapi
        /// The servers in the SRV records of a domain, looked up at each connect.
        case srv
    }

    /// For libldap: as written, but the path of a socket in the encoded form that it wants (it would
    /// take the path of `ldapi:///path` for a DN and connect to its default socket instead).
    public var text: String
    /// How it begins.
    public var scheme: Scheme
    /// The host without brackets; for ldapi the path of the socket, empty for libldap's; for srv the
    /// domain.
    public var host: String
    /// The port; `nil`: the default of the scheme.
    public var port: UInt16?
    /// How the connection is protected: what `[directory] tls` says, or what fits the scheme.
    public var tls: TLSMode

    /// Reads a URI; `tls` is what fits its scheme.
    ///
    /// `nil` for any other scheme, for no host, and for a path, query or user name, which have no
    /// meaning here.
    public init?(text: String) {
        if let domain = Self.domain(of: text) {
            self.text = text
            scheme = .srv
            host = domain
            tls = .ldaps
            return
        }
        guard let colon = text.range(of: "://") else { return nil }
        let prefix = text[..<colon.lowerBound].lowercased()
        guard let scheme = Scheme(rawValue: prefix), scheme != .srv else { return nil }
        var rest = text[colon.upperBound...]
        self.text = text
        self.scheme = scheme
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        if scheme == .ldapi {
            guard let socket = Self.socket(rest) else { return nil }
            self.text = socket.isEmpty ? "ldapi:///" : "ldapi://\(Self.percentEncoded(socket))"
            host = socket
            tls = .off
            return
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let parts = Self.hostAndPort(rest) else { return nil }
        host = parts.host
        port = parts.port
        tls = scheme == .ldaps ? .ldaps : .startTLS
    }

    /// The domain of `srv:domain`.
    private static func domain(of text: String) -> String? {
        let prefix = "srv:"
        guard text.prefix(prefix.count).lowercased() == prefix else { return nil }
        let domain = text.dropFirst(prefix.count)
        let labels = domain.split(separator: ".", omittingEmptySubsequences: false)
        guard domain.utf8.count <= 230,
            labels.allSatisfy({ label in
                (1...63).contains(label.utf8.count)
                    && label.utf8.allSatisfy {
                        $0 < 0x80
                            && (UnicodeScalar($0).properties.isAlphabetic
                                || (0x30...0x39).contains($0) || "-_".utf8.contains($0))
                    }
            })
        else { return nil }
        return String(domain)
    }

    /// Whether nobody else can listen on the way: a Unix socket or this host's loopback.
    public var isLocal: Bool {
        if scheme == .ldapi || host == "::1" || host.lowercased() == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The path of a Unix socket: `/path` or `%2Fpath`; empty for libldap's default.
    private static func socket(_ text: Substring) -> String? {
        if text.isEmpty || text == "/" { return "" }
        var path: [UInt8] = []
        var rest = Array(text.utf8)[...]
        if rest.first != UInt8(ascii: "/"), rest.last == UInt8(ascii: "/") { rest.removeLast() }
        while let next = rest.popFirst() {
            if next == UInt8(ascii: "%") {
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                guard digits.utf8.count == 2, let octet = UInt8(digits, radix: 16), octet >= 0x20
                else { return nil }
                path.append(octet)
                rest = rest.dropFirst(2)
            } else {
                guard !"?#@".utf8.contains(next) else { return nil }
                path.append(next)
            }
        }
        let decoded = String(validating: path, as: UTF8.self)
        return decoded?.hasPrefix("/") == true ? decoded : nil
    }

    private static func percentEncoded(_ path: String) -> String {
        path.utf8.reduce(into: "") { text, octet in
            let character = Character(UnicodeScalar(octet))
            if octet < 0x80
                && (character.isLetter || character.isNumber || "-._".contains(character))
            {
                text.append(character)
            } else {
                text += "%" + (octet < 16 ? "0" : "") + String(octet, radix: 16, uppercase: true)
            }
        }
    }

    private static func hostAndPort(_ text: Substring) -> (host: String, port: UInt16?)? {
        let host: Substring
        let after: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            after = text[text.index(after: end)...]
            guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || ":.%".contains($0) })
            else {
                return nil
            }
        } else {
            host = text.prefix { $0 != ":" }
            after = text[host.endIndex...]
            guard host.allSatisfy({ $0.isLetter || $0.isNumber || "-._".contains($0) }) else {
                return nil
            }
        }
        guard !host.isEmpty else { return nil }
        if after.isEmpty { return (String(host), nil) }
        guard after.first == ":", after.dropFirst().first != "+",
            let port = UInt16(after.dropFirst()), port > 0
        else { return nil }
        return (String(host), port)
    }
}

/// How a connection to the directory is protected.
public enum TLSMode: String, CaseIterable, Sendable {
    /// TLS from the first octet on.
    case ldaps
    /// Plain, then TLS by the StartTLS operation before anything else.
    case startTLS = "starttls"
    /// Not at all; only over loopback and Unix sockets.
    case off
}

extension String {
    /// Where `other` stands first.
    fileprivate func range(of other: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) {
                return start..<index(start, offsetBy: other.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
