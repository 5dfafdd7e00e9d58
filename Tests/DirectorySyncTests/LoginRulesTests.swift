import Accounts
import Testing

@testable import DirectorySync

@Suite("The rules for keys, the mark of the password and the sources of a state")
struct LoginRulesTests {
    static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBw"
        + "cHBwcHBwcHBwcHBwcHBwcHBwcH"
    static let other =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAkJCQkJCQkJCQkJCQ"
        + "kJCQkJCQkJCQkJCQkJCQkJCQkJ"

    private func person(
        _ texts: [String: [String]], _ policy: AccountPolicy = AccountPolicy()
    ) throws -> PersonCandidate {
        try #require(Fixture.rules(policy).evaluate(Fixture.jane(texts: texts)).person)
    }

    @Test("keys come sorted, each once, with comments and without the space at their ends")
    func keys() throws {
        let found = try person([
            "sshPublicKey": [Self.other + "\n", Self.key + " jane@laptop \r\n", Self.other, "  "]
        ])
        #expect(found.login.keys == [Self.key + " jane@laptop", Self.other].sorted())
        #expect(found.notes.isEmpty)
        #expect(try person([:]).login == LoginAttributes())
    }

    @Test(
        "a value that is no key is withheld and named by its place and the reason, not by its text",
        arguments: [
            ("hunter2", "value 2 is withheld: it is not one public key of a known type"),
            ("command", "has options, which ssh.allow_key_options would let in"),
            ("ssh-ed25519 \u{1b}", "contains a control character"),
            ("A\nB", "contains a control character"),
            (String(repeating: "x", count: 8193), "is longer than 8192 octets"),
        ])
    func refused(value: String, reason: String) throws {
        var value = value
        if value.hasPrefix("command") { value = "command=\"id\" " + Self.key }
        let found = try person(["sshPublicKey": [Self.key, value]])
        #expect(found.login.keys == [Self.key])
        #expect(found.withheld == nil)
        let note = try #require(found.notes.first)
        #expect(note.hasPrefix("sshPublicKey: value 2 is withheld: ") && note.hasSuffix(reason))
        #expect(!note.contains("hunter2") && !note.contains("AAAA"))
    }

    @Test("attribute and options as configured")
    func configured() throws {
        var policy = AccountPolicy()
        policy.keyAttribute = "loginKey"
        policy.allowsKeyOptions = true
        let line = "command=\"id\" " + Self.key
        let found = try person(["LOGINKEY": [line], "sshPublicKey": [Self.other]], policy)
        #expect(found.login.keys == [line] && found.notes.isEmpty)
        let names = Fixture.rules(policy).requestedAttributes
        #expect(names.contains("loginkey") && !names.contains("sshpublickey"))
    }

    @Test("more keys than anybody has are left out, and said")
    func many() throws {
        let keys = (10..<80).map { "\(Self.key) number \($0)" }
        let found = try person(["sshPublicKey": keys])
        #expect(found.login.keys.count == 64)
        #expect(
            found.notes == [
                "sshPublicKey: 6 values are withheld: there are more than 64 keys or 65536 octets"
            ])
        let large = (10..<40).map {
            "\(Self.key) \($0)" + String(repeating: "x", count: 8000)
        }
        #expect(try person(["sshPublicKey": large]).login.keys.count == 8)
    }

    @Test(
        "the mark of the password moves with each attribute that a change of it moves",
        arguments: ["pwdChangedTime", "shadowLastChange", "passwordExpirationTime", "pwdLastSet"])
    func stamp(attribute: String) throws {
        #expect(try person([:]).login.passwordStamp.isEmpty)
        let first = try person([attribute: ["20261121090502Z"]]).login.passwordStamp
        let second = try person([attribute: ["20261121090503Z"]]).login.passwordStamp
        #expect(!first.isEmpty && !second.isEmpty && first != second)
        #expect(Fixture.rules().requestedAttributes.contains(attribute.lowercased()))
    }

    @Test("a failed bind, which moves entryCSN and modifyTimestamp, does not move the mark")
    func failedBind() throws {
        let before = try person(["pwdChangedTime": ["20261121090502Z"]])
        let after = try person([
            "pwdChangedTime": ["20261121090502Z"], "modifyTimestamp": ["20261122000000Z"],
            "entryCSN": ["20261122000000.000000Z#000000#000#000000"],
            "pwdFailureTime": ["20261122000000Z"],
        ])
        #expect(before == after)
    }

    @Test("a state names the attribute that it comes from, and the value where a rule names one")
    func sources() throws {
        var policy = AccountPolicy()
        policy.disabled += ["employeeType=left", "blocked=*"].compactMap(DisabledRule.init(text:))
        #expect(
            try person(["employeeType": ["LEFT"]], policy).state.disabledBy == "employeeType=left")
        #expect(try person(["blocked": ["yes"]], policy).state.disabledBy == "blocked")
        #expect(
            try person(["userAccountControl": ["514"]]).state.disabledBy == "userAccountControl")
        #expect(try person(["shadowExpire": ["soon"]]).state.disabledBy == "shadowExpire")
        let expiring = try person([
            "shadowExpire": ["20000"], "loginExpirationTime": ["19700101000100Z"],
        ]).state
        #expect(expiring.expiresAt == 60 && expiring.expiresBy == "loginExpirationTime")
        #expect(try person([:]).state == .active)
    }

    @Test(
        "what wants a new password, by its attribute",
        arguments: [
            ("pwdReset", "TRUE"), ("shadowLastChange", "0"), ("pwdLastSet", "0"),
            ("passwordExpirationTime", "19700101000000Z"),
        ])
    func mustChange(attribute: String, value: String) throws {
        #expect(try person([attribute: [value]]).state.mustChangeBy == attribute)
    }

    @Test("389 DS: a password that expires some day need not be changed now")
    func expiresLater() throws {
        let found = try person(["passwordExpirationTime": ["20270101000000Z"]])
        #expect(found.state.mustChangeBy == nil)
    }

    @Test("a group without gid has a name for access rules, where it is one that can be used")
    func groupName() throws {
        let entry = Fixture.group(["objectClass": ["groupOfNames"], "gidNumber": []])
        let group = try #require(Fixture.rules().evaluate(entry).group)
        #expect(group.name == "linux" && group.gid == nil && group.withheld == nil)
    }
}
