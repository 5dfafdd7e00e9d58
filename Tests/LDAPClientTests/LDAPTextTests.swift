import LDAPClient
import Testing

@Suite("Filters, addresses, schema and errors")
struct LDAPTextTests {
    @Test("no value can end its assertion, and every value can be read back")
    func escaping() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let value = (0..<Int.random(in: 0..<30, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let escaped = LDAPFilter.escape(value)
            #expect(!escaped.contains { "()*\0".contains($0) })
            #expect(unescape(escaped) == value)
        }
        #expect(LDAPFilter.equals("uid", "a*(b)\\".utf8) == "(uid=a\\2a\\28b\\29\\5c)")
    }

    private func unescape(_ text: String) -> [UInt8] {
        var octets: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let first = rest.popFirst() {
            guard first == UInt8(ascii: "\\") else {
                octets.append(first)
                continue
            }
            octets.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return octets
    }

    @Test(
        "addresses are taken apart",
        arguments: [
            ("ldap://h", "h", 389), ("ldaps://h/", "h", 636), ("LDAP://h:1389", "h", 1389),
            ("ldaps://[::1]:99", "::1", 99), ("ldap://[fe80::1]", "fe80::1", 389),
            ("ldapi://%2Frun%2Fldapi", "%2Frun%2Fldapi", 0), ("ldapi://", "", 0),
        ] as [(String, String, UInt16)])
    func addresses(_ uri: String, _ host: String, _ port: UInt16) throws {
        let address = try #require(LDAPServerAddress(uri))
        #expect(address.host == host)
        #expect(address.port == port)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "h", "http://h", "ldap://", "ldap://h:0", "ldap://h:x", "ldap://h:70000",
            "ldap://h/dc=x", "ldap://h?a", "ldap://a ldap://b", "ldap://[::1", "ldap://[::1]x",
            "ldap://u@h", "ldap://h:1:2", "ldap://a,b",
        ])
    func badAddresses(_ uri: String) {
        #expect(LDAPServerAddress(uri) == nil)
    }

    @Test(
        "tls = off is refused wherever a password could be overheard",
        arguments: [
            ("ldap://127.0.0.1", true), ("ldap://127.9.9.9:1", true), ("ldap://localhost", true),
            ("ldap://[::1]", true), ("ldapi://", true), ("ldap://127.0.0.1.example.com", false),
            ("ldap://10.0.0.1", false), ("ldap://localhost.example.com", false),
            ("ldaps://127.0.0.1", false),
        ])
    func plainText(_ uri: String, _ isAllowed: Bool) {
        let options = LDAPConnectOptions(uri: uri, tls: .off)
        let isAccepted = (try? options.validatedAddress()) != nil
        #expect(isAccepted == isAllowed)
    }

    @Test("an error says server, step, what happened and what to do")
    func errors() {
        let error = LDAPError(
            server: "ldaps://d1", step: .bind, code: .invalidCredentials,
            diagnostic: "Invalid credentials (49)", remedy: "check bind_dn")
        #expect(error.description == "ldaps://d1: bind: Invalid credentials (49); check bind_dn")
    }

    @Test("names are found in attribute definitions, whatever the rest looks like")
    func schema() {
        let schema = AttributeSchema(definitions: [
            "( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'RFC4519: a NAME (x)' SUP name )",
            "( 1.3.6.1.1.1.1.0 NAME 'uidNumber' EQUALITY integerMatch SINGLE-VALUE )",
            "( 1.2.3 DESC 'NAME hidden' SYNTAX 1.2 )", "( 1.2.4", "", ")", "( 1.2.5 NAME ( 'a'",
        ])
        #expect(
            schema.names == [
                "2.5.4.3", "cn", "commonname", "1.3.6.1.1.1.1.0", "uidnumber", "1.2.3", "1.2.4",
                "1.2.5", "a",
            ])
        #expect(schema.contains("CN"))
        #expect(!schema.contains("hidden"))
    }
}
