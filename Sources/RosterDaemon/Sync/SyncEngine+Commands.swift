// What other threads ask of the engine, and what local files demand of it.

internal import AccountStore
internal import Accounts
internal import DirectorySync
internal import Logging

extension SyncEngine {
    /// Entries that one transaction takes while everything is looked at again.
    private static let batchSize = 2000

    /// Carries out a command; returns why the stream has to begin anew, if it has to.
    func obey(_ command: EngineCommand) -> StreamEnd? {
        switch command {
        case .compare(let reply):
            comparisons.waiting.append(reply)
            comparisons.isUrgent = true
            if !connection.isFollowing { answerComparison(.failed(notFollowing, remedy: hint)) }
        case .fullSync(let reply):
            waitingForRefresh.append(reply)
            fullRefreshReason = "asked for by roster sync --full"
            return .anew
        case .acceptRemovals(let reply):
            reply(
                change(.acceptRemovals) {
                    ("\($0.heldSettled) held removals were applied", $0.heldSettled)
                })
        case .releaseReuse(let name, let reply):
            reply(
                change(.releaseReuse(name: name)) { outcome in
                    let text =
                        outcome.released.isEmpty
                        ? "nothing is withheld under the name \(name) because of re-use"
                        : "\(name) is published"
                    return (text, outcome.released.count)
                })
        case .comparisonEnded(let report): return comparisonEnded(report)
        case .rebuildEnded(let report): publisher.finishRebuild(report)
        case .preferredServerAnswers(let answers):
            servers.isProbing = false
            guard answers, connection.server > 0, connection.isFollowing else { return nil }
            logger.notice("returning to the preferred server \(connector.uris[0])")
            return .anew
        }
        return nil
    }

    private var notFollowing: String { "the directory is not followed at the moment" }
    private var hint: String { "roster status says why" }

    /// Answers all who wait for a refresh.
    func answerWaiting(_ outcome: CommandOutcome) {
        for reply in waitingForRefresh { reply(outcome) }
        waitingForRefresh = []
    }

    /// /etc/passwd and the like changed: names may have to be withheld or may come back.
    ///
    /// While they cannot be read, the rules stay as they were.
    func localFilesChanged() {
        do throws(LocalAccountsError) {
            rules = try Self.rules(of: context)
            localFilesRetryAt = nil
            reevaluateIfRulesChanged()
        } catch {
            logger.error("\(error); local accounts are taken as they were")
            localFilesRetryAt = now + .seconds(1)
        }
    }

    /// Applies the rules to every stored entry, when they are others than last time.
    func reevaluateIfRulesChanged() {
        let fingerprint = rules.fingerprint
        do {
            let known = try store.reader.rulesFingerprint()
            guard known != fingerprint else { return }
            if known != nil {
                logger.info("local rules or accounts changed, looking at every stored entry again")
            }
            try reevaluate(fingerprint)
        } catch {
            logger.error("cannot apply the changed rules to the stored entries: \(error)")
            localFilesRetryAt = now + .seconds(10)
        }
    }

    private func reevaluate(_ fingerprint: UInt64) throws {
        var batch = StoreBatch(changes: [], phase: phase)
        var failure: DirectoryFailure?
        try lane.finish()
        try store.reader.forEachEntry { stored in
            guard failure == nil, !context.mailbox.isStopping else { return }
            batch.changes.append(.reevaluated(rules.evaluate(stored.entry)))
            guard batch.changes.count == Self.batchSize else { return }
            do throws(DirectoryFailure) { try apply(batch) } catch { failure = error }
            batch.changes = []
            beat()
        }
        if let failure { throw failure }
        guard !context.mailbox.isStopping else { return }
        batch.rulesFingerprint = fingerprint
        try apply(batch)
    }

    private func change(
        _ change: StoreChange, _ describe: (StoreOutcome) -> (String, Int)
    ) -> CommandOutcome {
        do throws(DirectoryFailure) {
            let outcome = try apply(StoreBatch(changes: [change], phase: phase))
            let (text, count) = describe(outcome)
            return .done(text, count: count)
        } catch {
            return .failed(error.description, remedy: "see the log of rosterd")
        }
    }
}
