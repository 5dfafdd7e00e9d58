// A host for the module: an index, local accounts and a daemon of the test's own.
import Accounts
import CLibc
import CPAM
import DaemonProtocol
import Testing

@testable import AccountIndex
@testable import PAMModule

/// Files in a directory of their own, removed at the end.
@safe
final class TestHost {
    let directory: String
    private let texts: [UnsafeMutablePointer<CChar>]
    private var daemon: TestDaemon?
    var readsGate = true
    var isAskedByRoot = false
    var patience: Int64 = 20_000
    var accountPatience: Int64 = 20_000

    init() throws {
        var template = Array("/tmp/roster-pam-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer {
            unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } != nil
        }
        try #require(made)
        let name = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        directory = name
        let names = ["index/gate.1", "index/public.1", "", "passwd", "roster.toml", "login.sock"]
        unsafe texts = names.compactMap { unsafe strdup(name + "/" + $0) }
        try #require(unsafe mkdir(directory + "/index", 0o755) == 0)
        write("passwd", "root:x:0:0::/root:/bin/sh\nlocal:x:1000:1000::/home/local:/bin/sh\n")
        write("roster.toml", "")
    }

    func write(_ file: String, _ text: String) {
        let descriptor = unsafe creat(directory + "/" + file, 0o644)
        _ = unsafe CLibc.write(descriptor, text, text.utf8.count)
        _ = close(descriptor)
    }

    func remove(_ file: String) { unsafe unlink(directory + "/" + file) }

    deinit {
        for file in ["index/gate.1", "index/public.1", "passwd", "roster.toml", "login.sock"] {
            remove(file)
        }
        unsafe rmdir(directory + "/index")
        unsafe rmdir(directory)
        unsafe texts.forEach { unsafe free($0) }
    }

    /// Publishes people, as `rosterd` would.
    func publish(
        _ people: [PublishedPerson], policy: AccessPolicy = AccessPolicy(), removed: [String] = [],
        verifiedSecondsAgo: Int64? = nil
    ) throws {
        var builder = try IndexBuilder(directory: directory + "/index", generation: 1)
        builder.heads = 64
        builder.logBytes = 1 << 20
        for person in people { try builder.add(person: person) }
        builder.set(policy: policy)
        for name in removed { builder.add(removed: name) }
        var writer = try builder.finish()
        if let verifiedSecondsAgo {
            var clock = GateClock.ofThisHost()
            clock.now -= verifiedSecondsAgo
            clock.boot = 0  // of an unknown boot: the age is what the clock says
            writer.noteVerified(at: clock)
        }
        try writer.install()
    }

    /// Starts a daemon; returns it for what it received.
    @discardableResult
    func serve(_ behaviour: DaemonBehaviour) throws -> TestDaemon {
        remove("login.sock")
        let started = try TestDaemon(path: directory + "/login.sock", behaviour)
        daemon = started
        return started
    }

    /// Starts a daemon that answers like this.
    @discardableResult
    func serve(
        _ verdict: LoginVerdict, isOffline: Bool = false, _ messages: String...
    ) throws -> TestDaemon {
        try serve(
            .answers(
                LoginReply.frame(verdict: verdict, isOffline: isOffline, messages: messages)))
    }

    var host: LoginHost {
        unsafe LoginHost(
            gate: IndexPath(file: texts[0], stateDirectory: texts[2], part: .gate),
            publicIndex: IndexPath(file: texts[1], stateDirectory: texts[2], part: .public),
            passwdFile: texts[3], configuration: texts[4],
            daemon: DaemonClient(
                socket: texts[5], stateDirectory: texts[2], authenticatePatience: patience,
                accountPatience: accountPatience),
            readsGate: readsGate, isAskedByRoot: isAskedByRoot)
    }

    /// Runs a phase of the module over this host.
    func run(
        _ kind: PhaseKind, _ pam: ScriptedPAM, flags: UInt32 = 0, options: [String] = [],
        _ body: (Phase<ScriptedPAM>) -> CInt
    ) -> CInt {
        var arguments: [UnsafePointer<CChar>?] = unsafe options.map {
            unsafe UnsafePointer(strdup($0))
        }
        defer { unsafe arguments.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
        return unsafe arguments.withUnsafeMutableBufferPointer { arguments in
            unsafe body(
                Phase(
                    kind: kind, transaction: pam, host: host,
                    options: ModuleOptions(CInt(options.count), arguments.baseAddress),
                    flags: flags))
        }
    }

    func authenticate(_ pam: ScriptedPAM, flags: UInt32 = 0, _ options: String...) -> CInt {
        run(.authenticate, pam, flags: flags, options: options) { $0.authenticate() }
    }

    func account(_ pam: ScriptedPAM, flags: UInt32 = 0, _ options: String...) -> CInt {
        run(.account, pam, flags: flags, options: options) { $0.account() }
    }

    func chauthtok(_ pam: ScriptedPAM, flags: CInt, _ options: String...) -> CInt {
        run(.password, pam, flags: UInt32(bitPattern: flags), options: options) {
            $0.changePassword()
        }
    }
}

/// A made-up person.
func person(
    _ name: String, _ uid: UInt32 = 70001, state: AccountState = .active,
    login: LoginFacts = LoginFacts()
) -> PublishedPerson {
    PublishedPerson(
        uuid: EntryUUID(high: 7, low: UInt64(uid)),
        passwd: PasswdFields(
            name: name, uid: uid, gid: 2000, gecos: "", home: "/home/\(name)", shell: "/bin/sh"),
        groups: [], state: state, login: login)
}
