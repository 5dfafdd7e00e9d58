// Following a directory that does not tell of its changes, as a value: messages in, instructions out.
//
//     everything ──success──▶ idle ⇄ what changed since, what somebody named
//
// What can be known this way. A listing that came to its successful end shows what exists: whatever
// else is stored is gone. A search for newer stamps shows what is new, changed, renamed or moved here,
// and never what went or stopped matching: that is left to the comparison, or to whoever names an
// entry (a persistent search), which is then read by its identity. Any other end than success proves
// nothing and is an error.
//
// Stamps have whole seconds, servers replicate to each other late, and their clocks differ. So each
// search looks back by ``PollSession/overlap`` from where the server's clock stood when the one before
// began, and what comes again with the same content is dropped. What arrives later still (a replica
// that was cut off) is found by the comparison.

public import Accounts
internal import LDAPClient

/// A search that is asked again and again for what changed.
///
/// Send what ``nextRequest(now:)`` says, feed it every message of the answer in order, and carry out
/// what it says. Nothing here waits.
public struct PollSession: Sendable {
    /// What to search for next.
    public enum Request: Hashable, Sendable {
        /// All entries.
        case everything
        /// Entries with a modifyTimestamp of at least this GeneralizedTime.
        case changed(since: String)
        /// Entries with these identities, a few.
        case entries([EntryUUID])
    }

    /// How far each search looks back, in seconds: for clocks that differ and replicas that lag.
    public static let overlap: Int64 = 60
    /// The least time between two searches on behalf of a persistent search.
    public static let leastPause = Duration.milliseconds(100)
    /// Entries that one search names at most, and how many may wait for it.
    private static let namedAtOnce = 50
    private static let mostNamed = 1000
    /// A cookie is stored with every change, and at least when the one stored is so old, in seconds.
    private static let cookieAge: Int64 = 600

    /// Whether the first search has not come to its end.
    public private(set) var isRefreshing = true
    /// Entries received by it, for a display of progress.
    public private(set) var refreshedCount = 0

    /// How long the last search took.
    public private(set) var answerTime = Duration.zero

    private let interval: Duration
    private let family: ServerFamily
    private let entryID: EntryIDAttribute
    private var containers: ContainerWatch
    private var clock = ServerClock()
    private var recent = RecentEntries()
    /// Where the next search goes on; `nil`: at the beginning.
    private var watermark: Int64?
    private var storedWatermark: Int64?
    private var running: RunningRequest?
    private var dueAt: Duration
    private var pausedUntil = Duration.zero
    private var named: [EntryUUID] = []
    /// Whether a search by identities has ever found one: it may lack the right to.
    private var findsByIdentity = false
    /// Whether a comparison was asked for because none was found.
    private var doubtsIdentity = false
    /// Whether every entry of the last full listing showed its modifyTimestamp.
    private var seesAllStamps = true

    private struct RunningRequest {
        var request: Request
        var begunAt: Duration
        var heardAt: Duration
        var entries = 0
        var unidentified = 0
        /// Entries without a modifyTimestamp that we may read.
        var unstamped = 0
        var changed = false
        var present = PresenceCollector()
        var found: Set<EntryUUID> = []
    }

    /// A session at its beginning.
    ///
    /// - Parameters:
    ///   - storedCookie: the cookie stored last; what no session wrote, or one whose clock was ahead
    ///     of this one, is taken for none.
    ///   - interval: from the beginning of one search to that of the next.
    ///   - entryID: the attribute with the identity of an entry.
    ///   - family: which program the server is, for remedies.
    ///   - containers: the containers stored so far.
    ///   - now: the time.
    public init(
        storedCookie: [UInt8]?, interval: Duration, entryID: EntryIDAttribute,
        family: ServerFamily = .other, containers: ContainerWatch = ContainerWatch(),
        now: PollMoment
    ) {
        self.interval = interval
        self.family = family
        self.entryID = entryID
        self.containers = containers
        dueAt = now.uptime
        watermark = storedCookie.flatMap(PollCookie.time).flatMap { $0 <= now.time ? $0 : nil }
        storedWatermark = watermark
        if let watermark { clock.note(watermark, now: now) }
    }

    /// When there is something to ask; `nil` while an answer is awaited.
    public var nextDueAt: Duration? {
        guard running == nil else { return nil }
        return named.isEmpty || isRefreshing ? dueAt : min(dueAt, pausedUntil)
    }

    /// How long the running search has been without a message; `nil`: none is running.
    public func silence(now: Duration) -> Duration? {
        running.map { now - $0.heardAt }
    }

    /// What to search for now; `nil`: nothing yet.
    public mutating func nextRequest(now: PollMoment) -> Request? {
        guard let due = nextDueAt, now.uptime >= due else { return nil }
        let request: Request
        if !isRefreshing, !named.isEmpty, now.uptime < dueAt {
            request = .entries(Array(named.prefix(Self.namedAtOnce)))
            named.removeFirst(min(Self.namedAtOnce, named.count))
        } else if let watermark {
            request = .changed(since: DirectoryNumbers.text(ofTime: watermark - Self.overlap))
        } else {
            request = .everything
        }
        running = RunningRequest(request: request, begunAt: now.uptime, heardAt: now.uptime)
        return request
    }

    // MARK: Wake-up

    /// Somebody says that an entry changed: it is read soon.
    ///
    /// When so many are named that a search for newer stamps costs less, that is made, with a
    /// comparison for what it does not show. Returns what is to be done at once.
    public mutating func wake(_ uuid: EntryUUID, now: Duration) -> [SyncChange] {
        guard !named.contains(uuid) else { return [] }
        guard named.count < Self.mostNamed else {
            named = []
            wake(now: now)
            return [.compareSoon(reason: "many entries changed at once")]
        }
        named.append(uuid)
        return []
    }

    /// Somebody says that something changed: search as soon as may be.
    public mutating func wake(now: Duration) {
        dueAt = min(dueAt, max(now, pausedUntil))
    }

    // MARK: Messages

    /// Takes in a message of the running search and says what to do.
    ///
    /// Throws ``SyncError`` when the search ended otherwise than by success; the session is over
    /// then and nothing is swept.
    public mutating func receive(
        _ message: PollMessage, now: PollMoment
    ) throws(SyncError) -> [SyncChange] {
        guard running != nil else { return [] }
        running?.heardAt = now.uptime
        switch message {
        case .entry(let entry): return receive(entry, now: now)
        case .unidentified:
            running?.unidentified += 1
            return []
        case .committed, .other: return []
        case .partial(let entry, _):
            throw SyncError(incomplete: entry.dn, "the server sends its values in parts")
        case .done(.success, _, _): return try finish(now: now)
        case .done(let code, let diagnostic, _):
            throw SyncError(
                code: code, diagnostic: diagnostic, family: family, after: running?.entries)
        }
    }

    private mutating func receive(_ entry: DirectoryEntry, now: PollMoment) -> [SyncChange] {
        running?.entries += 1
        if isRefreshing { refreshedCount += 1 }
        var isNews = true
        let stamp = entry.attributes.firstValue(of: "modifytimestamp")
            .flatMap { DirectoryNumbers.generalizedTime($0) }
        if let stamp {
            clock.note(stamp, now: now)
            if stamp >= (clock.time(at: now.uptime) ?? stamp) - 2 * Self.overlap {
                isNews = !recent.note(entry, stamp: stamp)
            }
        } else {
            running?.unstamped += 1
        }
        switch running?.request {
        case .everything: running?.present.insert(entry.uuid)
        case .entries: running?.found.insert(entry.uuid)
        case .changed, nil: break
        }
        guard isNews || running?.request == .everything else { return [] }
        running?.changed = true
        let reason = containers.receive(.modify, entry)
        guard !isRefreshing, let reason else { return [.upsert(entry)] }
        return [.upsert(entry), .compareNow(reason: reason)]
    }

    private mutating func finish(now: PollMoment) throws(SyncError) -> [SyncChange] {
        guard var ended = running.take() else { return [] }
        guard ended.request != .everything || ended.entries > 0 || ended.unidentified == 0 else {
            throw SyncError(noIdentity: entryID.name)
        }
        let taken = max(.zero, now.uptime - ended.begunAt)
        pausedUntil = now.uptime + max(Self.leastPause, taken)
        answerTime = taken
        var changes: [SyncChange] = []
        switch ended.request {
        case .entries(let uuids):
            findsByIdentity = findsByIdentity || !ended.found.isEmpty
            guard findsByIdentity else {
                // Nothing was ever found this way: gone, or the attribute may not be searched.
                let reason = "no entry was found by its \(entryID.name) yet"
                defer { doubtsIdentity = true }
                return [doubtsIdentity ? .compareSoon(reason: reason) : .compareNow(reason: reason)]
            }
            for uuid in uuids where !ended.found.contains(uuid) {
                recent.forget(uuid)
                changes.append(.delete(uuid))
                if let reason = containers.remove(uuid) {
                    changes.append(.compareNow(reason: reason))
                }
            }
            return changes
        case .everything:
            changes.append(
                .refreshEnded(RefreshOutcome(isComplete: true, present: ended.present.take())))
        case .changed:
            if isRefreshing {
                changes.append(.refreshEnded(RefreshOutcome(isComplete: false, present: nil)))
            }
        }
        isRefreshing = false
        dueAt = max(ended.begunAt + interval, pausedUntil)
        if ended.request == .everything { seesAllStamps = ended.unstamped == 0 }
        guard seesAllStamps else {
            // A change without a stamp would never be asked for: everything is read each time, with a
            // rest that keeps this a small part of the server's work.
            watermark = nil
            dueAt = max(dueAt, now.uptime + taken * ComparisonSchedule.leastRest)
            return changes
        }
        advance(to: ended.begunAt)
        if let watermark, ended.changed || isStale(watermark) {
            storedWatermark = watermark
            changes.append(.newCookie(PollCookie.octets(watermark)))
        }
        return changes
    }

    /// Everything that changes from `uptime` on has a stamp no older than the watermark.
    private mutating func advance(to uptime: Duration) {
        guard let time = clock.time(at: uptime) else { return }
        watermark = time
        recent.forget(before: time - Self.overlap)
    }

    private func isStale(_ watermark: Int64) -> Bool {
        guard let storedWatermark else { return true }
        return watermark - storedWatermark >= Self.cookieAge
    }
}
