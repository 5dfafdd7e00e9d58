// A mirror in memory that does what a daemon does: feeds a session, obeys it, keeps the cookie.

import Accounts
import DirectorySync
import LDAPClient
import TestSupport

/// A mirror of a throw-away slapd.
final class MirrorClient {
    static let filter =
        "(|(objectClass=posixAccount)(objectClass=posixGroup)\(ContainerWatch.filterComponents))"

    var entries: [EntryUUID: DirectoryEntry] = [:]
    var cookie: [UInt8]?
    /// Everything the sessions asked for, cleared by the tests.
    var changes: [SyncChange] = []
    var search: LDAPSearch
    private let server: SlapdServer
    private var session: LDAPSession?
    private var sync = SyncreplSession(storedCookie: nil)
    private var refreshHappened = false

    init(_ server: SlapdServer, base: String = SlapdServer.suffix, filter: String = filter) {
        self.server = server
        search = LDAPSearch(
            base: base, scope: .subtree, filter: filter,
            attributes: ["*", "entryCSN", "createTimestamp"])
    }

    /// Connects and sends the search.
    func connect() throws {
        let options = LDAPConnectOptions(
            uri: server.uri, tls: .off, operationTimeout: .seconds(5))
        session = try LDAPSession(options)
        let secret = LDAPSecret(copying: Array(SlapdServer.syncPassword.utf8))
        try session?.bind(dn: SlapdServer.syncDN, password: secret)
        try startSearch()
    }

    /// Ends the connection.
    func disconnect() {
        session = nil
    }

    private func startSearch() throws {
        sync = SyncreplSession(storedCookie: cookie, containers: ContainerWatch(known: containers))
        let request = SyncRequestControl(mode: .refreshAndPersist, cookie: sync.cookieToSend)
        search.controls = [request.control]
        _ = try session?.start(search)
    }

    private var containers: [EntryUUID: String] {
        entries.filter { ContainerWatch.isContainer($0.value.attributes) }.mapValues(\.dn)
    }

    /// Takes messages until `condition` holds; whether it did within ten seconds.
    func run(until condition: () -> Bool) throws -> Bool {
        let limit = ContinuousClock.now.advanced(by: .seconds(10))
        while !condition() {
            guard ContinuousClock.now < limit else { return false }
            try receive()
        }
        return true
    }

    /// Takes messages until the refresh has ended.
    func refresh() throws -> Bool {
        refreshHappened = false
        return try run { refreshHappened }
    }

    private func receive() throws {
        guard let message = try session?.nextMessage(timeout: .milliseconds(200)) else { return }
        for change in try sync.receive(try SyncMessage(message)) {
            changes.append(change)
            try obey(change)
        }
    }

    private func obey(_ change: SyncChange) throws {
        switch change {
        case .upsert(let entry): entries[entry.uuid] = entry
        case .delete(let uuid): entries[uuid] = nil
        case .refreshEnded(let outcome):
            refreshHappened = true
            guard let present = outcome.present else { return }
            entries = entries.filter { present.contains($0.key) }
        case .newCookie(let new): cookie = new
        case .restart(.withStoredCookie): try startSearch()
        case .restart(.withCookie(let new, _)):
            cookie = new
            try startSearch()
        case .restart(.withoutCookie):
            cookie = nil
            try startSearch()
        case .changedOutside, .compareNow, .compareSoon: break
        }
    }

    /// The DNs of the mirror, sorted.
    var names: [String] {
        entries.values.map(\.dn).sorted()
    }

    /// What the server shows right now, sorted.
    func truth() throws -> [String] {
        let session = try LDAPSession(LDAPConnectOptions(uri: server.uri, tls: .off))
        let secret = LDAPSecret(copying: Array(SlapdServer.syncPassword.utf8))
        try session.bind(dn: SlapdServer.syncDN, password: secret)
        var search = search
        search.controls = []
        return try (session.read(search, limit: 1_000_000) ?? []).map(\.dn).sorted()
    }

    /// Compares the mirror with what the directory lists.
    func compare() throws -> Comparison.Outcome {
        var comparison = Comparison()
        for (uuid, entry) in entries {
            let stamp = entry.attributes.firstText(of: "entrycsn") ?? ""
            comparison.addStored(uuid, mark: Comparison.Mark(dnKey: entry.dn, stamp: stamp))
        }
        let session = try LDAPSession(LDAPConnectOptions(uri: server.uri, tls: .off))
        let secret = LDAPSecret(copying: Array(SlapdServer.syncPassword.utf8))
        try session.bind(dn: SlapdServer.syncDN, password: secret)
        var search = search
        search.controls = []
        search.attributes = ["entryUUID", "entryCSN"]
        for entry in try session.read(search, limit: 1_000_000) ?? [] {
            guard let octets = entry.attributes["entryuuid"]?.first,
                let uuid = EntryUUID(text: octets[...])
            else { continue }
            let stamp = entry.texts("entrycsn").first ?? ""
            comparison.addListed(uuid, mark: Comparison.Mark(dnKey: entry.dn, stamp: stamp))
        }
        return comparison.finish()
    }

    /// The number of people in the mirror.
    var people: Int {
        entries.values.count { $0.dn.hasPrefix("uid=") }
    }

    /// The outcomes of the refreshes so far.
    var outcomes: [RefreshOutcome] {
        changes.compactMap { if case .refreshEnded(let outcome) = $0 { outcome } else { nil } }
    }

    /// The restarts asked for so far.
    var restarts: [SyncRestart] {
        changes.compactMap { if case .restart(let restart) = $0 { restart } else { nil } }
    }
}
