import DirectorySync
import LDAPClient
import Testing

@Suite("Cookie, back-off, health and schedule")
struct SyncreplSupportTests {
    private let request = SyncCookie.Request(
        uris: ["ldaps://a", "ldaps://b"], bindDN: "cn=s", base: "dc=x", scope: .subtree,
        filter: "(a=b)", attributes: ["uid", "cn"], schema: "rfc2307", strategy: "syncrepl")

    @Test("the digest changes with everything that the request depends on, and with nothing else")
    func digest() {
        var variants = [request]
        for change: (inout SyncCookie.Request) -> Void in [
            { $0.uris = ["ldaps://a"] }, { $0.uris = ["ldaps://ald", "aps://b"] },
            { $0.bindDN = "cn=t" }, { $0.base = "dc=y" }, { $0.scope = .oneLevel },
            { $0.filter = "(a=c)" }, { $0.attributes.append("sn") }, { $0.attributes = ["uidcn"] },
            { $0.schema = "rfc2307bis" }, { $0.strategy = "poll" },
        ] {
            var variant = request
            change(&variant)
            variants.append(variant)
        }
        #expect(Set(variants.map(SyncCookie.digest)).count == variants.count)
        var same = request
        same.uris.reverse()
        same.attributes = ["CN", "uid", "cn"]
        #expect(SyncCookie.digest(same) == SyncCookie.digest(request))
        #expect(SyncCookie.digest(request).count == 16)
    }

    @Test("a cookie of another request is none")
    func otherRequest() {
        let cookie = SyncCookie(bytes: [1], digest: SyncCookie.digest(request))
        var other = request
        other.filter = "(a=*)"
        #expect(cookie.bytes(for: SyncCookie.digest(request)) == [1])
        #expect(cookie.bytes(for: SyncCookie.digest(other)) == nil)
    }

    @Test("the back-off doubles up to its limit, jittered downwards, and begins anew")
    func backoff() {
        var backoff = Backoff(first: .seconds(1), limit: .seconds(5))
        #expect(
            (0..<5).map { _ in backoff.next(random: 1) }
                == [.seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(5)])
        #expect(backoff.next(random: 0) == .seconds(2.5))
        backoff.reset()
        #expect(backoff.next(random: 1) == .seconds(1))
    }

    @Test("after a loss the waits of many hosts lie evenly between 0 and 2 s, then double anew")
    func loss() {
        var backoff = Backoff(first: .seconds(1), limit: .seconds(5))
        _ = backoff.next(random: 1)
        #expect(backoff.afterLoss(random: 0.25) == .seconds(0.5))
        #expect(backoff.next(random: 1) == .seconds(1))
        #expect(backoff.afterLoss(random: 7) == .seconds(2))
    }

    @Test("a comparison after a resume waits at most a millisecond an entry, and at most a minute")
    func comparisonSpread() {
        #expect(ComparisonSpread.wait(entries: 20_000, random: 0.5) == .seconds(10))
        #expect(ComparisonSpread.wait(entries: 1_000_000, random: 1) == .seconds(60))
        #expect(ComparisonSpread.wait(entries: 0, random: 1) == .zero)
    }

    @Test("a silent server is asked after 30 s and given up 10 s later")
    func silence() {
        var health = StreamHealth(now: .zero)
        health.refreshEnded()
        #expect(health.action(now: .seconds(29)) == .wait(until: .seconds(30)))
        #expect(health.action(now: .seconds(30)) == .sendProbe)
        health.probeSent(now: .seconds(30))
        #expect(health.action(now: .seconds(31)) == .wait(until: .seconds(40)))
        #expect(
            health.action(now: .seconds(40))
                == .giveUp(reason: "the server did not answer within 10.0 seconds"))
        health.probeAnswered(now: .seconds(39))
        #expect(health.action(now: .seconds(40)) == .wait(until: .seconds(69)))
    }

    @Test("an answer may stand in line behind messages, or behind parts of a large one")
    func queued() {
        var health = StreamHealth(now: .zero)
        health.probeSent(now: .seconds(30))
        health.messageReceived(now: .seconds(39))
        #expect(health.action(now: .seconds(41)) == .wait(until: .seconds(49)))
    }

    @Test("a refresh without progress is given up though the server answers")
    func stuckRefresh() {
        var health = StreamHealth(refreshLimit: .seconds(60), now: .zero)
        health.messageReceived(now: .seconds(10))
        health.probeAnswered(now: .seconds(65))
        #expect(health.action(now: .seconds(69)) == .wait(until: .seconds(70)))
        guard case .giveUp = health.action(now: .seconds(70)) else {
            Issue.record("goes on")
            return
        }
        health.refreshEnded()
        #expect(health.action(now: .seconds(70)) == .wait(until: .seconds(95)))
    }

    @Test("comparisons come round, come at once when asked, and rest 50 times what they took")
    func schedule() {
        var schedule = ComparisonSchedule(interval: .seconds(1000), now: .zero, jitter: 0.5)
        #expect(schedule.dueAt == .seconds(1000))
        schedule.request(at: .seconds(10))
        #expect(schedule.dueAt == .seconds(10))
        schedule.started(now: .seconds(10))
        schedule.request(at: .seconds(11))
        schedule.ended(now: .seconds(12), jitter: 0.5)
        #expect(schedule.dueAt == .seconds(112), "asked for meanwhile, but only after a rest")
        schedule.started(now: .seconds(112))
        schedule.ended(now: .seconds(142), jitter: 0)
        #expect(schedule.dueAt == .seconds(1642), "a slow directory is compared less often")
    }

    @Test("a rest has a limit where the mirror must be verified more often")
    func longestRest() {
        var schedule = ComparisonSchedule(
            interval: .seconds(100), longestRest: .seconds(200), now: .zero, jitter: 0.5)
        schedule.started(now: .zero)
        schedule.ended(now: .seconds(30), jitter: 0.5)
        #expect(schedule.dueAt == .seconds(230))
    }
}
