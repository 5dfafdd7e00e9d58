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
    _ number: UInt64, usn: Int = 1, dn: String? = nil, members: [String] = []
) -> DirectoryEntry {
    var attributes = AttributeList()
    attributes.append("objectClass", dn == nil ? ["user"] : ["organizationalUnit"])
    attributes.append("uSNChanged", ["\(usn)"])
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

@Suite("Entries that arrive in parts")
struct RangedEntryTests {
    private func range(_ first: Int, _ last: Int?) -> [AttributeRange] {
        [AttributeRange(attribute: "member", first: first, last: last)]
    }

    private func members(_ from: Int, _ to: Int) -> [String] { (from...to).map { "CN=\($0)" } }

    @Test(
        "the option of an attribute says which of its values came",
        arguments: [
            ("member;range=0-1499", AttributeRange(attribute: "member", first: 0, last: 1499)),
            ("Member;Range=1500-*", AttributeRange(attribute: "member", first: 1500, last: nil)),
            ("a;binary;range=2-2", AttributeRange(attribute: "a", first: 2, last: 2)),
            ("member", nil), ("member;lang-en", nil), ("range=0-1", nil),
        ] as [(String, AttributeRange?)])
    func option(_ name: String, _ range: AttributeRange?) throws {
        #expect(try AttributeRange(attribute: Array(name.utf8)) == range)
    }

    @Test(
        "an option without sense is an error: the values must not pass for all there are",
        arguments: [
            "m;range=", "m;range=0", "m;range=-", "m;range=a-b", "m;range=5-4", "m;range=-1-5",
            "m;range=0-99999999999999999999", "m;range=0-1-2", "m;range=*-*",
        ])
    func malformed(_ name: String) {
        #expect(throws: LDAPControlError.self) { try AttributeRange(attribute: Array(name.utf8)) }
    }

    @Test("an entry is held back until its last values are there, and delivered whole, once")
    func whole() throws {
        var session = newSession()
        _ = try session.answer(.committed, [.committed(100), done()])
        let first = entry(1, members: members(0, 2))
        #expect(
            try session.answer(
                .everything, [.partial(first, range(0, 2)), .entry(entry(2)), done()])
                == [.upsert(entry(2))])
        func request(_ from: Int) -> USNSession.Request {
            .values(.init(dn: "CN=1,DC=x", attribute: "member;range=\(from)-*"))
        }
        #expect(
            try session.answer(
                request(3), [.partial(entry(1, members: members(3, 4)), range(3, 4)), done()]
            ).isEmpty)
        let changes = try session.answer(
            request(5), [.partial(entry(1, members: members(5, 5)), range(5, nil)), done()])
        guard case .upsert(let whole)? = changes.first else {
            Issue.record("nothing was delivered")
            return
        }
        let values = whole.attributes.values(of: "member")
        let names = values.map { String(decoding: $0, as: UTF8.self) }
        #expect(names == members(0, 5) && changes.count == 1)
        let ended = try session.quiet(100)
        #expect(
            ended.first
                == .refreshEnded(
                    RefreshOutcome(isComplete: true, present: PresenceSet([id(1), id(2)]))))
    }

    @Test("an entry that changes while it is read is not delivered, and read by the next cycle")
    func changedMeanwhile() throws {
        var session = try listed([entry(1)])
        _ = try session.answer(.committed, [.committed(110), done()], at: 30)
        _ = try session.answer(.changed(since: 101), [.entry(entry(1)), done()], at: 30)
        _ = try session.answer(
            .ours(since: 101),
            [.partial(entry(1, usn: 105, members: members(0, 2)), range(0, 2)), done()], at: 30)
        _ = session.nextStep(now: at(30))
        let part = entry(1, usn: 111, members: members(3, 3))
        _ = try session.receive(.partial(part, range(3, nil)), now: at(30))
        // Nothing is stored, also no cookie; the next cycle begins where this one did, and at once.
        #expect(try session.receive(done(), now: at(30)).isEmpty)
        _ = try session.answer(.committed, [.committed(111), done()], at: 31)
        _ = try session.answer(.changed(since: 101), [.entry(entry(1)), done()], at: 31)
        let whole = entry(1, usn: 111, members: members(0, 1))
        #expect(
            try session.answer(.ours(since: 101), [.entry(whole), done()], at: 31)
                == [.upsert(whole), cookie(112)])
    }

    @Test("an entry that goes while it is read is left to the next cycle, which starts at once")
    func goneMeanwhile() throws {
        var session = try listed([entry(1)])
        _ = try session.answer(.committed, [.committed(110), done()], at: 30)
        _ = try session.answer(.changed(since: 101), [.entry(entry(1)), done()], at: 30)
        _ = try session.answer(
            .ours(since: 101),
            [.partial(entry(1, members: members(0, 2)), range(0, 2)), done()], at: 30)
        _ = session.nextStep(now: at(30))
        let gone = PollMessage.done(code: .noSuchObject, diagnostic: "", nextPage: [])
        #expect(try session.receive(gone, now: at(30)).isEmpty)
        _ = try session.answer(.committed, [.committed(111), done()], at: 31)
        _ = try session.answer(.changed(since: 101), [.entry(entry(1)), done()], at: 31)
        let changes = try session.answer(.ours(since: 101), [done()], at: 31)
        #expect(changes.first == .delete(id(1)))
        #expect(try session.quiet(111, at: 700) == [cookie(112)])
    }

    @Test("a first reading does not end without an entry that changes while it is read, or fails")
    func neverWhole() throws {
        var session = newSession()
        _ = try session.answer(.committed, [.committed(100), done()])
        _ = try session.answer(
            .everything, [.partial(entry(1, members: members(0, 2)), range(0, 2)), done()])
        var number: Int64 = 100
        let error = #expect(throws: SyncError.self) {
            while number < 200 {
                number += 1
                // A cycle takes two seconds, and so does the rest after it.
                let time = number * 4
                _ = session.nextStep(now: at(time))
                let part = entry(1, usn: Int(number), members: members(3, 3))
                _ = try session.receive(.partial(part, range(3, nil)), now: at(time))
                #expect(try session.receive(done(), now: at(time)).isEmpty)
                #expect(session.isRefreshing)
                _ = try session.answer(.committed, [.committed(number), done()], at: time + 2)
                _ = try session.answer(
                    .changed(since: 101), [.entry(entry(1)), done()], at: time + 2)
                let first = entry(1, usn: Int(number), members: members(0, 2))
                _ = try session.answer(
                    .ours(since: 101), [.partial(first, range(0, 2)), done()], at: time + 2)
            }
        }
        #expect(error?.description.contains("CN=1,DC=x") == true)
        // The listing, and the cycles after it.
        #expect(number - 100 == 1 + Int64(USNSession.mostRounds))
    }

    @Test(
        "ranges that make no progress are an error",
        arguments: [
            (0, 2), (2, 3), (4, 5), (3, nil), (-1, nil),
        ] as [(Int, Int?)])
    func noProgress(_ first: Int, _ last: Int?) throws {
        var ranged = try RangedEntry(entry(1, members: members(0, 2)), range(0, 2))
        // The right range without a value makes none either; nor does an empty answer.
        let isRight = first == 3
        let values = isRight ? [] : members(first, first + 1)
        let found = isRight ? range(3, 9) : first < 0 ? [] : range(first, last)
        #expect(throws: SyncError.self) {
            try ranged.receive(entry(1, members: values), found)
        }
        var silent = try RangedEntry(entry(1, members: members(0, 2)), range(0, 2))
        #expect(throws: SyncError.self) { try silent.answerEnded() }
    }

    @Test("an entry whose values begin in the middle is an error")
    func notTheFirst() {
        #expect(throws: SyncError.self) {
            try RangedEntry(entry(1, members: members(3, 4)), range(3, 4))
        }
    }

    @Test("a last range may be empty")
    func emptyLast() throws {
        var ranged = try RangedEntry(entry(1, members: members(0, 2)), range(0, 2))
        try ranged.receive(entry(1), range(3, nil))
        #expect(try ranged.answerEnded() == .whole)
        #expect(ranged.entry.attributes.values(of: "member").count == 3)
    }

    @Test("an entry that is too large is an error that names it and says what to do")
    func tooLarge() throws {
        let long = String(repeating: "x", count: RangedEntry.mostOctets / 2)
        var ranged = try RangedEntry(entry(1, members: [long]), range(0, 0))
        let error = #expect(throws: SyncError.self) {
            try ranged.receive(entry(1, members: [long]), range(1, nil))
        }
        #expect(error?.description.contains("CN=1,DC=x has more than 64 MiB") == true)
        #expect(error?.description.contains("groups_filter") == true)
    }

    @Test("polling by time stamps takes no entry for whole that came in parts")
    func polling() throws {
        var session = PollSession(
            storedCookie: nil, interval: .seconds(30), entryID: EntryIDAttribute("entryUUID"),
            now: at(0))
        _ = session.nextRequest(now: at(0))
        #expect(throws: SyncError.self) {
            try session.receive(.partial(entry(1), range(0, 1)), now: at(0))
        }
    }
}
