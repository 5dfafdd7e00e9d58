// The daemon as a whole: which services there are, and in which order they come and go.

internal import CLibc
internal import DaemonProtocol
internal import Logging
internal import NIOPosix
internal import ServiceLifecycle
public import Settings
internal import UnixSignals

/// Where the daemon keeps what it writes.
public struct DaemonPaths: Sendable {
    /// `index/`, `store/` and the lock lie here; normally /var/lib/roster.
    public var state: String
    /// The sockets lie here; normally /run/roster.
    public var run: String
    /// The local account files lie here; another folder only in tests.
    public var etc = "/etc"

    /// Where `roster` asks.
    var controlSocket: String { run + "/control.sock" }
    /// Where the PAM module asks.
    var loginSocket: String { run + "/login.sock" }

    /// Paths below two folders.
    public init(state: String, run: String) {
        self.state = state
        self.run = run
    }
}

/// rosterd, from a validated configuration to its end.
public struct Daemon: Sendable {
    /// The version that `rosterd --version` prints.
    public static let version = RosterVersion.current

    let settings: Settings
    let configurationPath: String
    let paths: DaemonPaths
    let logger: Logger
    let clock = DaemonClock.system

    /// A daemon that has not begun yet.
    public init(
        settings: Settings, configurationPath: String, paths: DaemonPaths, isDebugging: Bool
    ) {
        self.settings = settings
        self.configurationPath = configurationPath
        self.paths = paths
        var logger = Logger(label: "rosterd") { _ in JournalLog() }
        logger.logLevel = isDebugging ? .debug : .info
        self.logger = logger
    }

    /// Writes one line to stderr, before there is a log.
    public static func complain(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    }

    /// Follows the directory until SIGTERM or SIGINT; false when it could not begin or had to end.
    public func run() async -> Bool {
        let passed = PassedSockets(
            PassedSockets.announced(), expecting: [paths.controlSocket, paths.loginSocket],
            logger: logger)
        Self.keepMemorySmall()
        do {
            let lock = try StateLock(stateDirectory: paths.state)
            try await serve(on: passed)
            _ = consume lock
            return true
        } catch {
            logger.critical("\(error)")
            return false
        }
    }

    private func serve(on sockets: PassedSockets) async throws {
        let notification = ServiceNotification()
        let board = StatusBoard(startedAt: clock.now(), uptime: clock.uptime())
        let mailbox = Mailbox()
        let background = NIOThreadPool(numberOfThreads: 4)
        background.start()
        let keeper = VerifierKeeper(
            directory: paths.state + "/store", policy: OfflinePolicy(settings.login), clock: clock,
            logger: logger)
        let context = EngineContext(
            settings: settings, paths: paths, board: board, mailbox: mailbox,
            background: background,
            follower: MirrorFollower(
                opened: { keeper.storeOpened($0) }, changed: { keeper.forget(after: $0) }),
            offlineVerifier: { keeper.acceptedAt($0) }, notification: notification, clock: clock,
            logger: logger)
        let control = try await ControlServer(
            endpoint: sockets.endpoint(at: paths.controlSocket),
            handler: DaemonControl(context: context, storeReader: context.storeReader),
            logger: logger)
        let login = try await LoginServer(
            endpoint: sockets.endpoint(at: paths.loginSocket),
            service: LoginService(context, keeper: keeper), logger: logger)
        var quiet = logger
        quiet.logLevel = .notice
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                // The last ends first: the logins, while there is still a store to decide them by.
                services: [SyncService(context: context), control, login],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
        try await group.run()
    }

    /// Gives memory of a load or rebuild back to the system instead of keeping it for the next one.
    static func keepMemorySmall() {
        mallopt(M_ARENA_MAX, 2)
        mallopt(M_MMAP_THRESHOLD, 128 * 1024)
        mallopt(M_TRIM_THRESHOLD, 128 * 1024)
    }
}
