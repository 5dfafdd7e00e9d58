import Accounts
import LDAPClient
import Testing

@testable import DirectorySync

private func id(_ number: UInt64) -> EntryUUID { EntryUUID(high: 0, low: number) }

private func at(_ seconds: Int64) -> PollMoment {
    PollMoment(uptime: .seconds(1000 + seconds), time: 1_795_262_400 + seconds)
}

private let server = [UInt8](repeating: 0xA1, count: 16)
private let serverText = "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1"

private func entry(
    _ number: UInt64, usn: Int? = 1, dn: String? = nil, members: [String] = []
) -> DirectoryEntry {
    var attributes = AttributeList()
    attributes.append("objectClass", dn == nil ? ["user"] : ["organizationalUnit"])
    if let usn { attributes.append("uSNChanged", ["\(usn)"]) }
    attributes.append("member", members)
    return DirectoryEntry(
        uuid: id(number), dn: dn ?? "CN=\(number),DC=x", attributes: attributes)
}

private func done(_ page: String = "") -> PollMessage {
    .done(code: .success, diagnostic: "", nextPage: Array(page.utf8))
}

private func newSession(
    _ cookie: String? = nil, invocationID: [UInt8]? = server, _ known: [EntryUUID: String] = [:]
) -> USNSession {
    USNSession(
        storedCookie: cookie.map { Array($0.utf8) }, invocationID: invocationID,
        interval: .seconds(30), entryID: EntryIDAttribute("objectGUID"),
        containers: ContainerWatch(known: known), now: at(0))
}

private func cookie(_ number: Int64) -> SyncChange {
    .newCookie(Array("usn:\(serverText):\(number)".utf8))
}

/// What a server answers; every answer is checked against the request that it is for.
extension USNSession {
    fileprivate mutating func answer(
        _ request: Request, page: String = "", _ messages: [PollMessage], at seconds: Int64 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [SyncChange] {
        let step = nextStep(now: at(seconds))
        #expect(
            step == Step(request: request, page: Array(page.utf8)), sourceLocation: sourceLocation)
        var changes: [SyncChange] = []
        for message in messages { changes += try receive(message, now: at(seconds)) }
        return changes
    }

    /// The cycle after this one finds that nothing is newer than `number`.
    fileprivate mutating func quiet(_ number: Int64, at seconds: Int64 = 0) throws -> [SyncChange] {
        try answer(.committed, [.committed(number), done()], at: seconds)
    }
}

/// A session that listed `entries`, when change 100 was the last.
private func listed(_ entries: [DirectoryEntry]) throws -> USNSession {
    var session = newSession()
    _ = try session.answer(.committed, [.committed(100), done()])
    _ = try session.answer(.everything, entries.map { .entry($0) } + [done()])
    _ = try session.quiet(100)
    #expect(!session.isRefreshing)
    return session
}

@Suite("Following change numbers as a value")
struct USNSessionTests {
    @Test("the first reading lists everything, and then asks what changed meanwhile")
    func initialLoad() throws {
        var session = newSession()
        _ = try session.answer(.committed, [.committed(100), done()])
        let (one, two) = (entry(1), entry(2))
        #expect(
            try session.answer(.everything, [.entry(one), .entry(two), done()])
                == [.upsert(one), .upsert(two)])
        #expect(session.isRefreshing && session.refreshedCount == 2)
        // Two was deleted and three made while it was listed.
        _ = try session.answer(.committed, [.committed(103), done()])
        _ = try session.answer(
            .changed(since: 101), [.entry(entry(2)), .entry(entry(3)), done()])
        let three = entry(3)
        let changes = try session.answer(.ours(since: 101), [.entry(three), done()])
        #expect(
            changes == [
                .upsert(three), .delete(id(2)),
                .refreshEnded(
                    RefreshOutcome(isComplete: true, present: PresenceSet([id(1), id(3)]))),
                cookie(104),
            ])
        #expect(!session.isRefreshing)
    }

    @Test("a listing is read page by page, and is over when there is no next page")
    func pages() throws {
        var session = newSession()
        _ = try session.answer(.committed, [.committed(100), done()])
        _ = try session.answer(.everything, [.entry(entry(1)), done("a")])
        _ = try session.answer(.everything, page: "a", [.entry(entry(2)), done("b")])
        _ = try session.answer(.everything, page: "b", [.entry(entry(3)), done()])
        let changes = try session.quiet(100)
        #expect(
            changes == [
                .refreshEnded(
                    RefreshOutcome(
                        isComplete: true, present: PresenceSet([id(1), id(2), id(3)]))),
                cookie(101),
            ])
    }

    @Test("a cycle without news is one question, and says nothing")
    func noNews() throws {
        var session = try listed([entry(1)])
        #expect(session.nextStep(now: at(29)) == nil)
        #expect(try session.quiet(100, at: 30).isEmpty)
        #expect(session.nextStep(now: at(59)) == nil)
        #expect(try session.quiet(100, at: 60).isEmpty)
        // Something changed, but nothing that may be seen.
        _ = try session.answer(.committed, [.committed(105), done()], at: 90)
        #expect(try session.answer(.changed(since: 101), [done()], at: 90).isEmpty)
        #expect(try session.quiet(105, at: 120).isEmpty)
    }

    @Test("what changed is read; what changed and is not ours any more goes")
    func changes() throws {
        var session = try listed([entry(1), entry(2), entry(3)])
        _ = try session.answer(.committed, [.committed(110), done()], at: 30)
        _ = try session.answer(
            .changed(since: 101), [.entry(entry(1)), .entry(entry(2)), done()], at: 30)
        let changed = entry(1, usn: 105)
        #expect(
            try session.answer(.ours(since: 101), [.entry(changed), done()], at: 30)
                == [.upsert(changed), .delete(id(2)), cookie(111)])
        // The next cycle begins behind what was committed, however large the numbers seen were.
        _ = try session.answer(.committed, [.committed(112), done()], at: 60)
        #expect(session.nextStep(now: at(60))?.request == .changed(since: 111))
    }

    @Test("a cookie is stored with entries, and otherwise every ten minutes")
    func cookieAge() throws {
        var session = try listed([entry(1)])
        for (turn, number) in [(Int64(30), Int64(101)), (599, 102)] {
            _ = try session.answer(.committed, [.committed(number), done()], at: turn)
            _ = try session.answer(.changed(since: number), [.entry(entry(9)), done()], at: turn)
            #expect(
                try session.answer(.ours(since: number), [done()], at: turn) == [.delete(id(9))])
        }
        #expect(try session.quiet(102, at: 630) == [cookie(103)])
    }

    @Test("with a cookie of this server it goes on there, and says that a comparison is wanting")
    func resume() throws {
        var session = newSession("usn:\(serverText):101")
        _ = try session.answer(.committed, [.committed(101), done()])
        _ = try session.answer(.changed(since: 101), [.entry(entry(1)), done()])
        #expect(
            try session.answer(.ours(since: 101), [done()]) == [
                .delete(id(1)), .refreshEnded(RefreshOutcome(isComplete: false, present: nil)),
            ])
    }

    @Test(
        "a cookie of another server, of another kind or without sense is none",
        arguments: [
            "", "usn:", "usn:00000000-0000-0000-0000-000000000000:7", "usn:\(serverText):",
            "usn:\(serverText):-5", "usn:\(serverText):abc", "modifyTimestamp=20261121110000Z",
            "usn:\(serverText):9223372036854775807", "usn:\(serverText):99999999999999999999",
        ])
    func foreignCookie(_ text: String) throws {
        var session = newSession(text)
        _ = try session.answer(.committed, [.committed(100), done()])
        #expect(session.nextStep(now: at(0))?.request == .everything)
    }

    @Test("without an invocationId no cookie is trusted, and none is made")
    func noInvocationID() throws {
        var session = newSession("usn:\(serverText):7", invocationID: nil)
        _ = try session.answer(.committed, [.committed(100), done()])
        _ = try session.answer(.everything, [.entry(entry(1)), done()])
        let changes = try session.quiet(100)
        #expect(changes.count == 1)
    }

    @Test(
        "a server whose numbers went back was restored: everything is read anew",
        arguments: [0, 40])
    func restored(_ number: Int64) throws {
        var resumed = newSession("usn:\(serverText):50")
        guard case .restart(.withoutCookie) = try resumed.quiet(number).first else {
            Issue.record("the numbers of the past were gone on with")
            return
        }
        // One number behind is where a cycle without news is.
        var fine = newSession("usn:\(serverText):50")
        #expect(try fine.quiet(49).count == 1)
    }

    @Test(
        "any other end than success is an error, in each step; nothing is swept, nothing advances",
        arguments: [Int32(3), 4, 11, 12, 32, 50, 52, 53, 80], 0...3)
    func failures(_ code: Int32, _ step: Int) throws {
        var session = step < 2 ? newSession() : try listed([entry(1)])
        let time: Int64 = step < 2 ? 0 : 30
        let failure = PollMessage.done(
            code: LDAPResultCode(rawValue: code), diagnostic: "", nextPage: [])
        if step > 0 { _ = try session.answer(.committed, [.committed(105), done()], at: time) }
        if step == 3 {
            _ = try session.answer(.changed(since: 101), [.entry(entry(1)), done()], at: time)
        }
        // The second page of it fails.
        guard let request = session.nextStep(now: at(time))?.request else {
            Issue.record("nothing was asked")
            return
        }
        if step > 0 {
            let changes = try session.receive(.entry(entry(7)), now: at(time))
            #expect(changes.count == (step == 2 ? 0 : 1))
            #expect(try session.receive(done("next"), now: at(time)).isEmpty)
            #expect(session.nextStep(now: at(time))?.request == request)
        }
        let error = #expect(throws: SyncError.self) {
            try session.receive(failure, now: at(time))
        }
        #expect(error?.description.contains("\(code)") == true)
    }

    @Test("a root DSE without a usable change number is an error, not a beginning")
    func noNumber() throws {
        for message in [PollMessage.unidentified, .entry(entry(1)), .other] {
            var session = newSession()
            #expect(throws: SyncError.self) {
                try session.answer(.committed, [message, done()])
            }
        }
    }

    @Test(
        "change numbers that cannot be are none",
        arguments: [
            ("0", 0), ("4076", 4076), ("9223372036854775806", .max - 1),
            ("9223372036854775807", nil), ("9223372036854775808", nil), ("-1", nil), ("", nil),
            ("+1", nil), ("1 ", nil), ("12a", nil), ("99999999999999999999", nil), ("0x10", nil),
        ] as [(String, Int64?)])
    func numbers(_ text: String, _ number: Int64?) {
        #expect(UpdateSequenceNumber.value(Array(text.utf8)) == number)
    }

    @Test("the largest number of all does not overflow")
    func largest() throws {
        var session = newSession()
        _ = try session.answer(.committed, [.committed(.max - 1), done()])
        _ = try session.answer(.everything, [.entry(entry(1)), done()])
        _ = try session.quiet(.max - 1)
        #expect(try session.quiet(.max - 1, at: 30).isEmpty)
    }

    @Test("a directory of which no entry shows its identity is an error")
    func noIdentity() throws {
        var session = newSession()
        _ = try session.answer(.committed, [.committed(100), done()])
        let error = #expect(throws: SyncError.self) {
            try session.answer(.everything, [.unidentified, done()])
        }
        #expect(error?.kind == .noIdentity)
    }

    @Test("empty pages without end are an error")
    func emptyPages() throws {
        var session = newSession()
        _ = try session.answer(.committed, [.committed(100), done()])
        #expect(throws: SyncError.self) {
            for _ in 0...(USNSession.mostEmptyPages + 1) {
                _ = session.nextStep(now: at(0))
                _ = try session.receive(done("again"), now: at(0))
            }
        }
    }

    @Test("when more changed than can be kept, everything is read anew")
    func tooMany() throws {
        var session = try listed([entry(1)])
        _ = try session.answer(.committed, [.committed(999_999), done()], at: 30)
        _ = session.nextStep(now: at(30))
        for number in 0...UInt64(USNSession.mostChanged) {
            _ = try session.receive(.entry(entry(number)), now: at(30))
        }
        guard case .restart(.withoutCookie) = try session.receive(done(), now: at(30)).first else {
            Issue.record("it went on")
            return
        }
    }

    @Test("a container that is renamed or goes asks for a comparison")
    func containers() throws {
        var session = try listed([entry(5, dn: "OU=a,DC=x"), entry(6, dn: "OU=b,DC=x")])
        _ = try session.answer(.committed, [.committed(110), done()], at: 30)
        _ = try session.answer(
            .changed(since: 101), [.entry(entry(5)), .entry(entry(6)), done()], at: 30)
        let changes = try session.answer(
            .ours(since: 101), [.entry(entry(5, dn: "OU=c,DC=x")), done()], at: 30)
        #expect(changes.contains(.compareNow(reason: "container OU=a,DC=x is now OU=c,DC=x")))
        #expect(changes.contains(.compareNow(reason: "container OU=b,DC=x is gone")))
    }

    @Test("somebody who says that something changed is believed at once, also during a cycle")
    func wakeUp() throws {
        var session = try listed([entry(1)])
        session.wake(now: at(5).uptime)
        #expect(session.nextStep(now: at(5))?.request == .committed)
        session.wake(now: at(5).uptime)
        _ = try session.receive(.committed(100), now: at(5))
        _ = try session.receive(done(), now: at(5))
        #expect(session.nextDueAt == at(5).uptime + PollSession.leastPause)
        #expect(session.nextStep(now: at(6))?.request == .committed)
    }

    @Test("while an entry hides its change number all is listed again, and no cookie is made")
    func hiddenNumber() throws {
        var session = newSession()
        _ = try session.answer(.committed, [.committed(100), done()])
        _ = try session.answer(
            .everything, [.entry(entry(1)), .entry(entry(2, usn: nil)), done()])
        let both = PresenceSet([id(1), id(2)])
        #expect(
            try session.quiet(100)
                == [.refreshEnded(RefreshOutcome(isComplete: true, present: both))])
        // The rest is over. Two was changed, and one went unseen.
        let two = entry(2, usn: nil, members: ["CN=1,DC=x"])
        _ = try session.answer(.committed, [.committed(100), done()], at: 30)
        #expect(!session.isRefreshing)
        #expect(try session.answer(.everything, [.entry(two), done()], at: 40) == [.upsert(two)])
        let changes = try session.quiet(100, at: 40)
        #expect(
            changes == [
                .refreshEnded(RefreshOutcome(isComplete: true, present: PresenceSet([id(2)])))
            ])
        // This listing took ten seconds; the next comes after fifty times that.
        #expect(try session.quiet(100, at: 539).isEmpty)
        _ = try session.answer(.committed, [.committed(100), done()], at: 569)
        // By now every entry shows its number.
        _ = try session.answer(.everything, [.entry(entry(2)), done()], at: 569)
        #expect(try session.quiet(100, at: 569).last == cookie(101))
        #expect(try session.quiet(100, at: 5000).first == cookie(101))
    }

    @Test("who misses in several pages goes only when the next cycle does not show a change")
    func missedInPages() throws {
        var session = try listed([entry(1), entry(2), entry(3)])
        _ = try session.answer(.committed, [.committed(110), done()], at: 30)
        _ = try session.answer(
            .changed(since: 101), (1...3).map { .entry(entry($0)) } + [done()], at: 30)
        // Two is renamed past the first page; three is gone.
        _ = try session.answer(.ours(since: 101), [done("a")], at: 30)
        let one = entry(1, usn: 105)
        #expect(
            try session.answer(.ours(since: 101), page: "a", [.entry(one), done()], at: 30)
                == [.upsert(one)])
        _ = try session.answer(.committed, [.committed(111), done()], at: 31)
        _ = try session.answer(.changed(since: 111), [.entry(entry(2)), done()], at: 31)
        let two = entry(2, usn: 111)
        #expect(
            try session.answer(.ours(since: 111), [.entry(two), done()], at: 31)
                == [.upsert(two), .delete(id(3)), cookie(112)])
    }

    @Test("a refresh that goes on with a cookie does not end before it knows who went")
    func missedWhileRefreshing() throws {
        var session = newSession("usn:\(serverText):101")
        _ = try session.answer(.committed, [.committed(110), done()])
        _ = try session.answer(.changed(since: 101), [.entry(entry(2)), done()])
        _ = try session.answer(.ours(since: 101), [done("a")])
        #expect(try session.answer(.ours(since: 101), page: "a", [done()]).isEmpty)
        #expect(session.isRefreshing)
        #expect(
            try session.quiet(110, at: 1) == [
                .delete(id(2)), .refreshEnded(RefreshOutcome(isComplete: false, present: nil)),
            ])
    }
}
