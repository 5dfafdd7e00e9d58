import Accounts
import Testing

@testable import DirectorySync

private let object = "f103f6c1018f4b49bb2f7b1ae333189a"

@Suite("Members that are linked by the object")
struct ExtendedDNTests {
    @Test(
        "a DN says which object it means, or does not",
        arguments: [
            ("<GUID=AB01>;<SID=0105>;CN=ann,DC=x", "CN=ann,DC=x", "AB01"),
            ("<GUID=ab01>;CN=ann,DC=x", "CN=ann,DC=x", "ab01"),
            ("CN=ann,DC=x", "CN=ann,DC=x", nil), ("", "", nil),
            ("<SID=0105>;CN=ann,DC=x", "CN=ann,DC=x", nil),
            ("<GUID=ab01", "<GUID=ab01", nil), ("<GUID=ab01>", "", "ab01"),
        ] as [(String, String, String?)])
    func parts(_ text: String, _ plain: String, _ object: String?) {
        #expect(ExtendedDN.plain(text) == plain)
        let found = ExtendedDN.object(in: Array(text.utf8)[...])
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == object)
    }

    @Test("a person is linked by the object, and a group lists it so, whatever either is called")
    func link() throws {
        var policy = AccountPolicy()
        policy.schema = .activeDirectory
        let rules = Fixture.rules(policy, peopleBase: "DC=x", groupsBase: "DC=x")
        var person = DirectoryEntry(
            uuid: EntryUUID(high: 0, low: 1), dn: "<GUID=\(object)>;<SID=01>;CN=ann,DC=x",
            attributes: AttributeList())
        person.takeObjectOutOfDN()
        let evaluated = rules.evaluate(person)
        #expect(evaluated.dnKey == "cn=ann,dc=x" && evaluated.linkKey == "<guid=\(object)>")
        #expect(person.dn == "CN=ann,DC=x")

        var attributes = AttributeList()
        attributes.append("objectClass", ["group"])
        attributes.append("cn", ["crew"])
        attributes.append(
            "member",
            ["<GUID=\(object.uppercased())>;<SID=01>;CN=old name,DC=x", "CN=plain,DC=x"])
        let group = DirectoryEntry(
            uuid: EntryUUID(high: 0, low: 2), dn: "CN=crew,DC=x", attributes: attributes)
        guard case .group(let candidate) = rules.evaluate(group).content else {
            Issue.record("no group")
            return
        }
        #expect(candidate.members == [.dn(evaluated.linkKey), .dn("cn=plain,dc=x")])
        #expect(!rules.requestedAttributes.contains(ExtendedDN.attribute))
    }

    @Test("without the object an entry is linked by its DN")
    func plain() {
        let entry = DirectoryEntry(
            uuid: EntryUUID(high: 0, low: 1), dn: "CN=ann,DC=x", attributes: AttributeList())
        let evaluated = Fixture.rules().evaluate(entry)
        #expect(evaluated.linkKey == evaluated.dnKey)
    }
}
