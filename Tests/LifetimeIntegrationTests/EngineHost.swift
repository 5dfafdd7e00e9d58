// A real engine on a thread of its own, whose clock the test sets forward.
//
// Between two steps the test waits until the engine has nothing left to do at the present moment:
// what depends on time then happens at the same moments on every machine, however busy it is.

import AccountIndex
import AccountStore
import Accounts
import Foundation
import Logging
import NIOPosix
import Synchronization
import TestSupport

@testable import RosterDaemon
@testable import Settings

/// A clock that stands until it is set forward.
final class StepClock: Sendable {
    private let elapsed = Mutex(Duration.seconds(1000))
    private let epoch = Int64(Date().timeIntervalSince1970) - 1000

    /// The clock as the daemon takes it; of its random numbers the largest ones, so that pauses have
    /// their nominal length.
    var daemonClock: DaemonClock {
        DaemonClock(now: { self.now }, uptime: { self.uptime }, random: { 1 })
    }

    var uptime: Duration { elapsed.withLock { $0 } }
    var now: Int64 { epoch + uptime.components.seconds }

    func advance(by time: Duration) {
        elapsed.withLock { $0 += time }
    }
}

/// Keeps what the engine logs.
final class KeptLog: LogHandler, Sendable {
    private let kept = Mutex<[String]>([])
    var logLevel: Logger.Level {
        get { .info }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        kept.withLock { $0.append(event.message.description) }
    }

    /// How many lines begin so.
    func count(_ beginning: String) -> Int {
        kept.withLock { lines in lines.count { $0.hasPrefix(beginning) } }
    }

    /// The last lines.
    var tail: String { kept.withLock { $0.suffix(20).joined(separator: "\n") } }

    /// Forgets everything: what is kept is memory that grows.
    func clear() { kept.withLock { $0 = [] } }
}

/// What the engine says of itself, on its own thread.
struct EngineMoment: Sendable {
    var isFollowing = false
    var isPausing = false
    var isBusy = true
}

/// An engine and what it needs.
final class EngineHost: @unchecked Sendable {
    // Unchecked: `engine` is touched by the engine's thread only.
    let clock: StepClock
    let log = KeptLog()
    let folder: TemporaryDirectory
    let context: EngineContext
    let keeper: VerifierKeeper
    private var engine: SyncEngine?
    private let ended = DispatchSemaphore(value: 0)
    private let background = NIOThreadPool(numberOfThreads: 4)
    private let ownsFolder: Bool

    /// Starts an engine that follows the directory at `uri`; `directory` and `login` are further lines
    /// of these tables.
    init(
        uri: String, directory: String = "", login: String = "", clock: StepClock = StepClock(),
        folder: TemporaryDirectory? = nil
    ) throws {
        Daemon.keepMemorySmall()
        self.clock = clock
        ownsFolder = folder == nil
        let folder = try folder ?? TemporaryDirectory("roster-engine")
        self.folder = folder
        try folder.write(SlapdServer.syncPassword, to: "password")
        _ = unsafe chmod("\(folder.path)/password", 0o600)
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/etc", withIntermediateDirectories: true)
        try folder.write("root:x:0:0::/root:/bin/sh\n", to: "etc/passwd")
        try folder.write("root:x:0:\n", to: "etc/group")
        let text = """
            [directory]
            uris = ["\(uri)"]
            base = "\(SlapdServer.suffix)"
            bind_dn = "\(SlapdServer.syncDN)"
            bind_password_file = "\(folder.path)/password"
            tls = "off"
            \(directory)
            [login]
            \(login)
            """
        let settings = try Settings.parse(Array(text.utf8), path: "roster.toml")
        var paths = DaemonPaths(state: folder.path + "/state", run: folder.path)
        paths.etc = folder.path + "/etc"
        let daemonClock = clock.daemonClock
        let log = log
        let logger = Logger(label: "test") { _ in log }
        try StateLock.makeFolders(in: paths.state)
        background.start()
        let keeper = VerifierKeeper(
            directory: paths.state + "/store", policy: OfflinePolicy(settings.login),
            clock: daemonClock, logger: logger)
        self.keeper = keeper
        context = EngineContext(
            settings: settings, paths: paths,
            board: StatusBoard(startedAt: clock.now, uptime: clock.uptime), mailbox: Mailbox(),
            background: background,
            follower: MirrorFollower(
                opened: { keeper.storeOpened($0) }, changed: { keeper.forget(after: $0) }),
            notification: ServiceNotification(), clock: daemonClock, logger: logger)
        Thread.detachNewThread { self.work() }
    }

    private func work() {
        do {
            let engine = try SyncEngine(context: context)
            self.engine = engine
            try engine.run()
        } catch {
            context.logger.error("\(error)")
        }
        engine = nil
        ended.signal()
    }

    /// Ends the engine and waits for that.
    func stop() {
        context.mailbox.stop()
        ended.wait()
        try? background.syncShutdownGracefully()
    }

    var status: MirrorStatus { context.board.current }

    /// What the engine says now.
    func moment() throws -> EngineMoment {
        let answered = DispatchSemaphore(value: 0)
        let found = Mutex(EngineMoment())
        // A question that changes nothing; it is answered on the engine's thread.
        context.mailbox.post(
            .confirm(
                name: "",
                reply: { _ in
                    found.withLock { $0 = self.look() }
                    answered.signal()
                }))
        guard answered.wait(timeout: .now() + 60) == .success else {
            throw ProgramFailure(description: "the engine hangs\n\(log.tail)")
        }
        return found.withLock { $0 }
    }

    private func look() -> EngineMoment {
        guard let engine else { return EngineMoment() }
        let silence = clock.now - (status.lastContact ?? 0)
        let isFollowing = engine.connection.isFollowing
        return EngineMoment(
            isFollowing: isFollowing, isPausing: engine.pausesUntil != nil,
            isBusy: engine.comparisons.touched != nil
                || !engine.publisher.isCurrent
                    && !engine.isFirstLoad
                || isFollowing && silence >= 30)
    }

    /// Waits until the engine has nothing left to do at this moment.
    @discardableResult
    func settle() throws -> EngineMoment {
        let end = ContinuousClock.now + .seconds(60)
        // The first answer may be of the turn that began before the clock was set.
        _ = try moment()
        _ = try moment()
        while ContinuousClock.now < end {
            let now = try moment()
            if now.isFollowing || now.isPausing, !now.isBusy { return now }
            usleep(200)
        }
        throw ProgramFailure(description: "the engine does not come to rest\n\(log.tail)")
    }

    /// Sets the clock forward in steps; the engine rests after each.
    @discardableResult
    func advance(by time: Duration, step: Duration = .seconds(30)) throws -> EngineMoment {
        let end = clock.uptime + time
        var moment = EngineMoment()
        while clock.uptime < end {
            clock.advance(by: min(step, end - clock.uptime))
            moment = try settle()
        }
        return moment
    }

    /// Waits until `condition` holds, with the clock standing.
    func wait(_ what: String, _ condition: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(60)
        while try !condition() {
            guard ContinuousClock.now < end else {
                throw ProgramFailure(description: "waited in vain for \(what)\n\(log.tail)")
            }
            usleep(1000)
        }
    }

    /// Whether the host sees the person.
    func shows(_ name: String) throws -> Bool {
        try IndexSnapshot(directory: context.paths.state + "/index").person(named: name) != nil
    }

    /// What the gate says to a login by key.
    func verdict(_ name: String) -> LoginVerdict {
        LoginGate(directory: context.paths.state + "/index").decide(
            name: Array(name.utf8), service: Array("sshd".utf8), clock: clock.daemonClock.gate()
        ).verdict
    }
}
