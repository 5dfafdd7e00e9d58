// The fleet: its hosts, each on a thread of its own, and what they saw together.
internal import Glibc
internal import LDAPClient
internal import NIOPosix
internal import Synchronization

/// Nanoseconds of the clock that every process shares and that never jumps (CLOCK_MONOTONIC).
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// What the hosts are told, all at once.
final class FleetOrders: Sendable {
    struct Order: Sendable {
        /// Counts orders.
        var number = 0
        var isRunning = false
        /// Each host waits a random part of this before it connects.
        var spread = Duration.zero
        /// Whether waits after a lost connection are random.
        var hasJitter = true
    }

    private let order = Mutex(Order())
    /// Readable while the hosts are to be still, so that those wake up that wait.
    var descriptor: CInt { ends[0] }
    private let ends: [CInt]

    init() {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { exit(1) }
        self.ends = ends
        mark(isStill: true)
    }

    private func mark(isStill: Bool) {
        var octet: UInt8 = 0
        if isStill {
            _ = unsafe write(ends[1], &octet, 1)
        } else {
            _ = unsafe read(ends[0], &octet, 1)
        }
    }

    var current: Order { order.withLock { $0 } }

    /// Gives an order.
    func give(_ change: (inout Order) -> Void) {
        order.withLock { order in
            let wasRunning = order.isRunning
            change(&order)
            order.number += 1
            if order.isRunning != wasRunning { mark(isStill: wasRunning) }
        }
    }
}

/// All hosts.
final class Fleet: Sendable {
    private let plan: FleetPlan
    private let orders = FleetOrders()
    private let hosts: [SimulatedHost]
    private let threads: NIOThreadPool
    private let comparers: NIOThreadPool

    /// A fleet that is still.
    init(plan: FleetPlan, hosts count: Int) {
        let orders = orders
        self.plan = plan
        hosts = (0..<count).map { _ in SimulatedHost(plan: plan, orders: orders) }
        threads = NIOThreadPool(numberOfThreads: count)
        comparers = NIOThreadPool(numberOfThreads: count)
        threads.start()
        comparers.start()
        for host in hosts { threads.submit { _ in host.live() } }
    }

    /// Lets the hosts connect.
    func start(within spread: Duration, hasJitter: Bool) {
        orders.give { order in
            order.isRunning = true
            order.spread = spread
            order.hasJitter = hasJitter
        }
    }

    /// Closes all connections, and returns when they are closed.
    func pause() {
        orders.give { $0.isRunning = false }
        while hosts.contains(where: { $0.figures.isConnected }) { usleep(2000) }
    }

    /// The fleet in one line; times in nanoseconds of the monotonic clock.
    var state: String {
        let all = hosts.map(\.figures)
        let times = all.filter(\.isInSync).map(\.inSyncAt).sorted()
        let pairs: [(String, Int64)] = [
            ("hosts", Int64(all.count)),
            ("insync", Int64(times.count)),
            ("median", times.isEmpty ? 0 : times[times.count / 2]),
            ("last", times.last ?? 0),
            ("syncs", Int64(all.map(\.syncs).reduce(0, +))),
            ("entries", Int64(all.map(\.entries).reduce(0, +))),
            ("named", Int64(all.map(\.named).reduce(0, +))),
            ("failures", Int64(all.map(\.failures).reduce(0, +))),
            ("comparisons", Int64(all.map(\.comparisons).reduce(0, +))),
        ]
        let failures = Set(all.map(\.lastFailure)).subtracting([""]).sorted()
        let notes = failures.prefix(3).map { "note \($0)\n" }.joined()
        return notes + "done " + pairs.map { "\($0.0) \($0.1)" }.joined(separator: " ")
    }

    /// For each change how many hosts have it, when the median host had it and when the last.
    func takeChanges() -> String {
        var arrivals: [Int: [Int64]] = [:]
        for host in hosts {
            for (change, time) in host.takeArrivals() { arrivals[change, default: []].append(time) }
        }
        var lines = ""
        for (change, times) in arrivals.sorted(by: { $0.key < $1.key }) {
            let times = times.sorted()
            let middle = times[times.count / 2]
            let last = times.last ?? 0
            lines += "change \(change) hosts \(times.count) median \(middle) last \(last)\n"
        }
        return lines + "done"
    }

    /// Has some hosts list everything at once, as a comparison does.
    func compare(_ count: Int) -> String {
        let began = monotonicNanoseconds()
        let left = Mutex(min(count, hosts.count))
        let total = Mutex((entries: 0, failures: 0))
        for host in hosts.prefix(count) {
            comparers.submit { _ in
                let entries = try? host.compare()
                total.withLock {
                    $0.entries += entries ?? 0
                    if entries == nil { $0.failures += 1 }
                }
                left.withLock { $0 -= 1 }
            }
        }
        while left.withLock({ $0 > 0 }) { usleep(2000) }
        let took = monotonicNanoseconds() - began
        let (entries, failures) = total.withLock { $0 }
        return "done entries \(entries) failures \(failures) took \(took)"
    }
}
