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
}

/// The persist searches on one session.
///
/// One thread makes it, uses it and lets it go.
@safe struct DirectoryStream: ~Copyable {
    let session: LDAPSession
    private var searches: [RunningSearch] = []
    private var question: LDAPMessageID?

    private struct RunningSearch {
        let id: LDAPMessageID
        let index: Int
        var sync: SyncreplSession
    }

    /// A stream without searches.
    init(session: consuming LDAPSession) {
        self.session = session
    }

    /// Whether any search still brings us up to date.
    var isRefreshing: Bool {
        searches.contains { $0.sync.stage == .refresh }
    }

    /// Entries and identities received by the refreshes so far.
    var refreshedCount: Int {
        searches.reduce(0) { $0 + $1.sync.refreshedCount }
    }

    /// Starts a search of the plan where the cookie says, or from the beginning.
    mutating func start(
        _ search: LDAPSearch, index: Int, cookie: [UInt8]?, containers: ContainerWatch
    ) throws(DirectoryFailure) {
        var search = search
        let sync = SyncreplSession(storedCookie: cookie, containers: containers)
        let request = SyncRequestControl(mode: .refreshAndPersist, cookie: sync.cookieToSend)
        search.controls = [request.control]
        do throws(LDAPError) {
            let id = try session.start(search)
            searches.append(RunningSearch(id: id, index: index, sync: sync))
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
    mutating func next() throws(DirectoryFailure) -> [StreamEvent]? {
        let received: (LDAPMessageID, SyncMessage)?
        do throws(LDAPError) {
            received = try nextSyncMessage()
        } catch {
            throw DirectoryFailure(error.description)
        }
        guard let (id, message) = received else { return nil }
        if id == question {
            question = nil
            return [.alive]
        }
        guard let position = searches.firstIndex(where: { $0.id == id }) else { return [] }
        do throws(SyncError) {
            // In place: the session holds the identities of everything seen in the refresh.
            var changes = try searches[position].sync.receive(message)
            if searches[position].sync.stage == .over, !changes.contains(where: \.endsSearch) {
                let reason = "the server does not keep the search open"
                changes.append(.restart(.withStoredCookie(reason: reason)))
            }
            let index = searches[position].index
            return changes.map { .change($0, search: index) }
        } catch {
            throw DirectoryFailure("\(session.options.uri): \(error)")
        }
    }

    private func nextSyncMessage() throws(LDAPError) -> (LDAPMessageID, SyncMessage)? {
        guard let message = try session.nextMessage(timeout: .zero) else { return nil }
        return (message.id, try SyncMessage(message))
    }
}

extension SyncChange {
    /// Whether it says how the next search begins.
    fileprivate var endsSearch: Bool {
        if case .restart = self { true } else { false }
    }
}
