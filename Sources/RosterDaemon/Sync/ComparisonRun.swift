// The comparison of id, DN and change stamp of every entry, on a connection and a thread of its own:
// what the stream may have missed is found here and confirmed by a second reading.

internal import AccountStore
internal import Accounts
internal import DirectorySync
internal import LDAPClient
internal import Settings

/// What a comparison found.
struct ComparisonReport: Sendable {
    /// The number of the connection beside which it was made.
    var connection = 0
    /// How many entries differed.
    var differing = 0
    /// Whether so many differed that reading everything again costs less.
    var isTooMuch = false
    /// How long it took.
    var duration = Duration.zero
    /// Entries that differed or were unknown, read again, with the search that shows them.
    var reread: [(search: Int, entry: DirectoryEntry)] = []
    /// Entries that neither the listing nor a reading by their identity shows.
    var gone: [EntryUUID] = []
    /// How many entries were the same.
    var unchanged = 0
    /// Why it could not be done; `nil`: it was.
    var failure: String?
}

/// One comparison.
///
/// Blocks for as long as the directory takes to list everything.
struct ComparisonRun: Sendable {
    let connector: DirectoryConnector
    let connection: Int
    let server: Int
    /// The very server that is followed: another one of the same domain may be behind it.
    let uri: String
    let strategy: SyncStrategy
    let plan: SearchPlan
    let rules: EntryRules
    let reader: StoreReader
    let clock: DaemonClock

    /// Identities that one re-reading asks for.
    private static let rereadAtOnce = 50
    /// Pages that one listing may have: some five million entries.
    private static let mostPages = 10_000
    /// More than so many, and a fifth of all, are not read again one by one.
    private static let rereadAtMost = 5000
    /// Nor is what has more octets: all of it is in memory at once.
    var mostOctets = 32 << 20
    /// The operational attributes that a listing needs.
    private static let stamps = ["entryCSN", "uSNChanged", "modifyTimestamp"]

    private var entryID: EntryIDAttribute { strategy.entryID }

    /// Compares.
    func run() -> ComparisonReport {
        let began = clock.uptime()
        var report = ComparisonReport()
        report.connection = connection
        do {
            try compare(into: &report)
        } catch {
            report.failure = "\(error)"
        }
        report.duration = clock.uptime() - began
        return report
    }

    private func compare(into report: inout ComparisonReport) throws {
        var comparison = Comparison()
        try reader.forEachStamp { uuid, dnKey, stamp in
            comparison.addStored(uuid, mark: Comparison.Mark(dnKey: dnKey, stamp: stamp))
        }
        let session = try connect()
        for search in plan.searches {
            let listing = LDAPSearch(
                base: search.base, scope: .subtree, filter: search.filter,
                attributes: [entryID.name] + Self.stamps)
            try each(listing, on: session) { entry in
                let seen = rules.evaluate(entry)
                comparison.addListed(
                    entry.uuid, mark: Comparison.Mark(dnKey: seen.dnKey, stamp: seen.stamp))
            }
        }
        let outcome = comparison.finish()
        report.unchanged = outcome.unchangedCount
        let asked = outcome.toReread + outcome.missing
        report.differing = asked.count
        report.isTooMuch = asked.count > Self.rereadAtMost && asked.count > report.unchanged / 4
        guard !report.isTooMuch else { return }
        var found: Set<EntryUUID> = []
        var octets = 0
        for start in stride(from: 0, to: asked.count, by: Self.rereadAtOnce) {
            let some = asked[start..<min(start + Self.rereadAtOnce, asked.count)]
            for (index, search) in plan.searches.enumerated() {
                try each(reread(some, of: search), on: session) { entry in
                    found.insert(entry.uuid)
                    octets += entry.dn.utf8.count + entry.attributes.packed.count
                    guard octets <= mostOctets else { return }
                    report.reread.append((index, entry))
                }
            }
            guard octets <= mostOctets else {
                // A full reading stores what it gets bit by bit.
                report.reread = []
                report.isTooMuch = true
                return
            }
        }
        // What the listing showed and its identity does not find is read with everything else.
        report.isTooMuch = outcome.toReread.contains { !found.contains($0) }
        report.gone = outcome.missing.filter { !found.contains($0) }
    }

    /// A session with the server that is followed: another one has other change numbers, and may lag.
    private func connect() throws(DirectoryFailure) -> LDAPSession {
        guard let controller = strategy.controller else {
            return try connector.connect(to: server, only: uri)
        }
        return try connector.connect(to: server, only: uri, followedBy: controller)
    }

    private func reread(_ uuids: ArraySlice<EntryUUID>, of search: SearchPlan.Search) -> LDAPSearch
    {
        search.asked(for: .entries(Array(uuids)), entryID: entryID)
    }

    /// Calls `body` with each entry that a search shows, page by page where the server wants that;
    /// throws unless the search came to its end.
    private func each(
        _ search: LDAPSearch, on session: borrowing LDAPSession, _ body: (DirectoryEntry) -> Void
    ) throws {
        guard strategy.method == .usn else {
            _ = try onePage(of: search, on: session, body)
            return
        }
        var page: [UInt8] = []
        var pagesLeft = Self.mostPages
        repeat {
            var paged = search
            paged.controls += SearchPlan.Search.page(from: page)
            page = try onePage(of: paged, on: session, body)
            pagesLeft -= 1
        } while !page.isEmpty && pagesLeft > 0
        guard page.isEmpty else {
            throw DirectoryFailure("\(session.options.uri): a listing has pages without end")
        }
    }

    /// Calls `body` with each entry of one answer; where the next page begins.
    private func onePage(
        of search: LDAPSearch, on session: borrowing LDAPSession, _ body: (DirectoryEntry) -> Void
    ) throws -> [UInt8] {
        var incomplete: [RangedEntry] = []
        let next = try answer(to: search, on: session) { entry, ranges in
            if ranges.isEmpty { return body(entry) }
            let ranged = try RangedEntry(entry, ranges)
            if ranged.next == nil { body(entry) } else { incomplete.append(ranged) }
        }
        for var ranged in incomplete {
            var progress = RangedEntry.Progress.partial
            while progress == .partial, let request = ranged.next {
                _ = try answer(to: request.search(entryID: entryID), on: session) {
                    try ranged.receive($0, $1)
                }
                progress = try ranged.answerEnded()
            }
            // One that changed meanwhile is there and cannot be told: the next comparison can.
            guard progress == .whole else {
                throw DirectoryFailure("\(ranged.entry.dn) changed while it was read in parts")
            }
            body(ranged.entry)
        }
        return next
    }

    private func answer(
        to search: LDAPSearch, on session: borrowing LDAPSession,
        _ body: (DirectoryEntry, [AttributeRange]) throws -> Void
    ) throws -> [UInt8] {
        let id = try session.start(search)
        while true {
            let patience = connector.settings.directory.refreshTimeout
            guard let message = try session.nextMessage(timeout: patience) else {
                throw DirectoryFailure(
                    "\(session.options.uri): no answer to a listing for \(patience)")
            }
            guard message.id == id else { continue }
            switch try PollMessage(message, entryID: entryID) {
            case .entry(let entry): try body(entry, [])
            case .partial(let entry, let ranges): try body(entry, ranges)
            case .done(.success, _, let nextPage): return nextPage
            case .done(let code, let diagnostic, _):
                throw LDAPError(
                    server: session.options.uri, step: .search, code: code, serverText: diagnostic)
            case .unidentified, .committed, .other: continue
            }
        }
    }
}
