// The answers of the daemon: from the status board, the store and the published index.

internal import AccountIndex
internal import AccountStore
internal import Accounts
internal import CLibc
internal import DaemonProtocol
internal import DirectorySync
internal import NIOPosix
internal import Settings

/// Answers what the administrator's command asks.
struct DaemonControl: ControlHandler {
    let context: EngineContext
    /// The store's reader; `nil` inside until the sync thread has opened the store.
    let storeReader: StoreReaderSlot

    /// How often `wait` and `sync` look whether they are done.
    private static let pollInterval = Duration.milliseconds(20)
    /// How long a question about what is stored waits for the store to be opened.
    private static let longestOpening = Duration.seconds(5)

    func handle(_ request: ControlRequest, peer: PeerCredentials) async -> ControlReply {
        do {
            if request.needsStore {
                await storeReader.waitUntilOpen(atMost: Self.longestOpening, clock: context.clock)
            }
            switch request {
            case .status: return .status(try await blocking { try status() })
            case .user(let name): return .user(try await blocking { try user(name) })
            case .group(let name): return .group(try await blocking { try group(name) })
            case .check: return .check(try await blocking { try check() })
            case .history(let name, let limit):
                return .history(try await blocking { try history(name, limit) })
            case .wait(let seconds): return .wait(await wait(seconds: seconds))
            case .sync(let full, let acceptRemovals):
                return .sync(try await sync(full: full, acceptRemovals: acceptRemovals))
            case .allow(let name): return .allow(try await allow(name, peer))
            case .deny(let name): return .deny(try await deny(name, peer))
            case .confirm(let name): return .confirm(try await confirm(name))
            case .explain(let name, let service):
                return .explain(try await blocking { try explain(name, service, peer) })
            }
        } catch let failure as ControlFailure {
            return .failure(failure)
        } catch {
            return .failure(ControlFailure(kind: .failed, message: "\(error)"))
        }
    }

    /// Runs what reads files on a thread that may block.
    private func blocking<Answer: Sendable>(
        _ body: @escaping @Sendable () throws -> Answer
    ) async throws -> Answer {
        try await context.background.runIfActive(body)
    }

    func reader() throws(ControlFailure) -> StoreReader {
        guard let reader = storeReader.reader else {
            throw ControlFailure(
                kind: .busy, message: "rosterd is still opening its store",
                remedy: "Try again in a moment")
        }
        return reader
    }

    private func index() -> IndexSnapshot? {
        try? IndexSnapshot(directory: context.paths.state + "/index")
    }
}

extension DaemonControl {
    private func status() throws -> StatusReport {
        let now = context.board.current
        let (state, since) = now.state.reported(startedAt: now.startedAt)
        var report = StatusReport(
            state: state, since: since, pid: getpid(), version: Daemon.version,
            startedAt: now.startedAt)
        if case .loading(let received, let expected, let since) = now.state {
            report.load = StatusReport.LoadProgress(
                entries: received, expected: expected, startedAt: since)
        }
        report.lastError = now.lastError
        report.serverURI = now.serverURI
        report.strategy = now.strategy?.rawValue
        report.promise = now.promise?.text
        report.advice = now.promise?.advice
        report.lastContactAt = now.lastContact
        report.lastVerifiedAt = now.lastVerified
        report.nextComparisonAt = now.nextComparison
        report.publicationDelay = StatusReport.Delay(now.delays)
        report.generation = now.generation
        report.indexOctets = now.indexOctets
        report.publications = Int64(clamping: now.publications)
        report.rebuilds = Int64(clamping: now.rebuilds)
        report.storeSetAside = now.isStoreSetAside
        report.journalLost = now.isJournalLost
        guard let reader = storeReader.reader else { return report }
        let summary = try reader.summary()
        report.counts = StatusReport.Counts(
            people: summary.people, groups: summary.groups, memberships: summary.memberships,
            withheld: summary.withheld)
        report.held = StatusReport.HeldCounts(
            people: summary.heldPeople, groups: summary.heldGroups,
            memberships: summary.heldMembers)
        report.storeOctets = reader.octets
        report.blocked = try reader.blocks().map {
            BlockedName(name: $0.name, since: $0.at, byUID: $0.byUID)
        }
        report.accessProblems = try accessProblems(reader, summary)
        report.journalLost = report.journalLost || summary.journalLostAt != nil
        report.cookies = try reader.cookies().map {
            "search \($0.search): \($0.bytes.count) octets"
        }
        return report
    }

    /// What access rules suppose and the directory does not show; nothing while it is being read.
    private func accessProblems(_ reader: StoreReader, _ summary: StoreSummary) throws -> [String] {
        guard !summary.isLoading else { return [] }
        let rules = StoreRules(context.settings)
        return try reader.access().problems(of: rules).map { $0.inWords(rules) }
    }

    private func user(_ name: String) throws -> AccountReport? {
        let reader = try reader()
        let people = try reader.people(named: name)
        guard let person = people.first(where: { $0.published != nil }) ?? people.first else {
            return nil
        }
        let notes = try reader.findings().first { $0.uuid == person.uuid }?.notes ?? []
        let state = person.published?.state ?? .active
        let details = AccountReport.Details(
            uuid: person.uuid.description, dn: person.dn, withheld: person.withheld, notes: notes,
            disabled: state.isDisabled, expiresAt: state.expiresAt,
            mustChangePassword: state.mustChangePassword, heldSince: person.heldSince)
        let passwd = person.published?.passwd
        return AccountReport(
            name: name, uid: passwd?.uid ?? 0, gid: passwd?.gid ?? 0, gecos: passwd?.gecos ?? "",
            home: passwd?.home ?? "", shell: passwd?.shell ?? "",
            groups: person.groups.map { NamedID(name: $0.name, id: $0.id) },
            published: person.published != nil, details: details)
    }

    private func group(_ name: String) throws -> GroupReport? {
        let finding = try reader().findings().first { $0.isGroup && $0.name == name }
        let details = finding.map {
            GroupReport.Details(
                uuid: $0.uuid.description, dn: $0.dn, withheld: $0.withheld, notes: $0.notes)
        }
        if let published = try index()?.group(named: name) {
            return GroupReport(
                name: name, gid: published.key.id, members: published.members, details: details)
        }
        return finding.map {
            GroupReport(
                name: name, gid: $0.id ?? 0, members: [], published: false, details: details)
        }
    }

    /// What is withheld, held and wrong.
    func check() throws -> CheckReport {
        let reader = try reader()
        let findings = try reader.findings()
        return CheckReport(
            errors: context.board.current.complaints,
            warnings: try accessProblems(reader, reader.summary()),
            withheld: findings.filter { $0.withheld != nil }.map { WithheldEntry($0) },
            held: try storeReader.held().map { DaemonProtocol.HeldRemoval($0) },
            notes: findings.flatMap { EntryNote.all(of: $0) })
    }

    private func history(_ name: String?, _ limit: Int) throws -> HistoryReport {
        let reader = try reader()
        let entries = try reader.history(name: name, limit: limit + 1)
        return HistoryReport(
            changes: entries.prefix(limit).map { HistoryReport.Change($0) },
            truncated: entries.count > limit,
            journalLost: try reader.summary().journalLostAt != nil)
    }
}

extension DaemonControl {
    private func wait(seconds: Int) async -> WaitReport {
        let end = context.clock.uptime() + .seconds(seconds)
        while true {
            let now = context.board.current
            let (state, _) = now.state.reported(startedAt: now.startedAt)
            if state == .inSync || context.clock.uptime() >= end || Task.isCancelled {
                return WaitReport(
                    inSync: state == .inSync, state: state, generation: now.generation,
                    lastError: state == .inSync ? nil : now.lastError)
            }
            try? await Task.sleep(for: Self.pollInterval)
        }
    }

    private func sync(full: Bool, acceptRemovals: Bool) async throws -> SyncReport {
        let before = try await blocking { try reader().summary() }
        let changesBefore = context.board.current.changes
        if acceptRemovals { _ = try await ask { .acceptRemovals(reply: $0) } }
        let afterwards = try await blocking { try reader().summary() }
        if full {
            _ = try await ask { .fullSync(reply: $0) }
        } else if !acceptRemovals {
            _ = try await ask { .compare(reply: $0) }
        }
        let summary = try await blocking { try reader().summary() }
        let now = context.board.current
        return SyncReport(
            full: full, state: now.state.reported(startedAt: now.startedAt).0,
            generation: now.generation,
            entries: acceptRemovals && !full ? 0 : summary.entries,
            changed: Int(clamping: now.changes - changesBefore),
            accepted: StatusReport.HeldCounts(
                people: before.heldPeople - afterwards.heldPeople,
                groups: before.heldGroups - afterwards.heldGroups,
                memberships: before.heldMembers - afterwards.heldMembers),
            held: StatusReport.HeldCounts(
                people: summary.heldPeople, groups: summary.heldGroups,
                memberships: summary.heldMembers))
    }

    private func allow(_ given: String, _ peer: PeerCredentials) async throws -> AllowReport {
        let name = context.settings.accounts.folded(given)
        let (text, count) = try await ask { .allow(name: name, byUID: peer.uid, reply: $0) }
        return AllowReport(name: name, released: count > 0, message: text)
    }

    private func deny(_ given: String, _ peer: PeerCredentials) async throws -> DenyReport {
        let name = context.settings.accounts.folded(given)
        guard context.settings.accounts.names.allows(name.utf8) else {
            throw ControlFailure(
                kind: .malformed, message: "no account can have the name \(name)",
                remedy: "Give the name as getent passwd shows it")
        }
        let (text, count) = try await ask { .deny(name: name, byUID: peer.uid, reply: $0) }
        return DenyReport(name: name, blocked: count > 0, message: text)
    }

    private func confirm(_ given: String) async throws -> ConfirmReport {
        let name = context.settings.accounts.folded(given)
        let (text, count) = try await ask { .confirm(name: name, reply: $0) }
        return ConfirmReport(name: name, changed: count, message: text)
    }

    /// Leaves a command for the sync thread and waits until it was carried out.
    private func ask(
        _ command: (@escaping @Sendable (CommandOutcome) -> Void) -> EngineCommand
    ) async throws -> (text: String, count: Int) {
        let outcome = await withCheckedContinuation { continuation in
            context.mailbox.post(command { continuation.resume(returning: $0) })
        }
        switch outcome {
        case .done(let text, let count): return (text, count)
        case .failed(let text, let remedy):
            throw ControlFailure(kind: .failed, message: text, remedy: remedy)
        }
    }
}

extension ControlRequest {
    /// Whether the answer comes out of the store.
    fileprivate var needsStore: Bool {
        switch self {
        case .user, .group, .check, .history, .explain, .sync: true
        case .status, .wait, .allow, .deny, .confirm: false
        }
    }
}

extension MirrorState {
    /// The state and its beginning as `roster status` names them.
    func reported(startedAt: Int64) -> (DaemonProtocol.MirrorState, since: Int64) {
        switch self {
        case .starting: (.starting, startedAt)
        case .loading(_, _, let since): (.loading, since)
        case .inSync(let since): (.inSync, since)
        case .interrupted(let since, _): (.stale, since)
        }
    }
}

extension DaemonProtocol.HeldRemoval {
    fileprivate init(_ held: HeldReport) {
        switch held.kind {
        case .person: self.init(kind: .person, name: held.name, since: held.since)
        case .group: self.init(kind: .group, name: held.name, since: held.since)
        case .members:
            self.init(
                kind: .membership, name: "\(held.count) members", group: held.name,
                since: held.since)
        }
    }
}
