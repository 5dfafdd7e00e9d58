import DaemonProtocol
import Testing

@testable import roster

/// One command line in one world; its transcript is kept in `Golden/`.
struct GoldenCase: Sendable, CustomTestStringConvertible {
    let name: String
    let arguments: [String]
    let prepare: @Sendable (ScriptedWorld) -> Void

    var testDescription: String { name }

    init(
        _ name: String, _ arguments: String, _ prepare: @escaping @Sendable (ScriptedWorld) -> Void
    ) {
        self.name = name
        self.arguments = arguments.split(separator: " ").map(String.init)
        self.prepare = prepare
    }

    /// A case in which the daemon gives one answer to everything.
    init(_ name: String, _ arguments: String, answer: ControlReply) {
        self.init(name, arguments) { $0.daemon = { _ throws(DaemonError) in answer } }
    }
}

@Suite struct GoldenTests {
    static let withDaemon: [GoldenCase] = [
        GoldenCase("status", "status", answer: .status(Reports.inSync)),
        GoldenCase("status-json", "status --json", answer: .status(Reports.inSync)),
        GoldenCase("status-troubled", "status", answer: .status(Reports.troubled)),
        GoldenCase("status-troubled-json", "status --json", answer: .status(Reports.troubled)),
        GoldenCase("status-loading", "status", answer: .status(Reports.loading)),
        GoldenCase("status-guarded", "status", answer: .status(Reports.guarded)),
        GoldenCase("status-guarded-json", "status --json", answer: .status(Reports.guarded)),
        GoldenCase(
            "status-guarded-public", "status",
            answer: ControlReply.status(Reports.guarded).reduced()),
        GoldenCase("user", "user ada", answer: .user(Reports.ada)),
        GoldenCase("user-json", "user --json ada", answer: .user(Reports.ada)),
        GoldenCase("user-root", "user ada", answer: .user(Reports.adaForRoot)),
        GoldenCase("user-root-json", "user ada --json", answer: .user(Reports.adaForRoot)),
        GoldenCase("user-withheld", "user bob", answer: .user(Reports.withheldBob)),
        GoldenCase("user-none", "user nobody\u{1b}]0;x", answer: .user(nil)),
        GoldenCase("group", "group devs", answer: .group(Reports.devs)),
        GoldenCase("group-json", "group devs --json", answer: .group(Reports.devs)),
        GoldenCase("group-none", "group nothing --json", answer: .group(nil)),
        GoldenCase("check", "check", answer: .check(Reports.check)),
        GoldenCase("check-json", "check --json", answer: .check(Reports.check)),
        GoldenCase("check-public", "check", answer: ControlReply.check(Reports.check).reduced()),
        GoldenCase("check-fine", "check", answer: .check(CheckReport())),
        GoldenCase("history", "history", answer: .history(Reports.history)),
        GoldenCase("history-json", "history --json", answer: .history(Reports.history)),
        GoldenCase("history-none", "history eve", answer: .history(.init(changes: []))),
        GoldenCase("history-refused", "history", answer: .failure(.notPermitted)),
        GoldenCase(
            "sync", "sync",
            answer: .sync(
                SyncReport(full: false, state: .inSync, generation: 8, entries: 1000, changed: 1))),
        GoldenCase(
            "sync-accept", "sync --full --accept-removals",
            answer: .sync(
                SyncReport(
                    full: true, state: .stale, generation: 9, entries: 1, changed: 0,
                    accepted: .init(people: 40, memberships: 1), held: .init(groups: 2)))),
        GoldenCase(
            "sync-json", "sync --json",
            answer: .sync(
                SyncReport(full: false, state: .inSync, generation: 8, entries: 1000, changed: 0))),
        GoldenCase(
            "allow", "allow bob",
            answer: .allow(
                AllowReport(name: "bob", released: true, message: "uid 2002 may be used again"))),
        GoldenCase(
            "allow-none", "allow eve --json",
            answer: .allow(
                AllowReport(name: "eve", released: false, message: "nothing of it is withheld"))),
        GoldenCase(
            "deny", "deny eve",
            answer: .deny(
                DenyReport(name: "eve", blocked: true, message: "eve is blocked on this host"))),
        GoldenCase(
            "deny-json", "deny eve --json",
            answer: .deny(
                DenyReport(name: "eve", blocked: false, message: "eve was blocked before"))),
        GoldenCase(
            "confirm", "confirm linux",
            answer: .confirm(
                ConfirmReport(
                    name: "linux", changed: 2,
                    message: "the rules mean what the directory shows now"))),
        GoldenCase(
            "confirm-none", "confirm linux --json",
            answer: .confirm(
                ConfirmReport(
                    name: "linux", changed: 0,
                    message: "nothing of this name waits to be confirmed"))),
        GoldenCase("explain", "explain ada --service sshd", answer: .explain(Reports.admitted)),
        GoldenCase("explain-json", "explain ada --json", answer: .explain(Reports.admitted)),
        GoldenCase("explain-refused", "explain bob", answer: .explain(Reports.refused)),
        GoldenCase("explain-local", "explain root", answer: .explain(Reports.local)),
        GoldenCase("explain-none", "explain nobody", answer: .explain(nil)),
        GoldenCase("explain-other", "explain eve", answer: .failure(.notPermitted)),
        GoldenCase(
            "failure", "sync",
            answer: .failure(
                ControlFailure(
                    kind: .failed, message: "the store is full\u{1b}[1m", remedy: "Make room"))),
        GoldenCase("other-reply", "status", answer: .user(nil)),
        GoldenCase("doctor", "doctor") { _ in },
        GoldenCase("doctor-verbose", "doctor --verbose ada") {
            $0.host.replies = [.explain(Reports.admitted)]
        },
        GoldenCase("doctor-sick", "doctor eva\u{1b}") { $0.host.fallIll() },
        GoldenCase("doctor-json", "doctor --json") { $0.host.fallIll() },
    ]

    static let waiting: [GoldenCase] = [
        GoldenCase(
            "wait", "wait",
            answer: .wait(WaitReport(inSync: true, state: .inSync, generation: 7))),
        GoldenCase(
            "wait-json", "wait --json --timeout 5s",
            answer: .wait(WaitReport(inSync: true, state: .inSync, generation: 7))),
        GoldenCase("wait-timeout", "wait --timeout 30") {
            $0.ticks = 50
            $0.daemon = { request throws(DaemonError) in
                if request == .status { return .status(Reports.loading) }
                return .wait(
                    WaitReport(
                        inSync: false, state: .loading, generation: 0, lastError: "slow\u{1b}"))
            }
        },
        GoldenCase("sync-progress", "sync --full") {
            $0.ticks = 2
            $0.drawsProgress = true
            $0.daemon = { request throws(DaemonError) in
                if request == .status { return .status(Reports.loading) }
                return .sync(
                    SyncReport(full: true, state: .inSync, generation: 9, entries: 9, changed: 0))
            }
        },
    ]

    static let withoutDaemon: [GoldenCase] = [
        GoldenCase("away-status", "status") {
            $0.index = OnePersonIndex(lastVerifiedAt: 1_795_262_000)
        },
        GoldenCase("away-status-json", "status --json") { $0.index = OnePersonIndex() },
        GoldenCase("away-user", "user ada") { $0.index = OnePersonIndex() },
        GoldenCase("away-user-none", "user eve") { $0.index = OnePersonIndex() },
        GoldenCase("away-group", "group devs") { $0.index = OnePersonIndex() },
        GoldenCase("away-group-json", "group devs --json") { $0.index = OnePersonIndex() },
        GoldenCase("away-no-index", "user ada") { _ in },
        GoldenCase("away-bad-index", "status") { $0.indexError = .unusable(reason: "torn\u{1b}") },
        GoldenCase("away-not-set-up", "status") { $0.isConfigured = false },
        GoldenCase("away-check", "check") { $0.index = OnePersonIndex() },
        GoldenCase("away-wait", "wait") { _ in },
        GoldenCase("stuck-history", "history") {
            $0.daemon = { _ throws(DaemonError) in throw .noAnswer(reason: "nothing came in time") }
        },
        GoldenCase("usage-unknown", "status --bogus") { _ in },
        GoldenCase("usage-timeout", "wait --timeout 3y") { _ in },
        GoldenCase("usage-limit", "history --limit 0") { _ in },
        GoldenCase("usage-missing", "user") { _ in },
        GoldenCase("help", "--help") { _ in },
        GoldenCase("version", "--version") { _ in },
    ]

    @Test(
        "what a command prints, and how it exits", arguments: withDaemon + waiting + withoutDaemon)
    func transcript(of golden: GoldenCase) throws {
        let world = ScriptedWorld()
        golden.prepare(world)
        let transcript = world.transcript(golden.arguments)
        try GoldenFile(name: golden.name).expect(transcript)
        let isDrawn = golden.name == "sync-progress"
        let echoed = transcript.drop { $0 != "\n" }
        let unprintable = echoed.unicodeScalars.first {
            $0.properties.generalCategory == .control && $0 != "\n"
        }
        #expect(isDrawn || unprintable == nil)
    }

    @Test("no kept text is left over")
    func leftOver() throws {
        let used = Set((Self.withDaemon + Self.waiting + Self.withoutDaemon).map(\.name))
        #expect(try GoldenFile.names() == used)
    }
}
