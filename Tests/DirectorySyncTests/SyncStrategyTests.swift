import Accounts
import LDAPClient
import Testing

@testable import DirectorySync

private let syncrepl = "1.3.6.1.4.1.4203.1.9.1.1"
private let persistentSearch = "2.16.840.1.113730.3.4.3"

private func root(
    _ controls: [String], vendor: String = "", classes: [String] = ["top"]
) -> RootDSE {
    func octets(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
    return RootDSE(
        LDAPEntry(
            dn: "",
            attributes: [
                "supportedcontrol": octets(controls), "vendorversion": octets([vendor]),
                "objectclass": octets(classes),
            ]))
}

private let slapd = root([syncrepl], classes: ["top", "OpenLDAProotDSE"])
private let ds389 = root([syncrepl, persistentSearch], vendor: "389-Directory/2.3.1 B2023")

@Suite("How a server is followed")
struct SyncStrategyTests {
    @Test("RFC 4533 where it is offered, and its cookies are trusted on OpenLDAP")
    func openLDAP() {
        let strategy = SyncStrategy(.automatic, root: slapd, entryID: "entryUUID")
        #expect(strategy.method == .syncrepl && strategy.family == .openLDAP)
        #expect(strategy.trustsCookies && !strategy.wantsOneSearch)
        #expect(strategy.entryID.name == "entryUUID" && strategy.advice == nil)
    }

    @Test("389 DS is followed without cookies, in one search, by nsUniqueId")
    func directoryServer() {
        let strategy = SyncStrategy(.automatic, root: ds389, entryID: "entryUUID")
        #expect(strategy.method == .syncrepl && strategy.family == .ds389)
        #expect(!strategy.trustsCookies && strategy.wantsOneSearch)
        #expect(strategy.entryID.name == "nsUniqueId")
        let polling = SyncStrategy(.only(.poll), root: ds389, entryID: "entryUUID")
        #expect(polling.trustsCookies && !polling.wantsOneSearch && polling.offersWakeUp)
        #expect(polling.entryID == strategy.entryID)
        let chosen = SyncStrategy(.automatic, root: ds389, entryID: "employeeNumber")
        #expect(chosen.entryID.name == "employeeNumber")
    }

    @Test("polling where RFC 4533 is not offered, or was refused; each with advice")
    func polling() {
        let plain = SyncStrategy(.automatic, root: root([]), entryID: "entryUUID")
        #expect(plain.method == .poll && !plain.offersWakeUp && plain.advice != nil)
        let refused = SyncStrategy(
            .automatic, root: slapd, entryID: "entryUUID", refusal: "no overlay")
        #expect(refused.method == .poll && refused.advice == "no overlay")
        let withoutPlugin = root([persistentSearch], vendor: "389-Directory/2.3.1")
        let unplugged = SyncStrategy(.automatic, root: withoutPlugin, entryID: "entryUUID")
        #expect(unplugged.method == .poll && unplugged.offersWakeUp)
        #expect(unplugged.advice?.contains("Content Synchronization") == true)
    }

    @Test("the tree that holds a base is the longest naming context at or above it")
    func namingContexts() {
        let contexts = ["DC=x", "CN=Configuration,DC=x", "DC=DomainDnsZones,DC=x", ""]
        let root = RootDSE(
            LDAPEntry(dn: "", attributes: ["namingcontexts": contexts.map { Array($0.utf8) }]))
        let strategy = SyncStrategy(.automatic, root: root, entryID: "objectGUID")
        #expect(strategy.namingContext(of: "ou=people, dc=X") == "DC=x")
        #expect(strategy.namingContext(of: "DC=x") == "DC=x")
        #expect(
            strategy.namingContext(of: "OU=a,CN=configuration,DC=x") == "CN=Configuration,DC=x")
        #expect(strategy.namingContext(of: "OU=a,DC=xx") == "OU=a,DC=xx")
    }

    @Test("Active Directory is known by what it says it can, and its entries by objectGUID")
    func activeDirectory() {
        let capabilities = ["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670"]
        let root = RootDSE(
            LDAPEntry(
                dn: "",
                attributes: [
                    "supportedcapabilities": capabilities.map { Array($0.utf8) },
                    "highestcommittedusn": [Array("4081".utf8)],
                ]))
        let strategy = SyncStrategy(.automatic, root: root, entryID: "entryUUID")
        #expect(strategy.method == .usn && strategy.family == .activeDirectory)
        #expect(strategy.entryID.name == "objectGUID" && strategy.trustsCookies)
        #expect(strategy.asks && !strategy.seesDeletions && strategy.advice != nil)
        #expect(root.highestCommittedUSN == 4081)
    }

    @Test("a server that shows nothing of itself is asked by RFC 4533 first")
    func silent() {
        #expect(SyncStrategy(.automatic, root: nil, entryID: "entryUUID").method == .syncrepl)
    }

    @Test(
        "an identity is read and asked for in the form of its attribute",
        arguments: [
            (
                "entryUUID", "597AE2F6-16A6-1027-98F4-D28B5365DC14",
                "597ae2f6-16a6-1027-98f4-d28b5365dc14"
            ),
            (
                "nsUniqueId", "597ae2f6-16a61027-98f4d28b-5365dc14",
                "597ae2f6-16a61027-98f4d28b-5365dc14"
            ),
        ])
    func identities(_ name: String, _ sent: String, _ asked: String) throws {
        var attributes = AttributeList()
        attributes.append(name, [sent])
        let attribute = EntryIDAttribute(name)
        let uuid = try #require(attribute.identity(in: attributes))
        #expect(uuid.description == "597ae2f6-16a6-1027-98f4-d28b5365dc14")
        #expect(attribute.filter(uuid) == "(\(name)=\(asked))")
    }

    @Test("an identity in 16 octets is asked for octet by octet")
    func octets() throws {
        var attributes = AttributeList()
        attributes.startAttribute("GUID".utf8)
        attributes.appendValue([0x41, 0x42, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xFF])
        let attribute = EntryIDAttribute("guid")
        let uuid = try #require(attribute.identity(in: attributes))
        #expect(
            attribute.filter(uuid) == #"(guid=AB\00\01\02\03\04\05\06\07\08\09\0a\0b\0c\ff)"#)
    }

    @Test(
        "one search for two bases begins at their common parent",
        arguments: [
            ("ou=people,dc=example,dc=com", "ou=groups,DC=example,dc=com", "dc=example,dc=com"),
            ("ou=a\\,b,o=x", "ou=groups, o=x", "o=x"),
            ("ou=people,o=x", "ou=people,o=x", "ou=people,o=x"),
            ("ou=people,o=x", "ou=groups,o=y", nil),
        ] as [(String, String, String?)])
    func commonParent(_ people: String, _ groups: String, _ parent: String?) {
        let rules = Fixture.rules(peopleBase: people, groupsBase: groups)
        #expect(rules.commonParent == parent)
        let plan = rules.searchPlan(entryID: "nsUniqueId", isSingle: true)
        #expect(plan.searches.first?.base == parent ?? people)
        #expect(plan.searches.count == (parent == nil ? 2 : 1))
        #expect(plan.searches.allSatisfy { $0.attributes.contains("nsuniqueid") })
    }

    @Test(
        "a time is written as it is read",
        arguments: [
            (0, "19700101000000Z"), (1_795_262_400, "20261121120000Z"),
            (951_782_399, "20000228235959Z"), (951_868_799, "20000229235959Z"),
            (-1, "19691231235959Z"), (4_107_542_400, "21000301000000Z"),
        ] as [(Int64, String)])
    func times(_ seconds: Int64, _ text: String) {
        #expect(DirectoryNumbers.text(ofTime: seconds) == text)
        #expect(DirectoryNumbers.generalizedTime(Array(text.utf8)) == seconds)
    }
}
