import Accounts
import DirectorySync
import Glibc
import LDAPClient
import TestSupport
import Testing

@Suite("Speed of a first load")
struct DecodeSpeedTests {
    /// What this thread has used so far; other load on the machine does not count.
    private func cpuTime() -> Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    @Test("a first load is decoded whole, and says what it cost")
    func load() throws {
        var options = SlapdOptions()
        options.people = 2_000
        let server = try SlapdServer(options)
        let session = try LDAPSession(LDAPConnectOptions(uri: server.uri, tls: .off))
        try session.bind(
            dn: SlapdServer.syncDN,
            password: LDAPSecret(copying: Array(SlapdServer.syncPassword.utf8)))
        var sync = SyncreplSession(storedCookie: nil)
        _ = try session.start(
            LDAPSearch(
                base: SlapdServer.suffix, scope: .subtree, filter: "(uid=*)",
                attributes: ["*", "entryCSN"],
                controls: [SyncRequestControl(mode: .refreshAndPersist, cookie: nil).control]))
        var decoding = Duration.zero
        let start = cpuTime()
        while sync.stage == .refresh {
            guard let message = try session.nextMessage(timeout: .seconds(5)) else { break }
            let before = cpuTime()
            _ = try sync.receive(try SyncMessage(message))
            decoding += cpuTime() - before
        }
        print("decoded \(sync.refreshedCount) in \(decoding), of \(cpuTime() - start) of CPU time")
        #expect(sync.refreshedCount == 2_000)
        #expect(sync.stage == .persist)
    }
}
