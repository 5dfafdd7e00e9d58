// What is asked of a directory that is of no use: less and less.

import AccountStore
import Accounts
import DirectorySync
import Foundation
import TestSupport
import Testing

@testable import RosterDaemon

extension Lifetime {
    @Suite(.serialized, .timeLimit(.minutes(3))) struct PauseTests {
        private func server(_ ldif: String = "") throws -> SlapdServer {
            var options = SlapdOptions()
            options.people = 20
            options.ldif = ldif
            return try SlapdServer(options)
        }

        @Test("a server that ends the search right after each refresh is asked with growing pauses")
        func shortConnections() throws {
            let server = try server()
            let relay = try CuttingRelay(to: server.port)
            let host = try EngineHost(uri: relay.uri)
            defer { host.stop() }
            try host.settle()
            var pauses: [Duration] = []
            for turn in 1...11 {
                #expect(try host.moment().isFollowing)
                let connections = host.status.connections
                relay.cut()
                try host.wait("the pause") { try host.moment().isPausing }
                let nominal = min(.milliseconds(250) * (1 << (turn - 1)), .seconds(60))
                pauses.append(nominal)
                host.clock.advance(by: nominal - .milliseconds(1))
                try host.settle()
                #expect(host.status.connections == connections)
                host.clock.advance(by: .milliseconds(1))
                try host.wait("the next connection") { try host.moment().isFollowing }
                try host.settle()
            }
            #expect(pauses.last == .seconds(60))
            // The directory was really back: what comes after that is one lost connection, at most 2 s.
            try host.advance(by: .seconds(120))
            relay.cut()
            try host.wait("the pause") { try host.moment().isPausing }
            let connections = host.status.connections
            host.clock.advance(by: .seconds(2))
            try host.wait("the next connection") { host.status.connections > connections }
            try host.settle()
        }

        @Test("comparisons that always fail lead to few full readings, and promise nothing new")
        func failingComparisons() throws {
            let server = try server()
            let relay = try CuttingRelay(to: server.port)
            // A server that allows one connection: a comparison needs another one.
            relay.allow(1)
            let host = try EngineHost(uri: relay.uri, directory: "sync = \"poll\"")
            defer { host.stop() }
            try host.settle()
            let promise = host.status.promise
            try host.advance(by: .seconds(6 * 3600))
            let failures = host.log.count("cannot compare")
            let readings = host.log.count("reading everything again: comparisons fail")
            #expect(failures >= 20)
            // In six hours 72 intervals of five minutes; twice so many would be one after each attempt.
            #expect((10...75).contains(readings))
            #expect(host.status.promise == promise)
            // A deletion is seen all the same, within the longest pause.
            try server.delete("uid=user3,\(SlapdServer.people)")
            try host.advance(by: .seconds(1000))
            #expect(try !host.shows("user3") && host.shows("user4"))
            // And with comparisons again nothing is read in full any more.
            relay.allow(.max)
            try host.advance(by: .seconds(1300))
            let before = host.log.count("reading everything again")
            try host.advance(by: .seconds(3600))
            #expect(host.log.count("reading everything again") == before)
            #expect(host.log.count("compared") >= 10)
        }

        @Test("what a comparison reads again is bounded in memory; more is read in full")
        func bounded() throws {
            let server = try server()
            let host = try EngineHost(uri: server.uri)
            try host.settle()
            host.stop()
            let rules = try SyncEngine.rules(of: host.context)
            let connector = DirectoryConnector(settings: host.context.settings)
            let store = try AccountStore(
                directory: host.context.paths.state + "/store", now: host.clock.now)
            defer { store.close() }
            let strategy = SyncStrategy(.automatic, root: nil, entryID: "entryUUID")
            for number in 1...10 {
                try server.replace(dn(number), "gecos", with: String(repeating: "x", count: 1000))
            }
            var run = ComparisonRun(
                connector: connector, connection: 1, server: 0, uri: server.uri,
                strategy: strategy, plan: rules.searchPlan, rules: rules, reader: store.reader,
                clock: .system)
            let whole = run.run()
            #expect(whole.failure == nil && !whole.isTooMuch && whole.reread.count == 10)
            run.mostOctets = 5000
            let bounded = run.run()
            #expect(bounded.failure == nil && bounded.isTooMuch && bounded.reread.isEmpty)
        }

        private func dn(_ number: Int) -> String { "uid=user\(number),\(SlapdServer.people)" }

        @Test("two searches in the place of one take nothing away, and nor does the way back")
        func otherSearches() throws {
            let groups = (1...6).map { number in
                """
                dn: cn=group\(number),\(SlapdServer.groups)
                objectClass: posixGroup
                cn: group\(number)
                gidNumber: \(30_000 + number)
                memberUid: user\(number)

                """
            }
            let server = try server(groups.joined(separator: "\n"))
            let folder = try TemporaryDirectory("roster-engine")
            let clock = StepClock()
            let two =
                "people_base = \"\(SlapdServer.people)\"\ngroups_base = \"\(SlapdServer.groups)\""
            for (turn, lines) in ["", two, "", two].enumerated() {
                let host = try EngineHost(
                    uri: server.uri, directory: lines, clock: clock, folder: folder)
                try host.settle()
                let counts = try #require(try host.context.storeReader.reader?.summary())
                #expect(counts.groups == 6 && counts.people == 20)
                // Nothing was published, so nothing was ever gone.
                if turn > 0 { #expect(host.status.publications == 0) }
                host.stop()
            }
            // What went meanwhile goes, of either search.
            try server.delete("cn=group2,\(SlapdServer.groups)")
            try server.delete(dn(3))
            let host = try EngineHost(uri: server.uri, directory: "", clock: clock, folder: folder)
            defer { host.stop() }
            try host.settle()
            let counts = try #require(try host.context.storeReader.reader?.summary())
            #expect(counts.groups == 5 && counts.people == 19)
        }
    }
}
