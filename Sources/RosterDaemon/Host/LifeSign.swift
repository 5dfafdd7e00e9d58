// The watchdog of the service manager: it is told that the daemon lives only while the daemon works.

internal import NIOCore
internal import NIOPosix
internal import Settings

/// Sends signs of life for as long as the sync thread gets on and every event loop answers.
///
/// A thread that hangs, in a lock, on a disk or in a loop, ends the signs, and the service manager
/// starts the daemon anew (WatchdogSec=). Waiting does not: while the directory is slow or away, and
/// while much is loaded, checked or built, the sync thread shows itself at least once a second.
struct LifeSign: Sendable {
    let board: StatusBoard
    let clock: DaemonClock
    let loops: [any EventLoop]
    /// Longer silence of the sync thread than this means that it hangs.
    let patience: Duration
    /// The time between two signs.
    let interval: Duration
    let alive: @Sendable () -> Void

    /// Signs for the service manager that started the daemon.
    ///
    /// The sync thread itself asks the server a few questions when a connection is new, each with
    /// the network timeout.
    init(_ context: EngineContext) {
        let wanted = ServiceNotification.watchdogMicroseconds.map { Duration.microseconds($0) }
        board = context.board
        clock = context.clock
        loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())
        patience = max(
            wanted ?? .seconds(60), context.settings.directory.networkTimeout * 6)
        interval = min((wanted ?? .seconds(3)) / 3, .seconds(1))
        let notification = context.notification
        alive = { notification.alive() }
    }

    init(
        board: StatusBoard, clock: DaemonClock, loops: [any EventLoop], patience: Duration,
        interval: Duration, alive: @escaping @Sendable () -> Void
    ) {
        self.board = board
        self.clock = clock
        self.loops = loops
        self.patience = patience
        self.interval = interval
        self.alive = alive
    }

    /// Sends signs until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            // A loop that hangs never answers: then this was the last sign.
            for loop in loops { try? await loop.submit {}.get() }
            if clock.uptime() - board.current.heartbeat < patience { alive() }
            try? await Task.sleep(for: interval)
        }
    }
}
