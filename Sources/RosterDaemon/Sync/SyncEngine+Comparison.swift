// When every entry is compared with the directory, and what is done about differences.

internal import AccountStore
internal import Accounts
internal import DirectorySync
internal import Logging
internal import NIOPosix
internal import Settings

/// Where the comparisons are.
struct ComparisonProgress {
    /// When the next one is due.
    var schedule: ComparisonSchedule
    /// One is wanted at once: the stream is known to have a hole.
    var isUrgent = false
    /// One is due then, because something changed that the searches do not show.
    var hintedAt: Duration?
    /// Entries that the stream spoke of since the running one began; `nil`: none is running.
    var touched: Set<EntryUUID>?
    /// How long the last one took.
    var lastTook = Duration.zero
    /// Failures in a row.
    var failures = 0
    /// Full readings that comparisons led to, since one came to a good end.
    var fullReadings: FullReadingPace
    /// How long everything took to be read last.
    var fullReadingTook = Duration.zero
    /// Who waits for the next one.
    var waiting: [@Sendable (CommandOutcome) -> Void] = []

    /// A schedule and nothing else; `longestRest` is the longest pause between two full readings.
    init(schedule: ComparisonSchedule, longestRest: Duration) {
        self.schedule = schedule
        fullReadings = FullReadingPace(longest: longestRest)
    }
}

extension SyncEngine {
    /// The least time between a hint that something changed outside the searches and a comparison.
    ///
    /// In a busy directory such hints come all the time, and to every host at once: each comparison
    /// waits this long, and up to as long again at random.
    private static let hintInterval = Duration.seconds(300)
    /// The time after which a comparison that failed is tried again, doubling.
    private static let retryInterval = Duration.seconds(20)
    /// Changes that one transaction takes.
    private static let batchSize = 2000

    /// Begins a comparison on another thread when one is due and none runs.
    func startComparisonIfDue() {
        guard connection.isFollowing, comparisons.touched == nil else { return }
        let isHinted = comparisons.hintedAt.map { now >= $0 } ?? false
        guard comparisons.isUrgent || isHinted || now >= comparisons.schedule.dueAt else { return }
        comparisons.isUrgent = false
        comparisons.hintedAt = nil
        comparisons.touched = []
        comparisons.schedule.started(now: now)
        let run = ComparisonRun(
            connector: connector, connection: connection.number, server: connection.server,
            uri: connection.uri,
            strategy: connection.strategy, plan: searchPlan, rules: rules,
            reader: store.reader, clock: context.clock)
        let mailbox = context.mailbox
        context.background.submit { _ in mailbox.post(.comparisonEnded(run.run())) }
    }

    /// Asks for a comparison after a hint, unless one was asked for already.
    func requestComparisonSoon() {
        if comparisons.hintedAt == nil {
            comparisons.hintedAt = now + Self.hintInterval * (1 + random)
        }
    }

    /// Asks for another comparison after one that failed: soon at first, then with growing pauses, and
    /// as rarely as one that takes so long may be made.
    private func retryComparison(after report: ComparisonReport) {
        var wait = Self.retryInterval * (1 << min(comparisons.failures, 5))
        if comparisons.failures > 1 {
            let rest = report.duration * ComparisonSchedule.leastRest
            wait = max(wait, min(rest, context.settings.longestComparisonRest))
        }
        if comparisons.hintedAt == nil { comparisons.hintedAt = now + wait }
    }

    /// Reads everything again, unless comparisons led to that just now and to no good.
    private func readAnew(because reason: String) -> StreamEnd? {
        let rest = comparisons.fullReadingTook * ComparisonSchedule.leastRest
        let interval = connector.comparisonInterval(
            connection.strategy, lastTook: comparisons.lastTook)
        let isAsked = !comparisons.waiting.isEmpty
        let mayBegin = comparisons.fullReadings.begin(
            now: now, limit: max(interval, rest), random: random)
        guard mayBegin || isAsked else {
            comparisons.schedule.request(at: comparisons.fullReadings.nextAt)
            noteNextComparison()
            return nil
        }
        fullRefreshReason = reason
        return .anew
    }

    /// Asks for the comparison that stands behind a resumed search; not of every host in one instant.
    func compareAfterResume() {
        let entries = (try? store.reader.summary().entries) ?? 0
        let due = now + ComparisonSpread.wait(entries: entries, random: random)
        comparisons.hintedAt = min(comparisons.hintedAt ?? due, due)
    }

    /// Stores what a comparison found, except about entries that the stream spoke of meanwhile.
    func comparisonEnded(_ report: ComparisonReport) -> StreamEnd? {
        let touched = comparisons.touched ?? []
        comparisons.touched = nil
        // What failed does not show how long a comparison takes.
        if report.failure == nil { adoptComparisonInterval(after: report.duration) }
        comparisons.schedule.ended(now: now, jitter: random)
        noteNextComparison()
        if report.connection != connection.number || !connection.isFollowing {
            // It saw what was before the connection that is followed now.
            comparisons.isUrgent = true
            return nil
        }
        if let failure = report.failure {
            comparisons.failures += 1
            let complaint = "cannot compare with the directory: \(failure)"
            logger.warning("\(complaint)")
            context.board.update { $0.lastError = complaint }
            retryComparison(after: report)
            answerComparison(.failed(failure, remedy: "see the log of rosterd"))
            guard needsFullReadings else { return nil }
            return readAnew(because: "comparisons fail: \(failure)")
        }
        comparisons.failures = 0
        guard !report.isTooMuch else {
            return readAnew(because: "\(report.differing) entries differ from the directory's")
        }
        comparisons.fullReadings.reset()
        store(report, except: touched)
        return nil
    }

    /// Whether removals wait for a confirmation; a complete look at the directory may settle them.
    private var holdsSomething: Bool {
        guard let totals = try? store.reader.summary() else { return false }
        return totals.heldPeople + totals.heldGroups + totals.heldMembers > 0
    }

    /// Lets what is held still go after a refresh that showed everything, if it is little by now.
    func settleHeld() {
        guard !isFirstLoad, holdsSomething else { return }
        do throws(DirectoryFailure) {
            noteSettled(try apply(StoreBatch(changes: [.settleHeld], phase: phase)).heldSettled)
        } catch {
            logger.error("cannot settle held removals: \(error)")
        }
    }

    private func noteSettled(_ count: Int) {
        guard count > 0 else { return }
        logger.notice("\(count) held removals came to their end: little is missing any more")
    }

    private func store(_ report: ComparisonReport, except touched: Set<EntryUUID>) {
        var changes = report.reread.filter { !touched.contains($0.entry.uuid) }
            .map { StoreChange.upsert(rules.evaluate($0.entry), search: $0.search) }
        let gone = report.gone.filter { !touched.contains($0) }
        if !gone.isEmpty { changes.append(.confirmRemoved(gone)) }
        if holdsSomething { changes.append(.settleHeld) }
        logger.info(
            "compared",
            metadata: [
                "same": "\(report.unchanged)", "changed": "\(report.reread.count)",
                "gone": "\(gone.count)", "took": "\(report.duration)",
            ])
        var settled = 0
        do throws(DirectoryFailure) {
            for start in stride(from: 0, to: changes.count, by: Self.batchSize) {
                let some = changes[start..<min(start + Self.batchSize, changes.count)]
                settled += try apply(StoreBatch(changes: Array(some), phase: phase)).heldSettled
                beat()
            }
            noteSettled(settled)
            connection.isUnproven = false
            if connection.strategy.asks, gone.count < report.gone.count {
                // Polling does not say by itself that what it spoke of meanwhile is gone by now.
                comparisons.isUrgent = true
            } else {
                noteVerified()
            }
            context.board.update { $0.lastError = nil }
            answerComparison(
                .done("\(report.unchanged) entries were the same", count: changes.count))
        } catch {
            logger.error("cannot store what the comparison found: \(error)")
            requestComparisonSoon()
            answerComparison(.failed(error.description, remedy: "see the log of rosterd"))
        }
    }

    /// Answers all who wait for a comparison.
    func answerComparison(_ outcome: CommandOutcome) {
        for reply in comparisons.waiting { reply(outcome) }
        comparisons.waiting = []
    }

    private func noteNextComparison() {
        let wait = max(.zero, comparisons.schedule.dueAt - now)
        let next = context.clock.now() + Int64(wait.inSeconds)
        context.board.update { $0.nextComparison = next }
    }
}
