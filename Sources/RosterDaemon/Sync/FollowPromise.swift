// What may be expected of the way in which a directory is followed, in words.

internal import Accounts
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
        let isActiveDirectory = root?.isActiveDirectory ?? false
        guard !isActiveDirectory || settings.accounts.schema == .activeDirectory else {
            throw DirectoryFailure(
                "the server is Active Directory or AD LDS: set [directory] schema = \"ad\"")
        }
        let wish: SyncStrategy.Wish
        switch settings.directory.sync {
        case .automatic: wish = .automatic
        case .syncrepl where isActiveDirectory:
            throw DirectoryFailure(
                "the server is Active Directory or AD LDS, which has no content synchronisation (RFC "
                    + "4533): take out [directory] sync = \"syncrepl\"")
        case .syncrepl: wish = .only(.syncrepl)
        case .poll: wish = .only(.poll)
        case .dirsync where !isActiveDirectory:
            throw DirectoryFailure(
                "[directory] sync = \"dirsync\" is for Active Directory and AD LDS, and the server "
                    + "does not show itself to be either: set \"auto\"")
        case .dirsync: wish = .only(.usn)
        }
        return SyncStrategy(
            wish, root: root, entryID: settings.directory.entryID, refusal: refusal)
    }

    /// The same, with what only further readings show where it is Active Directory.
    ///
    /// Blocks for some readings there, and calls `progress` before each.
    func strategy(
        _ root: RootDSE?, on session: borrowing LDAPSession, refusal: String? = nil,
        progress: () -> Void = {}
    ) throws(DirectoryFailure) -> SyncStrategy {
        var strategy = try strategy(root, refusal: refusal)
        guard strategy.method == .usn, let root else { return strategy }
        let directory = settings.directory
        let filters = [directory.peopleFilter, directory.groupsFilter].compactMap(\.self)
        strategy.selectsByBackLink = filters.contains { $0.lowercased().contains("memberof") }
        let contexts = Set(
            [directory.peopleBase, directory.groupsBase].map { strategy.namingContext(of: $0) })
        do throws(LDAPError) {
            strategy.controller = try session.readDomainController(
                root, namingContexts: contexts.sorted(), progress: progress)
        } catch {
            throw DirectoryFailure(error.description)
        }
        return strategy
    }

    /// The time between two comparisons when the last one took so long.
    ///
    /// Where comparisons alone show deletions, as with polling, they come every ``quickest``, or as often as
    /// their own duration lets them, and never more rarely than configured for that reason.
    func comparisonInterval(_ strategy: SyncStrategy, lastTook taken: Duration) -> Duration {
        let configured = settings.comparisonInterval
        guard !strategy.seesDeletions else { return configured }
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
        guard strategy.asks else {
            return FollowPromise(
                changes: "within milliseconds",
                deletions: "within milliseconds, verified every \(compared)",
                advice: strategy.advice)
        }
        let usually = strategy.offersWakeUp && isAwake ? ", usually at once" : ""
        let changes = "within \(pollBound(answerTime: answerTime).inWords)\(usually)"
        let deletions =
            strategy.seesDeletions
            ? "\(changes), verified every \(compared)"
            : "within \(compared)\(strategy.method == .usn ? "" : usually)"
        return FollowPromise(changes: changes, deletions: deletions, advice: strategy.advice)
    }
}

extension FollowPromise {
    /// Everything in one line, for `rosterd --check`.
    func inOneLine(_ method: SyncStrategy.Method) -> String {
        let way =
            switch method {
            case .syncrepl: "content synchronisation (RFC 4533)"
            case .poll: "polling"
            case .usn: "change numbers (Active Directory)"
            }
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
