import Accounts
import LDAPClient
import Testing

@testable import DirectorySync

private func id(_ number: UInt64) -> EntryUUID { EntryUUID(high: 0, low: number) }

/// 2026-11-21T12:00:00Z and the seconds after it.
private let noon: Int64 = 1_795_262_400

private func at(_ seconds: Int64) -> PollMoment {
    PollMoment(uptime: .seconds(1000 + seconds), time: noon + seconds)
}

/// An entry that was changed so many seconds after noon by the server's clock.
private func entry(
    _ number: UInt64, changedAt seconds: Int64?, dn: String? = nil, _ texts: [String] = []
) -> DirectoryEntry {
    var attributes = AttributeList()
    attributes.append("objectClass", dn == nil ? ["posixAccount"] : ["organizationalUnit"])
    if let seconds {
        attributes.append("modifyTimestamp", [DirectoryNumbers.text(ofTime: noon + seconds)])
    }
    attributes.append("gecos", texts)
    return DirectoryEntry(
        uuid: id(number), dn: dn ?? "uid=\(number),ou=x", attributes: attributes)
}

private let done = PollMessage.done(code: .success, diagnostic: "")

private func session(_ cookie: String? = nil, _ known: [EntryUUID: String] = [:]) -> PollSession {
    PollSession(
        storedCookie: cookie.map { Array($0.utf8) }, interval: .seconds(30),
        entryID: EntryIDAttribute("entryUUID"), containers: ContainerWatch(known: known),
        now: at(0))
}

@Suite("Polling as a value")
struct PollSessionTests {
    /// Answers the running search; everything that was asked for.
    private func answer(
        _ session: inout PollSession, _ entries: [DirectoryEntry], at seconds: Int64
    ) throws -> [SyncChange] {
        var changes: [SyncChange] = []
        for entry in entries { changes += try session.receive(.entry(entry), now: at(seconds)) }
        return try changes + session.receive(done, now: at(seconds))
    }

    /// A session that listed `entries` at noon.
    private func listed(_ entries: [DirectoryEntry]) throws -> PollSession {
        var session = session()
        #expect(session.nextRequest(now: at(0)) == .everything)
        _ = try answer(&session, entries, at: 0)
        return session
    }

    @Test("the first listing sweeps by absence, at its successful end only")
    func listing() throws {
        var session = session()
        #expect(session.nextRequest(now: at(0)) == .everything)
        #expect(session.nextRequest(now: at(1)) == nil)
        let one = entry(1, changedAt: -9000)
        #expect(try session.receive(.entry(one), now: at(1)) == [.upsert(one)])
        #expect(session.isRefreshing && session.refreshedCount == 1)
        let changes = try session.receive(done, now: at(1))
        #expect(
            changes == [
                .refreshEnded(RefreshOutcome(isComplete: true, present: PresenceSet([id(1)]))),
                .newCookie(Array("modifyTimestamp=20261121092959Z".utf8)),
            ])
        #expect(!session.isRefreshing)
    }

    @Test(
        "any other end is an error that says what to do, and never a sweep",
        arguments: [
            (Int32(4), "size limit"), (3, "time limit"), (11, "administrative limit"),
            (32, "base"), (50, "bind identity"), (53, "refuses"), (80, "80"),
        ])
    func failures(_ code: Int32, _ words: String) throws {
        var session = session()
        _ = session.nextRequest(now: at(0))
        _ = try session.receive(.entry(entry(1, changedAt: 0)), now: at(0))
        let error = #expect(throws: SyncError.self) {
            try session.receive(
                .done(code: LDAPResultCode(rawValue: code), diagnostic: ""), now: at(0))
        }
        #expect(error?.description.contains(words) == true)
        if code == 4 { #expect(error?.description.contains("after 1 entries") == true) }
    }

    @Test("as long as an entry hides its stamp everything is read each time, with a long rest")
    func hiddenStamp() throws {
        var session = session()
        _ = session.nextRequest(now: at(0))
        let entries = [entry(1, changedAt: 0), entry(2, changedAt: nil)]
        for entry in entries { _ = try session.receive(.entry(entry), now: at(2)) }
        let changes = try session.receive(done, now: at(2))
        #expect(changes.count == 1 && !session.isRefreshing)
        #expect(session.nextRequest(now: at(101)) == nil)
        #expect(session.nextRequest(now: at(103)) == .everything)
        _ = try answer(&session, [entry(1, changedAt: 0), entry(2, changedAt: 90)], at: 103)
        guard case .changed? = session.nextRequest(now: at(140)) else {
            Issue.record("stamps that all are shown were not asked by")
            return
        }
    }

    @Test("an entry without identity among changed ones is no reason to stop")
    func unidentifiedChange() throws {
        var session = try listed([entry(1, changedAt: 0)])
        _ = session.nextRequest(now: at(30))
        _ = try session.receive(.unidentified, now: at(30))
        _ = try session.receive(done, now: at(30))
    }

    @Test("a directory of which no entry shows its identity is an error")
    func noIdentity() throws {
        var session = session()
        _ = session.nextRequest(now: at(0))
        _ = try session.receive(.unidentified, now: at(0))
        let error = #expect(throws: SyncError.self) { try session.receive(done, now: at(0)) }
        #expect(error?.kind == .noIdentity)
    }

    @Test("the next search looks back from where the server's clock stood, by the overlap")
    func overlap() throws {
        var session = try listed([entry(1, changedAt: -10)])
        #expect(session.nextDueAt == at(30).uptime)
        #expect(session.nextRequest(now: at(29)) == nil)
        // The stamp of 12:00:00 less ten seconds was seen at noon, less a minute.
        #expect(session.nextRequest(now: at(30)) == .changed(since: "20261121115850Z"))
        _ = try answer(&session, [], at: 31)
        #expect(session.nextRequest(now: at(60)) == .changed(since: "20261121115920Z"))
    }

    @Test("what changes during a long listing is asked for afterwards")
    func longListing() throws {
        var session = session()
        _ = session.nextRequest(now: at(0))
        _ = try session.receive(.entry(entry(1, changedAt: 0)), now: at(1))
        _ = try session.receive(.entry(entry(2, changedAt: 290)), now: at(300))
        _ = try session.receive(done, now: at(300))
        let request = session.nextRequest(now: at(700))
        // The listing began at noon or one second before, by the server's clock.
        #expect(request == .changed(since: "20261121115859Z"))
    }

    @Test("what comes again unchanged is dropped; a second change within the second is not")
    func unchanged() throws {
        let one = entry(1, changedAt: -1, ["a"])
        var session = try listed([one])
        _ = session.nextRequest(now: at(30))
        #expect(try answer(&session, [one], at: 30).isEmpty)
        let other = entry(1, changedAt: -1, ["b"])
        _ = session.nextRequest(now: at(60))
        let changes = try answer(&session, [other], at: 60)
        #expect(changes.first == .upsert(other))
        guard case .newCookie = changes.last else {
            Issue.record("a change came without a cookie")
            return
        }
    }

    @Test("after many changes and silence the searches leave them behind")
    func silence() throws {
        var session = try listed((1...50).map { entry($0, changedAt: 0) })
        var since = ""
        for turn in 1...10 {
            guard case .changed(let text) = session.nextRequest(now: at(Int64(turn) * 30)) else {
                Issue.record("no search in turn \(turn)")
                return
            }
            #expect(text > since)
            since = text
            _ = try answer(&session, [], at: Int64(turn) * 30)
        }
        #expect(since > DirectoryNumbers.text(ofTime: noon))
    }

    @Test("one stamp of the far future does not hide what changes before it")
    func future() throws {
        let future = entry(2, changedAt: 1_000_000_000)
        var session = try listed([entry(1, changedAt: -10), future])
        #expect(session.nextRequest(now: at(30)) == .changed(since: "20261121115850Z"))
        // It comes with every search, and is stored once.
        #expect(try answer(&session, [future], at: 30).isEmpty)
        #expect(session.nextRequest(now: at(60)) == .changed(since: "20261121115920Z"))
    }

    @Test("with a cookie it goes on there, and says that it saw no removals")
    func resume() throws {
        var session = session("modifyTimestamp=20261121110000Z")
        #expect(session.nextRequest(now: at(0)) == .changed(since: "20261121105900Z"))
        let changes = try answer(&session, [], at: 0)
        #expect(changes == [.refreshEnded(RefreshOutcome(isComplete: false, present: nil))])
    }

    @Test(
        "a cookie that it did not write, or of the future, is none",
        arguments: [
            "", "rid=000,csn=1", "modifyTimestamp=", "modifyTimestamp=yesterday",
            "modifyTimestamp=20261121120001Z",
        ])
    func foreignCookie(_ cookie: String) {
        var session = session(cookie)
        #expect(session.nextRequest(now: at(0)) == .everything)
    }

    @Test("without stamps everything is listed every time")
    func noStamps() throws {
        var session = try listed([entry(1, changedAt: nil)])
        #expect(session.nextRequest(now: at(30)) == .everything)
        let changes = try answer(&session, [], at: 30)
        #expect(
            changes == [.refreshEnded(RefreshOutcome(isComplete: true, present: PresenceSet([])))])
    }

    @Test("a renamed container asks for a comparison")
    func container() throws {
        let old = entry(9, changedAt: -9000, dn: "ou=team,dc=x")
        var session = try listed([old])
        _ = session.nextRequest(now: at(30))
        let renamed = entry(9, changedAt: 20, dn: "ou=crew,dc=x")
        let changes = try answer(&session, [renamed], at: 30)
        #expect(changes.prefix(1) == [.upsert(renamed)])
        #expect(
            changes.contains(
                .compareNow(reason: "container ou=team,dc=x is now ou=crew,dc=x")))
    }

    @Test("an entry that somebody names is read soon; what is not found is gone")
    func named() throws {
        var session = try listed([entry(1, changedAt: -9000), entry(2, changedAt: -9000)])
        #expect(session.wake(id(1), now: at(5).uptime).isEmpty)
        #expect(session.wake(id(2), now: at(5).uptime).isEmpty)
        #expect(session.wake(id(1), now: at(5).uptime).isEmpty)
        #expect(session.nextRequest(now: at(5)) == .entries([id(1), id(2)]))
        let changed = entry(2, changedAt: 5)
        #expect(try answer(&session, [changed], at: 5) == [.upsert(changed), .delete(id(1))])
        // The ordinary search still comes when it is due.
        #expect(session.nextDueAt == at(30).uptime)
    }

    @Test("news keep a pause between two searches, and never put off the ordinary one")
    func pause() throws {
        var session = try listed([entry(1, changedAt: -9000)])
        _ = session.wake(id(1), now: at(5).uptime)
        _ = session.nextRequest(now: at(5))
        _ = session.wake(id(2), now: at(5).uptime)
        #expect(session.nextRequest(now: at(5)) == nil)
        _ = try session.receive(done, now: at(5))
        #expect(session.nextRequest(now: at(5)) == nil)
        #expect(session.nextDueAt == at(5).uptime + PollSession.leastPause)
        _ = session.wake(id(3), now: at(30).uptime)
        guard case .changed = session.nextRequest(now: at(30)) else {
            Issue.record("news put off the ordinary search")
            return
        }
    }

    @Test("very many names become one search and a comparison")
    func flood() throws {
        var session = try listed([entry(1, changedAt: -9000)])
        var changes: [SyncChange] = []
        for number in 1...1001 as ClosedRange<UInt64> {
            changes += session.wake(id(number), now: at(5).uptime)
        }
        #expect(changes == [.compareSoon(reason: "many entries changed at once")])
        guard case .changed = session.nextRequest(now: at(5)) else {
            Issue.record("no search at once")
            return
        }
    }

    @Test("a server that is slow gets a rest as long as its answer took")
    func slowServer() throws {
        var session = try listed([entry(1, changedAt: -9000)])
        _ = session.nextRequest(now: at(30))
        #expect(session.silence(now: at(70).uptime) == .seconds(40))
        _ = try answer(&session, [], at: 80)
        #expect(session.nextDueAt == at(130).uptime)
        #expect(session.silence(now: at(90).uptime) == nil)
    }
}
