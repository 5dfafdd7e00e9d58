// What `roster status` shows of the running daemon; written by the sync thread, read by others.

internal import Accounts
internal import DirectorySync
internal import Synchronization

/// Where the mirror stands against the directory.
enum MirrorState: Sendable, Equatable {
    /// No connection was tried yet.
    case starting
    /// A refresh is running: entries received so far, and how many there were last time, if known.
    case loading(received: Int, expected: Int?, since: Int64)
    /// The refresh ended and the stream is healthy, since this moment.
    case inSync(since: Int64)
    /// Not following the directory since this moment, and why.
    case interrupted(since: Int64, reason: String)
}

/// A snapshot of the daemon's state.
///
/// Times are seconds since the epoch.
struct MirrorStatus: Sendable {
    var state: MirrorState = .starting
    var serverURI: String?
    /// How the server is followed, and what may be expected of it; `nil`: not known yet.
    var strategy: SyncStrategy.Method?
    var promise: FollowPromise?
    var startedAt: Int64
    /// Last moment the directory sent or answered anything.
    var lastContact: Int64?
    /// Last end of a refresh or clean comparison.
    var lastVerified: Int64?
    var nextComparison: Int64?
    /// The newest published generation, and what both files of the index take on disk.
    var generation: UInt64 = 0
    var indexOctets: Int64 = 0
    /// When the sync thread last showed that it lives, by the steady clock.
    var heartbeat: Duration
    /// From arrival to publication of the last changes, newest last.
    var delays: [Duration] = []
    /// People and groups that changed since the daemon started.
    var changes: UInt64 = 0
    /// Publications since the daemon started, and those that rebuilt the base.
    var publications: UInt64 = 0
    var rebuilds: UInt64 = 0
    /// What is wrong with configuration or schema though the daemon runs; each with its remedy.
    var complaints: [String] = []
    /// What happened to the store when it was opened.
    var storeNotes: [String] = []
    var isStoreSetAside = false
    var isJournalLost = false
    /// Connections made since the daemon started.
    var connections: UInt64 = 0
    /// What went wrong last; `nil` while nothing is wrong.
    var lastError: String?
}

/// The status, shared between threads.
final class StatusBoard: Sendable {
    private let status: Mutex<MirrorStatus>
    private static let keptDelays = 500

    /// A board for a daemon that starts now.
    init(startedAt: Int64, uptime: Duration) {
        status = Mutex(MirrorStatus(startedAt: startedAt, heartbeat: uptime))
    }

    /// The status now.
    var current: MirrorStatus {
        status.withLock { $0 }
    }

    /// Notes how long a change took from its arrival to its publication.
    func noteDelay(_ delay: Duration) {
        status.withLock { status in
            if status.delays.count == Self.keptDelays { status.delays.removeFirst() }
            status.delays.append(delay)
        }
    }

    /// Changes the status.
    func update(_ change: (inout sending MirrorStatus) -> Void) {
        status.withLock { change(&$0) }
    }
}
