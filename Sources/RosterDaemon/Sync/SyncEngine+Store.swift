// From a batch to the host: one transaction, one publication.

internal import AccountStore
internal import Accounts
internal import DirectorySync
internal import Logging

extension SyncEngine {
    /// How many names a line of the log holds at most.
    private static let namesInLog = 5

    /// Stores and publishes a batch; the batch is empty afterwards.
    ///
    /// Returns ``StreamEnd/anew`` when a search of the stream is over and the next one is to begin.
    func store(_ batch: inout ChangeBatch) throws(DirectoryFailure) -> StreamEnd? {
        let taken = batch
        batch = ChangeBatch()
        comparisons.touched?.formUnion(taken.touched)
        for search in taken.ended.map(\.search) { connection.searches[search].isRefreshing = false }
        if !taken.changesNothing { try apply(taken) }
        if let reason = taken.comparisonReason {
            logger.info("comparing every entry: \(reason)")
            comparisons.isUrgent = true
        } else if taken.hintsAtChangesOutside {
            requestComparisonSoon()
        }
        if taken.wantsComparisonSoon { comparisons.schedule.request(at: now) }
        for (_, outcome) in taken.ended { refreshEnded(outcome) }
        guard let (search, restart) = taken.restart else { return nil }
        prepareRestart(of: search, restart)
        return .anew
    }

    /// The phase of what is stored beside the stream: while anything is refreshed, what is stored may
    /// long be gone.
    var phase: StorePhase {
        isFirstLoad || connection.isOpen && connection.isRefreshing ? .refresh : .live
    }

    /// One transaction and, if it changed anything that the host sees, one publication.
    @discardableResult
    func apply(_ batch: StoreBatch) throws(DirectoryFailure) -> StoreOutcome {
        var outcome: StoreOutcome
        do throws(StoreError) {
            try lane.finish()
            outcome = try store.apply(batch, now: context.clock.now())
        } catch {
            throw failure(error)
        }
        outcome.addPolicy(context.settings)
        if isFirstLoad { outcome.publication.people += publisher.blockChanges(of: outcome) }
        if let access = outcome.access { reportAccess(access) }
        publisher.publish(outcome)
        if !outcome.publication.isEmpty { context.follower.changed(outcome.publication) }
        if let problem = store.writeJournal() {
            logger.error("the journal cannot be written and is written later: \(problem)")
        }
        report(outcome.newlyHeld)
        if outcome.firstLoadFinished {
            isFirstLoad = false
            hasLoaded = true
            publisher.storeWasFilled()
            publisher.attend(store.reader)
            do throws(StoreError) { try store.completeFirstLoad() } catch { throw failure(error) }
            context.follower.opened(store.reader)
        }
        return outcome
    }

    private func apply(_ taken: ChangeBatch) throws(DirectoryFailure) {
        let phase: StorePhase =
            connection.isRefreshing ? .refresh : taken.ended.isEmpty ? .live : .refreshEnd
        let cookies = connection.strategy.trustsCookies ? taken.cookies : [:]
        var positions = cookies.sorted { $0.key < $1.key }.map {
            SyncPosition(
                search: $0.key, bytes: $0.value, digest: connection.searches[$0.key].digest)
        }
        var batch = StoreBatch(
            changes: [], phase: phase, cookie: positions.popLast(),
            identity: connector.identity(connection.strategy))
        if isFirstLoad && connection.isRefreshing && positions.isEmpty {
            return try load(taken, as: batch)
        }
        batch.changes = taken.changes(by: rules) + leftovers(taken)
        let outcome = try apply(batch)
        for position in positions {
            try apply(StoreBatch(changes: [], phase: phase, cookie: position))
        }
        if !outcome.publication.isEmpty, let beganAt = taken.beganAt {
            context.board.noteDelay(now - beganAt)
        }
        if let problem = outcome.firstLoadProblem { throw failure(problem) }
    }

    /// Says which of several searches shows what is stored, unless that is known of each.
    ///
    /// Where one search took the place of all or a base is another one now, the first whose refresh
    /// ended would take away what only the other will show.
    func assignSearches() throws(DirectoryFailure) {
        let searches = searchPlan.searches
        guard searches.count > 1, !isFirstLoad else { return }
        let isKnown = searches.enumerated().allSatisfy { index, planned in
            storedCookie(search: index, connector.digest(of: planned, connection.strategy)) != nil
        }
        guard !isKnown else { return }
        let bases = searches.map { DistinguishedName.key(of: $0.base) }
        try apply(StoreBatch(changes: [.assign(bases: bases)], phase: .refresh))
    }

    /// The removal of what a second search once showed, when one is all there is now: it shows
    /// everything again.
    private func leftovers(_ taken: ChangeBatch) -> [StoreChange] {
        let isComplete = taken.ended.contains { $0.outcome.isComplete }
        guard isComplete, connection.searches.count == 1 else { return [] }
        return [.sweep(search: 1, keeping: [])]
    }

    /// One batch of a first load, stored while the next is received.
    private func load(
        _ taken: ChangeBatch, as batch: StoreBatch
    ) throws(DirectoryFailure) {
        let rules = rules
        do throws(StoreError) {
            try lane.begin(now: context.clock.now()) {
                var batch = batch
                batch.changes = taken.changes(by: rules)
                return batch
            }
        } catch {
            throw failure(error)
        }
    }

    /// What a fault of the store means for the connection, and for the engine.
    func failure(_ error: StoreError) -> DirectoryFailure {
        noticeDamagedStore()
        return DirectoryFailure(error.description)
    }

    /// What a first load without anybody to publish means, and what to do.
    private func failure(_ problem: FirstLoadProblem) -> DirectoryFailure {
        // A wrong name of an attribute may be the reason.
        readSchemaOnce()
        return switch problem {
        case .nobodyShown:
            DirectoryFailure(
                """
                \(connector.base): the directory shows nobody to \(connector.bindName); check \
                [directory] base and people_filter, and what the bind identity may read \
                (ldapsearch shows it)
                """)
        case .allWithheld(let count, let example):
            DirectoryFailure(
                """
                \(connector.base): all \(count) people are withheld, for instance \(example); check \
                [accounts] (min_id, max_id, home_prefixes); roster check lists them
                """)
        }
    }

    /// Says what about access rules is not as they suppose.
    func reportAccess(_ access: StoreAccess) {
        let rules = StoreRules(context.settings)
        let problems = access.problems(of: rules).map { $0.inWords(rules) }
        for problem in problems where !accessProblems.contains(problem) {
            logger.warning("\(problem)")
        }
        accessProblems = problems
    }

    private func report(_ held: [HeldRemoval]) {
        guard !held.isEmpty else { return }
        let names = held.prefix(Self.namesInLog).map(\.name).joined(separator: ", ")
        let more = held.count > Self.namesInLog ? ", ..." : ""
        logger.warning(
            """
            \(held.count) removals are held, because the directory lost many at once: \(names)\(more). \
            roster check lists them; roster sync --accept-removals applies them
            """)
    }

    /// A search brought us up to date; when all have, the mirror is what the directory is.
    private func refreshEnded(_ outcome: RefreshOutcome) {
        logger.info("refresh ended", metadata: ["complete": "\(outcome.isComplete)"])
        if outcome.isComplete {
            if connection.isAnnounced { noteVerified() }
            comparisons.schedule.started(now: now)
            comparisons.schedule.ended(now: now, jitter: random)
        } else {
            connection.sawAPart = true
            // What went while nobody polled shows in a comparison alone.
            connection.isUnproven = connection.strategy.asks
            if connection.isUnproven { comparisons.isUrgent = true } else { compareAfterResume() }
        }
        guard !connection.isRefreshing else { return }
        if !connection.sawAPart {
            comparisons.fullReadingTook = now - connection.beganAt
            settleHeld()
        }
        reached()
        announceIfInSync()
    }

    private func prepareRestart(of search: Int, _ restart: SyncRestart) {
        connection.wasRestarted = true
        switch restart {
        case .withStoredCookie(let reason): logger.notice("searching again: \(reason)")
        case .withCookie(let cookie, let reason):
            logger.notice("searching again: \(reason)")
            offeredCookies[search] = cookie
        case .withoutCookie(let reason): fullRefreshReason = reason
        }
    }
}
