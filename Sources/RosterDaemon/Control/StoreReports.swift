// What the store knows, in the words of the control socket.

internal import AccountStore
internal import Accounts
internal import DaemonProtocol
internal import Synchronization

/// Where the sync thread leaves the reader of the store once the store is open.
final class StoreReaderSlot: Sendable {
    private let slot = Mutex<StoreReader?>(nil)

    /// The reader; `nil`: the store is not open yet.
    var reader: StoreReader? {
        slot.withLock { $0 }
    }

    /// Waits until the store is open, at most `time`.
    ///
    /// The sockets accept before it is: who asked while the daemon was away is not sent off for the
    /// milliseconds that opening takes.
    func waitUntilOpen(atMost time: Duration, clock: DaemonClock) async {
        let end = clock.uptime() + time
        while reader == nil, clock.uptime() < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Leaves the reader.
    func fill(_ reader: StoreReader) {
        slot.withLock { $0 = reader }
    }
}

extension WithheldEntry {
    init(_ finding: StoreFinding) {
        let reason = finding.withheld ?? ""
        self.init(
            kind: finding.isGroup ? .group : .person, uuid: finding.uuid.description,
            dn: finding.dn, name: finding.name, reason: reason,
            canAllow: finding.isReleasable)
    }
}

extension EntryNote {
    /// A note for each odd thing about an entry.
    static func all(of finding: StoreFinding) -> [EntryNote] {
        finding.notes.map {
            EntryNote(
                kind: finding.isGroup ? .group : .person, name: finding.name ?? finding.dn,
                dn: finding.dn, text: $0)
        }
    }
}

extension HistoryReport.Change {
    init(_ entry: HistoryEntry) {
        self.init(
            effectiveAt: entry.at, directoryAt: entry.happenedAt,
            kind: entry.isGroup ? .group : .person, name: entry.name, what: entry.inWords)
    }
}

extension HistoryEntry {
    /// What happened, in a few words.
    var inWords: String {
        switch what {
        case .appeared: "appeared with id \(id)"
        case .removed: "removed"
        case .renamed: "was \(oldName ?? name) with id \(oldID ?? id), now id \(id)"
        case .disabled: "disabled"
        case .enabled: "enabled"
        case .withheld: "withheld"
        case .held: "removal held"
        case .released: "re-use released"
        case .firstLoad: "first load"
        case .blocked: "blocked by roster deny (uid \(id))"
        case .unblocked: "block taken back (uid \(id))"
        case .confirmed: "access rules: what the directory shows was confirmed"
        }
    }
}

extension StatusReport.Delay {
    /// Median and 99th percentile of some delays; `nil` of none.
    init?(_ delays: [Duration]) {
        guard !delays.isEmpty else { return nil }
        let sorted = delays.map { $0.inSeconds * 1000 }.sorted()
        self.init(
            changes: sorted.count, medianMilliseconds: sorted[sorted.count / 2],
            p99Milliseconds: sorted[min(sorted.count - 1, sorted.count * 99 / 100)])
    }
}
