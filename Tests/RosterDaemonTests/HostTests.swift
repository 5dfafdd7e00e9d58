// Lock, watch and mailbox: what ties the daemon to its host.

import AccountStore
import Testing

@testable import RosterDaemon

#if canImport(Glibc)
    import Glibc
#endif

@Suite("The daemon's host")
struct HostTests {
    /// A folder of its own, which goes with it.
    private final class Folder {
        let path: String

        init() throws {
            var template = Array("/tmp/roster-host-XXXXXX".utf8CString)
            let made = unsafe mkdtemp(&template)
            path = unsafe String(cString: try #require(unsafe made))
        }

        deinit {
            for name in ["/passwd", "/other", "/new", "/lock"] { unsafe unlink(path + name) }
            for name in ["/index", "/store", ""] { unsafe rmdir(path + name) }
        }

        func write(_ name: String) {
            let file = unsafe open(path + "/" + name, O_WRONLY | O_CREAT, 0o600)
            _ = unsafe Glibc.write(file, "x", 1)
            close(file)
        }
    }

    @Test("a second daemon on the same state is refused and told the pid of the first")
    func lock() throws {
        let folder = try Folder()
        let first = try StateLock(stateDirectory: folder.path)
        #expect {
            _ = try StateLock(stateDirectory: folder.path)
        } throws: { error in
            "\(error)".contains("pid \(getpid())")
        }
        _ = consume first
        _ = try StateLock(stateDirectory: folder.path)
    }

    @Test("replacing an account file is noticed, any other file is not")
    func watch() throws {
        let folder = try Folder()
        let watch = LocalFilesWatch(folder: folder.path)
        #expect(!watch.drain())
        folder.write("other")
        #expect(!watch.drain())
        folder.write("new")
        unsafe rename(folder.path + "/new", folder.path + "/passwd")
        #expect(watch.drain())
        #expect(!watch.drain())
    }

    @Test("a command wakes the one who waits; at the end everybody is answered")
    func mailbox() {
        let mailbox = Mailbox()
        let answer = Answer()
        mailbox.post(.fullSync(reply: answer.take))
        let wait = WaitSet([mailbox.wakeup.descriptor])
        let began = DaemonClock.system.uptime()
        wait.wait(atMost: .seconds(20))
        #expect(DaemonClock.system.uptime() - began < .seconds(10))
        mailbox.refuseAll("rosterd is stopping")
        #expect(answer.text == "rosterd is stopping")
        #expect(mailbox.takeAll().isEmpty)
        mailbox.stop()
        #expect(mailbox.isStopping)
    }

    @Test("a question waits for the store to be opened, and not for ever")
    func slot() async throws {
        let folder = try Folder()
        let slot = StoreReaderSlot()
        await slot.waitUntilOpen(atMost: .milliseconds(20), clock: .system)
        #expect(slot.reader == nil)
        let waiting = Task { await slot.waitUntilOpen(atMost: .seconds(3600), clock: .system) }
        let store = try AccountStore(directory: folder.path + "/store", now: 1)
        defer {
            store.close()
            for name in ["store", "journal"] {
                unsafe unlink(folder.path + "/store/\(name).sqlite")
            }
        }
        slot.fill(store.reader)
        await waiting.value
        #expect(slot.reader != nil)
    }

    /// What a command was answered; used by one thread.
    private final class Answer: @unchecked Sendable {
        private(set) var text: String?

        func take(_ outcome: CommandOutcome) {
            guard case .failed(let text, _) = outcome else { return }
            self.text = text
        }
    }
}
