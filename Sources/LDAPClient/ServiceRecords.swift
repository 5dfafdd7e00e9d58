// The servers of a domain as DNS names them.

internal import CLDAP

/// The records `_ldap._tcp.DOMAIN` (RFC 2782).
public enum ServiceRecords {
    /// A server that DNS names.
    public struct Server: Hashable, Sendable {
        /// Its name.
        public var host: String
        /// Its port.
        public var port: UInt16
    }

    /// The servers of a domain in the order in which they are to be tried; empty: none are named.
    ///
    /// Blocks for as long as resolv.conf(5) lets the resolver ask. What comes back is as
    /// trustworthy as the DNS that it came from.
    public static func servers(of domain: String) -> [Server] {
        var list: UnsafeMutablePointer<CChar>?
        guard unsafe ldap_domain2hostlist(domain, &list) == 0, let found = unsafe list else {
            return []
        }
        defer { unsafe ldap_memfree(found) }
        return servers(in: unsafe String(cString: found))
    }

    /// The servers in libldap's list, `host:port host:port`.
    static func servers(in list: String) -> [Server] {
        list.split(separator: " ").compactMap { entry in
            guard let colon = entry.lastIndex(of: ":") else {
                return Server(host: String(entry), port: 389)
            }
            guard let port = UInt16(entry[entry.index(after: colon)...]), port > 0 else {
                return nil
            }
            var host = entry[..<colon]
            if host.last == "." { host.removeLast() }
            return host.isEmpty ? nil : Server(host: String(host), port: port)
        }
    }
}
