// A gate of its own for each test, asked as PAM and the key helper ask it.
import Accounts
import CLibc

@testable import AccountIndex

/// A decision whose texts are copies.
struct Answer: Equatable {
    var verdict: LoginVerdict
    var text: String
    var source: String
    var uid: UInt32
}

extension GateClock {
    /// A usual moment: the mirror of these tests was verified at 1,000,000, an hour after boot 1.
    static let usual = GateClock(now: 1_000_000, uptime: 3600, boot: 1)

    /// So many seconds later by both clocks.
    func after(_ seconds: Int64) -> GateClock {
        GateClock(now: now + seconds, uptime: uptime + seconds, boot: boot)
    }
}

extension IndexPath {
    /// The file of a test's index; `body` must not let the path escape.
    static func with<Answer>(
        _ file: String, _ state: String, _ part: IndexPart, _ body: (IndexPath) throws -> Answer
    ) throws -> Answer {
        try unsafe file.withCString { file in
            try unsafe state.withCString { state in
                try body(unsafe IndexPath(file: file, stateDirectory: state, part: part))
            }
        }
    }
}

extension TestIndex {
    /// Builds and installs an index with a policy, verified at ``GateClock/usual``.
    @discardableResult
    func buildGate(
        _ people: [PublishedPerson], _ policy: AccessPolicy? = AccessPolicy(),
        removed: [String] = [], generation: UInt64 = 1, logBytes: Int = 1 << 20
    ) throws -> IndexWriter {
        var builder = try IndexBuilder(directory: directory, generation: generation)
        builder.heads = 16
        builder.logBytes = logBytes
        if let policy { builder.set(policy: policy) }
        for name in removed { builder.add(removed: name) }
        for person in people { try builder.add(person: person) }
        var writer = try builder.finish()
        writer.noteVerified(at: .usual)
        try writer.install()
        return writer
    }

    /// Looks into a file as long as it is mapped.
    func look<Found>(_ part: IndexPart, _ body: (IndexView) throws -> Found) throws -> Found {
        let snapshot = try snapshot(part)
        defer { _ = snapshot.generation }
        return try body(snapshot.view)
    }

    /// What the gate says; the texts copied.
    func decide(
        _ name: String, service: String = "sshd", at clock: GateClock = .usual
    ) throws -> Answer {
        try IndexPath.with(gatePath, state, .gate) { path in
            let gate = try GateIndex(path: path)
            return try gate.answer(name, service, clock)
        }
    }

    /// The keys of an account.
    func keys(_ name: String) throws -> [String] {
        try IndexPath.with(gatePath, state, .gate) { path in
            let gate = try GateIndex(path: path)
            return try gate.keyLines(name)
        }
    }
}

extension GateIndex {
    func answer(_ name: String, _ service: String, _ clock: GateClock) throws -> Answer {
        let (name, service) = (Array(name.utf8), Array(service.utf8))
        return try unsafe name.withUnsafeBytes { name in
            try unsafe service.withUnsafeBytes { service in
                let decision = unsafe try decide(name: name, service: service, clock: clock)
                return unsafe Answer(
                    verdict: decision.verdict, text: String(decoding: decision.text, as: UTF8.self),
                    source: String(decoding: decision.source, as: UTF8.self), uid: decision.uid)
            }
        }
    }

    func keyLines(_ name: String) throws -> [String] {
        var lines: [String] = []
        try unsafe Array(name.utf8).withUnsafeBytes { name in
            try unsafe forEachKey(name: name) { key in
                lines.append(unsafe String(decoding: key, as: UTF8.self))
            }
        }
        return lines
    }
}

/// A made-up person of the gate.
func account(
    _ name: String = "alice", _ uid: UInt32 = 70000, gid: UInt32 = 2000,
    state: AccountState = .active, slots: [UInt32] = [], keys: [String] = [],
    blocked: Bool = false, confirmedAt: Int64? = nil
) -> PublishedPerson {
    var made = person(name, uid, state: state)
    made.passwd.gid = gid
    made.login.accessGroups = slots
    made.login.keys = keys
    made.login.isBlocked = blocked
    made.login.confirmedAt = confirmedAt
    return made
}

extension AccessRule {
    init(allow: [UInt32]? = nil, deny: [UInt32] = [], users: [String]? = nil) {
        self.init()
        allowGroups = allow
        denyGroups = deny
        allowUsers = users
    }
}

extension AccessPolicy {
    init(
        _ general: AccessRule, _ services: [String: AccessRule] = [:], maxStaleness: Int64? = nil
    ) {
        self.init(maxStaleness: maxStaleness)
        self.general = general
        self.services = services
        groups = [
            AccessGroup(slot: 1, name: "staff", gid: 3001),
            AccessGroup(slot: 2, name: "contractors", gid: 3002),
            AccessGroup(slot: 3, name: "vault", gid: nil),
        ]
    }
}
