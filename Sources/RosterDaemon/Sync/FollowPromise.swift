// What may be expected of the way in which a directory is followed, in words.

internal import DirectorySync
internal import LDAPClient
internal import Settings

/// Within which time changes arrive.
struct FollowPromise: Equatable, Sendable {
    /// When a change arrives.
    var changes: String
    /// When a deletion arrives, or an entry that stops matching goes.
    var deletions: String
    /// What would let them arrive sooner; `nil`: nothing is known.
    var advice: String?

    /// Both in one sentence.
    var text: String { "changes \(changes); deletions \(deletions)" }
}

extension DirectoryConnector {
    /// How a server is followed that says this about itself.
    ///
    /// Throws when the configuration asks for what there is not.
    func strategy(
        _ root: RootDSE?, refusal: String? = nil
    ) throws(DirectoryFailure) -> SyncStrategy {
        let wish: SyncStrategy.Wish
        switch settings.directory.sync {
        case .automatic: wish = .automatic
        case .syncrepl: wish = .only(.syncrepl)
        case .poll: wish = .only(.poll)
        case .dirsync:
            throw DirectoryFailure(
                "[directory] sync = \"dirsync\" is not built yet; set \"auto\" or \"poll\"")
        }
        // It computes modifyTimestamp and cannot search by it: polling would promise too much.
        guard root?.offersDirSync != true else {
            throw DirectoryFailure(
                "the server is Active Directory or AD LDS, which is not followed yet; name a server "
                    + "of another directory in [directory] uris")
        }
        return SyncStrategy(
            wish, root: root, entryID: settings.directory.entryID, refusal: refusal)
    }

    /// The time between two comparisons when the last one took so long.
    ///
    /// Polling sees deletions by comparisons alone: they come every ``quickest``, or as often as
    /// their own duration lets them, and never more rarely than configured for that reason.
    func comparisonInterval(_ strategy: SyncStrategy, lastTook taken: Duration) -> Duration {
        let configured = settings.comparisonInterval
        guard strategy.method == .poll else { return configured }
        return min(configured, max(Self.quickest, taken * ComparisonSchedule.leastRest))
    }

    private static var quickest: Duration { .seconds(300) }

    /// Within which time polling shows a change, when the server takes so long to answer.
    func pollBound(answerTime: Duration) -> Duration {
        let interval = settings.directory.pollInterval
        // A change that just missed one search is in the answer to the next.
        return answerTime * 20 < interval ? interval : max(interval, answerTime * 2) + answerTime
    }

    /// What may be expected, when the last comparison and the last poll took so long.
    func promise(
        _ strategy: SyncStrategy, lastTook taken: Duration = .zero, answerTime: Duration = .zero,
        isAwake: Bool = true
    ) -> FollowPromise {
        let interval = comparisonInterval(strategy, lastTook: taken)
        let rest = min(
            taken * ComparisonSchedule.leastRest, settings.longestComparisonRest)
        let compared = max(interval, rest + taken).inWords
        guard strategy.method == .poll else {
            return FollowPromise(
                changes: "within milliseconds",
                deletions: "within milliseconds, verified every \(compared)",
                advice: strategy.advice)
        }
        let usually = strategy.offersWakeUp && isAwake ? ", usually at once" : ""
        return FollowPromise(
            changes: "within \(pollBound(answerTime: answerTime).inWords)\(usually)",
            deletions: "within \(compared)\(usually)", advice: strategy.advice)
    }
}

extension FollowPromise {
    /// Everything in one line, for `rosterd --check`.
    func inOneLine(_ method: SyncStrategy.Method) -> String {
        let way = method == .poll ? "polling" : "content synchronisation (RFC 4533)"
        let hint = advice.map { "; to be quicker: \($0)" } ?? ""
        return "followed by \(way): \(text)\(hint)"
    }
}

extension Duration {
    /// The time with one unit, rounded up: `200 ms`, `30 s`, `5 min`, `1 h`.
    var inWords: String {
        let milliseconds = max(1, Int64((inSeconds * 1000).rounded(.up)))
        func up(_ unit: Int64) -> Int64 { (milliseconds + unit - 1) / unit }
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        if milliseconds < 120_000, milliseconds % 60_000 != 0 { return "\(up(1000)) s" }
        if milliseconds < 7_200_000, milliseconds % 3_600_000 != 0 {
            return "\(up(60_000)) min"
        }
        return "\(up(3_600_000)) h"
    }
}
