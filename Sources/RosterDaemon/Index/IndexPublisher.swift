// The one writer of the index: one publication for each transaction that changed what the host sees,
// and a new base beside the old one when the delta has grown.

internal import AccountIndex
internal import AccountStore
internal import Accounts
internal import CLibc
internal import DirectorySync
internal import Logging
internal import NIOPosix

/// Publishes changes of the store.
///
/// Used by the sync thread only.
@safe final class IndexPublisher {
    private let context: EngineContext
    private let directory: String
    private var writer: IndexWriter?
    /// The files that `writer` writes: others under their names mean that the folder was wiped.
    private var files: [FileIdentity?] = []
    /// What was published since the running rebuild began; `nil`: none is running.
    private var changesSinceRebuild: [(revision: Int64, change: PublicationChange)]?
    /// Whether the store may hold something that the index does not show; only a rebuild cures that.
    private(set) var isBehind = true
    /// Whether the writer is of no use any more: nothing goes through it until a rebuild is in place.
    private var hasFailed = false
    /// Whether the store is between two sets of rules; the index shows what it did before then.
    private var isHeld = false
    /// When the next attempt to rebuild is due, after one that failed.
    private var retryAt = Duration.zero
    private var backoff = Backoff(first: .seconds(1), limit: .seconds(60))
    private var checkedAt = Duration.zero
    /// The newest generation that this directory is known to have had.
    private var newestGeneration: UInt64 = 0
    /// When the directory last answered, and when the mirror was last what the directory is: kept
    /// here too, so that the newest published time never goes back when a pair is built anew.
    private var times = GateTimes()

    private var logger: Logger { context.logger }

    /// So many generations may be published in the old files while new ones are built, without the
    /// generation that `roster status` shows ever going back.
    private static let roomForRebuild: UInt64 = 1_000_000

    /// Opens the index of the state directory, if there is one that can be continued.
    init(context: EngineContext) {
        self.context = context
        directory = context.paths.state + "/index"
        times = IndexWriter.times(directory: directory)
        do throws(IndexError) {
            writer = try IndexWriter.open(directory: directory)
            newestGeneration = writer?.generation ?? 0
            files = identities()
        } catch {
            logger.warning("the index on disk cannot be continued and is built anew: \(error)")
        }
        noteIndex()
    }

    /// Whether the index shows everything that the store says is published.
    var isCurrent: Bool { writer != nil && !isBehind }

    /// Why changes do not reach the index at the moment; `nil`: they do, or there is none yet.
    private(set) var problem: String?

    /// Makes one transaction's change visible; a change without effect writes nothing.
    func publish(_ outcome: StoreOutcome) {
        guard !outcome.publication.isEmpty else { return }
        changesSinceRebuild?.append((outcome.revision, outcome.publication))
        guard !isHeld else {
            isBehind = true
            return
        }
        guard writer != nil, !hasFailed else { return }
        let before = newestGeneration
        do throws(IndexError) {
            if let result = try writer?.apply(outcome.publication) {
                newestGeneration = result.generation
            }
        } catch {
            fail("cannot publish: \(error)")
        }
        let changed = UInt64(outcome.publication.people.count + outcome.publication.groups.count)
        if newestGeneration != before {
            context.board.update {
                $0.publications += 1
                $0.changes += changed
            }
        }
        noteIndex()
    }

    /// What blocks and unblocks change for people of the index on disk, while the store that would
    /// say so is being filled: an administrator's block waits for no directory.
    func blockChanges(of outcome: StoreOutcome) -> [PersonChange] {
        guard writer != nil, let people = try? IndexSnapshot(directory: directory),
            let gate = try? IndexSnapshot(directory: directory, part: .gate)
        else { return [] }
        let names = outcome.blocked.map { ($0, true) } + outcome.unblocked.map { ($0, false) }
        return names.compactMap { name, isBlocked in
            guard let shown = try? people.person(named: name),
                let account = try? gate.gateAccount(named: name)
            else { return nil }
            var login = account.login
            login.isBlocked = isBlocked
            let person = PublishedPerson(
                uuid: account.uuid, passwd: shown.passwd, groups: shown.groups,
                state: account.state, login: login)
            return PersonChange(was: account.key, now: person)
        }
    }

    /// Publishes nothing until ``release()``: what is stored is half of the old rules and half of the
    /// new ones, and a group that a deny rule names by its new name may still have the old one.
    func hold() {
        isHeld = true
    }

    /// Publishes again; what came meanwhile is in the rebuild that it makes due.
    func release() {
        isHeld = false
    }

    /// Says that the store holds something that no publication showed: a finished first load.
    func storeWasFilled() {
        isBehind = true
    }

    /// Begins a rebuild when one is due, and notices when the index was wiped away.
    func attend(_ reader: StoreReader) {
        let now = context.clock.uptime()
        if now - checkedAt >= .seconds(1) {
            checkedAt = now
            if writer != nil, !hasFailed, identities() != files {
                fail("the index in \(directory) was removed or replaced by somebody else")
            }
        }
        guard !isHeld, changesSinceRebuild == nil, now >= retryAt else { return }
        if isBehind || writer?.shouldRebuild == true { startRebuild(reader) }
    }

    /// Puts a new base in place with what was published while it was built.
    func finishRebuild(_ report: RebuildReport) {
        let missed = changesSinceRebuild ?? []
        changesSinceRebuild = nil
        guard var next = report.index?.take() else {
            return fail("cannot build the index: \(report.failure ?? "it was taken before")")
        }
        do throws(IndexError) {
            for (revision, change) in missed where revision > report.revision {
                _ = try next.apply(change)
            }
            next.carryOver(times)
            try next.install()
        } catch {
            // The old writer may write files by now that nobody can open any more.
            writer = nil
            return fail("cannot put the new index in place: \(error)")
        }
        next.releaseMemory()
        newestGeneration = next.generation
        writer = consume next
        files = identities()
        isBehind = false
        hasFailed = false
        problem = nil
        backoff.reset()
        context.board.update { $0.rebuilds += 1 }
        noteIndex()
        logger.info(
            "index built",
            metadata: [
                "generation": "\(newestGeneration)", "took": "\(report.duration)",
                "people": "\(writer?.peopleCount ?? 0)",
            ])
    }

    /// Notes that the directory answered; no publication.
    func noteContact() {
        times.noteContact(context.clock.gate())
        writer?.carryOver(times)
    }

    /// Notes that the mirror is what the directory is; no publication.
    func noteVerified() {
        times.noteVerified(context.clock.gate())
        writer?.carryOver(times)
    }

    private func startRebuild(_ reader: StoreReader) {
        changesSinceRebuild = []
        let room = writer == nil ? 1 : Self.roomForRebuild
        let rebuild = IndexRebuild(
            directory: directory, reader: reader, settings: context.settings,
            generation: newestGeneration + room,
            clock: context.clock)
        let mailbox = context.mailbox
        context.background.submit { _ in mailbox.post(.rebuildEnded(rebuild.run())) }
    }

    /// The index lags behind the store; a rebuild is tried until one succeeds.
    private func fail(_ reason: String) {
        logger.error("\(reason); the index is built anew")
        isBehind = true
        hasFailed = true
        problem = reason
        retryAt = context.clock.uptime() + backoff.next(random: context.clock.random())
        context.board.update { $0.lastError = reason }
    }

    private func identities() -> [FileIdentity?] {
        ["/public.1", "/gate.1"].map { FileIdentity(path: directory + $0) }
    }

    private func noteIndex() {
        let generation = writer?.generation ?? 0
        let octets = Int64(writer?.byteCount ?? 0)
        context.board.update {
            $0.generation = generation
            $0.indexOctets = octets
        }
    }
}

/// Which file lies under a name.
private struct FileIdentity: Equatable {
    private let device: UInt64
    private let inode: UInt64

    /// The file under `path`; `nil` if there is none.
    init?(path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }
}
