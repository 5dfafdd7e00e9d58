import Accounts
import Testing

@Suite("Distinguished names")
struct DistinguishedNameTests {
    @Test(
        "two spellings of one DN have one key",
        arguments: [
            ("uid=jane,ou=people,dc=example", "uid=jane,ou=people,dc=example"),
            ("UID=Jane,OU=People,DC=Example", "uid=jane,ou=people,dc=example"),
            ("uid = jane , ou= people,dc =example ", "uid=jane,ou=people,dc=example"),
            ("cn=Jane  Doe ,dc=x", "cn=jane doe,dc=x"),
            ("cn=Jane Doe,dc=x", "cn=jane doe,dc=x"),
            ("cn=\\20Jane Doe\\20,dc=x", "cn=jane doe,dc=x"),
            ("2.5.4.3=Jane,OID.0.9.2342.19200300.100.1.25=x", "cn=jane,dc=x"),
            ("commonName=Jane,domainComponent=x", "cn=jane,dc=x"),
            ("cn=Doe\\, Jane,dc=x", "cn=doe\\2c jane,dc=x"),
            ("cn=Doe\\2C Jane,dc=x", "cn=doe\\2c jane,dc=x"),
            ("cn=\"Doe, Jane\";dc=x", "cn=doe\\2c jane,dc=x"),
            ("uid=jane+cn=Jane,dc=x", "cn=jane+uid=jane,dc=x"),
            ("cn=Jane + uid=jane,dc=x", "cn=jane+uid=jane,dc=x"),
            ("cn=M\\C3\\BCller,dc=x", "cn=müller,dc=x"),
            ("cn=MÜLLER,dc=x", "cn=müller,dc=x"),
            ("cn=#0C044A616E65,dc=x", "cn=jane,dc=x"),
            ("cn=\\FF,dc=x", "cn=\\ff,dc=x"),
            ("cn=\\c3\\28,dc=x", "cn=\\c3(,dc=x"),
            ("cn=a\\00b,dc=x", "cn=a\\00b,dc=x"),
            ("cn=a\\=b\\+c\\\\d,dc=x", "cn=a\\3db\\2bc\\5cd,dc=x"),
            ("", ""),
        ])
    func key(dn: String, key: String) {
        #expect(DistinguishedName.key(of: dn) == key)
        #expect(DistinguishedName.key(of: Array(dn.utf8)[...]) == key)
        #expect(DistinguishedName.key(of: key) == key)
        #expect(DistinguishedName.isValid(Array(dn.utf8)))
    }

    @Test(
        "what is no DN gives its octets in lower case",
        arguments: [
            "Jane", "=Jane", "cn=Jane,", ",cn=Jane", "cn=Jane,,dc=x", "cn=\"Jane", "cn=Jane\\",
            "cn=Jane\\4", "cn=\\zz", "cn=a<b", "cn=#0", "c n=a",
        ])
    func invalid(dn: String) {
        #expect(!DistinguishedName.isValid(Array(dn.utf8)))
        #expect(DistinguishedName.key(of: dn) == dn.lowercased())
    }

    @Test("different names keep different keys")
    func different() {
        let names = [
            "cn=a,dc=x", "cn=a\\,dc=x", "cn=a\\+dc=x", "cn=a+dc=x", "ou=a,dc=x", "cn=a,dc=x,dc=y",
            "cn=ab,dc=x", "cn=a b,dc=x",
        ]
        #expect(Set(names.map { DistinguishedName.key(of: $0) }).count == names.count)
    }

    @Test(
        "the value in the RDN comes without escapes and keeps its case",
        arguments: [
            ("uid", "uid=Jane,dc=x", "Jane"), ("UID", "uid=Jane,dc=x", "Jane"),
            ("uid", "userid=Jane,dc=x", "Jane"), ("uid", "cn=J+uid=Jane,dc=x", "Jane"),
            ("cn", "cn=Doe\\, Jane,dc=x", "Doe, Jane"), ("cn", "uid=jane,cn=x", nil),
            ("cn", "nonsense", nil), ("cn", "cn= Jane ,dc=x", "Jane"), ("cn", "", nil),
        ] as [(String, String, String?)])
    func rdnValue(attribute: String, dn: String, value: String?) {
        #expect(DistinguishedName.rdnValue(of: attribute, in: dn) == value.map { Array($0.utf8) })
    }

    @Test(
        "an entry lies below a base by whole RDNs",
        arguments: [
            ("uid=a,dc=x", "dc=x", true), ("dc=x", "dc=x", true), ("dc=x", "", true),
            ("uid=a,odc=x", "dc=x", false), ("uid=a\\2cdc=x", "dc=x", false),
            ("dc=x", "uid=a,dc=x", false), ("uid=a,dc=y", "dc=x", false),
        ])
    func below(key: String, base: String, isBelow: Bool) {
        #expect(DistinguishedName.isKey(key, atOrBelow: base) == isBelow)
    }

    @Test("random octets never crash, and a key is its own key")
    func hostile() {
        let alphabet = Array("uidcn=,+;\\\"#'<> \u{0}aA0fF.".utf8) + [0xC3, 0xBC, 0xFF]
        var state: UInt64 = 7
        for _ in 0..<20000 {
            var dn: [UInt8] = []
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                dn.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            let key = DistinguishedName.key(of: dn[...])
            if DistinguishedName.isValid(dn) {
                #expect(DistinguishedName.key(of: key) == key)
            }
        }
    }
}
