// One connection that follows the directory: the searches that run on it and what they deliver.

internal import Accounts
internal import DirectorySync
internal import LDAPClient

/// What came out of a stream, for the store and for the engine.
enum StreamEvent {
    /// Something changed or ended in one of the searches.
    case change(SyncChange, search: Int)
    /// The server answered the question who we are.
    case alive
    /// The server answered a search that comes again and again, in this time.
    case polled(took: Duration)
    /// The persistent search is over, for this reason.
    case wakeUpLost(String)
}

/// The searches on one session.
///
/// One thread makes it, uses it and lets it go.
@safe struct DirectoryStream: ~Copyable {
    let session: LDAPSession
    let strategy: SyncStrategy
    /// How long a search may be without a message.
    private let patience: Duration
    private var searches: [RunningSearch] = []
    private var question: LDAPMessageID?
    private var wakeUp: WakeUpSearch?
    /// Where a persistent search that came to its end begins again.
    private var wakeUpToRenew: String?

    private struct RunningSearch {
        let index: Int
        var feed: any SearchFeed
        var id: LDAPMessageID?
    }

    /// A stream without searches.
    init(session: consuming LDAPSession, strategy: SyncStrategy, patience: Duration) {
        self.session = session
        self.strategy = strategy
        self.patience = patience
    }

    /// Whether any search still brings us up to date.
    var isRefreshing: Bool {
        searches.contains { $0.feed.isRefreshing }
    }

    /// Entries and identities received by the refreshes so far.
    var refreshedCount: Int {
        searches.reduce(0) { $0 + $1.feed.refreshedCount }
    }

    /// The moment at which something has to be sent; `nil`: only answers are awaited.
    var nextDueAt: Duration? {
        searches.compactMap { $0.feed.nextDueAt }.min()
    }

    /// Takes up a search; ``advance(now:)`` sends it.
    mutating func add(_ feed: any SearchFeed, index: Int) {
        searches.append(RunningSearch(index: index, feed: feed))
    }

    /// Has the server tell when something below `base` changes.
    mutating func startWakeUp(below base: String, now: Duration) throws(DirectoryFailure) {
        let search = WakeUpSearch.request(below: base, strategy)
        wakeUp = WakeUpSearch(
            id: try start(search), base: base, strategy, now: now)
    }

    /// Sends what is due; throws when an answer is overdue.
    mutating func advance(now: PollMoment) throws(DirectoryFailure) {
        if let base = wakeUpToRenew {
            wakeUpToRenew = nil
            try startWakeUp(below: base, now: now.uptime)
        }
        for position in searches.indices {
            if let silence = searches[position].feed.silence(now: now.uptime), silence > patience {
                throw DirectoryFailure(
                    "\(session.options.uri): no answer to a search for \(patience); is the server "
                        + "overloaded?")
            }
            guard let search = searches[position].feed.nextSearch(now: now) else { continue }
            searches[position].id = try start(search)
        }
    }

    private func start(_ search: LDAPSearch) throws(DirectoryFailure) -> LDAPMessageID {
        do throws(LDAPError) {
            return try session.start(search)
        } catch {
            throw DirectoryFailure(error.description)
        }
    }

    /// Asks the server who we are; the answer comes as ``StreamEvent/alive``.
    mutating func ask() throws(DirectoryFailure) {
        do throws(LDAPError) {
            question = try session.startWhoAmI()
        } catch {
            throw DirectoryFailure(error.description)
        }
    }

    /// What has already arrived, one message at a time; `nil` when there is nothing more.
    ///
    /// Throws when the connection broke, or a search ended for a reason that a new one does not
    /// mend. Does not block.
    mutating func next(now: PollMoment) throws(DirectoryFailure) -> [StreamEvent]? {
        do throws(FeedFailure) {
            return try takeNext(now: now)
        } catch {
            switch error {
            case .message(let error): throw DirectoryFailure(error.description)
            case .search(let error):
                throw DirectoryFailure("\(session.options.uri): \(error)", kind: error.kind)
            }
        }
    }

    private mutating func takeNext(now: PollMoment) throws(FeedFailure) -> [StreamEvent]? {
        let received: LDAPMessage?
        do throws(LDAPError) {
            received = try session.nextMessage(timeout: .zero)
        } catch {
            throw .message(error)
        }
        guard let message = received else { return nil }
        return try take(message, now: now)
    }

    private mutating func take(
        _ message: borrowing LDAPMessage, now: PollMoment
    ) throws(FeedFailure) -> [StreamEvent] {
        if message.id == question {
            question = nil
            return [.alive]
        }
        if let wakeUp, message.id == wakeUp.id { return wake(try wakeUp.receive(message), now) }
        guard let position = searches.firstIndex(where: { $0.id == message.id }) else { return [] }
        let index = searches[position].index
        let changes = try searches[position].feed.receive(message, now: now)
        var events = changes.map { StreamEvent.change($0, search: index) }
        if strategy.asks, message.kind == .searchResult {
            events.append(.polled(took: searches[position].feed.answerTime))
        }
        return events
    }

    private mutating func wake(_ news: WakeUpNews, _ now: PollMoment) -> [StreamEvent] {
        var events: [StreamEvent] = []
        switch news {
        case .changed(let uuid, let mayBeGone):
            for position in searches.indices {
                let index = searches[position].index
                let changes = searches[position].feed.wake(uuid, now: now.uptime)
                events += changes.map { .change($0, search: index) }
            }
            if uuid == nil, mayBeGone {
                let reason = "the server tells of an entry that went, without its identity"
                events.append(.change(.compareSoon(reason: reason), search: 0))
            }
        case .over(let reason):
            if let ended = wakeUp, ended.wasOfUse(now: now.uptime) {
                wakeUpToRenew = ended.base
                for position in searches.indices {
                    _ = searches[position].feed.wake(nil, now: now.uptime)
                }
            } else {
                events.append(.wakeUpLost(reason))
            }
            wakeUp = nil
        case .nothing: break
        }
        return events
    }
}
