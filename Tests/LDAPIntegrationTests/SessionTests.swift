import Accounts
import DirectorySync
import LDAPClient
import TestSupport
import Testing

@Suite("A session with a real slapd", .serialized)
struct SessionTests {
    @Test("binds, says who it is, reads root DSE and schema")
    func basics() throws {
        let server = try SlapdServer()
        let session = try LDAPSession(LDAPConnectOptions(uri: server.uri, tls: .off))
        try session.bind(
            dn: SlapdServer.syncDN,
            password: LDAPSecret(copying: Array(SlapdServer.syncPassword.utf8)))
        #expect(try session.whoAmI() == "dn:\(SlapdServer.syncDN)")
        let root = try session.readRootDSE()
        #expect(root.namingContexts == [SlapdServer.suffix])
        #expect(root.offersSyncrepl)
        #expect(root.offersWhoAmI)
        let schema = try #require(try session.readAttributeSchema(root))
        #expect(schema.contains("uidNumber"))
        #expect(schema.contains("COMMONNAME"))
        #expect(schema.contains("2.5.4.3"))
        #expect(!schema.contains("accountStatus"))
    }
}
