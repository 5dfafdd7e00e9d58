// A damaged gate: the truth or a fault, never a crash, never another account's answer.
import Accounts
import CLibc
import Testing

@testable import AccountIndex

struct GateDamageTests {
    /// What the gate says to all names, or that it says nothing.
    private struct Answers: Equatable {
        var verdicts: [String: Answer] = [:]
        var keys: [String: [String]] = [:]
    }

    private static let names = ["in", "out", "off", "old", "new", "must", "nobody", "/policy"]
    /// Between the two expiries, and within the age that the mirror may have.
    private static let clock = GateClock.usual.after(100)

    /// A small gate with base and delta: accounts of all kinds, each with texts and keys of its own.
    private func populate(_ index: TestIndex) throws {
        var policy = AccessPolicy(
            AccessRule(allow: [1], deny: [2], users: ["new"]), ["sudo": AccessRule(allow: [2])],
            maxStaleness: 1000)
        policy.texts = [.disabled: "Disabled here."]
        let out = account("out", 70001, slots: [1], keys: ["ssh-out 1"])
        var writer = try index.buildGate(
            [
                account("in", 70000, slots: [1, 3], keys: ["ssh-in 1", "ssh-in 2"]), out,
                account("off", 70002, state: AccountState(disabledBy: "lock=1"), slots: [1]),
                account("must", 70004, gid: 3001, state: AccountState(mustChangeBy: "pwdReset")),
            ], policy, removed: ["old"], logBytes: 1 << 14)
        let later = AccountState(expiresAt: 1_000_050, expiresBy: "shadowExpire")
        let new = account("new", 70005, state: AccountState(expiresAt: 1_000_200), keys: ["k"])
        _ = try writer.apply(
            change((out, account("out", 70001, state: later, slots: [1])), (nil, new)))
        policy.texts[.expired] = "Over."
        _ = try writer.apply(PublicationChange(policy: policy))
    }

    /// Everything the gate says; a name it says nothing about is left out.
    private func ask(_ index: TestIndex) -> Answers {
        var answers = Answers()
        _ = try? IndexPath.with(index.gatePath, index.state, .gate) { path in
            let gate = try GateIndex(path: path)
            for name in Self.names {
                answers.verdicts[name] = try? gate.answer(name, "sshd", Self.clock)
                answers.keys[name] = try? gate.keyLines(name)
            }
        }
        return answers
    }

    private func wrong(_ answers: Answers, _ truth: Answers) -> [String] {
        Self.names.filter {
            (answers.verdicts[$0] != nil && answers.verdicts[$0] != truth.verdicts[$0])
                || (answers.keys[$0] != nil && answers.keys[$0] != truth.keys[$0])
        }
    }

    @Test("the undamaged gate says what the damaged ones are held against")
    func truth() throws {
        let index = try TestIndex()
        try populate(index)
        let answers = ask(index)
        #expect(
            Self.names.map { answers.verdicts[$0]?.verdict } == [
                .accepted, .expired, .disabled, .removed, .accepted, .mustChangePassword,
                .unknownUser, .unknownUser,
            ])
        #expect(answers.verdicts["out"]?.text == "Over.")
        #expect(answers.keys["in"] == ["ssh-in 1", "ssh-in 2"])
        try index.snapshot(.gate).verify()
    }

    @Test("any one bit changed: the truth or a fault", arguments: 0..<8)
    func flipped(bit: Int) throws {
        let index = try TestIndex()
        try populate(index)
        let truth = ask(index)
        let descriptor = unsafe roster_open(index.gatePath, O_RDWR, 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let used = try index.look(.gate) { try $0.logEnd() }
        var noticed = 0
        for place in 0..<used {
            var octet: UInt8 = 0
            try #require(unsafe pread(descriptor, &octet, 1, place) == 1)
            var altered = octet ^ (1 << UInt8(bit))
            try #require(unsafe pwrite(descriptor, &altered, 1, place) == 1)
            let answers = ask(index)
            #expect(wrong(answers, truth) == [], "octet \(place)")
            if answers != truth { noticed += 1 }
            try #require(unsafe pwrite(descriptor, &octet, 1, place) == 1)
        }
        // Most of header and tables is free room, where a change says nothing.
        #expect(noticed > 1000)
        #expect(ask(index) == truth)
    }

    @Test("a file of any other length is refused")
    func truncated() throws {
        let index = try TestIndex()
        try populate(index)
        var status = stat()
        try #require(unsafe stat(index.gatePath, &status) == 0)
        let size = Int(status.st_size)
        for length in Array(stride(from: 0, to: size, by: 61)) + [size - 1, size - 8, size + 8] {
            try #require(unsafe truncate(index.gatePath, length) == 0)
            #expect(ask(index) == Answers(), "\(length) octets")
        }
    }

    @Test("a file that is absent, a directory, a link or writable by others is refused")
    func untrusted() throws {
        let index = try TestIndex()
        try populate(index)
        #expect(unsafe chmod(index.gatePath, 0o660) == 0)
        #expect(throws: IndexFault.untrusted) { try index.decide("in") }
        #expect(unsafe chmod(index.gatePath, 0o640) == 0)
        #expect(try index.decide("in").verdict == .accepted)
        #expect(unsafe rename(index.gatePath, index.gatePath + ".new") == 0)
        #expect(throws: IndexFault(code: ENOENT)) { try index.decide("in") }
        #expect(unsafe symlink("gate.1.new", index.gatePath) == 0)
        #expect(throws: IndexFault(code: ELOOP)) { try index.decide("in") }
        #expect(unsafe unlink(index.gatePath) == 0)
        #expect(unsafe mkdir(index.gatePath, 0o755) == 0)
        #expect(throws: IndexFault.untrusted) { try index.decide("in") }
        #expect(unsafe rmdir(index.gatePath) == 0)
    }

    @Test("the other part in the gate's place is refused")
    func otherPart() throws {
        let index = try TestIndex()
        try populate(index)
        #expect(unsafe unlink(index.gatePath) == 0)
        #expect(unsafe link(index.publicPath, index.gatePath) == 0)
        #expect(throws: IndexFault.corrupt) { try index.decide("in") }
    }
}
