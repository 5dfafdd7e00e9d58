import LDAPClient
import TestSupport
import Testing

@Suite("Nothing waits for ever", .serialized)
struct BoundedTests {
    private let secret = Array(SlapdServer.syncPassword.utf8)

    private func options(_ uri: String) -> LDAPConnectOptions {
        LDAPConnectOptions(
            uri: uri, tls: .off, networkTimeout: .milliseconds(500),
            operationTimeout: .milliseconds(500))
    }

    /// How long `body` took, and the error that it ended with.
    private func timed(_ body: () throws -> Void) -> (Duration, LDAPError?) {
        let start = ContinuousClock.now
        do {
            try body()
            return (start.duration(to: .now), nil)
        } catch {
            return (start.duration(to: .now), error as? LDAPError)
        }
    }

    @Test("a frozen slapd ends bind, search, root DSE and who am I in time")
    func frozen() throws {
        let server = try SlapdServer()
        let session = try LDAPSession(options(server.uri))
        try session.bind(dn: SlapdServer.syncDN, password: LDAPSecret(copying: secret))
        try server.freeze()
        defer { server.thaw() }
        let search = LDAPSearch(
            base: SlapdServer.suffix, scope: .subtree, filter: "(uid=*)", attributes: [])
        let attempts: [() throws -> Void] = [
            {
                try session.bind(
                    dn: SlapdServer.syncDN, password: LDAPSecret(copying: secret))
            },
            { _ = try session.read(search) },
            { _ = try session.readRootDSE() },
            { _ = try session.whoAmI() },
            {
                let late = try LDAPSession(options(server.uri))
                try late.bind(dn: SlapdServer.syncDN, password: LDAPSecret(copying: secret))
            },
        ]
        for attempt in attempts {
            let (taken, error) = timed(attempt)
            #expect(taken < .seconds(2))
            #expect(error?.code == .timeout)
            #expect(error?.description.contains("no answer within 0.5 seconds") == true)
        }
    }

    @Test("a frozen slapd with TLS ends the handshake in time, and that is said")
    func frozenTLS() throws {
        var settings = SlapdOptions()
        settings.certificate = .valid
        let server = try SlapdServer(settings)
        var options = options(server.tlsURI)
        options.tls = .ldaps
        options.caFile = try #require(server.authority).caFile
        try server.freeze()
        defer { server.thaw() }
        let (taken, error) = timed { _ = try LDAPSession(options) }
        #expect(taken < .seconds(3))
        #expect(error?.diagnostic.contains("no TLS handshake within 0.5 seconds") == true)
    }

    @Test("who am I without waiting: unanswered while frozen, answered afterwards")
    func probe() throws {
        let server = try SlapdServer()
        let session = try LDAPSession(options(server.uri))
        try session.bind(dn: SlapdServer.syncDN, password: LDAPSecret(copying: secret))
        try server.freeze()
        let id = try session.startWhoAmI()
        let (taken, _) = timed {
            let message = try session.nextMessage(timeout: .milliseconds(300))
            let isNothing = message == nil
            #expect(isNothing)
        }
        #expect(taken >= .milliseconds(290) && taken < .seconds(2))
        server.thaw()
        guard let message = try session.nextMessage(timeout: .seconds(5)) else {
            Issue.record("no answer")
            return
        }
        #expect(message.id == id)
        #expect(message.kind == .extendedResult)
        #expect(try message.extendedValue() == Array("dn:\(SlapdServer.syncDN)".utf8))
    }

    @Test("half a message does not hold anybody up", arguments: [1, 2, 7, 20])
    func halfMessage(_ octets: Int) throws {
        // The first octets of a search entry of 100 octets.
        let message: [UInt8] = [0x30, 0x62, 0x02, 0x01, 0x01, 0x64, 0x5D]
        let whole = message + [UInt8](repeating: 0x04, count: 93)
        let listener = try LoopbackListener()
        listener.serve(Array(whole.prefix(octets)), holdOpen: true)
        let session = try LDAPSession(options("ldap://127.0.0.1:\(listener.port)"))
        _ = try session.start(
            LDAPSearch(base: "", scope: .base, filter: "(objectClass=*)", attributes: []))
        let (taken, _) = timed {
            let message = try session.nextMessage(timeout: .milliseconds(400))
            let isNothing = message == nil
            #expect(isNothing)
        }
        #expect(taken >= .milliseconds(390) && taken < .seconds(2))
    }

    @Test("a message of gigabytes is refused instead of waited for")
    func hugeMessage() throws {
        let listener = try LoopbackListener()
        listener.serve([0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0x02, 0x01, 0x01], holdOpen: true)
        let session = try LDAPSession(options("ldap://127.0.0.1:\(listener.port)"))
        _ = try session.start(
            LDAPSearch(base: "", scope: .base, filter: "(objectClass=*)", attributes: []))
        let (_, error) = timed { _ = try session.nextMessage(timeout: .seconds(5)) }
        #expect(error != nil)
    }

    @Test("a killed slapd is an error at once, not silence")
    func killed() throws {
        let server = try SlapdServer()
        let session = try LDAPSession(options(server.uri))
        try session.bind(dn: SlapdServer.syncDN, password: LDAPSecret(copying: secret))
        server.kill()
        let (taken, error) = timed { _ = try session.nextMessage(timeout: .seconds(5)) }
        #expect(taken < .seconds(2))
        #expect(error?.code == .serverDown)
        #expect(error?.step == .receive)
    }

    @Test("waiting ends when the other descriptor becomes readable")
    func wakes() throws {
        let server = try SlapdServer()
        let session = try LDAPSession(options(server.uri))
        let other = try LoopbackListener()
        #expect(session.wait(orFor: other.descriptor, timeout: .milliseconds(50)) == .timeout)
        let knock = try LDAPSession(options("ldap://127.0.0.1:\(other.port)"))
        #expect(session.wait(orFor: other.descriptor, timeout: .seconds(5)) == .descriptor)
        _ = try session.startWhoAmI()
        let idle = try LoopbackListener()
        #expect(session.wait(orFor: idle.descriptor, timeout: .seconds(5)) == .connection)
        knock.close()
    }

    @Test("ldapi with EXTERNAL is the user of this process")
    func external() throws {
        let server = try SlapdServer()
        let session = try LDAPSession(options(server.socketURI))
        try session.bindExternal()
        #expect(try session.whoAmI().contains("cn=peercred,cn=external,cn=auth"))
    }

    @Test("a wrong password is named with the remedy and without the password")
    func wrongPassword() throws {
        let server = try SlapdServer()
        let session = try LDAPSession(options(server.uri))
        let (_, error) = timed {
            try session.bind(
                dn: SlapdServer.syncDN, password: LDAPSecret(copying: Array("geheim".utf8)))
        }
        #expect(error?.code == .invalidCredentials)
        let text = try #require(error?.description)
        #expect(text.contains(server.uri) && text.contains("bind") && text.contains("bind_dn"))
        #expect(!text.contains("geheim"))
    }
}
