import LDAPClient
import TestSupport
import Testing

@Suite("TLS and its faults", .serialized)
struct ConnectFaultTests {
    private func server(_ kind: CertificateKind) throws -> SlapdServer {
        var options = SlapdOptions()
        options.certificate = kind
        return try SlapdServer(options)
    }

    private func failure(
        _ uri: String, _ tls: TLSPolicy, caFile: String = LDAPConnectOptions.systemCAFile,
        timeout: Duration = .seconds(5)
    ) -> LDAPError? {
        let options = LDAPConnectOptions(
            uri: uri, tls: tls, caFile: caFile, networkTimeout: timeout, operationTimeout: timeout)
        do {
            _ = try LDAPSession(options)
            return nil
        } catch {
            return error
        }
    }

    @Test("ldaps and StartTLS connect and bind", arguments: [TLSPolicy.ldaps, .startTLS])
    func works(_ tls: TLSPolicy) throws {
        let server = try server(.valid)
        let uri = tls == .ldaps ? server.tlsURI : server.uri
        let caFile = try #require(server.authority).caFile
        let options = LDAPConnectOptions(uri: uri, tls: tls, caFile: caFile)
        let session = try LDAPSession(options)
        let secret = LDAPSecret(copying: Array(SlapdServer.syncPassword.utf8))
        try session.bind(dn: SlapdServer.syncDN, password: secret)
        #expect(try session.whoAmI() == "dn:\(SlapdServer.syncDN)")
    }

    @Test(
        "a certificate at fault is named, with its CA file and the remedy",
        arguments: [
            (CertificateKind.expired, ["expired on 2020-02-03", "renew"]),
            (.notYetValid, ["not valid before 2090-02-03", "clock"]),
            (.otherName, ["is for ldap.example.net only", "use one of these names"]),
            (.unknownCA, ["unknown CA, CN=a stranger's CA", "ca_file"]),
        ], [TLSPolicy.ldaps, .startTLS])
    func faults(_ expected: (CertificateKind, [String]), _ tls: TLSPolicy) throws {
        let server = try server(expected.0)
        let uri = tls == .ldaps ? server.tlsURI : server.uri
        let caFile = try #require(server.authority).caFile
        let error = try #require(failure(uri, tls, caFile: caFile))
        #expect(error.step == .connect)
        #expect(error.description.hasPrefix("\(uri): connect: TLS: certificate of 127.0.0.1"))
        for text in expected.1 { #expect(error.description.contains(text)) }
        if expected.0 != .otherName { #expect(error.description.contains(caFile)) }
    }

    @Test("the system's bundle does not know the CA of a test")
    func systemBundle() throws {
        let server = try server(.valid)
        let error = try #require(failure(server.tlsURI, .ldaps))
        #expect(error.description.contains("unknown CA, CN=roster test CA"))
        #expect(error.description.contains("/etc/ssl/certs/ca-certificates.crt"))
    }

    @Test("a CA file that does not exist is named before anything is sent")
    func missingCAFile() throws {
        let error = try #require(failure("ldaps://127.0.0.1:1", .ldaps, caFile: "/nonexistent/ca"))
        #expect(error.step == .configure)
        #expect(error.description.contains("ca_file /nonexistent/ca"))
    }

    @Test("a port where nobody listens is named", arguments: [TLSPolicy.ldaps, .startTLS, .off])
    func refused(_ tls: TLSPolicy) throws {
        let scheme = tls == .ldaps ? "ldaps" : "ldap"
        let port = try freePort()
        let error = try #require(failure("\(scheme)://127.0.0.1:\(port)", tls))
        #expect(error.diagnostic == "127.0.0.1 port \(port): Connection refused")
        #expect(error.remedy.contains("check that the server runs"))
    }

    @Test("a plain port spoken to with TLS is named")
    func plainPort() throws {
        let listener = try LoopbackListener()
        listener.serve(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        let error = try #require(failure("ldaps://127.0.0.1:\(listener.port)", .ldaps))
        #expect(error.diagnostic == "127.0.0.1 port \(listener.port) does not speak TLS")
    }

    @Test("slapd without a certificate refuses StartTLS, and that is said")
    func withoutTLS() throws {
        let server = try SlapdServer()
        let error = try #require(failure(server.uri, .startTLS))
        #expect(error.description.contains("refuses StartTLS"))
    }

    @Test("an unknown host is named")
    func unknownHost() throws {
        let error = try #require(failure("ldaps://ldap.invalid", .ldaps))
        #expect(error.diagnostic.hasPrefix("ldap.invalid has no address"))
    }

    @Test(
        "a server that accepts and never answers is given up in time",
        arguments: [TLSPolicy.ldaps, .startTLS])
    func silence(_ tls: TLSPolicy) throws {
        let listener = try LoopbackListener()
        let scheme = tls == .ldaps ? "ldaps" : "ldap"
        let start = ContinuousClock.now
        let error = try #require(
            failure("\(scheme)://127.0.0.1:\(listener.port)", tls, timeout: .milliseconds(500)))
        #expect(start.duration(to: .now) < .seconds(3))
        #expect(error.diagnostic.contains("within 0.5 seconds"))
    }
}
