// From the rules of the configuration over the published index to what roster explain says.

import AccountIndex
import Accounts
import DaemonProtocol
import Glibc
import Logging
import NIOPosix
import Testing

@testable import AccountStore
@testable import RosterDaemon
@testable import Settings

@Suite("Access rules and their explanation", .serialized)
final class ExplanationTests {
    private let root: String
    private let store: AccountStore
    private let context: EngineContext
    private let publisher: IndexPublisher
    private let control: DaemonControl
    private static let configuration = """
        [directory]
        uris = ["ldapi:///"]
        base = "dc=example"
        [accounts]
        fold_names = true
        [access]
        allow_groups = ["linux"]
        deny_groups = ["bad"]
        [access.sudo]
        allow_users = ["carol"]
        [messages]
        denied = "Not you."
        """

    init() throws {
        var template = Array("/tmp/roster-explain-XXXXXX".utf8CString)
        root = unsafe String(cString: try #require(unsafe mkdtemp(&template)))
        try StateLock.makeFolders(in: root)
        try Self.write("root:x:0:0:root:/root:/bin/sh\n", to: root + "/passwd")
        let settings = try Settings.parse(Array(Self.configuration.utf8))
        let clock = DaemonClock.system
        store = try AccountStore(
            directory: root + "/store", rules: StoreRules(settings), now: clock.now())
        let background = NIOThreadPool(numberOfThreads: 1)
        background.start()
        var paths = DaemonPaths(state: root, run: root)
        paths.etc = root
        context = EngineContext(
            settings: settings, paths: paths,
            board: StatusBoard(startedAt: 0, uptime: clock.uptime()), mailbox: Mailbox(),
            background: background, notification: ServiceNotification(), clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        publisher = IndexPublisher(context: context)
        control = DaemonControl(context: context, storeReader: context.storeReader)
        context.storeReader.fill(store.reader)
        _ = try store.apply(
            StoreBatch(changes: Self.directory, phase: .refreshEnd), now: clock.now())
        rebuild()
        publisher.noteVerified()
    }

    deinit {
        store.close()
        for folder in ["/index", "/store", ""] {
            let path = root + folder
            guard let listing = unsafe opendir(path) else { continue }
            while let item = unsafe readdir(listing) {
                let name = unsafe withUnsafePointer(to: &item.pointee.d_name) {
                    unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                        unsafe String(cString: $0)
                    }
                }
                unsafe unlink(path + "/" + name)
            }
            unsafe closedir(listing)
            unsafe rmdir(path)
        }
    }

    private static func write(_ text: String, to path: String) throws {
        let file = try unsafe #require(unsafe fopen(path, "w"))
        unsafe fputs(text, file)
        unsafe fclose(file)
    }

    private static var directory: [StoreChange] {
        var dave = person("dave", 20_004)
        dave.state.disabledBy = "employeeType=left"
        var alice = person("alice", 20_001)
        alice.login.keys = [
            "ssh-ed25519 AAAAC3 alice@home office", "command=\"x y\" ssh-rsa AAAAB3",
        ]
        alice.login.passwordStamp = "c1"
        return [
            show(alice), show(person("bob", 20_002)), show(person("carol", 20_003)), show(dave),
            group("linux", 3000, ["alice", "bob", "dave"]), group("bad", 3001, ["bob"]),
            group("other", 3002, []),
        ]
    }

    private static func person(_ name: String, _ uid: UInt32) -> PersonCandidate {
        PersonCandidate(
            passwd: PasswdFields(
                name: name, uid: uid, gid: 20_000, gecos: "", home: "/home/\(name)",
                shell: "/bin/sh"))
    }

    private static func show(_ person: PersonCandidate) -> StoreChange {
        entry("uid=\(person.passwd.name)", UInt64(person.passwd.uid), .person(person))
    }

    private static func group(
        _ name: String, _ gid: UInt32, _ members: [String], id: UInt64? = nil
    ) -> StoreChange {
        entry(
            "cn=\(name)", id ?? UInt64(gid),
            .group(GroupCandidate(name: name, gid: gid, members: members.map { .name($0) })))
    }

    private static func entry(_ dn: String, _ id: UInt64, _ content: EntryContent) -> StoreChange {
        .upsert(
            EvaluatedEntry(
                entry: DirectoryEntry(
                    uuid: EntryUUID(high: 0, low: id), dn: dn, attributes: AttributeList()),
                dnKey: dn, stamp: "", createdAt: Int64(id), content: content), search: 0)
    }

    private func rebuild() {
        publisher.storeWasFilled()
        let end = context.clock.uptime() + .seconds(60)
        while !publisher.isCurrent, context.clock.uptime() < end {
            publisher.attend(store.reader)
            for command in context.mailbox.takeAll() {
                if case .rebuildEnded(let report) = command { publisher.finishRebuild(report) }
            }
            usleep(5000)
        }
    }

    /// Stores and publishes as the engine does.
    private func apply(_ changes: [StoreChange]) throws {
        var outcome = try store.apply(
            StoreBatch(changes: changes, phase: .live), now: context.clock.now())
        outcome.addPolicy(context.settings)
        publisher.publish(outcome)
    }

    private func explain(
        _ name: String, service: String? = nil, by uid: UInt32 = 0
    ) async throws -> ExplainReport? {
        let peer = PeerCredentials(pid: 1, uid: uid, gid: uid)
        let reply = await control.handle(.explain(name: name, service: service), peer: peer)
        switch reply {
        case .explain(let report): return report
        case .failure(let failure): throw failure
        default: throw ControlFailure(kind: .failed, message: "another reply")
        }
    }

    private func verdict(_ name: String, service: String? = nil) async throws -> String? {
        try await explain(name, service: service)?.verdict
    }

    @Test("the gate decides by the rules of the configuration, service by service")
    func rules() async throws {
        #expect(try await verdict("alice") == "accepted")
        #expect(try await verdict("bob") == "denied")
        #expect(try await verdict("carol") == "not_allowed")
        #expect(try await verdict("dave") == "disabled")
        #expect(try await verdict("alice", service: "sshd") == "accepted")
        #expect(try await verdict("alice", service: "sudo") == "not_allowed")
        #expect(try await verdict("carol", service: "sudo") == "accepted")
        #expect(try await explain("nobody-here") == nil)
    }

    @Test("the report says what decided, what the person is told, and on which entry it stands")
    func report() async throws {
        let bob = try #require(try await explain("bob", service: "sshd"))
        #expect(bob.text == "Not you." && bob.rule == "[access]" && !bob.admitted)
        #expect(bob.decidedBy?.contains("bad") == true)
        #expect(bob.entry?.accessGroups.sorted() == ["bad", "linux"])
        let dave = try #require(try await explain("dave", service: "sudo"))
        #expect(dave.decidedBy == "employeeType=left" && dave.rule == "[access.sudo]")
        #expect(dave.entry?.disabledBy == "employeeType=left")
        let alice = try #require(try await explain("alice"))
        #expect(alice.entry?.groups.map(\.name) == ["linux"] && alice.entry?.dn == "uid=alice")
        #expect(
            alice.keys == [
                .init(type: "ssh-ed25519", comment: "alice@home office", options: false),
                .init(type: "ssh-rsa", comment: "", options: true),
            ])
        #expect(alice.offline.changeSeen && !bob.offline.changeSeen)
        #expect(alice.freshness.ageSeconds != nil && alice.freshness.lastVerifiedAt != nil)
        #expect(alice.freshness.maxStalenessSeconds == 604_800)
        let root = try #require(try await explain("root"))
        #expect(root.local && root.entry == nil)
    }

    @Test("of others than oneself only root is told anything, even whether they exist")
    func whoMayAsk() async throws {
        #expect(try await explain("alice", by: 20_001)?.verdict == "accepted")
        for name in ["bob", "nobody-here", "root"] {
            await #expect(throws: ControlFailure.notPermitted) {
                try await explain(name, by: 20_001)
            }
        }
    }

    @Test("a block, a removal and another group under the name are in force with the publication")
    func changes() async throws {
        try apply([.block(name: "alice", byUID: 0)])
        #expect(try await verdict("alice") == "blocked")
        try apply([.unblock(name: "alice", byUID: 0)])
        #expect(try await verdict("alice") == "accepted")
        // The allowed group changes hands: whoever is in the new one is not let in by it.
        try apply([
            .remove(EntryUUID(high: 0, low: 3000), search: 0),
            Self.group("linux", 3000, ["carol"], id: 9),
        ])
        #expect(try await verdict("alice") == "not_allowed")
        #expect(try await verdict("carol") == "not_allowed")
        try apply([.confirmAccess(name: "linux")])
        #expect(try await verdict("carol") == "accepted")
        // The denied group vanishes: bob stays denied, also when the index is built anew.
        try apply([
            .remove(EntryUUID(high: 0, low: 3001), search: 0),
            Self.group("linux", 3000, ["carol", "bob"], id: 9),
        ])
        #expect(try await verdict("bob") == "denied")
        try apply([.remove(EntryUUID(high: 0, low: 20_003), search: 0)])
        #expect(try await verdict("carol") == "removed")
        rebuild()
        #expect(try await verdict("bob") == "denied")
        #expect(try await verdict("carol") == "removed")
        try apply([.confirmAccess(name: "bad")])
        #expect(try await verdict("bob") == "accepted")
    }

    @Test("a block is in force at once while the store is being filled, and changes nothing else")
    func blockDuringLoad() async throws {
        func account() throws -> (IndexedPerson?, IndexedGateAccount?) {
            (
                try IndexSnapshot(directory: root + "/index").person(named: "alice"),
                try IndexSnapshot(directory: root + "/index", part: .gate)
                    .gateAccount(named: "alice")
            )
        }
        let before = try account()
        var outcome = StoreOutcome()
        outcome.blocked = ["alice", "nobody-here"]
        outcome.publication.people = publisher.blockChanges(of: outcome)
        publisher.publish(outcome)
        #expect(try await verdict("alice") == "blocked")
        var expected = try #require(before.1)
        expected.login.isBlocked = true
        #expect(try account() == (before.0, expected))
        outcome = StoreOutcome()
        outcome.unblocked = ["alice"]
        outcome.publication.people = publisher.blockChanges(of: outcome)
        publisher.publish(outcome)
        #expect(try await verdict("alice") == "accepted")
        #expect(try account() == before)
    }

    /// Asks what goes to the sync thread, and gives the name that arrives there.
    private func commanded(_ request: ControlRequest) async throws -> String? {
        let root = PeerCredentials(pid: 1, uid: 0, gid: 0)
        let asked = control
        let answer = Task { await asked.handle(request, peer: root) }
        var name: String?
        let end = context.clock.uptime() + .seconds(60)
        while name == nil, context.clock.uptime() < end {
            for command in context.mailbox.takeAll() {
                switch command {
                case .deny(let given, _, let reply), .allow(let given, _, let reply),
                    .confirm(let given, let reply):
                    name = given
                    reply(.done("", count: 0))
                default: break
                }
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        guard name != nil else { return nil }
        _ = await answer.value
        return name
    }

    @Test("with fold_names the administrator may spell a name as the directory does")
    func folded() async throws {
        #expect(try await commanded(.deny(name: "Alice")) == "alice")
        #expect(try await commanded(.allow(name: "ALICE")) == "alice")
        #expect(try await commanded(.confirm(name: "Linux")) == "linux")
        let bob = try #require(try await explain("Bob"))
        #expect(bob.name == "bob" && bob.verdict == "denied")
    }

    @Test("a block in another spelling from before names were folded holds until it is taken back")
    func foldedBlocks() async throws {
        let policy = context.settings.accounts
        try apply([.block(name: "Alice", byUID: 7), .block(name: "carol", byUID: 0)])
        #expect(try await verdict("alice") == "accepted")
        let changes = policy.missingBlocks(among: try store.reader.blocks())
        #expect(changes.count == 1)
        try apply(changes)
        #expect(try await verdict("alice") == "blocked")
        let blocks = try store.reader.blocks()
        #expect(blocks.first { $0.name == "alice" }?.byUID == 7)
        #expect(policy.missingBlocks(among: blocks).isEmpty)
        try apply(policy.releases(of: "alice", among: blocks, byUID: 0))
        #expect(try await verdict("alice") == "accepted")
        let left = try store.reader.blocks()
        #expect(left.map(\.name) == ["carol"] && policy.missingBlocks(among: left).isEmpty)
        var asWritten = policy
        asWritten.foldsNames = false
        #expect(asWritten.folded("Alice") == "Alice")
        #expect(asWritten.missingBlocks(among: blocks).isEmpty)
    }

    @Test("status and check tell root what is blocked and what the rules suppose wrongly")
    func findings() async throws {
        try apply([
            .block(name: "eve", byUID: 1000), .remove(EntryUUID(high: 0, low: 3000), search: 0),
        ])
        let root = PeerCredentials(pid: 1, uid: 0, gid: 0)
        guard case .status(let status) = await control.handle(.status, peer: root),
            case .check(let check) = await control.handle(.check, peer: root)
        else {
            Issue.record("no answer")
            return
        }
        #expect(status.blocked?.map(\.name) == ["eve"] && status.blocked?.first?.byUID == 1000)
        #expect(check.warnings == status.accessProblems)
        #expect(
            check.warnings == ["access: the directory shows no group linux; it admits nobody"])
        let reduced = ControlReply.status(status).reduced()
        guard case .status(let open) = reduced else { return }
        #expect(open.blocked == nil && open.accessProblems == nil)
    }
}
