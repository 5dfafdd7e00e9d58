// A search that stays open beside those that ask (persistent search, or the change notification of
// Active Directory): it says when to ask, and is never believed.

internal import Accounts
internal import DirectorySync
internal import LDAPClient

/// What a message of a persistent search says.
enum WakeUpNews {
    /// An entry changed; without identity the server did not show it.
    case changed(EntryUUID?, mayBeGone: Bool)
    /// The search is over, and why.
    case over(String)
    /// Nothing of interest.
    case nothing
}

/// A running persistent search.
struct WakeUpSearch {
    let id: LDAPMessageID
    /// Where it begins.
    let base: String
    private let entryID: EntryIDAttribute
    /// Whether a message says no more than that something changed.
    private let namesNothing: Bool
    private let begunAt: Duration

    /// A search that lived so long is begun again: some servers count what they tell towards a limit.
    private static let goodAge = Duration.seconds(60)

    /// A search that was sent.
    init(id: LDAPMessageID, base: String, _ strategy: SyncStrategy, now: Duration) {
        self.id = id
        self.base = base
        entryID = strategy.entryID
        namesNothing = strategy.method == .usn
        begunAt = now
    }

    /// Whether it may be begun again when it comes to its end now.
    func wasOfUse(now: Duration) -> Bool {
        now - begunAt >= Self.goodAge
    }

    /// The search for every change below a DN.
    ///
    /// It matches everything: servers say nothing of an entry that no longer matches.
    static func request(below base: String, _ strategy: SyncStrategy) -> LDAPSearch {
        let controls =
            strategy.method == .usn
            ? [.changeNotification, .showDeleted] : [PersistentSearchControl().control]
        return LDAPSearch(
            base: base, scope: .subtree, filter: "(objectClass=*)",
            attributes: [strategy.entryID.name], controls: controls)
    }

    /// What a message says; throws when it is malformed.
    func receive(_ message: borrowing LDAPMessage) throws(FeedFailure) -> WakeUpNews {
        do throws(LDAPError) {
            return try read(message)
        } catch {
            throw .message(error)
        }
    }

    private func read(_ message: borrowing LDAPMessage) throws(LDAPError) -> WakeUpNews {
        switch message.kind {
        case .entry where namesNothing: return .changed(nil, mayBeGone: false)
        case .entry:
            let value = try message.entryControl(EntryChangeNotification.oid) ?? []
            let change = (try? EntryChangeNotification(decoding: value))?.change
            let entry = try PollMessage(message, entryID: entryID)
            let mayBeGone = change != .add && change != .modify
            if case .entry(let entry) = entry {
                return .changed(entry.uuid, mayBeGone: mayBeGone)
            }
            return .changed(nil, mayBeGone: mayBeGone)
        case .searchResult:
            let result = try message.result()
            return .over("\(result.code.rawValue) \(result.diagnostic)")
        case .reference, .intermediate, .bindResult, .extendedResult, .other: return .nothing
        }
    }
}
