// Names are folded from one start of the daemon to the next.

import Accounts
import Foundation
import TestSupport
import Testing

@testable import RosterDaemon

extension Lifetime {
    @Suite(.serialized, .timeLimit(.minutes(3))) struct FoldTests {
        private static let access = """
            [access]
            deny_groups = ["Contractors"]
            """

        private func person(_ name: String, _ uid: Int) -> String {
            """
            dn: uid=\(name),\(SlapdServer.people)
            objectClass: inetOrgPerson
            objectClass: posixAccount
            uid: \(name)
            cn: \(name)
            sn: \(name)
            uidNumber: \(uid)
            gidNumber: 10000
            homeDirectory: /home/\(name)


            """
        }

        private func server() throws -> SlapdServer {
            var options = SlapdOptions()
            options.people = 5
            options.ldif = """

                \(person("Ann", 30_001))
                \(person("Ben", 30_002))
                dn: cn=Contractors,\(SlapdServer.groups)
                objectClass: posixGroup
                cn: Contractors
                gidNumber: 30003
                memberUid: Ann


                """
            return try SlapdServer(options)
        }

        @Test("deny rules and blocks hold when names are folded, and no half of it is published")
        func folded() throws {
            let server = try server()
            let folder = try TemporaryDirectory("roster-fold")
            let clock = StepClock()
            let before = try EngineHost(
                uri: server.uri, login: Self.access, clock: clock, folder: folder)
            try before.settle()
            let answered = DispatchSemaphore(value: 0)
            before.context.mailbox.post(
                .deny(name: "BEN", byUID: 0, reply: { _ in answered.signal() }))
            #expect(answered.wait(timeout: .now() + 60) == .success)
            #expect(before.verdict("Ann") == .denied && before.verdict("Ben") == .accepted)
            before.stop()
            let after = try EngineHost(
                uri: server.uri, login: "\(Self.access)\n[accounts]\nfold_names = true",
                clock: clock, folder: folder)
            defer { after.stop() }
            try after.settle()
            try after.wait("the folded names") { try after.shows("ann") }
            #expect(after.verdict("ann") == .denied)
            #expect(after.verdict("ben") == .blocked)
            #expect(after.verdict("user1") == .accepted)
            #expect(try !after.shows("Ann") && !after.shows("Ben"))
            // What the host sees of it is the new index alone.
            #expect(after.status.publications == 0 && after.status.rebuilds == 1)
        }
    }
}
