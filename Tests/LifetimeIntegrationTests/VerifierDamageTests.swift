// The file of the verifiers damaged while it is in use.

import AccountStore
import Accounts
import Foundation
import TestSupport
import Testing

@testable import RosterDaemon

extension Lifetime {
    @Suite(.serialized, .timeLimit(.minutes(3))) struct VerifierDamageTests {
        /// Overwrites all pages but the first, and has every connection look at them again.
        private func damage(_ path: String) throws {
            let script = """
                import os, sqlite3, sys
                store = sqlite3.connect(sys.argv[1], isolation_level=None)
                assert store.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0
                with open(sys.argv[1], "r+b") as file:
                    size = os.path.getsize(sys.argv[1])
                    file.seek(4096)
                    file.write(os.urandom(size - 4096))
                store.execute("pragma application_id = 7")
                """
            try run("python3", ["-c", script, path])
        }

        @Test("verifiers that are damaged in use are begun anew at once, without a restart")
        func damagedInUse() throws {
            var options = SlapdOptions()
            options.people = 5
            let server = try SlapdServer(options)
            let host = try EngineHost(uri: server.uri, login: "offline = true")
            defer { host.stop() }
            try host.settle()
            let reader = try #require(host.context.storeReader.reader)
            let people = try (1...2).map {
                try #require(try reader.loginPerson(named: "user\($0)"))
            }
            func learn(_ number: Int) throws {
                let person = people[number - 1]
                try host.wait("the verifier of user\(number)") {
                    host.keeper.accepted(Password(Array("pw\(number)".utf8)), of: person)
                    return host.keeper.hasVerifier(of: person, newest: host.clock.now)
                }
            }
            try learn(1)
            try damage(host.context.paths.state + "/store/verifiers.sqlite")
            // Whoever meets it gets none; the next login makes one in a new file.
            #expect(!host.keeper.hasVerifier(of: people[0], newest: host.clock.now))
            try learn(2)
            try learn(1)
            #expect(host.log.count("the verifiers were unusable and are begun anew") == 1)
        }
    }
}
