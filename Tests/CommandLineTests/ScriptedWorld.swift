import Accounts
import DaemonProtocol

@testable import roster

/// A world in which a command runs without anything real behind it.
final class ScriptedWorld {
    /// The noon of 21 November 2026, UTC.
    static let now: Int64 = 1_795_262_400

    /// What the daemon answers; throws when it is away.
    var daemon: (ControlRequest) throws(DaemonError) -> ControlReply = {
        _ throws(DaemonError) in throw .notRunning(path: "/run/roster/control.sock")
    }
    var index: (any PublicIndex)?
    var indexError = PublicIndexError.absent
    var isConfigured = true
    var drawsProgress = false
    /// How often a command that waits looks up before the answer comes.
    var ticks = 0
    /// What `roster doctor` examines.
    var host = ScriptedHost()
    var requests: [ControlRequest] = []
    var output = ""
    var errors = ""
    var milliseconds: Int64 = 0

    /// Runs the command line.
    func run(_ arguments: [String]) -> ExitStatus {
        RosterCommand.run(arguments) { _ in environment }
    }

    /// Everything that a person would see, and the exit status.
    func transcript(_ arguments: [String]) -> String {
        let status = run(arguments)
        var text = "$ roster \(arguments.joined(separator: " "))\n\(output)"
        if !errors.isEmpty { text += "--- standard error\n\(errors)" }
        return text + "--- exit status \(status.rawValue)\n"
    }

    private var environment: CommandEnvironment {
        CommandEnvironment(
            ask: { (request, tick) throws(DaemonError) in
                self.requests.append(request)
                switch request {
                case .wait(timeoutSeconds: 1...), .sync:
                    for _ in 0..<self.ticks {
                        self.milliseconds += 500
                        tick()
                    }
                default: break
                }
                return try self.daemon(request)
            },
            openIndex: { () throws(PublicIndexError) in
                guard let index = self.index else { throw self.indexError }
                return index
            },
            isConfigured: { self.isConfigured },
            times: TimeText(now: Self.now, offsetSeconds: { _ in 3600 }),
            monotonicMilliseconds: { self.milliseconds },
            sleep: { self.milliseconds += Int64($0) },
            drawsProgress: drawsProgress,
            write: { self.output += $0 },
            writeError: { self.errors += $0 },
            doctorHost: { self.host.seen })
    }
}

/// An index of one person and one group.
struct OnePersonIndex: PublicIndex {
    let generation: UInt64 = 41
    let peopleCount = 1
    let groupCount = 1
    var lastVerifiedAt: Int64?

    func person(named name: String) -> (passwd: PasswdFields, groups: [UInt32])? {
        guard name == "ada" else { return nil }
        let passwd = PasswdFields(
            name: "ada", uid: 2001, gid: 2000, gecos: "Ada Lovelace", home: "/home/ada",
            shell: "/bin/bash")
        return (passwd, [3000])
    }

    func group(named name: String) -> (name: String, gid: UInt32, members: [String])? {
        name == "devs" ? ("devs", 3000, ["ada"]) : nil
    }

    func groupName(gid: UInt32) -> String? {
        gid == 3000 ? "devs" : nil
    }
}
