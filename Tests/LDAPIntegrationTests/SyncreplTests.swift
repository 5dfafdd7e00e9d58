import Accounts
import DirectorySync
import LDAPClient
import TestSupport
import Testing

@Suite("Content synchronisation with a real slapd", .serialized)
struct SyncreplTests {
    private func loaded(
        _ change: (inout SlapdOptions) -> Void = { _ in }
    ) throws -> (SlapdServer, MirrorClient) {
        var options = SlapdOptions()
        options.people = 20
        change(&options)
        let server = try SlapdServer(options)
        let mirror = MirrorClient(server)
        try mirror.connect()
        #expect(try mirror.refresh())
        return (server, mirror)
    }

    private func user(_ number: Int) -> String { "uid=user\(number),\(SlapdServer.people)" }

    @Test("a first load is complete in itself and ends with a cookie")
    func firstLoad() throws {
        let (_, mirror) = try loaded()
        #expect(try mirror.names == mirror.truth())
        #expect(mirror.people == 20)
        #expect(mirror.outcomes.map(\.isComplete) == [true])
        #expect(mirror.outcomes.first?.present?.count == mirror.entries.count)
        #expect(mirror.cookie?.isEmpty == false)
        #expect(mirror.changes.last == .newCookie(try #require(mirror.cookie)))
    }

    @Test("add, modify, rename, leaving the filter and deletion arrive while it persists")
    func persist() throws {
        let (server, mirror) = try loaded()
        let before = mirror.cookie
        try server.addPerson(100)
        #expect(try mirror.run { mirror.people == 21 })
        #expect(mirror.cookie != before)
        try server.replace(user(1), "loginShell", with: "/bin/zsh")
        #expect(
            try mirror.run {
                mirror.entries.values.contains {
                    $0.dn == user(1) && $0.attributes.firstText(of: "loginshell") == "/bin/zsh"
                }
            })
        try server.rename(user(2), to: "uid=renamed")
        #expect(try mirror.run { mirror.names.contains("uid=renamed,\(SlapdServer.people)") })
        #expect(mirror.people == 21)
        try server.apply(
            """
            dn: \(user(3))
            changetype: modify
            delete: objectClass
            objectClass: posixAccount
            -
            delete: uidNumber
            -
            delete: gidNumber
            -
            delete: homeDirectory
            -
            delete: loginShell
            """)
        #expect(try mirror.run { !mirror.names.contains(user(3)) })
        try server.delete(user(4))
        #expect(try mirror.run { !mirror.names.contains(user(4)) })
        #expect(try mirror.names == mirror.truth())
    }

    @Test("a move out of the base is a deletion, a move into it an addition")
    func leavesBase() throws {
        let server = try SlapdServer()
        try server.addPerson(1)
        let mirror = MirrorClient(server, base: SlapdServer.people)
        try mirror.connect()
        #expect(try mirror.refresh())
        #expect(mirror.people == 1)
        try server.rename(user(1), to: "uid=user1", below: SlapdServer.groups)
        #expect(try mirror.run { mirror.people == 0 })
        try server.rename(
            "uid=user1,\(SlapdServer.groups)", to: "uid=user1", below: SlapdServer.people)
        #expect(try mirror.run { mirror.people == 1 })
    }

    @Test("a renamed container is one message that asks for a comparison at once")
    func containerRename() throws {
        let (server, mirror) = try loaded()
        mirror.changes = []
        try server.rename(SlapdServer.people, to: "ou=humans")
        #expect(try mirror.run { !mirror.changes.isEmpty })
        let asked = mirror.changes.contains {
            if case .compareNow(let reason) = $0 { reason.contains("ou=humans") } else { false }
        }
        #expect(asked)
        #expect(mirror.names.contains(user(1)), "slapd says nothing about the children")
        #expect(try !mirror.truth().contains(user(1)))
    }

    @Test("a renamed container that the filter does not match is a bare new cookie")
    func unseenContainerRename() throws {
        let server = try SlapdServer()
        try server.addPerson(1)
        let mirror = MirrorClient(server, filter: "(objectClass=posixAccount)")
        try mirror.connect()
        #expect(try mirror.refresh())
        mirror.changes = []
        try server.rename(SlapdServer.people, to: "ou=humans")
        #expect(try mirror.run { mirror.changes.count >= 2 })
        #expect(mirror.changes == [.changedOutside, .newCookie(try #require(mirror.cookie))])
    }

    @Test("a container moved out of the base asks for a comparison at once")
    func containerLeaves() throws {
        let (server, _) = try loaded()
        try server.apply("dn: ou=sub,\(SlapdServer.people)\nobjectClass: organizationalUnit\n")
        let mirror = MirrorClient(server, base: SlapdServer.people)
        try mirror.connect()
        #expect(try mirror.refresh())
        try server.rename("ou=sub,\(SlapdServer.people)", to: "ou=sub", below: SlapdServer.groups)
        let reason = "container ou=sub,\(SlapdServer.people) is gone"
        #expect(try mirror.run { mirror.changes.contains(.compareNow(reason: reason)) })
    }

    @Test("a resume with a session log names what went, and no more is sent")
    func resumeWithLog() throws {
        let (server, mirror) = try loaded()
        mirror.disconnect()
        mirror.changes = []
        try server.delete(user(1))
        try server.delete(user(2))
        try server.replace(user(3), "loginShell", with: "/bin/zsh")
        try mirror.connect()
        #expect(try mirror.refresh())
        #expect(mirror.outcomes == [RefreshOutcome(isComplete: false, present: nil)])
        let deletions = mirror.changes.count { if case .delete = $0 { true } else { false } }
        let upserts = mirror.changes.count { if case .upsert = $0 { true } else { false } }
        #expect(deletions == 2)
        #expect(upserts == 1)
        #expect(try mirror.names == mirror.truth())
    }

    @Test("a resume without history names what is present, and the rest is swept")
    func resumeWithoutLog() throws {
        let (server, mirror) = try loaded {
            $0.sessionLog = nil
            $0.people = 600
        }
        mirror.disconnect()
        mirror.changes = []
        try server.delete(user(1))
        try server.addPerson(1001)
        try mirror.connect()
        #expect(try mirror.refresh())
        #expect(mirror.outcomes.map(\.isComplete) == [false])
        #expect(mirror.outcomes.first?.present?.count == mirror.entries.count)
        #expect(mirror.people == 600)
        #expect(try mirror.names == mirror.truth())
    }

    @Test("nothing happened meanwhile: the resume sends nothing and the cookie stays")
    func resumeUnchanged() throws {
        let (_, mirror) = try loaded()
        mirror.disconnect()
        mirror.changes = []
        let cookie = mirror.cookie
        try mirror.connect()
        #expect(try mirror.refresh())
        #expect(
            mirror.changes == [.refreshEnded(RefreshOutcome(isComplete: false, present: nil))])
        #expect(mirror.cookie == cookie)
        #expect(mirror.people == 20)
    }

    @Test("a restart of slapd forgets the session log; nobody survives wrongly")
    func restart() throws {
        let (server, mirror) = try loaded()
        mirror.disconnect()
        try server.delete(user(1))
        server.stop()
        try server.start()
        try server.delete(user(2))
        try mirror.connect()
        #expect(try mirror.refresh())
        #expect(mirror.people == 18)
        #expect(try mirror.names == mirror.truth())
    }

    @Test("a killed slapd forgets a deletion and says nothing; the comparison finds it")
    func killedServer() throws {
        let (server, mirror) = try loaded()
        mirror.disconnect()
        try server.delete(user(1))
        server.kill()
        try server.start()
        try mirror.connect()
        #expect(try mirror.refresh())
        #expect(mirror.people == 20, "the hole that the comparison stands behind")
        let outcome = try mirror.compare()
        #expect(outcome.missing.map { mirror.entries[$0]?.dn } == [user(1)])
        #expect(outcome.toReread.isEmpty)
        #expect(outcome.unchangedCount == mirror.entries.count - 1)
    }

    @Test("after a container rename the comparison names every child")
    func compareAfterRename() throws {
        let (server, mirror) = try loaded()
        try server.rename(SlapdServer.people, to: "ou=humans")
        #expect(
            try mirror.run {
                mirror.changes.contains { if case .compareNow = $0 { true } else { false } }
            })
        let outcome = try mirror.compare()
        #expect(outcome.toReread.count == 20)
        #expect(outcome.missing.isEmpty)
    }

    @Test("a restored backup is older than the cookie: refused, then loaded anew and swept")
    func restoredBackup() throws {
        let (server, mirror) = try loaded()
        server.stop()
        try server.backUp()
        try server.start()
        mirror.disconnect()
        try mirror.connect()
        #expect(try mirror.refresh())
        try server.addPerson(100)
        #expect(try mirror.run { mirror.people == 21 })
        mirror.disconnect()
        server.stop()
        try server.restore()
        try server.start()
        mirror.changes = []
        try mirror.connect()
        #expect(try mirror.refresh())
        guard case .withoutCookie(let reason) = try #require(mirror.restarts.first) else {
            Issue.record("the restart was with a cookie")
            return
        }
        #expect(reason.contains("cookie refused"))
        #expect(mirror.outcomes.map(\.isComplete) == [true])
        #expect(mirror.people == 20)
    }

    @Test(
        "a cookie that the server cannot read leads to a full load, and stale entries are swept",
        arguments: ["garbled", "csn=20200101000000.000000Z#000000#000#000000", "rid=000"])
    func garbledCookie(_ cookie: String) throws {
        let (server, mirror) = try loaded()
        mirror.disconnect()
        try server.delete(user(1))
        mirror.cookie = Array(cookie.utf8)
        mirror.changes = []
        try mirror.connect()
        #expect(try mirror.refresh())
        #expect(mirror.people == 19)
        #expect(try mirror.names == mirror.truth())
        #expect(mirror.cookie?.starts(with: Array("rid=".utf8)) == true)
    }

    @Test("a cookie of another server or older than everything is answered in full and swept")
    func foreignCookie() throws {
        let (server, mirror) = try loaded()
        mirror.disconnect()
        try server.delete(user(1))
        mirror.cookie = Array("rid=000,csn=20200101000000.000000Z#000000#00a#000000".utf8)
        try mirror.connect()
        #expect(try mirror.refresh())
        #expect(try mirror.names == mirror.truth())
    }

    @Test("children that became unreadable are reported as swept, for the brake to judge")
    func hiddenByRights() throws {
        let (server, mirror) = try loaded { $0.sessionLog = nil }
        mirror.disconnect()
        try server.reconfigure(
            """
            dn: olcDatabase={1}mdb,cn=config
            changetype: modify
            replace: olcAccess
            olcAccess: to attrs=userPassword by anonymous auth
            olcAccess: to dn.children="\(SlapdServer.people)" by * none
            olcAccess: to * by * read
            """)
        try server.replace(SlapdServer.groups, "description", with: "changed")
        try mirror.connect()
        #expect(try mirror.refresh())
        #expect(mirror.people == 0)
        #expect(mirror.outcomes.last?.isComplete == false)
    }
}

@Suite("Refusals of a real slapd", .serialized)
struct SyncreplRefusalTests {
    private func refusal(
        _ options: SlapdOptions, base: String = SlapdServer.suffix
    ) throws -> SyncError? {
        let server = try SlapdServer(options)
        let mirror = MirrorClient(server, base: base)
        try mirror.connect()
        do {
            _ = try mirror.refresh()
            return nil
        } catch let error as SyncError {
            #expect(mirror.outcomes.isEmpty, "nothing may be swept")
            return error
        }
    }

    @Test("a database without syncprov is named, with the remedy")
    func withoutSyncprov() throws {
        var options = SlapdOptions()
        options.offersSync = false
        let error = try #require(try refusal(options))
        #expect(error.kind == .notOffered)
        #expect(error.description.contains("syncprov"))
    }

    @Test("a size limit is named, with the remedy, and nothing is swept")
    func sizeLimit() throws {
        var options = SlapdOptions()
        options.sizeLimit = 10
        options.people = 20
        let error = try #require(try refusal(options))
        #expect(error.kind == .limitExceeded)
        #expect(error.code == .sizeLimitExceeded)
        #expect(error.description.contains("olcLimits"))
    }

    @Test("a base that does not exist is named")
    func missingBase() throws {
        let error = try #require(
            try refusal(SlapdOptions(), base: "ou=nobody,\(SlapdServer.suffix)"))
        #expect(error.kind == .noSuchBase)
    }
}
