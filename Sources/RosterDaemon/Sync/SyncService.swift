// The service around the sync thread: start, sign of life, end within two seconds.

internal import AccountStore
internal import Accounts
internal import CLibc
internal import DirectorySync
internal import Logging
internal import NIOPosix
internal import ServiceLifecycle
internal import Settings

/// What the sync thread and its helpers share.
struct EngineContext: Sendable {
    var settings: Settings
    var paths: DaemonPaths
    var board: StatusBoard
    var mailbox: Mailbox
    /// Threads for what the engine has others do: the rebuild, the comparison, the probe.
    var background: NIOThreadPool
    /// Where the sync thread leaves the reader of the store.
    var storeReader = StoreReaderSlot()
    /// Who else follows the mirror.
    var follower = MirrorFollower()
    /// When the cached verifier of a person was made, in seconds since the epoch; `nil`: there is none.
    var offlineVerifier: @Sendable (EntryUUID) -> Int64? = { _ in nil }
    var notification: ServiceNotification
    var clock: DaemonClock
    var logger: Logger
}

extension EngineContext {
    /// Shows that the sync thread gets on.
    func beat() {
        let now = clock.uptime()
        board.update { $0.heartbeat = now }
    }
}

/// Who else has to know what changes for the host, beside the index.
///
/// Called on the sync thread, after the change is stored and published; must not block for long.
struct MirrorFollower: Sendable {
    /// The store was opened, or a first load filled it: what is kept by person is to be compared.
    var opened: @Sendable (StoreReader) -> Void = { _ in }
    /// What one transaction changed; never empty.
    var changed: @Sendable (PublicationChange) -> Void = { _ in }
}

/// Runs the engine on a thread of its own; libldap and SQLite block.
struct SyncService: Service {
    let context: EngineContext

    /// How long a thread that hangs in libldap may delay the end of the daemon.
    ///
    /// The store survives being left in the middle of anything.
    private static let patience: Duration = .milliseconds(1500)
    /// The pause before the store is opened again after a failure.
    private static let reopenInterval: Duration = .seconds(5)

    func run() async throws {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await LifeSign(context).run() }
                try await thread.runIfActive { runEngines() }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            context.notification.stopping()
            context.mailbox.stop()
            Task.detached {
                try await Task.sleep(for: Self.patience)
                context.logger.notice("not waiting any longer for the directory or the disk")
                _exit(0)
            }
        }
    }

    /// Runs one engine after the other until the daemon is asked to stop.
    ///
    /// An engine ends early when its store has to be opened anew: damaged, or wiped away.
    private func runEngines() {
        while !context.mailbox.isStopping {
            do {
                try StateLock.makeFolders(in: context.paths.state)
                try SyncEngine(context: context).run()
            } catch {
                context.logger.error("\(error)")
                let since = context.clock.now()
                context.board.update {
                    $0.state = .interrupted(since: since, reason: "\(error)")
                    $0.lastError = "\(error)"
                }
                context.mailbox.wait(atMost: Self.reopenInterval)
                context.beat()
            }
        }
        context.mailbox.refuseAll("rosterd is stopping")
    }
}
