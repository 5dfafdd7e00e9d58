import AccountIndex
import Accounts
import DaemonProtocol
import Foundation
import Logging
import RosterDaemon
import Testing

/// Answers like a daemon in sync, and tells what it was asked by whom.
private struct Daemon: ControlHandler {
    func handle(_ request: ControlRequest, peer: PeerCredentials) async -> ControlReply {
        switch request {
        case .status: .status(Reports.inSync)
        case .user(let name): .user(name == "ada" ? Reports.adaForRoot : nil)
        case .group: .group(Reports.devs)
        case .check: .check(Reports.check)
        case .history(let name, let limit):
            .history(
                HistoryReport(
                    changes: [
                        .init(
                            effectiveAt: 0, directoryAt: nil, kind: .person, name: name ?? "-",
                            what: "limit \(limit), uid \(peer.uid)")
                    ]))
        case .wait(let seconds):
            .wait(WaitReport(inSync: seconds > 1, state: .loading, generation: UInt64(seconds)))
        case .sync(let full, let accept):
            .sync(
                SyncReport(
                    full: full, state: .inSync, generation: 1, entries: accept ? 1 : 0, changed: 0))
        case .allow(let name): .allow(AllowReport(name: name, released: true, message: "released"))
        case .deny(let name):
            .deny(DenyReport(name: name, blocked: true, message: "\(name) is blocked"))
        case .confirm(let name):
            .confirm(ConfirmReport(name: name, changed: name == "linux" ? 1 : 0, message: "done"))
        case .explain(let name, let service):
            .explain(
                name == "ada" && service == "sshd"
                    ? Reports.admitted : name == "bob" ? Reports.refused : nil)
        }
    }
}

/// What a run of the program gave.
private struct Run: Sendable {
    var status: Int32
    var output: String
    var errors: String
}

/// The built `roster`, with the folders it works on.
private struct Program: Sendable {
    let folder: String
    let path: String

    init(in folder: String) throws {
        self.folder = folder
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "rosterd")
        // One program under two names: called as roster it is the command.
        path = folder + "/program/roster"
        try FileManager.default.createDirectory(
            atPath: folder + "/program", withIntermediateDirectories: true)
        if !FileManager.default.fileExists(atPath: path) {
            try FileManager.default.createSymbolicLink(
                atPath: path, withDestinationPath: program.path)
        }
    }

    /// Runs it on the folder; with `asNobody` as a user without rights, from a copy there.
    func run(_ arguments: String, asNobody: Bool = false) async throws -> Run {
        let words = arguments.split(separator: " ").map(String.init)
        let options = words + ["--run-dir", folder, "--state-dir", folder, "--config", "/none"]
        guard asNobody else { return try await Self.run([path] + options) }
        let copy = folder + "/roster"
        if !FileManager.default.fileExists(atPath: copy) {
            // By another process: a file that this one has open for writing would reach the
            // children of tests that run at the same time, and cannot be executed until then.
            #expect(try await Self.run(["/bin/cp", path, copy]).status == 0)
        }
        let drop = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        return try await Self.run(drop + [copy] + options)
    }

    private static func run(_ command: [String]) async throws -> Run {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ["TZ": "UTC", "PATH": "/usr/bin:/bin"]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        return await withCheckedContinuation { continuation in
            Thread {
                let text = String(
                    decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                let complaint = String(
                    decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                process.waitUntilExit()
                continuation.resume(
                    returning: Run(
                        status: process.terminationStatus, output: text, errors: complaint))
            }.start()
        }
    }
}

/// Publishes an index of one person and one group below the folder.
private func publish(in folder: String) throws {
    let directory = folder + "/index"
    try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: false)
    var builder = try IndexBuilder(directory: directory, generation: 5)
    let ada = PasswdFields(
        name: "ada", uid: 2001, gid: 2000, gecos: "Ada", home: "/home/ada", shell: "/bin/bash")
    let uuid = EntryUUID(high: 1, low: 2)
    try builder.add(
        person: PublishedPerson(uuid: uuid, passwd: ada, groups: [3000], state: .active))
    try builder.add(group: PublishedKey(name: "devs", id: 3000), members: ["ada"])
    var writer = try builder.finish()
    try writer.install()
}

/// Runs `body` with the program, and with a daemon listening if `listening`.
private func withProgram(listening: Bool, _ body: (Program) async throws -> Void) async throws {
    let folder = NSTemporaryDirectory() + "roster-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let program = try Program(in: folder)
    guard listening else { return try await body(program) }
    let server = try await ControlServer(
        endpoint: .path(folder + "/control.sock"), handler: Daemon(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let serving = Task { try await server.run() }
    defer { serving.cancel() }
    try await body(program)
}

@Suite(.timeLimit(.minutes(1))) struct ProgramTests {
    @Test("without a daemon the published index answers")
    func index() async throws {
        try await withProgram(listening: false) { program in
            try publish(in: program.folder)
            let user = try await program.run("user ada")
            #expect(user.status == 0)
            #expect(user.output.hasPrefix("user       ada\nuid        2001\n"))
            #expect(user.output.hasSuffix("groups     devs (3000)\n"))
            let group = try await program.run("group devs --json")
            #expect(group.status == 0)
            #expect(group.output.contains("\"members\" : [\n    \"ada\"\n  ]"))
            #expect(try await program.run("user eve").status == 1)
            #expect(try await program.run("group eve").status == 1)
            let status = try await program.run("status")
            #expect(status.status == 3)
            #expect(status.output.contains(" answers for 1 person and 1 group"))
        }
    }

    @Test("a damaged index is named, and is no answer")
    func damaged() async throws {
        try await withProgram(listening: false) { program in
            try publish(in: program.folder)
            let file = program.folder + "/index/public.1"
            try FileManager.default.removeItem(atPath: file)
            try Data(repeating: 7, count: 4096).write(to: URL(filePath: file))
            let user = try await program.run("user ada")
            #expect(user.status == 3)
            #expect(user.output == "")
            #expect(user.errors.contains("the published index cannot be read: "))
        }
    }

    @Test("the program exits as documented, with a daemon")
    func exitStatus() async throws {
        let expected: [(String, Int32)] = [
            ("status", 0), ("user ada", 0), ("user eve", 1), ("group devs", 0), ("check", 1),
            ("history", 0), ("wait", 0), ("wait --timeout 1", 1), ("sync --full", 0),
            ("allow bob", 0), ("deny bob", 0), ("confirm linux", 0), ("confirm other", 1),
            ("explain ada --service sshd", 0), ("explain ada", 1), ("explain bob", 1),
            ("status --bogus", 2), ("user", 2),
        ]
        try await withProgram(listening: true) { program in
            for (arguments, status) in expected where geteuid() == 0 || status != 4 {
                let run = try await program.run(arguments)
                #expect(run.status == status, "roster \(arguments): \(run.output)\(run.errors)")
            }
        }
    }

    @Test(
        "the program exits with 3 without a daemon",
        arguments: [
            "status", "user ada", "group devs", "check", "history", "wait --timeout 0", "sync",
            "allow bob", "deny bob", "confirm linux", "explain bob",
        ])
    func away(arguments: String) async throws {
        try await withProgram(listening: false) { program in
            let run = try await program.run(arguments)
            #expect(run.status == 3)
            #expect(run.output == "")
            #expect(run.errors.hasPrefix("roster: rosterd "))
        }
    }

    @Test("every argument reaches the daemon")
    func arguments() async throws {
        try await withProgram(listening: true) { program in
            let history = try await program.run("history ada --limit 7")
            #expect(history.output.hasSuffix("person      ada  limit 7, uid \(geteuid())\n"))
            let wait = try await program.run("wait --timeout 2m --json")
            #expect(wait.output.contains("\"generation\" : 120"))
            let sync = try await program.run("sync --full --accept-removals")
            #expect(sync.output == "Read 1 entry, put 0 right; in sync, generation 1.\n")
        }
    }

    @Test(
        "a user without rights sees what is public, and nothing else",
        .enabled(if: geteuid() == 0, "only root can become another user"))
    func nobody() async throws {
        try await withProgram(listening: true) { program in
            for command in [
                "history", "sync", "sync --full --accept-removals", "allow ada", "deny ada",
                "confirm linux",
            ] {
                let run = try await program.run(command, asNobody: true)
                #expect(run.status == 4)
                #expect(
                    run.errors
                        == "roster: only root may do this\n  Run the same command with sudo\n")
            }
            let user = try await program.run("user ada", asNobody: true)
            #expect(user.status == 0)
            #expect(user.output.contains("/home/ada") && !user.output.contains("disabled"))
            let status = try await program.run("status", asNobody: true)
            #expect(status.status == 0)
            #expect(!status.output.contains("cookie"))
            let check = try await program.run("check", asNobody: true)
            #expect(check.output.contains("3 withheld, 2 held") && !check.output.contains("bob"))
            #expect(try await program.run("wait", asNobody: true).status == 0)
        }
    }
}
