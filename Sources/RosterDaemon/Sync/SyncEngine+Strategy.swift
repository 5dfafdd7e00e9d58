// How the server of a connection is followed, and what changes with it.

internal import Accounts
internal import DirectorySync
internal import LDAPClient
internal import Logging
internal import Settings

extension SyncEngine {
    /// Failures of comparisons in a row after which everything is read again, where deletions are
    /// seen in no other way.
    private static let mostFailures = 2

    /// The searches of the connection.
    var searchPlan: SearchPlan {
        let strategy = connection.strategy
        return rules.searchPlan(
            entryID: strategy.entryID.name, isSingle: strategy.wantsOneSearch)
    }

    /// How the server is followed that was just connected to.
    ///
    /// `root` is what it says about itself, `nil` when it says nothing. Blocks for some readings where
    /// it is Active Directory.
    func chooseStrategy(
        _ root: RootDSE?, on session: borrowing LDAPSession
    ) throws(DirectoryFailure) -> SyncStrategy {
        let refusal = refusals.removeValue(forKey: connection.server)
        var strategy = try connector.strategy(
            root, on: session, refusal: refusal, progress: { beat() })
        if strategy.wantsOneSearch, rules.commonParent == nil {
            strategy.method = .poll
            strategy.refusal =
                "people and groups have no common parent, and 389 DS must not be searched twice"
        }
        logger.info(
            "following",
            metadata: ["strategy": "\(strategy.method)", "family": "\(strategy.family)"])
        return strategy
    }

    /// Whether the server refused RFC 4533 and another connection can do without.
    func isAnotherWayLeft(after failure: DirectoryFailure) -> Bool {
        let strategy = connection.strategy
        guard context.settings.directory.sync == .automatic, strategy.method == .syncrepl,
            connection.isOpen
        else { return false }
        switch failure.kind {
        case .notOffered: break
        case .accessDenied where strategy.family == .ds389: break
        default: return false
        }
        logger.warning("polling instead of following: \(failure)")
        refusals[connection.server] = failure.description
        connection.wasRestarted = true
        return true
    }

    /// What feeds one search of the connection.
    func feed(
        _ planned: SearchPlan.Search, _ cookie: [UInt8]?, _ containers: ContainerWatch
    ) -> any SearchFeed {
        let strategy = connection.strategy
        switch strategy.method {
        case .syncrepl:
            return SyncreplFeed(
                planned, cookie: cookie, containers: containers, family: strategy.family)
        case .poll:
            let session = PollSession(
                storedCookie: cookie, interval: context.settings.directory.pollInterval,
                entryID: strategy.entryID, family: strategy.family, containers: containers,
                now: moment)
            return PollFeed(planned, entryID: strategy.entryID, session: session)
        case .usn:
            let session = USNSession(
                storedCookie: cookie, invocationID: strategy.controller?.invocationID,
                interval: context.settings.directory.pollInterval, entryID: strategy.entryID,
                containers: containers, now: moment)
            return USNFeed(
                planned, in: strategy.namingContext(of: planned.base), entryID: strategy.entryID,
                session: session)
        }
    }

    /// Where a persistent search begins: as far up as may be, so that it sees what moves away.
    var wakeUpBase: String {
        let base = context.settings.directory.base
        if connection.strategy.method == .usn {
            return connection.strategy.namingContext(of: base)
        }
        guard let parent = rules.commonParent else { return base }
        let isBelow = DistinguishedName.isKey(
            DistinguishedName.key(of: parent), atOrBelow: DistinguishedName.key(of: base))
        return isBelow ? base : parent
    }

    /// Tells status and comparisons of the strategy of a new connection.
    func adoptStrategy() {
        adoptComparisonInterval(after: comparisons.lastTook)
        let method = connection.strategy.method
        context.board.update { $0.strategy = method }
    }

    /// Compares as often as the last comparison's duration and the strategy allow.
    func adoptComparisonInterval(after taken: Duration) {
        comparisons.lastTook = taken
        let strategy = connection.strategy
        var interval = connector.comparisonInterval(strategy, lastTook: taken)
        // Jitter and its own duration must not take a comparison beyond what is promised.
        if !strategy.seesDeletions { interval = interval * 0.93 }
        comparisons.schedule.adopt(interval: interval, now: now, jitter: random)
        notePromise()
    }

    private func notePromise() {
        let promise = connector.promise(
            connection.strategy, lastTook: comparisons.lastTook,
            answerTime: connection.answerTime, isAwake: !connection.hasLostWakeUp)
        context.board.update { $0.promise = promise }
    }

    /// A slow server makes the promise a longer one.
    func noteAnswerTime(_ taken: Duration) {
        let before = connector.pollBound(answerTime: connection.answerTime)
        connection.answerTime = taken
        if connector.pollBound(answerTime: taken) != before { notePromise() }
    }

    /// The search that says when to ask is over: polling goes on without.
    func noteLostWakeUp(_ reason: String) {
        connection.hasLostWakeUp = true
        logger.notice("the server tells of changes no more (\(reason)); polling alone goes on")
        notePromise()
    }

    /// Where comparisons alone show deletions, their failure is one of the connection.
    var needsFullReadings: Bool {
        !connection.strategy.seesDeletions && comparisons.failures >= Self.mostFailures
    }

    /// What to do about a refresh that came to a standstill.
    func standstillAdvice(after count: Int) -> String {
        guard connection.strategy.family == .ds389, connection.strategy.method == .syncrepl else {
            return "check the size limit of the bind DN on the server, or raise [directory] "
                + "refresh_timeout"
        }
        return "389 DS stops without a word at its size limit, here after \(count) entries: raise "
            + "nsslapd-sizelimit for this bind DN (nsSizeLimit: -1 in its entry), or raise "
            + "[directory] refresh_timeout"
    }
}
