// The ways in which the searches of a connection are fed, behind one face: messages in, changes out.

internal import Accounts
internal import DirectorySync
internal import LDAPClient

/// One planned search and how it is followed.
protocol SearchFeed {
    /// Whether it still brings us up to date.
    var isRefreshing: Bool { get }
    /// Entries and identities received by the refresh so far.
    var refreshedCount: Int { get }
    /// When it has something to send; `nil`: an answer is awaited.
    var nextDueAt: Duration? { get }

    /// How long the server took to answer last; zero where it sends by itself.
    var answerTime: Duration { get }

    /// What to send now; `nil`: nothing.
    mutating func nextSearch(now: PollMoment) -> LDAPSearch?

    /// Takes in a message of the search sent last.
    ///
    /// Throws when the search ended for a reason that a new one does not mend.
    mutating func receive(
        _ message: borrowing LDAPMessage, now: PollMoment
    ) throws(FeedFailure) -> [SyncChange]

    /// A persistent search says that an entry changed; `nil`: it does not say which.
    mutating func wake(_ uuid: EntryUUID?, now: Duration) -> [SyncChange]

    /// How long an answer has been awaited without a message, where that proves a fault.
    func silence(now: Duration) -> Duration?
}

/// Why a search cannot go on.
enum FeedFailure: Error {
    /// A message is malformed.
    case message(LDAPError)
    /// The search was refused or cut short.
    case search(SyncError)
}

/// Content synchronisation (RFC 4533): one search that stays open.
struct SyncreplFeed: SearchFeed {
    private var session: SyncreplSession
    private var search: LDAPSearch?

    /// A search where the cookie says, or from the beginning.
    init(
        _ planned: SearchPlan.Search, cookie: [UInt8]?, containers: ContainerWatch,
        family: ServerFamily
    ) {
        session = SyncreplSession(storedCookie: cookie, containers: containers, family: family)
        let request = SyncRequestControl(mode: .refreshAndPersist, cookie: session.cookieToSend)
        search = LDAPSearch(
            base: planned.base, scope: .subtree, filter: planned.filter,
            attributes: planned.attributes, controls: [request.control])
    }

    var isRefreshing: Bool { session.stage == .refresh }
    var refreshedCount: Int { session.refreshedCount }
    var nextDueAt: Duration? { search == nil ? nil : .zero }
    var answerTime: Duration { .zero }

    mutating func nextSearch(now: PollMoment) -> LDAPSearch? {
        search.take()
    }

    mutating func receive(
        _ message: borrowing LDAPMessage, now: PollMoment
    ) throws(FeedFailure) -> [SyncChange] {
        let decoded: SyncMessage
        do throws(LDAPError) {
            decoded = try SyncMessage(message)
        } catch {
            throw .message(error)
        }
        do throws(SyncError) {
            // In place: the session holds the identities of everything seen in the refresh.
            var changes = try session.receive(decoded)
            if session.stage == .over, !changes.contains(where: \.endsSearch) {
                let reason = "the server does not keep the search open"
                changes.append(.restart(.withStoredCookie(reason: reason)))
            }
            return changes
        } catch {
            throw .search(error)
        }
    }

    func wake(_ uuid: EntryUUID?, now: Duration) -> [SyncChange] { [] }

    func silence(now: Duration) -> Duration? { nil }
}

/// Polling: an ordinary search again and again.
struct PollFeed: SearchFeed {
    private var session: PollSession
    private let planned: SearchPlan.Search
    private let entryID: EntryIDAttribute

    /// A search where the cookie says, or from the beginning.
    init(_ planned: SearchPlan.Search, entryID: EntryIDAttribute, session: PollSession) {
        self.planned = planned
        self.entryID = entryID
        self.session = session
    }

    var isRefreshing: Bool { session.isRefreshing }
    var refreshedCount: Int { session.refreshedCount }
    var nextDueAt: Duration? { session.nextDueAt }
    var answerTime: Duration { session.answerTime }

    mutating func nextSearch(now: PollMoment) -> LDAPSearch? {
        session.nextRequest(now: now).map { planned.asked(for: $0, entryID: entryID) }
    }

    mutating func receive(
        _ message: borrowing LDAPMessage, now: PollMoment
    ) throws(FeedFailure) -> [SyncChange] {
        let decoded = try PollMessage.decoded(message, entryID: entryID)
        do throws(SyncError) {
            return try session.receive(decoded, now: now)
        } catch {
            throw .search(error)
        }
    }

    mutating func wake(_ uuid: EntryUUID?, now: Duration) -> [SyncChange] {
        if let uuid { return session.wake(uuid, now: now) }
        session.wake(now: now)
        return []
    }

    func silence(now: Duration) -> Duration? { session.silence(now: now) }
}

/// Change numbers of Active Directory: ordinary searches again and again.
struct USNFeed: SearchFeed {
    private var session: USNSession
    private let planned: SearchPlan.Search
    private let context: String
    private let entryID: EntryIDAttribute

    /// A search where the cookie says, or from the beginning.
    ///
    /// `context` is the top of the tree that holds the base.
    init(
        _ planned: SearchPlan.Search, in context: String, entryID: EntryIDAttribute,
        session: USNSession
    ) {
        self.planned = planned
        self.context = context
        self.entryID = entryID
        self.session = session
    }

    var isRefreshing: Bool { session.isRefreshing }
    var refreshedCount: Int { session.refreshedCount }
    var nextDueAt: Duration? { session.nextDueAt }
    var answerTime: Duration { session.answerTime }

    mutating func nextSearch(now: PollMoment) -> LDAPSearch? {
        session.nextStep(now: now).map { planned.asked(for: $0, in: context, entryID: entryID) }
    }

    mutating func receive(
        _ message: borrowing LDAPMessage, now: PollMoment
    ) throws(FeedFailure) -> [SyncChange] {
        let decoded = try PollMessage.decoded(message, entryID: entryID)
        do throws(SyncError) {
            return try session.receive(decoded, now: now)
        } catch {
            throw .search(error)
        }
    }

    mutating func wake(_ uuid: EntryUUID?, now: Duration) -> [SyncChange] {
        session.wake(now: now)
        return []
    }

    func silence(now: Duration) -> Duration? { session.silence(now: now) }
}

extension PollMessage {
    fileprivate static func decoded(
        _ message: borrowing LDAPMessage, entryID: EntryIDAttribute
    ) throws(FeedFailure) -> PollMessage {
        do throws(LDAPError) {
            return try PollMessage(message, entryID: entryID)
        } catch {
            throw .message(error)
        }
    }
}

extension SyncChange {
    /// Whether it says how the next search begins.
    fileprivate var endsSearch: Bool {
        if case .restart = self { true } else { false }
    }
}
