// A week of an engine, a real slapd and the clock set forward: what is due is done as often as the
// settings say, and nothing piles up.

import AccountStore
import Accounts
import CLibc
import Foundation
import Glibc
import TestSupport
import Testing

@testable import RosterDaemon

extension Lifetime {
    @Suite(.serialized, .timeLimit(.minutes(30))) struct WeekTests {
        private static let hour = Duration.seconds(3600)
        private static let day = Duration.seconds(86400)
        /// How far the clock is set where no moment counts.
        private static let stride = Duration.seconds(300)
        /// How many people come and go each hour.
        private static let turnover = 4

        /// What the process holds: its descriptors, and its resident memory in megabytes.
        private struct Footprint {
            var descriptors: [String]
            var megabytes: Int

            init(_ host: EngineHost) throws {
                malloc_trim(0)
                let folder = "/proc/self/fd"
                // What lists the folder is among them, and gone.
                descriptors = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap
                {
                    try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
                }.filter { !$0.contains("/roster-") || $0.contains(host.folder.path) }
                    .map { String($0.prefix { $0 != "[" }) }.sorted()
                let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
                    .split(separator: " ")[1]
                megabytes = (Int(pages) ?? 0) * 4096 / 1_048_576
            }
        }

        /// An hour with its changes: some come, those of the hour before go, somebody is renamed.
        private func hour(_ number: Int, _ server: SlapdServer, _ host: EngineHost) throws {
            var ldif = ""
            for place in 0..<Self.turnover {
                ldif += SlapdOptions.person(1000 + number * Self.turnover + place) + "\n\n"
                guard number > 0 else { continue }
                let former = 1000 + (number - 1) * Self.turnover + place
                ldif += "dn: uid=user\(former),\(SlapdServer.people)\nchangetype: delete\n\n"
            }
            try server.apply(ldif)
            let newest = "user\(1000 + number * Self.turnover + Self.turnover - 1)"
            try host.wait("the changes of hour \(number)") { try host.shows(newest) }
            try host.advance(by: Self.hour, step: Self.stride)
        }

        private func rows(_ host: EngineHost, _ file: String, _ table: String) throws -> Int {
            let script =
                "import sqlite3, sys\nprint(sqlite3.connect(sys.argv[1]).execute("
                + "'select count(*) from ' + sys.argv[2]).fetchone()[0])"
            let path = "\(host.context.paths.state)/store/\(file).sqlite"
            let found = try run("python3", ["-c", script, path, table])
            return Int(found.output.filter(\.isNumber)) ?? -1
        }

        /// Somebody logs in by password, and can do so for a while without the directory.
        private func login(_ host: EngineHost) throws -> LoginPerson {
            let reader = try #require(host.context.storeReader.reader)
            let ada = try #require(try reader.loginPerson(named: "user30"))
            let now = host.clock.now
            host.keeper.accepted(Password(Array("pw30".utf8)), of: ada)
            try host.wait("the verifier") { host.keeper.acceptedAt(ada.uuid) == now }
            return ada
        }

        @Test("a week passes, with an outage of two days and a half")
        func week() throws {
            let isNightly = ProcessInfo.processInfo.environment["NIGHTLY"] == "1"
            let weeks = isNightly ? 4 : 1
            var options = SlapdOptions()
            options.people = 60
            let server = try SlapdServer(options)
            let host = try EngineHost(
                uri: server.uri,
                login: "offline = true\noffline_max_age = \"24h\"\nmax_staleness = \"48h\"")
            defer { host.stop() }
            try host.settle()
            var hours = 0
            func pass(days: Int) throws {
                for _ in 0..<days * 24 {
                    try hour(hours, server, host)
                    hours += 1
                }
            }

            // A day to become warm. A mass removal in it is held for the rest of the time.
            try pass(days: 1)
            let many = (1...20).map {
                "dn: uid=user\($0),\(SlapdServer.people)\nchangetype: delete\n\n"
            }
            try server.apply(many.joined() + SlapdOptions.person(900) + "\n")
            try host.wait("what follows the removals") { try host.shows("user900") }
            try host.settle()
            let held = try host.context.storeReader.reader?.held().count ?? 0
            #expect(held > 0)
            // What goes from now on is no part of it.
            try host.advance(by: Self.hour, step: Self.stride)
            _ = try login(host)
            let before = try Footprint(host)
            host.log.clear()

            // Days like any other: as many comparisons as the interval says.
            let days = weeks * 7 - 4
            try pass(days: days)
            let compared = host.log.count("compared")
            // The jitter of this clock makes 63 minutes of an hour, the strides at most five more.
            #expect((days * 1440 / 68 - 1...days * 1440 / 63 + 1).contains(compared))
            #expect(host.status.connections == 1 && host.verdict("user30") == .accepted)

            try outage(server, host)
            try pass(days: 1)

            #expect(host.verdict("user30") == .accepted)
            #expect(host.status.lastError == nil)
            let after = try Footprint(host)
            #expect(after.descriptors == before.descriptors)
            #expect(after.megabytes <= before.megabytes + 16, "from \(before.megabytes) MB")
            try piles(host, hours: hours, held: held)
            let mirrored = try #require(try host.context.storeReader.reader?.summary().people)
            #expect(mirrored == 60 + 1 - (20 - held) + Self.turnover)
            print(
                "a week: \(compared) comparisons in \(days) days, \(before.megabytes) to",
                "\(after.megabytes) MB, \(after.descriptors.count) descriptors")
        }

        /// Two days and a half without the directory.
        private func outage(_ server: SlapdServer, _ host: EngineHost) throws {
            let ada = try login(host)
            func isUsable() -> Bool {
                host.keeper.hasVerifier(of: ada, newest: host.clock.now)
            }
            let connections = host.status.connections
            let began = host.clock.uptime
            server.stop()
            try host.wait("the loss to be noticed") { try host.moment().isPausing }
            // Pauses that double to a minute: 9 in the first two minutes, then one a minute.
            let attempts = Attempts(port: server.port)
            try host.advance(by: .seconds(128), step: .milliseconds(250))
            let first = attempts.stop()
            #expect((8...10).contains(first))
            let more = Attempts(port: server.port)
            try host.advance(by: Self.hour, step: .seconds(10))
            #expect((50...61).contains(more.stop()))

            try host.advance(
                by: began + Self.day - .seconds(60) - host.clock.uptime, step: Self.stride)
            #expect(isUsable())
            try host.advance(by: .seconds(120))
            #expect(!isUsable())
            #expect(host.verdict("user30") == .accepted)
            try host.advance(
                by: began + Self.day * 2 - .seconds(4200) - host.clock.uptime, step: Self.stride)
            #expect(host.verdict("user30") == .accepted)
            // What was verified last is up to a comparison's interval older than the outage.
            try host.advance(by: .seconds(4300), step: Self.stride)
            #expect(host.verdict("user30") == .stale)
            try host.advance(by: Self.hour * 12, step: Self.stride)
            #expect(host.verdict("user30") == .stale)
            #expect(host.status.connections == connections)

            try server.start()
            try host.advance(by: .seconds(60))
            #expect(host.status.connections == connections + 1)
            #expect(host.verdict("user30") == .accepted)
            #expect(!isUsable())
        }

        /// What is kept, and what is not.
        private func piles(_ host: EngineHost, hours: Int, held: Int) throws {
            // The first load, the one who followed the removals, and these, that were held or happened.
            let events = 2 + hours * Self.turnover + (hours - 1) * Self.turnover + 20
            // The history is kept for good.
            let kept = try rows(host, "journal", "journal")
            #expect(kept == events)
            #expect(try rows(host, "store", "outbox") <= 1000 + 100 + 2 * Self.turnover)
            // A row a day for as long as the hold stands, and those of the last minutes.
            #expect(try rows(host, "store", "removals") <= hours / 24 + 3)
            #expect(try rows(host, "store", "held") == held)
            #expect(try rows(host, "verifiers", "verifiers") == 1)
        }
    }
}

/// Counts who tries to connect to a port where nobody answers.
private final class Attempts {
    private let listener: LoopbackListener?
    private let count = Counter()

    init(port: UInt16) {
        listener = try? LoopbackListener(port: port, reusingAddress: true)
        guard let listening = listener?.descriptor else { return }
        let count = count
        Thread.detachNewThread {
            while true {
                let connection = accept(listening, nil, nil)
                guard connection >= 0 else { return }
                count.add()
                close(connection)
            }
        }
    }

    /// Stops to listen; how many there were, -1 if the port could not be had.
    func stop() -> Int {
        guard let listener else { return -1 }
        shutdown(listener.descriptor, CInt(SHUT_RDWR))
        return count.value
    }
}

private final class Counter: @unchecked Sendable {
    // Unchecked: behind the lock.
    private let lock = NSLock()
    private var number = 0

    func add() { lock.withLock { number += 1 } }
    var value: Int { lock.withLock { number } }
}
