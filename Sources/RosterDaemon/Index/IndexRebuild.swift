// A complete new index from one snapshot of the store, beside the one in use.

internal import AccountIndex
internal import AccountStore
internal import Accounts
internal import CLibc
internal import Settings
internal import Synchronization

/// An index that lies ready but is not in place yet; whoever takes it owns it.
final class RebuiltIndex: Sendable {
    private let writer: Mutex<IndexWriter?>

    init(_ writer: consuming sending IndexWriter) {
        self.writer = Mutex(consume writer)
    }

    /// The writer; `nil` the second time.
    func take() -> sending IndexWriter? {
        writer.withLock { $0.take() }
    }
}

/// What became of a rebuild.
struct RebuildReport: Sendable {
    /// The new index; `nil`: it could not be built, see ``failure``.
    var index: RebuiltIndex?
    /// The newest transaction of the store that it contains.
    var revision: Int64 = 0
    /// Why there is none.
    var failure: String?
    /// How long it took.
    var duration: Duration
}

/// Builds an index on another thread.
struct IndexRebuild: Sendable {
    let directory: String
    let reader: StoreReader
    let settings: Settings
    let generation: UInt64
    let clock: DaemonClock

    /// Seconds for which a name that went is told from one that nobody knows.
    private static let removedFor: Int64 = 3600

    /// Builds; blocks for about 3 s per million people.
    func run() -> RebuildReport {
        let began = clock.uptime()
        var report = RebuildReport(index: nil, failure: nil, duration: .zero)
        do {
            report.index = RebuiltIndex(try build(&report.revision))
        } catch {
            report.failure = "\(error)"
        }
        report.duration = clock.uptime() - began
        malloc_trim(0)
        return report
    }

    private func build(_ revision: inout Int64) throws -> IndexWriter {
        var builder = try IndexBuilder(
            directory: directory, generation: generation, gateGroup: GateReaders.groupID)
        var failure: IndexError?
        try reader.snapshot { snapshot throws(StoreError) in
            revision = snapshot.revision
            builder.set(policy: AccessPolicy(settings, snapshot.access))
            for name in try snapshot.removedNames(since: clock.now() - Self.removedFor) {
                builder.add(removed: name)
            }
            try snapshot.forEachPerson { person in
                guard failure == nil else { return }
                do throws(IndexError) { try builder.add(person: person) } catch { failure = error }
            }
            try snapshot.forEachGroup { group, members in
                guard failure == nil else { return }
                do throws(IndexError) {
                    try builder.add(group: group, members: members)
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
        return try builder.finish()
    }
}
