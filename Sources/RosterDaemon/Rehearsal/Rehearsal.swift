// A load of the directory that leaves nothing on the host: what `roster join` shows before it writes.
//
// It is the daemon's own engine on a throw-away state folder, so that what is shown is what will be.

internal import AccountIndex
internal import AccountStore
internal import Accounts
internal import CLibc
internal import DaemonProtocol
internal import DirectorySync
internal import Dispatch
internal import Logging
internal import NIOPosix
public import Settings

/// One load of the directory into a folder that is thrown away afterwards.
public struct Rehearsal {
    /// The service whose gate is asked.
    private static let service = "sshd"
    /// How often the engine may connect anew before that counts as a failure.
    private static let mostConnections: UInt64 = 5

    private let settings: Settings
    private let folder: String
    private let context: EngineContext
    private let control: DaemonControl

    /// A rehearsal of a configuration in a folder that exists, is empty and nobody else's.
    public init(settings: Settings, folder: String) {
        self.settings = settings
        self.folder = folder
        let clock = DaemonClock.system
        let paths = DaemonPaths(state: folder, run: folder)
        context = EngineContext(
            settings: settings, paths: paths,
            board: StatusBoard(startedAt: clock.now(), uptime: clock.uptime()), mailbox: Mailbox(),
            background: NIOThreadPool(numberOfThreads: 2), notification: ServiceNotification(),
            clock: clock, logger: Logger(label: "rehearsal") { _ in SwiftLogNoOpLogHandler() })
        control = DaemonControl(context: context, storeReader: context.storeReader)
    }

    /// Loads the directory and says what would be; once.
    ///
    /// `people` are explained one by one. `progress` is called about four times a second with the
    /// entries received so far. Blocks for as long as the load takes, which
    /// `[directory] refresh_timeout` bounds where nothing moves.
    public func run(
        explaining people: [String], progress: (Int) -> Void
    ) throws(RehearsalFailure) -> RehearsalReport {
        let began = context.clock.uptime()
        context.background.start()
        let ended = DispatchSemaphore(value: 0)
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        thread.submit { [context] _ in
            Self.follow(context)
            ended.signal()
        }
        defer {
            context.mailbox.stop()
            ended.wait()
            try? thread.syncShutdownGracefully()
            try? context.background.syncShutdownGracefully()
        }
        try waitUntilLoaded(progress)
        do {
            var report = try report(people)
            report.milliseconds = (context.clock.uptime() - began).inMilliseconds
            return report
        } catch let failure as RehearsalFailure {
            throw failure
        } catch {
            throw RehearsalFailure("\(error)")
        }
    }

    private static func follow(_ context: EngineContext) {
        do {
            try StateLock.makeFolders(in: context.paths.state)
            try SyncEngine(context: context).run()
        } catch {
            let since = context.clock.now()
            context.board.update { $0.state = .interrupted(since: since, reason: "\(error)") }
        }
    }

    private func waitUntilLoaded(_ progress: (Int) -> Void) throws(RehearsalFailure) {
        while true {
            let now = context.board.current
            switch now.state {
            case .inSync: return
            case .interrupted(_, let reason): throw RehearsalFailure(reason)
            case .loading(let received, _, _): progress(received)
            case .starting: break
            }
            if let error = now.lastError { throw RehearsalFailure(error) }
            if now.connections > Self.mostConnections {
                throw RehearsalFailure(
                    "\(now.serverURI ?? "the server") ends the search again and again; its log may "
                        + "say why; [directory] sync = \"poll\" does without a search that stays")
            }
            usleep(250_000)
        }
    }
}

// MARK: - The report

extension Rehearsal {
    private func report(_ names: [String]) throws -> RehearsalReport {
        var report = RehearsalReport(server: context.board.current.serverURI ?? "")
        let now = context.board.current
        if let method = now.strategy { report.changes = now.promise?.inOneLine(method) }
        let reader = try control.reader()
        let summary = try reader.summary()
        report.people = summary.people
        report.groups = summary.groups
        report.memberships = summary.memberships
        report.withheld = summary.withheld
        report.check = try control.check()
        report.collisions = try collisions(reader)
        try decide(into: &report, reader)
        let root = PeerCredentials(pid: getpid(), uid: geteuid(), gid: getegid())
        report.explanations = try names.compactMap {
            try control.explain($0, Self.service, root)
        }
        return report
    }

    private func collisions(_ reader: StoreReader) throws -> [WithheldEntry] {
        let local = try LocalAccounts.load(root: context.paths.etc)
        return try reader.findings().filter { finding in
            guard finding.withheld != nil else { return false }
            let names = finding.isGroup ? local.groupNames : local.userNames
            let ids = finding.isGroup ? local.groupIDs : local.userIDs
            return finding.name.map(names.contains) == true
                || finding.id.map(ids.contains) == true
        }.map { WithheldEntry($0) }
    }

    /// Asks the gate about everybody, as PAM would.
    private func decide(into report: inout RehearsalReport, _ reader: StoreReader) throws {
        var people: [(name: String, hasKey: Bool)] = []
        try reader.snapshot { snapshot throws(StoreError) in
            try snapshot.forEachPerson { person in
                people.append((person.passwd.name, !person.login.keys.isEmpty))
            }
        }
        let clock = context.clock.gate()
        try control.withGate { gate in
            let service = Array(Self.service.utf8)
            for person in people {
                let name = Array(person.name.utf8)
                let verdict = try unsafe name.withUnsafeBytes { name in
                    try unsafe service.withUnsafeBytes { service in
                        unsafe try gate.decide(name: name, service: service, clock: clock).verdict
                    }
                }
                report.verdicts[verdict.label, default: 0] += 1
                guard [.accepted, .mustChangePassword].contains(verdict) else { continue }
                report.admitted += 1
                if person.hasKey { report.admittedWithKey += 1 }
                report.example = min(report.example ?? person.name, person.name)
            }
        }
    }
}

extension Duration {
    /// Whole milliseconds.
    var inMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
