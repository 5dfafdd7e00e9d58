import Accounts
import DirectorySync
import Foundation
import LDAPClient
import TestSupport
import Testing

/// A mirror that polls a throw-away slapd, by a clock of its own.
private final class PollingMirror {
    private(set) var entries: [EntryUUID: DirectoryEntry] = [:]
    private(set) var cookie: [UInt8]?
    private(set) var stored = 0
    private(set) var comparisons = 0
    private let server: SlapdServer
    private let session: LDAPSession
    private let planned: SearchPlan.Search
    private let entryID = EntryIDAttribute("entryUUID")
    private var poll: PollSession
    private var uptime = Duration.seconds(1000)

    init(_ server: SlapdServer, cookie: [UInt8]? = nil) throws {
        self.server = server
        session = try LDAPSession(LDAPConnectOptions(uri: server.uri, tls: .off))
        let secret = LDAPSecret(copying: Array(SlapdServer.syncPassword.utf8))
        try session.bind(dn: SlapdServer.syncDN, password: secret)
        let local = LocalAccounts()
        let rules = EntryRules(
            policy: AccountPolicy(),
            scope: SearchScope(peopleBase: SlapdServer.suffix, groupsBase: SlapdServer.suffix),
            local: local, shells: InstalledShells([]))
        planned = try #require(rules.searchPlan.searches.first)
        poll = PollSession(
            storedCookie: cookie, interval: .seconds(30), entryID: entryID, family: .openLDAP,
            now: PollMoment(uptime: .seconds(1000), time: Self.time))
    }

    private static var time: Int64 { Int64(Date().timeIntervalSince1970) }
    private var now: PollMoment { PollMoment(uptime: uptime, time: Self.time) }

    /// Lets half a minute pass by the mirror's clock, and takes in what the server then shows.
    ///
    /// The watermark runs ahead of the server's clock by that: the overlap makes up for two turns.
    func turn() throws {
        while true {
            if let request = poll.nextRequest(now: now) {
                try ask(request)
                return
            }
            uptime += .milliseconds(100)
        }
    }

    /// Names an entry as a persistent search would, and takes in what the server then shows.
    func look(at uuid: EntryUUID) throws {
        _ = poll.wake(uuid, now: uptime)
        try turn()
    }

    private func ask(_ request: PollSession.Request) throws {
        let id = try session.start(planned.asked(for: request, entryID: entryID))
        while true {
            guard let message = try session.nextMessage(timeout: .seconds(20)) else {
                throw ProgramFailure(description: "no answer to \(request)")
            }
            guard message.id == id else { continue }
            let isEnd = message.kind == .searchResult
            for change in try poll.receive(PollMessage(message, entryID: entryID), now: now) {
                obey(change)
            }
            if isEnd { return }
        }
    }

    private func obey(_ change: SyncChange) {
        switch change {
        case .upsert(let entry):
            stored += 1
            entries[entry.uuid] = entry
        case .delete(let uuid): entries[uuid] = nil
        case .refreshEnded(let outcome):
            guard let present = outcome.present else { return }
            entries = entries.filter { present.contains($0.key) }
        case .newCookie(let new): cookie = new
        case .compareNow: comparisons += 1
        case .compareSoon, .changedOutside, .restart: break
        }
    }

    /// The identity of an entry of the mirror.
    func identity(of dn: String) -> EntryUUID? {
        entries.values.first { $0.dn == dn }?.uuid
    }

    /// DN and full name of everything in the mirror, sorted.
    var content: [String] {
        entries.values.map { "\($0.dn) \($0.attributes.firstText(of: "gecos") ?? "")" }.sorted()
    }

    /// The same of what the server shows.
    func truth() throws -> [String] {
        let search = LDAPSearch(
            base: planned.base, scope: .subtree, filter: planned.filter, attributes: ["gecos"])
        return try (session.read(search, limit: 100_000) ?? [])
            .map { "\($0.dn) \($0.texts("gecos").first ?? "")" }.sorted()
    }
}

@Suite("Polling against slapd without syncprov")
struct PollTests {
    private static func server(sizeLimit: Int? = nil) throws -> SlapdServer {
        var options = SlapdOptions()
        options.offersSync = false
        options.people = 40
        options.sizeLimit = sizeLimit
        return try SlapdServer(options)
    }

    private func dn(_ number: Int) -> String { "uid=user\(number),\(SlapdServer.people)" }

    @Test("what is added, changed and renamed arrives with the next turn; nothing else is stored")
    func changes() throws {
        let server = try Self.server()
        let mirror = try PollingMirror(server)
        try mirror.turn()
        #expect(try mirror.content == mirror.truth())
        try mirror.turn()
        let before = mirror.stored
        try mirror.turn()
        #expect(mirror.stored == before)
        try server.addPerson(900)
        try server.replace(dn(3), "gecos", with: "new")
        try server.rename(dn(4), to: "uid=renamed")
        try mirror.turn()
        #expect(try mirror.content == mirror.truth())
        #expect(mirror.stored == before + 3)
    }

    @Test("a deletion is seen when it is named, or by the listing of a new session")
    func deletions() throws {
        let server = try Self.server()
        let mirror = try PollingMirror(server)
        try mirror.turn()
        let one = try #require(mirror.identity(of: dn(1)))
        // Found once, so that not being found means something.
        try mirror.look(at: try #require(mirror.identity(of: dn(3))))
        try server.delete(dn(1))
        try server.delete(dn(2))
        try mirror.turn()
        #expect(mirror.identity(of: dn(1)) != nil)
        try mirror.look(at: one)
        #expect(mirror.identity(of: dn(1)) == nil && mirror.identity(of: dn(2)) != nil)
        let other = try PollingMirror(server)
        try other.turn()
        #expect(try other.content == other.truth())
    }

    @Test("with the cookie a new session brings what changed meanwhile")
    func resume() throws {
        let server = try Self.server()
        let first = try PollingMirror(server)
        try first.turn()
        let cookie = try #require(first.cookie)
        try server.replace(dn(5), "gecos", with: "away")
        let second = try PollingMirror(server, cookie: cookie)
        try second.turn()
        let five = try #require(second.identity(of: dn(5)))
        #expect(second.entries[five]?.attributes.firstText(of: "gecos") == "away")
    }

    @Test("a size limit is an error that names limit and remedy")
    func sizeLimit() throws {
        let mirror = try PollingMirror(Self.server(sizeLimit: 10))
        let error = #expect(throws: SyncError.self) { try mirror.turn() }
        #expect(error?.kind == .limitExceeded)
        #expect(error?.description.contains("size limit") == true)
        #expect(error?.description.contains("after 10 entries") == true)
        #expect(error?.description.contains("olcLimits") == true)
    }
}
