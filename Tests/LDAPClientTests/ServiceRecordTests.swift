// The order in which the servers of a domain are tried.

import Testing

@testable import LDAPClient

@Suite struct ServiceRecordTests {
    private func record(_ priority: UInt16, _ weight: UInt16, _ host: String) -> ServiceRecord {
        ServiceRecord(priority: priority, weight: weight, port: 636, host: host)
    }

    /// The hosts in their order, with evenly spread random numbers from a given one on.
    private func order(_ records: [ServiceRecord], from first: Double) -> [String] {
        records.inOrder { first }.map(\.host)
    }

    @Test("a smaller priority goes first, whatever the weight; nobody is left out or doubled")
    func priority() {
        let records = [record(20, 900, "c"), record(10, 1, "a"), record(0, 0, "z")]
        for random in [0, 0.5, 0.999] { #expect(order(records, from: random) == ["z", "a", "c"]) }
        #expect(order([], from: 0).isEmpty)
    }

    @Test("within a priority the first is drawn in proportion to the weights")
    func weight() {
        let records = [record(0, 0, "never"), record(0, 30, "a"), record(0, 70, "b")]
        var firsts: [String: Int] = [:]
        for draw in 0..<1000 {
            let hosts = order(records, from: Double(draw) / 1000)
            #expect(Set(hosts) == ["never", "a", "b"] && hosts.count == 3)
            firsts[hosts.first ?? "", default: 0] += 1
        }
        #expect((280...320).contains(firsts["a"] ?? 0))
        #expect((670...710).contains(firsts["b"] ?? 0))
        #expect((1...20).contains(firsts["never"] ?? 0))
    }

    @Test("weights of zero alone, and the largest ones, are no trouble")
    func extremes() {
        let zeros = [record(0, 0, "a"), record(0, 0, "b")]
        #expect(Set(order(zeros, from: 0.999)) == ["a", "b"])
        let large = (0..<200).map { record(65_535, 65_535, "h\($0)") }
        #expect(Set(order(large, from: 0.999)).count == 200)
    }
}
