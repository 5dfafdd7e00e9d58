import LDAPClient
import TestSupport
import Testing

@Suite("A look at a server", .serialized)
struct ServerExaminationTests {
    private func examine(
        _ uri: String, _ tls: TLSPolicy, caFile: String = LDAPConnectOptions.systemCAFile
    ) throws -> ServerExamination {
        let options = LDAPConnectOptions(
            uri: uri, tls: tls, caFile: caFile, networkTimeout: .seconds(5))
        return ServerExamination.of(try options.validatedAddress(), options)
    }

    private func examine(_ kind: CertificateKind, _ tls: TLSPolicy) throws -> ServerExamination {
        var options = SlapdOptions()
        options.certificate = kind
        let server = try SlapdServer(options)
        let caFile = try #require(server.authority).caFile
        return try examine(tls == .ldaps ? server.tlsURI : server.uri, tls, caFile: caFile)
    }

    @Test("tells until when the certificates are valid", arguments: [TLSPolicy.ldaps, .startTLS])
    func valid(_ tls: TLSPolicy) throws {
        let seen = try examine(.valid, tls)
        #expect(seen.outcome == .fine)
        #expect(seen.problem == nil)
        #expect(seen.chain.count == 2)
        // 2020-01-02 and 2099-01-01, midnight UTC.
        #expect(seen.chain.first?.begins == 1_577_923_200)
        #expect(seen.chain.first?.ends == 4_070_908_800)
        #expect(seen.chain.first?.subject == "localhost, 127.0.0.1")
        #expect(seen.chain.last?.subject == "CN=roster test CA")
    }

    @Test(
        "says what is wrong with a certificate, and what to do",
        arguments: [
            (CertificateKind.expired, "expired on 2020-02-03"),
            (.notYetValid, "not valid before 2090-02-03"),
            (.otherName, "is for ldap.example.net only"), (.unknownCA, "unknown CA"),
        ])
    func faults(_ kind: CertificateKind, _ text: String) throws {
        let seen = try examine(kind, .ldaps)
        #expect(seen.outcome == .untrusted)
        #expect(seen.problem?.contains(text) == true)
        #expect(seen.remedy?.isEmpty == false)
    }

    @Test("a server that is away is not one to distrust")
    func away() throws {
        let uri = "ldaps://127.0.0.1:\(try freePort())"
        #expect(try examine(uri, .ldaps).outcome == .unreachable)
    }

    @Test("a CA file without a certificate is named")
    func noAuthority() throws {
        let server = try SlapdServer(
            {
                var options = SlapdOptions()
                options.certificate = .valid
                return options
            }())
        let seen = try examine(server.tlsURI, .ldaps, caFile: "/etc/passwd")
        #expect(seen.outcome == .unusableCAFile)
    }

    @Test("without TLS only the connection is tried")
    func plain() throws {
        let server = try SlapdServer()
        #expect(try examine(server.uri, .off) == ServerExamination(outcome: .fine))
    }
}
