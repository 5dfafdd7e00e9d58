// What arrived since the last transaction, in the order in which it arrived.

internal import AccountStore
internal import Accounts
internal import DirectorySync

/// Changes on their way into one transaction.
struct ChangeBatch {
    /// What was received, in order.
    private var changes: [Received] = []
    /// The newest cookie of each search; it covers the changes before it.
    private(set) var cookies: [Int: [UInt8]] = [:]
    /// Searches whose refresh ended, and how.
    private(set) var ended: [(search: Int, outcome: RefreshOutcome)] = []
    /// Entries that the stream said something about: a comparison leaves them alone.
    private(set) var touched: [EntryUUID] = []
    /// Something changed that the searches do not show.
    private(set) var hintsAtChangesOutside = false
    /// A container changed, and with it the DNs of everything in it.
    private(set) var comparisonReason: String?
    /// Something went or moved, and nobody said what.
    private(set) var wantsComparisonSoon = false
    /// The search is over, and how the next one begins.
    private(set) var restart: (search: Int, SyncRestart)?
    /// Something received: an entry is looked at by the local rules only when the batch is stored.
    private enum Received {
        case entry(DirectoryEntry, search: Int)
        case other(StoreChange)
    }

    /// When the first change arrived, by the steady clock.
    private(set) var beganAt: Duration?

    /// Entries of a refresh that one transaction takes, and how long the first may wait.
    private static let largest = 2000
    private static let longest = Duration.milliseconds(200)

    /// Whether nothing was received.
    var isEmpty: Bool {
        changesNothing && restart == nil && !hintsAtChangesOutside && comparisonReason == nil
            && !wantsComparisonSoon
    }

    /// Whether there is nothing to store.
    var changesNothing: Bool {
        changes.isEmpty && cookies.isEmpty && ended.isEmpty
    }

    /// Whether no more may be added before it is stored.
    ///
    /// The end of a refresh ends its batch: what comes after it is live.
    var isFull: Bool {
        changes.count >= Self.largest || restart != nil || !ended.isEmpty
    }

    /// Whether it is time to store it: at once when the stream is live, in larger pieces while a
    /// refresh delivers thousands.
    func isDue(now: Duration, isRefreshing: Bool) -> Bool {
        guard !isEmpty else { return false }
        guard isRefreshing, !isFull else { return true }
        return now - (beganAt ?? now) >= Self.longest
    }

    /// The changes for the store, in order, as the local rules see them.
    func changes(by rules: EntryRules) -> [StoreChange] {
        changes.map { received in
            switch received {
            case .entry(let entry, let search): .upsert(rules.evaluate(entry), search: search)
            case .other(let change): change
            }
        }
    }

    /// Takes in what a search says.
    mutating func add(_ change: SyncChange, search: Int, now: Duration) {
        if beganAt == nil { beganAt = now }
        switch change {
        case .upsert(let entry):
            touched.append(entry.uuid)
            changes.append(.entry(entry, search: search))
        case .delete(let uuid):
            touched.append(uuid)
            changes.append(.other(.remove(uuid, search: search)))
        case .refreshEnded(let outcome):
            ended.append((search, outcome))
            if let present = outcome.present {
                changes.append(.other(.sweep(search: search, keeping: Set(present.sorted))))
            }
        case .newCookie(let cookie): cookies[search] = cookie
        case .changedOutside: hintsAtChangesOutside = true
        case .compareNow(let reason): comparisonReason = reason
        case .compareSoon: wantsComparisonSoon = true
        case .restart(let how): restart = (search, how)
        }
    }
}
