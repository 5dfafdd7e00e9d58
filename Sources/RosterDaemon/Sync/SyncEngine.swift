// The engine: one thread that owns the store, follows the directory, and publishes what changes.
//
// Everything that changes the mirror happens here, in this order: a message of the directory (or a
// command, or a change of a local file) becomes changes of the store; one transaction stores them
// together with the cookie that covers them; one publication makes them visible.

internal import AccountStore
internal import Accounts
internal import CLibc
internal import DirectorySync
internal import LDAPClient
internal import Logging
internal import Settings

/// Follows the directory until the mailbox says stop, or the store has to be opened anew.
///
/// Made, used and ended by one thread.
@safe final class SyncEngine {
    let context: EngineContext
    let connector: DirectoryConnector
    let store: AccountStore
    let publisher: IndexPublisher
    /// The way to the store while a first load runs.
    let lane: StoreLane
    /// Whether no refresh has come to its end since the store was begun: nothing is published then.
    var isFirstLoad: Bool
    /// Whether a first load has ended and its log was not yet moved into the store's file.
    var hasLoaded = false
    /// What the local rules make of an entry, and what they ask the directory for.
    var rules: EntryRules
    /// The connection that is followed, or was last.
    var connection = ConnectionProgress()
    var comparisons: ComparisonProgress
    /// The server of the list that is tried first, and when the preferred one may be returned to.
    var servers = ServerChoice()
    /// Why a server of the list refused RFC 4533 on the last connection, by its place.
    var refusals: [Int: String] = [:]
    /// Who waits for the end of a refresh that was asked for.
    var waitingForRefresh: [@Sendable (CommandOutcome) -> Void] = []
    /// Why the next search begins without a cookie; `nil`: it begins where the stored one says.
    var fullRefreshReason: String?
    /// A cookie that the server handed out for the next search, by number of the search.
    var offeredCookies: [Int: [UInt8]] = [:]
    /// Why this engine has to make room for another one, which opens the store anew.
    var reopenReason: String?
    /// What about access rules the log has said last.
    var accessProblems: [String] = []
    /// When the local account files are read again after they could not be read.
    var localFilesRetryAt: Duration?
    /// Whether a thread is reading the schema; a server that hangs must not take one after the other.
    var isReadingSchema = false
    /// When it was last looked whether the store's file is there.
    private var storeSeenAt = Duration.zero
    private let localFiles: LocalFilesWatch
    private let waitSet: WaitSet
    private var backoff = Backoff()
    /// The pause before the connection that is followed.
    private var lastPause = Duration.zero
    /// Until when the directory is left alone between two connections; `nil`: it is not.
    private(set) var pausesUntil: Duration?

    var logger: Logger { context.logger }
    var now: Duration { context.clock.uptime() }
    var moment: PollMoment { PollMoment(uptime: now, time: context.clock.now()) }
    var random: Double { context.clock.random() }

    /// Opens index and store, and tells the service manager that the host can be served.
    ///
    /// Throws what keeps the daemon from working: the store cannot be opened, or the local account
    /// files cannot be read, without which nobody may be published.
    init(context: EngineContext) throws {
        self.context = context
        let settings = context.settings
        connector = DirectoryConnector(settings: settings)
        context.beat()
        publisher = IndexPublisher(context: context)
        context.notification.ready()
        context.beat()
        rules = try Self.rules(of: context)
        comparisons = ComparisonProgress(
            schedule: ComparisonSchedule(
                interval: settings.comparisonInterval, longestRest: settings.longestComparisonRest,
                now: context.clock.uptime(),
                jitter: context.clock.random()),
            longestRest: settings.longestComparisonRest)
        store = try AccountStore(
            directory: context.paths.state + "/store", rules: StoreRules(settings),
            now: context.clock.now(), blocksInForce: { IndexPublisher.blocksInForce(context) },
            progress: { context.beat() })
        lane = StoreLane(to: store)
        isFirstLoad = try store.reader.summary().isLoading
        context.storeReader.fill(store.reader)
        context.follower.opened(store.reader)
        localFiles = LocalFilesWatch(folder: context.paths.etc)
        waitSet = WaitSet([context.mailbox.wakeup.descriptor, localFiles.descriptor])
    }

    /// Follows the directory until the mailbox says stop.
    ///
    /// Throws when the store has to be opened anew.
    func run() throws(DirectoryFailure) {
        noteOpening()
        foldBlocks()
        publisher.hold()
        reevaluateIfRulesChanged()
        publisher.release()
        while !context.mailbox.isStopping, reopenReason == nil {
            do throws(DirectoryFailure) {
                try follow()
                connectionEnded(after: nil)
            } catch {
                connectionEnded(after: error)
            }
        }
        try? lane.finish()
        store.close()
        answerWaiting(.failed("rosterd is stopping", remedy: "try again when it runs again"))
        if let reopenReason, !context.mailbox.isStopping { throw DirectoryFailure(reopenReason) }
    }

    /// Waits for news from the connection, other threads or local files, at most `time`; whether the
    /// connection has any.
    func wait(on stream: borrowing DirectoryStream, atMost time: Duration) -> Bool {
        stream.session.wait(orFor: waitSet.descriptor, timeout: time) == .connection
    }

    /// Does what other threads asked for and what local files and the index demand.
    ///
    /// Returns why the stream has to end, or `nil` if it may go on.
    func attend() -> StreamEnd? {
        beat()
        noticeDeletedStore()
        noticeDamagedStore()
        if localFiles.drain() { localFilesChanged() }
        if let at = localFilesRetryAt, now >= at { localFilesChanged() }
        var end: StreamEnd?
        for command in context.mailbox.takeAll() {
            end = obey(command) ?? end
        }
        if !isFirstLoad {
            publisher.attend(store.reader)
            announceIfInSync()
        }
        return context.mailbox.isStopping || reopenReason != nil ? .stopping : end
    }

    /// Makes room for an engine with a new store when somebody deleted this one's: what is written to
    /// it would be lost at the end.
    private func noticeDeletedStore() {
        guard now - storeSeenAt >= .seconds(1) else { return }
        storeSeenAt = now
        let path = context.paths.state + "/store/store.sqlite"
        guard reopenReason == nil, unsafe access(path, F_OK) != 0, roster_errno() == ENOENT else {
            return
        }
        reopenReason = "\(path) was deleted by somebody else; it is filled anew"
    }

    /// Makes room for an engine that sets a damaged file aside, whoever met the damage: the rebuild of
    /// the index, a comparison, the command or a login.
    func noticeDamagedStore() {
        guard reopenReason == nil, let damage = store.damage else { return }
        reopenReason = damage.description
    }

    /// Shows that the thread lives.
    func beat() { context.beat() }

    /// The directory was reached and brought us up to date.
    func reached() {
        connection.followedSince = now
        servers.first = 0
    }

    /// Pauses before the next connection, unless this one was of use.
    ///
    /// A server that ends every search or connection at once, be it right after the refresh, must not
    /// be asked in a tight loop: the pauses grow until a connection was of use.
    private func connectionEnded(after failure: DirectoryFailure?) {
        let lasted = connection.followedSince.map { now - $0 } ?? .zero
        let wasOfUse = connection.wasOfUse(now: now, after: lastPause)
        if wasOfUse { backoff.reset() }
        connection.followedSince = nil
        lastPause = .zero
        if let failure {
            interrupted(failure)
        } else if lasted >= ConnectionProgress.longUse || !connection.wasRestarted {
            return
        }
        let isLoss = wasOfUse && failure != nil
        let time = isLoss ? backoff.afterLoss(random: random) : backoff.next(random: random)
        lastPause = time
        if failure == nil, time >= .seconds(1) { noteShortSearch(pause: time) }
        pause(time)
    }

    private func pause(_ time: Duration) {
        let end = now + time
        pausesUntil = end
        defer { pausesUntil = nil }
        while now < end, !context.mailbox.isStopping {
            waitForNews(atMost: min(end - now, .seconds(1)))
            if attend() != nil { return }
        }
    }

    /// Waits for news from other threads or local files, at most `time`.
    func waitForNews(atMost time: Duration) {
        waitSet.wait(atMost: time)
    }

    /// The local rules as configuration and local files have them now.
    static func rules(of context: EngineContext) throws(LocalAccountsError) -> EntryRules {
        let local = try LocalAccounts.load(root: context.paths.etc)
        let directory = context.settings.directory
        return EntryRules(
            policy: context.settings.accounts,
            scope: SearchScope(
                peopleBase: directory.peopleBase, groupsBase: directory.groupsBase,
                peopleFilter: directory.peopleFilter, groupsFilter: directory.groupsFilter,
                entryID: directory.entryID),
            local: local, shells: .ofThisHost())
    }
}

/// Why a stream comes to its end though nothing failed.
enum StreamEnd: Equatable {
    /// The engine ends.
    case stopping
    /// A new connection is wanted at once.
    case anew
}

/// One connection, from the search requests on.
struct ConnectionProgress {
    /// One search: the digest that its cookie depends on, and whether it still brings us up to date.
    struct Search {
        var digest: [UInt8]
        var isRefreshing = true
    }

    /// Counts connections.
    var number = 0
    /// The server of the list.
    var server = 0
    /// The server itself, also where the list names a domain.
    var uri = ""
    /// When it began, by the steady clock.
    var beganAt = Duration.zero
    /// Since when every search has brought us up to date; `nil`: not yet.
    var followedSince: Duration?
    var searches: [Search] = []
    /// Whether it lives.
    var isOpen = false
    /// How the server is followed.
    var strategy = SyncStrategy(.automatic, root: nil, entryID: "entryUUID")
    /// Whether only a comparison can tell that the mirror is what the directory is.
    var isUnproven = false
    /// Whether the persistent search beside the polling came to its end.
    var hasLostWakeUp = false
    /// How long the server took to answer a poll last.
    var answerTime = Duration.zero
    /// Whether it ended because a search has to begin anew.
    var wasRestarted = false
    /// Whether status and index were told that the mirror is what the directory is.
    var isAnnounced = false
    /// Whether some search of it began where an earlier one ended, and so showed only a part.
    var sawAPart = false
    /// Whether the schema was asked for beside it.
    var hasReadSchema = false
    /// Entries of the running refresh when the log last spoke of it.
    var loggedProgress = 0

    /// Whether a search still brings us up to date.
    var isRefreshing: Bool { searches.contains(where: \.isRefreshing) }

    /// Whether the server has brought us up to date.
    var wasFollowing: Bool { !searches.isEmpty && !isRefreshing }

    /// Whether the directory is followed: every search brought us up to date and goes on.
    var isFollowing: Bool { isOpen && wasFollowing }

    /// A connection that followed the directory for so long has been of use whatever came before.
    static let longUse = Duration.seconds(10)

    /// Whether it followed the directory for a while: a second at least, longer after a longer pause,
    /// and not for less than it took to be brought up to date.
    func wasOfUse(now: Duration, after pause: Duration) -> Bool {
        guard let since = followedSince else { return false }
        let least = min(max(pause * 4, .seconds(1)), Self.longUse)
        return now - since >= max(least, since - beganAt)
    }
}

/// Which server is tried first.
struct ServerChoice {
    /// Place in the list.
    var first = 0
    /// When the preferred server is looked at again.
    var returnAt = Duration.zero
    /// Whether somebody is looking.
    var isProbing = false
}
