// Ages and expiry by clocks that are set, that stop at a reboot, or that nobody noted.
import Accounts
import Foundation
import Testing

@testable import AccountIndex

struct GateClockTests {
    /// The verdict on `account` with a mirror verified at ``GateClock/usual`` that may be 1000 s old.
    private func verdict(
        _ account: PublishedPerson = account(), at clock: GateClock, limit: Int64? = 1000
    ) throws -> LoginVerdict {
        let index = try TestIndex()
        try index.buildGate([account], AccessPolicy(maxStaleness: limit))
        return try index.decide("alice", at: clock).verdict
    }

    @Test("within one boot only the clock that nobody sets counts for the age of the mirror")
    func sameBoot() throws {
        for now: Int64 in [-5, 0, 1, 999_000, 1_000_000, 9_000_000, 1 << 50, Int64.max] {
            #expect(try verdict(at: GateClock(now: now, uptime: 3600, boot: 1)) == .accepted)
            #expect(try verdict(at: GateClock(now: now, uptime: 4600, boot: 1)) == .accepted)
            #expect(try verdict(at: GateClock(now: now, uptime: 4601, boot: 1)) == .stale)
        }
    }

    @Test("in another boot the clock counts, or the newest time with the uptime if that is later")
    func otherBoot() throws {
        for (now, uptime, expected): (Int64, Int64, LoginVerdict) in [
            (1_001_000, 0, .accepted), (1_001_001, 0, .stale), (1_000_000, 1000, .accepted),
            (1_001_000, 1000, .accepted), (1_001_001, 5, .stale), (Int64.max, 0, .stale),
            // A clock at 1970, or set back, does not stop the time.
            (0, 0, .accepted), (0, 1000, .accepted), (0, 1001, .stale), (5, 1001, .stale),
            (999_000, 1001, .stale), (Int64.min, 1000, .accepted), (Int64.min, 1001, .stale),
            (0, 3600, .stale), (0, 1 << 40, .stale), (0, Int64.max, .stale), (0, -5, .accepted),
        ] {
            #expect(
                try verdict(at: GateClock(now: now, uptime: uptime, boot: 2)) == expected,
                "\(now), \(uptime)")
        }
    }

    @Test("an unknown boot may be the one noted: the clock counts, and the uptime gained since")
    func unknownBoot() throws {
        for (now, uptime, expected): (Int64, Int64, LoginVerdict) in [
            (1_001_000, 3600, .accepted), (1_001_001, 3600, .stale), (0, 3600, .accepted),
            (0, 4600, .accepted), (0, 4601, .stale), (1_000_000, 3500, .accepted),
            (Int64.min, 5, .accepted), (Int64.max, 5, .stale),
        ] {
            #expect(
                try verdict(at: GateClock(now: now, uptime: uptime, boot: 0)) == expected,
                "\(now), \(uptime)")
        }
        // A host whose boot nobody knows, up for long, is healthy; its times do not run ahead.
        var times = GateTimes()
        for second: Int64 in 0..<100 {
            times.noteVerified(GateClock(now: 7 + second, uptime: 1_000_000 + second, boot: 0))
        }
        #expect(times.verified?.now == 106)
    }

    @Test("a note made since the clocks were read does not count as one of another boot")
    func notedMeanwhile() throws {
        #expect(try verdict(at: GateClock(now: 1_000_000, uptime: 3599, boot: 1)) == .accepted)
        #expect(try verdict(at: GateClock(now: 1_001_001, uptime: 3599, boot: 1)) == .stale)
    }

    @Test("a clock set back after a reboot hides no age that was published")
    func setBack() throws {
        let index = try TestIndex()
        var writer = try index.buildGate([account()], AccessPolicy(maxStaleness: 1000))
        writer.noteContact(at: GateClock.usual.after(2000))
        let back = GateClock(now: 10, uptime: 1, boot: 2)
        #expect(try index.decide("alice", at: back).verdict == .stale)
        #expect(try index.decide("alice", at: GateClock.usual.after(900)).verdict == .accepted)
    }

    @Test("a mirror that was never verified is stale, unless it may be of any age")
    func never() throws {
        for (limit, expected): (Int64?, LoginVerdict) in [(1000, .stale), (nil, .accepted)] {
            let index = try TestIndex()
            var builder = try IndexBuilder(directory: index.directory, generation: 1)
            builder.set(policy: AccessPolicy(maxStaleness: limit))
            try builder.add(person: account())
            var writer = try builder.finish()
            writer.noteContact(at: .usual)
            try writer.install()
            #expect(try index.decide("alice").verdict == expected)
        }
        #expect(
            try verdict(at: GateClock(now: 1 << 50, uptime: 0, boot: 2), limit: nil) == .accepted)
    }

    @Test("a held account ages from when the directory last confirmed it")
    func held() throws {
        let held = account(confirmedAt: 999_500)
        #expect(try verdict(held, at: GateClock.usual.after(500)) == .accepted)
        #expect(try verdict(held, at: GateClock.usual.after(501)) == .stale)
        // Its own time does not make a mirror younger.
        let future = account(confirmedAt: Int64.max)
        #expect(try verdict(future, at: GateClock.usual.after(1001)) == .stale)
        #expect(try verdict(account(confirmedAt: Int64.min), at: .usual) == .stale)
        #expect(try verdict(held, at: GateClock.usual.after(501), limit: nil) == .accepted)
    }

    @Test("an expiry passes between two published times, without any event")
    func expiry() throws {
        let expiring = account(state: AccountState(expiresAt: 1_000_010, expiresBy: "shadowExpire"))
        #expect(try verdict(expiring, at: .usual) == .accepted)
        #expect(try verdict(expiring, at: GateClock.usual.after(9)) == .accepted)
        #expect(try verdict(expiring, at: GateClock.usual.after(10)) == .expired)
        // The clock was set back meanwhile: what passed since the published time counts.
        #expect(try verdict(expiring, at: GateClock(now: 7, uptime: 3609, boot: 1)) == .accepted)
        #expect(try verdict(expiring, at: GateClock(now: 7, uptime: 3610, boot: 1)) == .expired)
        #expect(try verdict(expiring, at: GateClock(now: 7, uptime: 9, boot: 2)) == .accepted)
        #expect(try verdict(expiring, at: GateClock(now: 7, uptime: 10, boot: 2)) == .expired)
        #expect(
            try verdict(expiring, at: GateClock(now: 1_000_010, uptime: 1, boot: 2)) == .expired)
        let past = account(state: AccountState(expiresAt: 1_000_000))
        #expect(try verdict(past, at: GateClock(now: 7, uptime: 1, boot: 2)) == .expired)
        #expect(
            try verdict(account(state: AccountState(expiresAt: Int64.min)), at: .usual) == .expired)
    }

    @Test("noted times never go back, and go on by the clock that nobody sets")
    func monotone() {
        var times = GateTimes()
        times.noteVerified(.usual)
        times.noteContact(GateClock(now: 5, uptime: 3700, boot: 1))
        #expect(times.contact?.now == 1_000_100)
        #expect(times.verified == .usual)
        times.noteVerified(GateClock(now: 5, uptime: 2, boot: 2))
        #expect(times.verified == GateClock(now: 1_000_102, uptime: 2, boot: 2))
        #expect(times.now(GateClock(now: 5, uptime: 12, boot: 2)) == 1_000_112)
        #expect(times.age(GateClock(now: 5, uptime: 12, boot: 2)) == 10)
        var older = GateTimes(verified: GateClock(now: 3, uptime: 1, boot: 3))
        older.merge(times)
        #expect(older == times)
        times.merge(GateTimes(verified: GateClock(now: 3, uptime: 1, boot: 3)))
        #expect(older == times)
    }

    @Test("the newest time survives a rebuild, also of an index that is torn")
    func carried() throws {
        let index = try TestIndex()
        var writer = try index.buildGate([account()], AccessPolicy(maxStaleness: 1000))
        writer.noteContact(at: GateClock.usual.after(50))
        #expect(writer.times == IndexWriter.times(directory: index.directory))
        // Half of a publication: the pair cannot be continued any more.
        writer.beforeStep = { step throws(IndexError) in
            if step == "public generation" { throw .full }
        }
        #expect(throws: IndexError.full) {
            _ = try writer.apply(change((nil, account("bob", 70001))))
        }
        #expect(try !index.canContinue())
        let times = IndexWriter.times(directory: index.directory)
        #expect(times.contact == GateClock.usual.after(50))
        var next = try index.prepare([account()], generation: 5)
        next.carryOver(times)
        try next.install()
        #expect(try index.snapshot(.gate).times == times)
        next.noteContact(at: GateClock(now: 3, uptime: 1, boot: 2))
        #expect(next.times.contact == GateClock(now: 1_000_051, uptime: 1, boot: 2))
        #expect(next.times.verified == .usual)
    }

    @Test("from half of what is allowed on, a warning is due")
    func half() throws {
        let index = try TestIndex()
        try index.buildGate([account()], AccessPolicy(maxStaleness: 1000))
        try IndexPath.with(index.gatePath, index.state, .gate) { path in
            let gate = try GateIndex(path: path)
            let due = try [0, 500, 501, 5000].map { try gate.halfStale(clock: .usual.after($0)) }
            #expect(due == [false, false, true, true])
        }
        try index.buildGate([account()], AccessPolicy(), generation: 2)
        try IndexPath.with(index.gatePath, index.state, .gate) { path in
            let gate = try GateIndex(path: path)
            #expect(try !gate.halfStale(clock: .usual.after(1 << 40)))
        }
    }

    @Test("the id of a boot, however written, has the number that the kernel's own has")
    func bootID() throws {
        let text = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        let id = text.trimmingCharacters(in: .newlines)
        #expect(GateClock.boot(id: id) == GateClock.thisBoot())
        #expect(
            GateClock.boot(id: id.replacingOccurrences(of: "-", with: "")) == GateClock.thisBoot())
        #expect(
            GateClock.boot(id: "") == nil
                && GateClock.boot(id: String(repeating: "g", count: 32)) == nil)
    }

    @Test("this host's clocks move on in one boot, which has a number")
    func host() {
        let first = GateClock.ofThisHost()
        let second = GateClock.ofThisHost()
        #expect(first.boot == second.boot && first.boot > 0 && first.boot < 1 << 40)
        #expect(second.uptime >= first.uptime && first.uptime > 0)
        #expect(first.now > 1_700_000_000)
    }
}
