// The servers of a domain, by DNS SRV records (RFC 2782).

internal import CLDAP

/// One SRV record.
public struct ServiceRecord: Hashable, Sendable {
    /// Servers with a smaller number are tried first.
    public var priority: UInt16
    /// Among those of one priority: the share of the clients that try it first.
    public var weight: UInt16
    /// The server's port.
    public var port: UInt16
    /// The server's name, without the dot at its end; empty: the service is not offered.
    public var host: String

    /// A record from its parts.
    public init(priority: UInt16, weight: UInt16, port: UInt16, host: String) {
        self.priority = priority
        self.weight = weight
        self.port = port
        self.host = host
    }

    /// The records of `_ldaps._tcp` or `_ldap._tcp` of a domain, in the order of the answer.
    ///
    /// Blocks for some ten seconds at most. Throws ``LDAPError`` with step `connect`, named after
    /// `server`, when there is none.
    public static func look(
        for service: String, in domain: String, server: String
    ) throws(LDAPError) -> [ServiceRecord] {
        let name = "\(service)._tcp.\(domain)"
        var answer = [UInt8](repeating: 0, count: 65_535)
        var reason: CInt = 0
        let length = unsafe roster_srv_query(name, &answer, CInt(answer.count), &reason)
        guard length >= 0 else {
            let isAnswer = reason == HOST_NOT_FOUND || reason == NO_DATA
            throw LDAPError(
                server: server, step: .connect, code: .serverDown,
                diagnostic: isAnswer
                    ? "there is no SRV record \(name)" : "no name server answers for \(name)",
                remedy: isAnswer
                    ? "make one, or name the servers in [directory] uris"
                    : "check /etc/resolv.conf and whether this host reaches its name servers")
        }
        let records = unsafe answer.withUnsafeBufferPointer { unsafe parse($0.prefix(Int(length))) }
        guard !records.isEmpty else {
            throw LDAPError(
                server: server, step: .connect, code: .serverDown,
                diagnostic: "the SRV records \(name) name no server", remedy: "correct them")
        }
        return records
    }

    /// More records than anybody has servers.
    private static let mostRecords: CInt = 256

    private static func parse(_ answer: Slice<UnsafeBufferPointer<UInt8>>) -> [ServiceRecord] {
        let octets = unsafe UnsafeBufferPointer(rebasing: answer)
        var records: [ServiceRecord] = []
        var host = [CChar](repeating: 0, count: Int(roster_longest_name))
        for index in 0..<mostRecords {
            var (priority, weight, port) = (UInt16(0), UInt16(0), UInt16(0))
            let found = unsafe roster_srv_record(
                octets.baseAddress, CInt(octets.count), index, &priority, &weight, &port, &host)
            if found < 0 { break }
            guard found == 1 else { continue }
            let octets = host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            var name = String(decoding: octets, as: UTF8.self)
            if name.hasSuffix(".") { name.removeLast() }
            guard !name.isEmpty else { continue }
            records.append(
                ServiceRecord(priority: priority, weight: weight, port: port, host: name))
        }
        return records
    }
}

extension Sequence<ServiceRecord> {
    /// The order in which the servers are tried: by priority, and within one at random by weight.
    ///
    /// `random` gives numbers in 0 ..< 1. Source: RFC 2782, "Weight".
    public func inOrder(random: () -> Double) -> [ServiceRecord] {
        var order: [ServiceRecord] = []
        let byPriority = Dictionary(grouping: self, by: \.priority)
        for (_, records) in byPriority.sorted(by: { $0.key < $1.key }) {
            // Those of weight 0 first: they have a very small chance then, and no chance otherwise.
            var left = records.filter { $0.weight == 0 } + records.filter { $0.weight > 0 }
            while !left.isEmpty {
                let total = left.reduce(0) { $0 + Int($1.weight) }
                let drawn = Int(random() * Double(total + 1))
                var sum = 0
                let place = left.firstIndex {
                    sum += Int($0.weight)
                    return sum >= drawn
                }
                order.append(left.remove(at: place ?? left.count - 1))
            }
        }
        return order
    }
}
