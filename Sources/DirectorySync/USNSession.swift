// Following Active Directory and AD LDS, as a value: messages in, instructions out.
//
//     everything ──▶ committed ──news──▶ changed ──▶ ours ──▶ idle ──▶ committed ...
//
// Every change gives an entry a larger change number (uSNChanged), also one that deletes, moves or
// renames it; the numbers are one server's own. One cycle asks, in this order:
//
//  1. committed: up to which number everything is committed. Nothing new: the cycle is over.
//  2. changed: the identities of whatever in the whole tree changed since the last cycle, deleted or
//     not.
//  3. ours: what of it matches and is below the base, with its attributes. Since this was asked for
//     after 2, and numbers only grow, whatever is in 2 and not in 3 is not ours any more: it was
//     deleted, moved away or stopped matching.
//
// The next cycle begins behind the number of step 1, not behind the largest one seen: a transaction
// that is still running may have a smaller one. What is seen twice for that reason does no harm.
//
// While a long listing is read page by page, an entry may be renamed past the page that would have
// shown it. So the first listing is over only after a cycle that followed it.
//
// An entry whose uSNChanged the bind identity may not read is found by no search for newer numbers.
// While there is one, everything is listed again and again, with a rest in which changes are asked for
// as ever, and no cookie is made.
//
// For the same reason whatever misses in step 3 is not gone yet when that had several pages: it is gone
// when the next cycle does not show that it changed again. Until then no cookie is made.
//
// What this does not show: what the bind identity may not see (and deletions, without the right to
// list the deleted objects), and a container's new name in the DNs of what it holds. Comparisons do.

internal import Accounts
internal import LDAPClient

/// A server's change numbers, asked for again and again.
///
/// Send what ``nextStep(now:)`` says, feed it every message of the answer in order, and carry out what
/// it says. Nothing here waits.
public struct USNSession: Sendable {
    /// More identities of changed entries than that are not kept: everything is read anew.
    static let mostChanged = 100_000
    /// Entries that wait for the rest of their values; a page has fewer.
    static let mostHeld = 10_000
    /// Pages in a row without an entry: more than that lead nowhere.
    static let mostEmptyPages = 1000
    /// A cookie is stored with changes, and at least when the one stored is so old, in seconds.
    private static let cookieAge: Int64 = 600

    /// Whether the first reading has not come to its end.
    public private(set) var isRefreshing = true
    /// Entries received by it, for a display of progress.
    public private(set) var refreshedCount = 0
    /// How long the last cycle took.
    public private(set) var answerTime = Duration.zero

    private let interval: Duration
    private let invocationID: [UInt8]?
    private let entryID: EntryIDAttribute
    private var containers: ContainerWatch
    /// Everything before this number is known; `nil`: nothing is.
    private var watermark: Int64?
    private var cycle: Cycle?
    private var running: RunningStep?
    /// What comes when no entry waits for the rest of its values.
    private var next = Next.nothing
    private var held: [RangedEntry] = []
    private var unfinished = Unfinished()
    private var present = PresenceCollector()
    /// Whether the entries since the listing began say what exists.
    private var isListing = false
    /// When everything is listed again; `nil`: every entry of the last listing showed its uSNChanged.
    private var listAgainAt: Duration?
    private var dueAt: Duration
    private var pausedUntil = Duration.zero
    private var isWoken = false
    /// When a cookie was stored last.
    private var storedAt: Int64?

    /// A session at its beginning.
    ///
    /// - Parameters:
    ///   - storedCookie: the cookie stored last; one of another server's past is taken for none.
    ///   - invocationID: of the server's database; `nil`: no cookie is trusted or made.
    ///   - interval: from the beginning of one cycle to that of the next.
    ///   - entryID: the attribute with the identity of an entry.
    ///   - containers: the containers stored so far.
    ///   - now: the time.
    public init(
        storedCookie: [UInt8]?, invocationID: [UInt8]?, interval: Duration,
        entryID: EntryIDAttribute, containers: ContainerWatch = ContainerWatch(), now: PollMoment
    ) {
        self.interval = interval
        self.invocationID = invocationID
        self.entryID = entryID
        self.containers = containers
        dueAt = now.uptime
        watermark = storedCookie.flatMap { cookie in
            invocationID.flatMap { USNCookie.number(cookie, $0) }
        }
        storedAt = watermark == nil ? nil : now.time
    }

    /// When there is something to ask; `nil` while an answer is awaited.
    public var nextDueAt: Duration? {
        guard running == nil else { return nil }
        return cycle == nil ? dueAt : .zero
    }

    /// How long the running search has been without a message; `nil`: none is running.
    public func silence(now: Duration) -> Duration? {
        running.map { now - $0.heardAt }
    }

    /// What to search for now; `nil`: nothing yet.
    public mutating func nextStep(now: PollMoment) -> Step? {
        guard let due = nextDueAt, now.uptime >= due else { return nil }
        let step: Step
        if cycle == nil {
            isWoken = false
            cycle = Cycle(begunAt: now.uptime)
            step = Step(request: .committed)
        } else if let request = held.first?.next {
            step = Step(request: .values(request))
        } else if case .step(let planned) = next {
            step = planned
        } else {
            return nil
        }
        running = RunningStep(step: step, heardAt: now.uptime)
        return step
    }

    /// Somebody says that something changed: ask as soon as may be.
    public mutating func wake(now: Duration) {
        isWoken = true
        dueAt = min(dueAt, max(now, pausedUntil))
    }

    // MARK: Messages

    /// Takes in a message of the running search and says what to do.
    ///
    /// Throws ``SyncError`` when the search ended otherwise than by success, or the server sends what
    /// cannot be; the session is over then, nothing is swept, and the next one begins where this did.
    public mutating func receive(
        _ message: PollMessage, now: PollMoment
    ) throws(SyncError) -> [SyncChange] {
        guard let step = running?.step else { return [] }
        running?.heardAt = now.uptime
        switch message {
        case .entry(let entry): return try receive(entry, [], step.request)
        case .partial(let entry, let ranges): return try receive(entry, ranges, step.request)
        case .unidentified:
            cycle?.unidentified += 1
            return []
        case .committed(let number):
            if step.request == .committed { cycle?.committed = number }
            return []
        case .other: return []
        case .done(.success, _, let nextPage):
            return try stepEnded(step, nextPage: nextPage, now: now)
        case .done(.noSuchObject, _, _) where step.request.isValues:
            // It was moved or deleted meanwhile, which the next cycle shows.
            running = nil
            if !held.isEmpty { unfinished.drop(held.removeFirst().entry) }
            return try proceed(now: now)
        case .done(let code, let diagnostic, _):
            throw SyncError(
                code: code, diagnostic: diagnostic, family: .activeDirectory,
                after: cycle?.entries)
        }
    }

    private mutating func receive(
        _ entry: DirectoryEntry, _ ranges: [AttributeRange], _ request: Request
    ) throws(SyncError) -> [SyncChange] {
        running?.isEmpty = false
        switch request {
        case .committed: return []
        case .changed:
            guard (cycle?.changed.count ?? 0) <= Self.mostChanged else { return [] }
            cycle?.changed.insert(entry.uuid)
            return []
        case .values:
            // In place: it may be large.
            if !held.isEmpty { try held[0].receive(entry, ranges) }
            return []
        case .everything: break
        case .ours: cycle?.ours.insert(entry.uuid)
        }
        cycle?.entries += 1
        unfinished.saw(entry.uuid)
        if isRefreshing { refreshedCount += 1 }
        if isListing { present.insert(entry.uuid) }
        if request == .everything, !Self.showsStamp(entry) { cycle?.unstamped += 1 }
        let whole = try RangedEntry(entry, ranges)
        guard whole.next == nil else {
            guard held.count < Self.mostHeld else {
                throw SyncError(incomplete: entry.dn, "too many others come in parts as well")
            }
            held.append(whole)
            return []
        }
        return deliver(entry)
    }

    private static func showsStamp(_ entry: DirectoryEntry) -> Bool {
        entry.attributes.firstValue(of: "usnchanged")
            .flatMap { UpdateSequenceNumber.value(Array($0)) } != nil
    }

    private mutating func deliver(_ entry: DirectoryEntry) -> [SyncChange] {
        unfinished.settle(entry.uuid)
        let reason = containers.receive(.modify, entry)
        guard !isRefreshing, let reason else { return [.upsert(entry)] }
        return [.upsert(entry), .compareNow(reason: reason)]
    }

    // MARK: Steps

    private mutating func stepEnded(
        _ step: Step, nextPage: [UInt8], now: PollMoment
    ) throws(SyncError) -> [SyncChange] {
        let wasEmpty = running?.isEmpty ?? true
        running = nil
        if step.request.isValues { return try valuesEnded(now: now) }
        guard nextPage.isEmpty else {
            let empty = wasEmpty ? (cycle?.emptyPages ?? 0) + 1 : 0
            cycle?.emptyPages = empty
            guard empty <= Self.mostEmptyPages else { throw .endlessPages }
            if case .ours = step.request { cycle?.isPaged = true }
            next = .step(Step(request: step.request, page: nextPage))
            return try proceed(now: now)
        }
        switch step.request {
        case .committed:
            guard let number = cycle?.committed else { throw .noChangeNumber }
            guard number >= (watermark ?? 0) - 1 else {
                return Self.anew("the change numbers of the server went back; it was restored")
            }
            let request = request(after: number, now: now.uptime)
            if request == .everything {
                isListing = true
                present = PresenceCollector()
            }
            next = request.map { .step(Step(request: $0)) } ?? .closed
        case .everything: next = .listed
        case .changed(let since):
            let count = cycle?.changed.count ?? 0
            guard count <= Self.mostChanged else {
                return Self.anew("more than \(Self.mostChanged) entries changed")
            }
            next = count > 0 ? .step(Step(request: .ours(since: since))) : .closed
        case .ours, .values: next = .closed
        }
        return try proceed(now: now)
    }

    private static func anew(_ reason: String) -> [SyncChange] {
        [.restart(.withoutCookie(reason: reason))]
    }

    private func request(after committed: Int64, now: Duration) -> Request? {
        guard let watermark else { return .everything }
        if let listAgainAt, now >= listAgainAt { return .everything }
        return committed < watermark ? nil : .changed(since: watermark)
    }

    private mutating func valuesEnded(now: PollMoment) throws(SyncError) -> [SyncChange] {
        guard !held.isEmpty else { return [] }
        let progress = try held[0].answerEnded()
        guard progress != .partial else { return [] }
        let entry = held.removeFirst().entry
        // One that changed meanwhile is read again, from the beginning, by the next cycle.
        guard progress == .whole else {
            unfinished.drop(entry)
            return try proceed(now: now)
        }
        return deliver(entry) + (try proceed(now: now))
    }

    /// Ends what is over, once no entry waits for the rest of its values.
    private mutating func proceed(now: PollMoment) throws(SyncError) -> [SyncChange] {
        guard held.isEmpty else { return [] }
        switch next {
        case .nothing, .step: return []
        case .listed:
            guard let ended = cycle else { return [] }
            guard ended.entries > 0 || ended.unidentified == 0 else {
                throw SyncError(noIdentity: entryID.name)
            }
            watermark = ended.committed.map { $0 + 1 }
            let rest = max(interval, (now.uptime - ended.begunAt) * ComparisonSchedule.leastRest)
            listAgainAt = ended.unstamped > 0 ? now.uptime + rest : nil
            // What changed while it was listed: at once.
            cycle = nil
            next = .nothing
            dueAt = now.uptime
            return []
        case .closed:
            next = .nothing
            guard let ended = cycle.take() else { return [] }
            return try finish(ended, now: now)
        }
    }

    private mutating func finish(
        _ ended: Cycle, now: PollMoment
    ) throws(SyncError) -> [SyncChange] {
        let taken = max(.zero, now.uptime - ended.begunAt)
        answerTime = taken
        pausedUntil = now.uptime + max(PollSession.leastPause, taken)
        dueAt = isWoken ? pausedUntil : max(ended.begunAt + interval, pausedUntil)
        var changes: [SyncChange] = []
        for uuid in unfinished.departed(in: ended).sorted() {
            changes.append(.delete(uuid))
            unfinished.settle(uuid)
            if isListing { present.remove(uuid) }
            guard let reason = containers.remove(uuid), !isRefreshing else { continue }
            changes.append(.compareNow(reason: reason))
        }
        let isSettled = try unfinished.isSettled()
        if isSettled { watermark = ended.committed.map { $0 + 1 } ?? watermark }
        guard isSettled, unfinished.missed.isEmpty else {
            dueAt = pausedUntil
            return changes
        }
        if isRefreshing || isListing {
            let shown = isListing ? present.take() : nil
            changes.append(
                .refreshEnded(RefreshOutcome(isComplete: shown != nil, present: shown)))
            isRefreshing = false
            isListing = false
        }
        guard listAgainAt == nil else { return changes }
        let isStale = storedAt.map { now.time - $0 >= Self.cookieAge } ?? true
        if let invocationID, let watermark, !ended.ours.isEmpty || isStale {
            storedAt = now.time
            changes.append(.newCookie(USNCookie.octets(watermark, invocationID)))
        }
        return changes
    }
}
