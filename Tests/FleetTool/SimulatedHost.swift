// One host as the directory sees it: the connection, the requests and the waits of rosterd, without the
// store behind them.
internal import Accounts
internal import DirectorySync
internal import Glibc
internal import LDAPClient
internal import Synchronization

/// Where the directory is and what is asked of it; the same for all.
struct FleetPlan: Sendable {
    let options: LDAPConnectOptions
    let bindDN: String
    let password: [UInt8]
    let search: SearchPlan.Search

    /// A session, bound.
    func connect() throws(LDAPError) -> LDAPSession {
        let session = try LDAPSession(options)
        try session.bind(dn: bindDN, password: LDAPSecret(copying: password))
        return session
    }
}

/// Why a host lets go of its connection though nothing failed.
enum HostEnd: Error {
    /// An order came.
    case ordered
    /// The search has to begin anew.
    case restart
    /// The server gave no sign of life.
    case silence(String)
}

/// A host.
final class SimulatedHost: Sendable {
    /// What it saw so far.
    struct Figures: Sendable {
        var isConnected = false
        var isInSync = false
        var inSyncAt: Int64 = 0
        /// How often it came in sync.
        var syncs = 0
        /// Entries that refreshes sent, and identities that they named.
        var entries = 0
        var named = 0
        var failures = 0
        var lastFailure = ""
        var comparisons = 0
    }

    private let plan: FleetPlan
    private let orders: FleetOrders
    private let shown = Mutex(Figures())
    private let arrivals = Mutex<[(change: Int, time: Int64)]>([])
    /// The shell that the benchmark writes is this and a number.
    private static let mark = Array("/fleet/".utf8)

    init(plan: FleetPlan, orders: FleetOrders) {
        self.plan = plan
        self.orders = orders
    }

    var figures: Figures { shown.withLock { $0 } }

    /// The changes that arrived since the last call.
    func takeArrivals() -> [(change: Int, time: Int64)] {
        arrivals.withLock { list in
            let taken = list
            list = []
            return taken
        }
    }

    private func note(_ change: (inout Figures) -> Void) {
        shown.withLock { change(&$0) }
    }

    /// Follows the directory whenever the order is to do so.
    ///
    /// Never returns.
    func live() {
        var cookie: [UInt8]?
        while true {
            while !orders.current.isRunning { usleep(2000) }
            let order = orders.current
            pause(order.spread * Double.random(in: 0..<1))
            followOn(from: &cookie, order)
        }
    }

    /// Connects again and again, as the engine of rosterd does, until another order comes.
    private func followOn(from cookie: inout [UInt8]?, _ order: FleetOrders.Order) {
        var backoff = Backoff()
        while orders.current.number == order.number {
            let before = figures.syncs
            do {
                try follow(&cookie)
            } catch HostEnd.ordered, HostEnd.restart {
                note { $0.isInSync = false }
            } catch {
                note { figures in
                    figures.isInSync = false
                    figures.failures += 1
                    figures.lastFailure = "\(error)"
                }
            }
            note { $0.isConnected = false }
            guard orders.current.number == order.number else { return }
            let random = Double.random(in: 0..<1)
            if figures.syncs > before, order.hasJitter {
                pause(backoff.afterLoss(random: random))
            } else {
                if figures.syncs > before { backoff.reset() }
                pause(backoff.next(random: order.hasJitter ? random : 1))
            }
        }
    }

    private func pause(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        var request = timespec()
        request.tv_sec = Int(seconds)
        request.tv_nsec = Int(attoseconds / 1_000_000_000)
        _ = unsafe nanosleep(&request, nil)
    }

    private var now: Duration { .nanoseconds(monotonicNanoseconds()) }

    /// One connection; the cookie is the newest that may be resumed from.
    private func follow(_ cookie: inout [UInt8]?) throws {
        note { $0.isConnected = true }
        let session = try plan.connect()
        let root = try session.readRootDSE()
        var sync = SyncreplSession(storedCookie: cookie)
        let request = SyncRequestControl(mode: .refreshAndPersist, cookie: sync.cookieToSend)
        let search = plan.search
        _ = try session.start(
            LDAPSearch(
                base: search.base, scope: .subtree, filter: search.filter,
                attributes: search.attributes, controls: [request.control]))
        var health = StreamHealth(refreshLimit: .seconds(60), now: now)
        var question: LDAPMessageID?
        var compareAt: Duration?
        while true {
            while let message = try session.nextMessage(timeout: .zero) {
                if message.id == question {
                    health.probeAnswered(now: now)
                    continue
                }
                health.messageReceived(now: now)
                let wasRefresh = sync.stage == .refresh
                let changes = try sync.receive(try decoded(message, isRefresh: wasRefresh))
                try take(changes, cookie: &cookie, isRefresh: wasRefresh)
                if wasRefresh, sync.stage == .persist {
                    health.refreshEnded()
                    arrived(after: sync)
                    readSchema(root)
                    if !sync.isFullLoad { compareAt = now + wait(beforeComparing: sync) }
                }
            }
            guard orders.current.isRunning else { throw HostEnd.ordered }
            if let due = compareAt, now >= due {
                compareAt = compareAgain() ? nil : now + .seconds(20)
            }
            switch health.action(now: now) {
            case .wait: break
            case .sendProbe:
                question = try session.startWhoAmI()
                health.probeSent(now: now)
            case .giveUp(let reason): throw HostEnd.silence(reason)
            }
            _ = session.wait(orFor: orders.descriptor, timeout: .seconds(1))
        }
    }

    /// Of the entries of a refresh only what they are: the cores are left to slapd.
    private func decoded(
        _ message: borrowing LDAPMessage, isRefresh: Bool
    ) throws -> SyncMessage {
        guard isRefresh, message.kind == .entry,
            let value = try message.entryControl(SyncStateControl.oid)
        else { return try SyncMessage(message) }
        let control = try SyncStateControl(decoding: value)
        let uuid = EntryUUID(control.uuid)
        let entry = DirectoryEntry(uuid: uuid, dn: "", attributes: AttributeList())
        return .entry(state: control.state, uuid: uuid, cookie: control.cookie, entry)
    }

    private func take(
        _ changes: [SyncChange], cookie: inout [UInt8]?, isRefresh: Bool
    ) throws {
        for change in changes {
            switch change {
            case .upsert(let entry):
                if isRefresh { note { $0.entries += 1 } } else { noteArrival(of: entry) }
            case .newCookie(let new): cookie = new
            case .restart(.withoutCookie):
                cookie = nil
                throw HostEnd.restart
            case .restart: throw HostEnd.restart
            case .delete, .refreshEnded, .changedOutside, .compareNow, .compareSoon: break
            }
        }
    }

    private func arrived(after sync: SyncreplSession) {
        let time = monotonicNanoseconds()
        note { figures in
            figures.isInSync = true
            figures.inSyncAt = time
            figures.syncs += 1
            figures.named += sync.refreshedCount
        }
    }

    /// rosterd does so beside each new connection; nothing depends on it.
    private func readSchema(_ root: RootDSE) {
        do {
            _ = try plan.connect().readAttributeSchema(root)
        } catch {
            note { $0.failures += 1 }
        }
    }

    /// A comparison follows a refresh that did not show everything.
    private func wait(beforeComparing sync: SyncreplSession) -> Duration {
        guard orders.current.hasJitter else { return .zero }
        return ComparisonSpread.wait(
            entries: max(figures.entries, sync.refreshedCount), random: Double.random(in: 0..<1))
    }

    /// Compares, and says whether it came to its end; a failure is counted, and the connection goes on.
    private func compareAgain() -> Bool {
        do {
            _ = try compare()
            return true
        } catch {
            note { figures in
                figures.failures += 1
                figures.lastFailure = "\(error)"
            }
            return false
        }
    }

    private func noteArrival(of entry: DirectoryEntry) {
        let time = monotonicNanoseconds()
        guard let shell = entry.attributes.firstValue(of: "loginshell"),
            shell.starts(with: Self.mark),
            let number = Int(String(decoding: shell.dropFirst(Self.mark.count), as: UTF8.self))
        else { return }
        arrivals.withLock { $0.append((number, time)) }
    }

    /// Lists identity and change stamp of everything on a connection of its own; how many entries.
    func compare() throws -> Int {
        let session = try plan.connect()
        let search = plan.search
        let id = EntryIDAttribute("entryUUID")
        _ = try session.start(
            LDAPSearch(
                base: search.base, scope: .subtree, filter: search.filter,
                attributes: [id.name, "entryCSN", "modifyTimestamp"]))
        var count = 0
        while let message = try session.nextMessage(timeout: .seconds(60)) {
            guard message.kind != .entry else {
                count += 1
                continue
            }
            switch try PollMessage(message, entryID: id) {
            case .done(.success, _, _):
                note { $0.comparisons += 1 }
                return count
            case .done(let code, let diagnostic, _):
                throw HostEnd.silence("comparison: \(code) \(diagnostic)")
            case .entry, .partial, .committed, .unidentified, .other: break
            }
        }
        throw HostEnd.silence("comparison: no answer")
    }
}
