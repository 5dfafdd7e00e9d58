import Accounts
import DirectorySync
import LDAPClient
import Testing

private func id(_ number: UInt64) -> EntryUUID { EntryUUID(high: 0, low: number) }
private func syncID(_ number: UInt64) -> SyncUUID { SyncUUID(high: 0, low: number) }

private func person(_ number: UInt64) -> DirectoryEntry {
    var attributes = AttributeList()
    attributes.append("objectClass", ["posixAccount"])
    return DirectoryEntry(uuid: id(number), dn: "uid=\(number),ou=x", attributes: attributes)
}

private func container(_ number: UInt64, _ dn: String) -> DirectoryEntry {
    var attributes = AttributeList()
    attributes.append("objectClass", ["top", "OrganizationalUnit"])
    return DirectoryEntry(uuid: id(number), dn: dn, attributes: attributes)
}

private func message(
    _ state: SyncStateControl.State, _ entry: DirectoryEntry, cookie: [UInt8]? = nil
) -> SyncMessage {
    .entry(state: state, uuid: entry.uuid, cookie: cookie, entry)
}

private let good = Array("rid=000,csn=2".utf8)

@Suite("The synchronisation as a value")
struct SyncreplSessionTests {
    /// Feeds a script; everything that was asked for.
    private func feed(
        _ session: inout SyncreplSession, _ script: [SyncMessage]
    ) throws -> [SyncChange] {
        var changes: [SyncChange] = []
        for message in script { changes += try session.receive(message) }
        return changes
    }

    private func ended(_ present: [UInt64]?, isComplete: Bool) -> SyncChange {
        .refreshEnded(
            RefreshOutcome(
                isComplete: isComplete, present: present.map { PresenceSet($0.map(id)) }))
    }

    @Test(
        "without a cookie the rest is swept, whatever phase the server claims",
        arguments: [
            SyncMessage.info(.refreshDelete(cookie: [1], refreshDone: true)),
            .info(.refreshPresent(cookie: [1], refreshDone: true)),
            .done(
                code: .success, SyncDoneControl(cookie: [1], refreshDeletes: true), diagnostic: ""),
            .done(
                code: .success, SyncDoneControl(cookie: [1], refreshDeletes: false), diagnostic: ""),
        ])
    func fullLoad(_ end: SyncMessage) throws {
        for stored in [nil, [], Array("rid=000".utf8), Array("rid=000,csn=".utf8)] as [[UInt8]?] {
            var session = SyncreplSession(storedCookie: stored)
            #expect(session.cookieToSend == nil)
            let changes = try feed(
                &session, [message(.add, person(1)), message(.add, person(2)), end])
            #expect(
                changes == [
                    .upsert(person(1)), .upsert(person(2)), ended([1, 2], isComplete: true),
                    .newCookie([1]),
                ])
        }
    }

    @Test("a delete phase removes what it names and nothing else")
    func deletePhase() throws {
        var session = SyncreplSession(storedCookie: good)
        let changes = try feed(
            &session,
            [
                .info(.idSet(cookie: nil, refreshDeletes: true, uuids: [syncID(5), syncID(6)])),
                message(.add, person(1)),
                .info(.refreshDelete(cookie: [2], refreshDone: true)),
            ])
        #expect(
            changes == [
                .delete(id(5)), .delete(id(6)), .upsert(person(1)), ended(nil, isComplete: false),
                .newCookie([2]),
            ])
    }

    @Test("a present phase sweeps what was neither sent nor named")
    func presentPhase() throws {
        var session = SyncreplSession(storedCookie: good)
        let changes = try feed(
            &session,
            [
                .info(.idSet(cookie: [8], refreshDeletes: false, uuids: [syncID(3), syncID(4)])),
                message(.present, person(7)), message(.add, person(1)),
                .info(.refreshPresent(cookie: [2], refreshDone: true)),
            ])
        #expect(
            changes == [
                .upsert(person(1)), ended([1, 3, 4, 7], isComplete: false), .newCookie([2]),
            ])
    }

    @Test("a present phase followed by a delete phase: one sweep, at the end, of both")
    func bothPhases() throws {
        var session = SyncreplSession(storedCookie: good)
        let changes = try feed(
            &session,
            [
                .info(.idSet(cookie: nil, refreshDeletes: false, uuids: [syncID(3), syncID(4)])),
                .info(.refreshPresent(cookie: [9], refreshDone: false)),
                .info(.idSet(cookie: nil, refreshDeletes: true, uuids: [syncID(4)])),
                message(.add, person(1)), message(.delete, person(1)), message(.add, person(2)),
                .info(.refreshDelete(cookie: [2], refreshDone: true)),
            ])
        #expect(
            changes == [
                .delete(id(4)), .upsert(person(1)), .delete(id(1)), .upsert(person(2)),
                ended([2, 3], isComplete: false), .newCookie([2]),
            ])
        #expect(session.stage == .persist)
    }

    @Test("deleted and added again within a refresh exists")
    func addedAgain() throws {
        var session = SyncreplSession(storedCookie: nil)
        let changes = try feed(
            &session,
            [
                message(.add, person(1)), message(.delete, person(1)), message(.add, person(1)),
                message(.add, person(1)),
                .info(.refreshDelete(cookie: [2], refreshDone: true)),
            ])
        #expect(changes.contains(ended([1], isComplete: true)))
    }

    @Test("a delete phase whose cookie is empty, or absent after content, is believed by nobody")
    func cookieNotAccepted() throws {
        let content = [message(.add, person(1))]
        for (script, cookie) in [(content, []), (content, nil), ([], [])]
            as [([SyncMessage], [UInt8]?)]
        {
            var session = SyncreplSession(storedCookie: good)
            let end = SyncMessage.info(.refreshDelete(cookie: cookie, refreshDone: true))
            let changes = try feed(&session, script + [end])
            #expect(
                changes.last
                    == .restart(.withoutCookie(reason: "the server did not accept the cookie")))
            #expect(session.stage == .over)
        }
    }

    @Test("an absent cookie after nothing at all: nothing changed")
    func unchanged() throws {
        var session = SyncreplSession(storedCookie: good)
        let changes = try feed(
            &session, [.info(.refreshDelete(cookie: nil, refreshDone: true))])
        #expect(changes == [ended(nil, isComplete: false)])
    }

    @Test("present entries without the end of their phase are swept by nobody")
    func unfinishedPresentPhase() throws {
        var session = SyncreplSession(storedCookie: good)
        let changes = try feed(
            &session,
            [
                .info(.idSet(cookie: nil, refreshDeletes: false, uuids: [syncID(3)])),
                .info(.refreshDelete(cookie: [2], refreshDone: true)),
            ])
        guard case .restart(.withoutCookie) = try #require(changes.last) else {
            Issue.record("swept: \(changes)")
            return
        }
        #expect(changes.count == 1)
    }

    @Test("no cookie leaves a refresh before its end")
    func cookiesWithinRefresh() throws {
        var session = SyncreplSession(storedCookie: nil)
        let changes = try feed(
            &session,
            [
                message(.add, person(1), cookie: [1]), .info(.newCookie([2])),
                .info(.idSet(cookie: [3], refreshDeletes: true, uuids: [syncID(9)])),
            ])
        #expect(changes == [.upsert(person(1)), .delete(id(9))])
    }

    private func persisting() throws -> SyncreplSession {
        var session = SyncreplSession(storedCookie: good)
        _ = try session.receive(.info(.refreshDelete(cookie: [1], refreshDone: true)))
        return session
    }

    @Test("in the persist stage each cookie follows its change; a deletion may have any DN")
    func persist() throws {
        var session = try persisting()
        var gone = person(2)
        gone.dn = ""
        gone.attributes = AttributeList()
        let changes = try feed(
            &session,
            [
                message(.modify, person(1), cookie: [2]), message(.delete, gone, cookie: [3]),
                message(.present, person(3), cookie: [4]), .info(.newCookie([5])),
                .info(.idSet(cookie: [6], refreshDeletes: true, uuids: [syncID(8)])), .reference,
                .other,
            ])
        #expect(
            changes == [
                .upsert(person(1)), .newCookie([2]), .delete(id(2)), .newCookie([3]),
                .newCookie([4]), .changedOutside, .newCookie([5]), .delete(id(8)), .newCookie([6]),
            ])
    }

    @Test("containers: renamed, new or gone asks for a comparison; a changed description does not")
    func containers() throws {
        var session = SyncreplSession(
            storedCookie: good, containers: ContainerWatch(known: [id(1): "ou=a"]))
        _ = try session.receive(.info(.refreshDelete(cookie: [1], refreshDone: true)))
        let changes = try feed(
            &session,
            [
                message(.modify, container(1, "ou=a")), message(.modify, container(1, "ou=b")),
                message(.add, container(2, "ou=c")), message(.delete, container(1, "")),
                .info(.idSet(cookie: nil, refreshDeletes: true, uuids: [syncID(2)])),
            ])
        let reasons = changes.compactMap {
            if case .compareNow(let reason) = $0 { reason } else { nil }
        }
        #expect(
            reasons == [
                "container ou=a is now ou=b", "container ou=c is new", "container ou=b is gone",
                "container ou=c is gone",
            ])
    }

    @Test("4096 restarts, with the cookie that came with it or without any, in both stages")
    func refreshRequired() throws {
        for isPersisting in [false, true] {
            for cookie in [[7], [], nil] as [[UInt8]?] {
                var session =
                    isPersisting ? try persisting() : SyncreplSession(storedCookie: good)
                let done = SyncDoneControl(cookie: cookie, refreshDeletes: false)
                let changes = try session.receive(
                    .done(code: .syncRefreshRequired, done, diagnostic: "moved"))
                let reason = "the server demands a refresh: moved"
                #expect(
                    changes == [
                        .restart(
                            cookie == [7]
                                ? .withCookie([7], reason: reason)
                                : .withoutCookie(reason: reason))
                    ])
            }
        }
        var fresh = SyncreplSession(storedCookie: nil)
        #expect(throws: SyncError.self) {
            try fresh.receive(.done(code: .syncRefreshRequired, nil, diagnostic: ""))
        }
    }

    @Test("53 restarts without the cookie, but is an error when none was sent")
    func newerThanServer() throws {
        let refusal = SyncMessage.done(
            code: .unwillingToPerform, nil, diagnostic: "consumer state is newer than provider!")
        var session = SyncreplSession(storedCookie: good)
        guard case .restart(.withoutCookie) = try #require(try session.receive(refusal).first)
        else {
            Issue.record("no restart")
            return
        }
        var fresh = SyncreplSession(storedCookie: nil)
        #expect(throws: SyncError.self) { try fresh.receive(refusal) }
    }

    @Test(
        "results are errors with their kind and a remedy, and nothing is swept",
        arguments: [
            (LDAPResultCode.unavailableCriticalExtension, SyncError.Kind.notOffered),
            (.noSuchObject, .noSuchBase), (.insufficientAccessRights, .accessDenied),
            (.sizeLimitExceeded, .limitExceeded), (.timeLimitExceeded, .limitExceeded),
            (.adminLimitExceeded, .limitExceeded), (.referral, .referral),
        ])
    func results(_ code: LDAPResultCode, _ kind: SyncError.Kind) throws {
        var session = SyncreplSession(storedCookie: nil)
        _ = try session.receive(message(.add, person(1)))
        let error = #expect(throws: SyncError.self) {
            try session.receive(.done(code: code, nil, diagnostic: "said"))
        }
        #expect(error?.kind == kind)
        #expect(error?.remedy.isEmpty == false)
        #expect(error?.diagnostic.hasSuffix("(\(code.rawValue)): said") == true)
        #expect(session.stage == .over)
    }

    @Test("the server's end of a persisting search is a restart with what is stored")
    func serverEnds() throws {
        var session = try persisting()
        let changes = try session.receive(.done(code: .success, nil, diagnostic: ""))
        #expect(changes == [.restart(.withStoredCookie(reason: "the server ended the search"))])
        #expect(throws: SyncError.self) { try session.receive(.info(.newCookie([1]))) }
    }

    @Test("violations end the session and sweep nothing")
    func violations() throws {
        let script: [SyncMessage] = [
            .malformed("an entry came without the sync state control"),
            .done(code: .success, nil, diagnostic: ""),
        ]
        for message in script {
            var session = SyncreplSession(storedCookie: nil)
            let error = #expect(throws: SyncError.self) { try session.receive(message) }
            #expect(error?.kind == .protocolViolation)
            #expect(session.stage == .over)
        }
        var session = try persisting()
        #expect(throws: SyncError.self) {
            try session.receive(.info(.refreshPresent(cookie: nil, refreshDone: true)))
        }
    }
}
