// What the gate part carries comes out as it went in, and a change writes what it changes.
import Accounts
import Testing

@testable import AccountIndex

struct GateRoundTripTests {
    static let states: [AccountState] = [
        .active, AccountState(disabledBy: "nsAccountLock=TRUE"), AccountState(disabledBy: ""),
        AccountState(expiresAt: -5, expiresBy: "accountExpires", mustChangeBy: "pwdLastSet=0"),
        AccountState(
            disabledBy: String(repeating: "d", count: 255), expiresAt: Int64.min,
            expiresBy: String(repeating: "e", count: 254),
            mustChangeBy: String(repeating: "m", count: 253)),
    ]

    @Test("every field of an account, with names of every length modulo a word")
    func accounts() throws {
        var people: [PublishedPerson] = []
        for (number, state) in Self.states.enumerated() {
            for length in 1...9 {
                var made = account(
                    String(repeating: "n", count: length) + "\(number)",
                    UInt32(70000 + number * 10 + length), gid: UInt32(3000 + length), state: state,
                    slots: Array(0..<UInt32(length % 4)), blocked: length % 2 == 0,
                    confirmedAt: length % 3 == 0 ? -7 : nil)
                made.login.keys = (0..<length % 3).map { "ssh-\($0) \(length)" }
                people.append(made)
            }
        }
        let index = try TestIndex()
        try index.buildGate(people, removed: ["gone"])
        let snapshot = try index.snapshot(.gate)
        try snapshot.verify()
        for person in people {
            let found = try #require(try snapshot.gateAccount(named: person.passwd.name))
            #expect(found.state == person.state)
            #expect(found.login == person.login)
            #expect(found.gid == person.passwd.gid && found.uuid == person.uuid)
            #expect(try snapshot.gateAccount(uid: person.passwd.uid) == found)
            #expect(try index.keys(person.passwd.name) == person.login.keys)
        }
        var count = 0
        try snapshot.forEachGateAccount { _ in count += 1 }
        #expect(count == people.count, "neither the policy nor a removed name is an account")
        #expect(try snapshot.gateAccount(named: "gone") == nil)
    }

    @Test("the policy comes back, and an equal one publishes nothing")
    func policy() throws {
        var policy = AccessPolicy(
            AccessRule(allow: [1, 3], deny: [2], users: ["root2", "käthe"]),
            ["sshd": AccessRule(), "sudo": AccessRule(allow: []), "cron": AccessRule(users: [])],
            maxStaleness: 86400)
        policy.allowKeyOptions = true
        policy.texts = [.disabled: "Bitte fragen Sie die Kolleg\u{b7}innen.", .stale: ""]
        let index = try TestIndex()
        var writer = try index.buildGate([account()], policy)
        var found = try #require(try index.snapshot(.gate).accessPolicy())
        found.groups.sort { $0.slot < $1.slot }
        #expect(found == policy)
        let same = try writer.apply(PublicationChange(policy: policy))
        #expect(same.bytesWritten == 0 && same.generation == 1)
        policy.general.denyGroups = []
        policy.maxStaleness = nil
        let other = try writer.apply(PublicationChange(policy: policy))
        #expect(other.generation == 2 && other.bytesWritten > 0)
        #expect(try index.snapshot(.gate).accessPolicy()?.general.denyGroups == [])
        #expect(try index.snapshot(.gate).accessPolicy()?.maxStaleness == nil)
        #expect(try index.canContinue())
    }

    @Test("a change of state writes one gate item and nothing into the public part")
    func stateChange() throws {
        let index = try TestIndex()
        let before = account(keys: ["ssh-ed25519 \(String(repeating: "A", count: 68))"])
        var writer = try index.buildGate([before] + people(2000))
        let end = try index.look(.public) { try $0.logEnd() }
        var after = before
        after.state.disabledBy = "nsAccountLock=TRUE"
        let result = try writer.apply(change((before, after)))
        #expect(result.bytesWritten < 500)
        #expect(try index.look(.public) { try $0.logEnd() } == end)
        #expect(try index.decide("alice").verdict == .disabled)
        after.login.keys = []
        _ = try writer.apply(change((after, after)))
        #expect(try index.keys("alice") == [])
    }

    @Test("a person without keys and groups of the rules takes no more room than the bare facts")
    func size() throws {
        let index = try TestIndex()
        try index.buildGate([account("alice")], nil)
        // Six fixed words, "alice" with its NUL in one, and the UUID.
        #expect(try index.look(.gate) { $0.people.count } == 9 * 8)
    }

    @Test("keys that no line of authorized_keys can be are left out, and so is what is too much")
    func keys() throws {
        let index = try TestIndex()
        let long = String(repeating: "k", count: 8192)
        let people = [
            account("a", 70001, keys: ["", "one", "two\nthree", "four\r", "fi ve"]),
            account("b", 70002, keys: [long, long + "k", "short"]),
            account("c", 70003, keys: Array(repeating: long, count: 40) + ["last"]),
        ]
        try index.buildGate(people)
        #expect(try index.keys("a") == ["one", "fi ve"])
        #expect(try index.keys("b") == [long, "short"])
        #expect(try index.keys("c") == Array(repeating: long, count: 31) + ["last"])
        try index.snapshot(.gate).verify()
    }

    @Test("rules beyond the limits, and a name with a slash in front, are refused")
    func limits() throws {
        let index = try TestIndex()
        let many = AccessPolicy(AccessRule(deny: Array(1...4097)))
        #expect(throws: IndexError.self) { try index.buildGate([account()], many) }
        let long = AccessPolicy(
            AccessRule(users: Array(repeating: String(repeating: "u", count: 1 << 10), count: 4096))
        )
        #expect(throws: IndexError.self) { try index.buildGate([account()], long) }
        #expect(throws: IndexError.self) { try index.buildGate([account("/policy")]) }
        let wide = account(slots: Array(1...4097))
        #expect(throws: IndexError.self) { try index.buildGate([wide]) }
        try index.buildGate([account(slots: Array(1...4096))])
        #expect(try index.decide("alice").verdict == .accepted)
    }
}
