import Testing

@testable import LDAPClient

@Suite struct ServiceRecordsTests {
    @Test("libldap's list of servers, taken apart; what is no address is left out")
    func list() {
        let servers = ServiceRecords.servers(
            in: "a.example:389 b.example.:636 c.example d:0 :5 e:x")
        #expect(
            servers == [
                .init(host: "a.example", port: 389), .init(host: "b.example", port: 636),
                .init(host: "c.example", port: 389),
            ])
        #expect(ServiceRecords.servers(in: "").isEmpty)
    }
}
