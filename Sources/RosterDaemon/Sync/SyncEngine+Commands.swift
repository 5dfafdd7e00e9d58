// What other threads ask of the engine, and what local files demand of it.

internal import AccountStore
internal import Accounts
internal import DirectorySync
internal import Logging
internal import Settings

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
                change([.acceptRemovals]) {
                    ("\($0.heldSettled) held removals were applied", $0.heldSettled)
                })
        case .allow(let name, let uid, let reply): reply(allow(name, byUID: uid))
        case .deny(let name, let uid, let reply):
            reply(
                change([.block(name: name, byUID: uid)]) {
                    $0.blocked.isEmpty
                        ? ("\(name) was blocked before", 0) : ("\(name) is blocked on this host", 1)
                })
        case .confirm(let name, let reply): reply(confirm(name))
        case .comparisonEnded(let report): return comparisonEnded(report)
        case .rebuildEnded(let report): publisher.finishRebuild(report)
        case .schemaRead(let complaints):
            isReadingSchema = false
            if let complaints { noteSchema(complaints) }
        case .preferredServerAnswers(let answers):
            servers.isProbing = false
            guard answers, connection.server > 0, connection.isFollowing else { return nil }
            logger.notice("returning to the preferred server \(connector.uris[0])")
            return .anew
        }
        return nil
    }

    private func allow(_ name: String, byUID uid: UInt32) -> CommandOutcome {
        // A store that cannot be read fails below as well.
        let blocks = (try? store.reader.blocks()) ?? []
        let releases = context.settings.accounts.releases(of: name, among: blocks, byUID: uid)
        return change(releases + [.releaseReuse(name: name)]) { outcome in
            var parts = outcome.unblocked.map {
                $0 == name ? "the block is taken back" : "the block of \($0) is taken back"
            }
            if !outcome.released.isEmpty { parts.append("the withheld re-use is released") }
            if parts.isEmpty {
                parts.append("nothing of this name is blocked, or withheld because of re-use")
            }
            return (parts.joined(separator: ", "), outcome.released.count + outcome.unblocked.count)
        }
    }

    private func confirm(_ name: String) -> CommandOutcome {
        let rules = StoreRules(context.settings)
        guard rules.allowGroups.contains(name) || rules.denyGroups.contains(name) else {
            return .failed(
                "no rule of [access] names \(name)",
                remedy: "roster check shows what there is to confirm")
        }
        return change([.confirmAccess(name: name)]) { outcome in
            outcome.confirmed == 0
                ? ("nothing of this name waits to be confirmed", 0)
                : ("the rules mean what the directory shows now", outcome.confirmed)
        }
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

    /// Blocks the names that are blocked in another spelling than the one they are published in.
    func foldBlocks() {
        do {
            let changes = context.settings.accounts.missingBlocks(among: try store.reader.blocks())
            guard !changes.isEmpty else { return }
            try apply(StoreBatch(changes: changes, phase: phase))
        } catch {
            logger.error("cannot apply fold_names to the blocked names: \(error)")
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
        _ changes: [StoreChange], _ describe: (StoreOutcome) -> (String, Int)
    ) -> CommandOutcome {
        do throws(DirectoryFailure) {
            let outcome = try apply(StoreBatch(changes: changes, phase: phase))
            let (text, count) = describe(outcome)
            if let problem = publisher.problem {
                return .failed(
                    "stored, but not in force on this host: \(problem)",
                    remedy: "the index is built anew as soon as that is cured; see roster status")
            }
            return .done(text, count: count)
        } catch {
            return .failed(error.description, remedy: "see the log of rosterd")
        }
    }
}
