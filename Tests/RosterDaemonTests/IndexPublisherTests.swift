// The index shows what the store holds, whatever happens to its files.

import AccountIndex
import Accounts
import Glibc
import Logging
import NIOPosix
import Testing

@testable import AccountStore
@testable import RosterDaemon
@testable import Settings

@Suite("Publishing", .serialized)
final class IndexPublisherTests {
    private let root: String
    private let store: AccountStore
    private let context: EngineContext

    init() throws {
        var template = Array("/tmp/roster-publish-XXXXXX".utf8CString)
        root = unsafe String(cString: try #require(unsafe mkdtemp(&template)))
        try StateLock.makeFolders(in: root)
        store = try AccountStore(directory: root + "/store", now: 1)
        let settings = try Settings.parse(
            Array("[directory]\nuris = [\"ldapi:///\"]\nbase = \"dc=example\"\n".utf8),
            path: "roster.toml")
        let background = NIOThreadPool(numberOfThreads: 1)
        background.start()
        let clock = DaemonClock.system
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        context = EngineContext(
            settings: settings, paths: DaemonPaths(state: root, run: root),
            board: StatusBoard(startedAt: 0, uptime: clock.uptime()), mailbox: Mailbox(),
            background: background, notification: ServiceNotification(), clock: clock,
            logger: silent)
        _ = try store.apply(
            StoreBatch(changes: [Self.person("alice", 20_001)], phase: .refreshEnd), now: 2)
    }

    deinit {
        store.close()
        for folder in ["index", "store"] {
            let path = root + "/" + folder
            guard let listing = unsafe opendir(path) else { continue }
            while let item = unsafe readdir(listing) {
                let name = unsafe withUnsafePointer(to: &item.pointee.d_name) {
                    unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                        unsafe String(cString: $0)
                    }
                }
                unsafe unlink(path + "/" + name)
            }
            unsafe closedir(listing)
            unsafe rmdir(path)
        }
        unsafe rmdir(root)
    }

    private static func person(_ name: String, _ uid: UInt32) -> StoreChange {
        let fields = PasswdFields(
            name: name, uid: uid, gid: 20_000, gecos: "", home: "/home/\(name)", shell: "/bin/sh")
        let entry = DirectoryEntry(
            uuid: EntryUUID(high: 0, low: UInt64(uid)), dn: "uid=\(name)",
            attributes: AttributeList())
        return .upsert(
            EvaluatedEntry(
                entry: entry, dnKey: "uid=\(name)", stamp: "", createdAt: 1,
                content: .person(PersonCandidate(passwd: fields))), search: 0)
    }

    /// Lets the publisher work until it is current, or for a while.
    private func settle(_ publisher: IndexPublisher) {
        let end = context.clock.uptime() + .seconds(20)
        while !publisher.isCurrent, context.clock.uptime() < end {
            publisher.attend(store.reader)
            for command in context.mailbox.takeAll() {
                if case .rebuildEnded(let report) = command { publisher.finishRebuild(report) }
            }
            usleep(5000)
        }
    }

    private func uid(of name: String) throws -> UInt32? {
        try IndexSnapshot(directory: root + "/index").person(named: name)?.passwd.uid
    }

    @Test("a new publisher shows what the store holds, and each change after it")
    func changes() throws {
        let publisher = IndexPublisher(context: context)
        #expect(!publisher.isCurrent)
        settle(publisher)
        #expect(try uid(of: "alice") == 20_001)
        let change = StoreBatch(changes: [Self.person("bob", 20_002)], phase: .live)
        publisher.publish(try store.apply(change, now: 3))
        #expect(try uid(of: "bob") == 20_002)
    }

    @Test("the published index tells which blocks are in force; an unreadable one tells nothing")
    func blocksInForce() throws {
        #expect(IndexPublisher.blocksInForce(context) == nil)
        let publisher = IndexPublisher(context: context)
        settle(publisher)
        #expect(IndexPublisher.blocksInForce(context) == [])
        let change = StoreBatch(changes: [.block(name: "alice", byUID: 0)], phase: .live)
        publisher.publish(try store.apply(change, now: 3))
        #expect(IndexPublisher.blocksInForce(context)?.map(\.name) == ["alice"])
        unsafe unlink(root + "/index/gate.1")
        #expect(IndexPublisher.blocksInForce(context) == nil)
    }

    @Test("a change during a rebuild is in the old index at once and in the new one too")
    func duringRebuild() throws {
        let publisher = IndexPublisher(context: context)
        publisher.attend(store.reader)
        let change = StoreBatch(changes: [Self.person("bob", 20_002)], phase: .live)
        publisher.publish(try store.apply(change, now: 3))
        settle(publisher)
        #expect(try uid(of: "alice") == 20_001)
        #expect(try uid(of: "bob") == 20_002)
    }

    @Test("between two sets of rules the index stays as it was, and shows everything afterwards")
    func held() throws {
        let publisher = IndexPublisher(context: context)
        settle(publisher)
        publisher.hold()
        let generation = context.board.current.generation
        let change = StoreBatch(changes: [Self.person("bob", 20_002)], phase: .live)
        publisher.publish(try store.apply(change, now: 3))
        publisher.attend(store.reader)
        #expect(try uid(of: "bob") == nil && uid(of: "alice") == 20_001)
        #expect(context.board.current.generation == generation && !publisher.isCurrent)
        publisher.release()
        settle(publisher)
        #expect(publisher.isCurrent)
        #expect(try uid(of: "bob") == 20_002)
    }

    @Test("a wiped index is noticed and built anew")
    func wiped() throws {
        let publisher = IndexPublisher(context: context)
        settle(publisher)
        unsafe unlink(root + "/index/public.1")
        usleep(1_100_000)
        publisher.attend(store.reader)
        #expect(!publisher.isCurrent)
        settle(publisher)
        #expect(try uid(of: "alice") == 20_001)
    }

    @Test("a rebuild that fails is tried again, and what was published meanwhile is not lost")
    func failingRebuild() throws {
        let publisher = IndexPublisher(context: context)
        publisher.finishRebuild(RebuildReport(index: nil, failure: "disk full", duration: .zero))
        #expect(!publisher.isCurrent)
        #expect(context.board.current.lastError?.contains("disk full") == true)
        let change = StoreBatch(changes: [Self.person("bob", 20_002)], phase: .live)
        publisher.publish(try store.apply(change, now: 3))
        settle(publisher)
        #expect(publisher.isCurrent)
        #expect(try uid(of: "bob") == 20_002)
    }

    @Test("the newest published time never goes back: by the clock, a rebuild, a restart or damage")
    func publishedTime() throws {
        let publisher = IndexPublisher(context: context)
        settle(publisher)
        publisher.noteVerified()
        publisher.noteContact()
        let noted = IndexWriter.times(directory: root + "/index")
        let verified = try #require(noted.verified)
        // Restarted with the clock set back by a year, and with a pair that cannot be continued.
        unsafe unlink(root + "/index/public.1")
        var later = context
        later.clock.now = { verified.now - 31_536_000 }
        let restarted = IndexPublisher(context: later)
        settle(restarted)
        #expect(IndexWriter.times(directory: root + "/index") == noted)
        restarted.noteContact()
        let contact = try #require(IndexWriter.times(directory: root + "/index").contact)
        #expect(contact.now >= verified.now)
        #expect(contact.boot == verified.boot && contact.uptime >= verified.uptime)
    }
}
