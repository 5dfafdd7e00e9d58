import AccountIndex
import Accounts
import ArgumentParser
import DaemonProtocol
import Foundation
import Testing

@testable import roster

/// A host in a folder, and programs that answer as they are told.
private final class JoinHost {
    let folder: TemporaryFolder
    var calls: [String] = []
    var answers: [String: JoinProgramResult] = [:]
    var isRoot = true
    var terminal: JoinTerminal?
    var hasServiceManager = false
    var invokingUser: String?

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("", to: "usr/sbin/sshd")
    }

    var world: JoinWorld {
        let paths = CommandPaths(
            runFolder: folder.path, stateFolder: folder.path + "/state",
            configuration: folder.path + "/etc/roster.toml")
        var world = JoinWorld(
            isRoot: isRoot, terminal: terminal, invokingUser: invokingUser, paths: paths,
            hasServiceManager: hasServiceManager
        ) { program, arguments in
            let name = program.split(separator: "/").last.map(String.init) ?? ""
            let call = ([name] + arguments).joined(separator: " ")
            self.calls.append(call)
            return self.answers[call] ?? JoinProgramResult(status: 0, output: "")
        }
        world.passwordFile = folder.path + "/etc/bind_password"
        world.caFile = folder.path + "/etc/ca.pem"
        world.serviceDropIn = folder.path + "/etc/drop-in.conf"
        world.sshd.folder = folder.path + "/ssh"
        world.sshd.separationFolder = folder.path + "/run"
        world.sshd.program = folder.path + "/usr/sbin/sshd"
        return world
    }

    /// Runs a command line on this host.
    func run(_ line: String) throws -> CommandFailure? {
        let words = line.split(separator: " ").map(String.init)
        let command = try RosterCommand.parseAsRoot(words)
        do throws(CommandFailure) {
            if let join = command as? JoinCommand {
                _ = try join.outcome(in: CommandEnvironment(silent: ()), world: world)
            }
            if let leave = command as? LeaveCommand {
                _ = try leave.outcome(in: CommandEnvironment(silent: ()), world: world)
            }
            return nil
        } catch {
            return error
        }
    }
}

extension CommandEnvironment {
    /// One in which nothing is said.
    fileprivate init(silent: Void) {
        self.init(live: CommandPaths(runFolder: "/nonexistent"))
        write = { _ in }
        writeError = { _ in }
    }
}

@Suite struct JoinTests {
    @Test("nobody but root joins or leaves", arguments: ["join ldaps://x", "leave --yes"])
    func onlyRoot(line: String) throws {
        let host = try JoinHost()
        host.isRoot = false
        #expect(try host.run(line)?.status == .refused)
    }

    @Test(
        "without a terminal everything that is missing is named at once",
        arguments: [
            ("join", ["URI", "--bind-dn", "--allow-group", "--yes"]),
            ("join ldaps://x --bind-dn cn=r --everybody --yes", ["--password-file"]),
            ("join ldaps://x --anonymous --yes", ["--allow-group", "--everybody"]),
            ("join ldaps://x --anonymous --everybody", ["--yes", "--dry-run"]),
            ("leave", ["--yes"]),
        ])
    func missing(line: String, names: [String]) throws {
        let failure = try #require(try JoinHost().run(line))
        #expect(failure.status == .usage)
        for name in names { #expect(failure.message.contains(name)) }
    }

    @Test(
        "options that contradict each other are refused",
        arguments: [
            "--everybody --allow-group a", "--anonymous --external", "--bind-dn cn=a --anonymous",
            "--password-file /x", "--no-access-group --allow-group a",
        ])
    func contradictions(options: String) {
        let words = ["join", "ldaps://x"] + options.split(separator: " ").map(String.init)
        #expect(throws: (any Error).self) { try RosterCommand.parseAsRoot(words) }
    }

    @Test("a file is put in place with its rights and follows no link")
    func writing() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a/b/file"
        try folder.write("victim", to: "victim")
        try FileManager.default.createDirectory(
            atPath: folder.path + "/a/b", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: path + ".new", withDestinationPath: folder.path + "/victim")
        let rights = JoinFiles.Rights(mode: 0o640, group: getgid())
        guard getuid() == 0 else { return }
        try JoinFiles.write(Array("text".utf8), to: path, rights)
        #expect(folder.text("a/b/file") == "text")
        #expect(folder.text("victim") == "victim")
        #expect(!folder.exists("a/b/file.new"))
        let found = try FileManager.default.attributesOfItem(atPath: path)
        #expect(found[.posixPermissions] as? Int == 0o640)
    }

    @Test("a program's output and status come back, also when it cannot be run")
    func programs() {
        let both = runJoinProgram("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"])
        #expect(both == JoinProgramResult(status: 3, output: "out\nerr\n"))
        #expect(runJoinProgram("/nonexistent", []).status == 127)
        #expect(runJoinProgram("/bin/sh", ["-c", "kill -9 $$"]).status == 137)
        #expect(runJoinProgram("/bin/cat", []).isFine)
    }
}

@Suite struct SshdDropInTests {
    private func host(
        _ main: String = "Include /etc/ssh/sshd_config.d/*.conf\n"
    ) throws -> JoinHost {
        let host = try JoinHost()
        let own = main.replacing("/etc/ssh", with: host.folder.path + "/ssh")
        try host.folder.write(own, to: "ssh/sshd_config")
        host.answers["sshd -T"] = JoinProgramResult(
            status: 0, output: "usepam yes\nauthorizedkeyscommand none\n")
        return host
    }

    @Test("it can be put in place where nothing is, and is then in place")
    func free() throws {
        let host = try host()
        #expect(host.world.sshd.situation() == .free)
        guard getuid() == 0 else { return }
        try host.world.sshd.install()
        #expect(host.world.sshd.situation() == .inPlace)
        #expect(host.folder.text("ssh/sshd_config.d/50-roster.conf") == SshdDropIn.text)
    }

    @Test(
        "another command is found wherever it is",
        arguments: [
            "AuthorizedKeysCommand /usr/bin/sss %u", "authorizedkeyscommand=/usr/bin/x",
            "  AUTHORIZEDKEYSCOMMAND\t\"/usr/bin/x\" %u", "Match all\n\tAuthorizedKeysCommand /x",
        ])
    func other(line: String) throws {
        let host = try host()
        try host.folder.write("# first\n\(line)\n", to: "ssh/sshd_config.d/10-other.conf")
        guard case .otherCommand(let place, _) = host.world.sshd.situation() else {
            Issue.record("\(host.world.sshd.situation())")
            return
        }
        #expect(place.hasSuffix("10-other.conf"))
    }

    @Test(
        "what is commented out, switched off or another keyword is no command",
        arguments: [
            "# AuthorizedKeysCommand /x", "AuthorizedKeysCommand none",
            "AuthorizedKeysCommandUser nobody",
        ])
    func none(line: String) throws {
        let host = try host()
        try host.folder.write(line + "\n", to: "ssh/sshd_config.d/10-other.conf")
        #expect(host.world.sshd.situation() == .free)
    }

    @Test("a command that only sshd itself finds counts too")
    func effective() throws {
        let host = try host()
        let line = "authorizedkeyscommand /opt/keys %u"
        host.answers["sshd -T"] = JoinProgramResult(status: 0, output: line + "\n")
        #expect(host.world.sshd.situation() == .otherCommand(place: "sshd -T", line: line))
    }

    @Test("a main file that includes nothing, or a broken one, is said")
    func unusable() throws {
        #expect(try host("# Include x\nPort 22\n").world.sshd.situation() == .notIncluded)
        let broken = try host()
        broken.answers["sshd -t"] = JoinProgramResult(status: 255, output: "line 3: bad\n")
        #expect(broken.world.sshd.situation() == .broken("line 3: bad"))
        let absent = try host()
        try FileManager.default.removeItem(atPath: absent.folder.path + "/usr/sbin/sshd")
        #expect(absent.world.sshd.situation() == .noServer)
    }

    @Test("a file that sshd does not accept is gone again")
    func refused() throws {
        guard getuid() == 0 else { return }
        let host = try host()
        host.answers["sshd -t"] = JoinProgramResult(status: 255, output: "no\n")
        #expect(throws: CommandFailure.self) { try host.world.sshd.install() }
        #expect(!host.folder.exists("ssh/sshd_config.d/50-roster.conf"))
    }
}

@Suite struct LeaveTests {
    /// A host that joined.
    private func joined() throws -> JoinHost {
        let host = try JoinHost()
        try host.folder.write("[directory]\n", to: "etc/roster.toml")
        try host.folder.write("secret\n", to: "etc/bind_password")
        try host.folder.write(host.world.serviceDropInText, to: "etc/drop-in.conf")
        try host.folder.write(SshdDropIn.text, to: "ssh/sshd_config.d/50-roster.conf")
        try FileManager.default.createDirectory(
            atPath: host.folder.path + "/state/index", withIntermediateDirectories: true)
        var builder = try IndexBuilder(directory: host.folder.path + "/state/index", generation: 7)
        try builder.add(
            person: PublishedPerson(
                uuid: EntryUUID(high: 1, low: 1),
                passwd: PasswdFields(
                    name: "ada", uid: 2001, gid: 2000, gecos: "", home: "/home/ada", shell: "/x"),
                groups: [], state: .active))
        var writer = try builder.finish()
        try writer.install()
        return host
    }

    private func people(_ host: JoinHost) throws -> Int {
        try IndexSnapshot(directory: host.folder.path + "/state/index").counts.people
    }

    @Test("leaving removes what join wrote, keeps the configuration, and nobody is known")
    func leaves() throws {
        let host = try joined()
        #expect(try host.run("leave --yes") == nil)
        #expect(
            host.folder.exists("etc/roster.toml.left") && !host.folder.exists("etc/roster.toml"))
        for name in ["etc/bind_password", "etc/drop-in.conf", "ssh/sshd_config.d/50-roster.conf"] {
            #expect(!host.folder.exists(name))
        }
        #expect(try people(host) == 0)
        #expect(try host.run("leave --yes") == nil)
    }

    @Test("what was changed since stays, unless it is forced")
    func changed() throws {
        let host = try joined()
        try host.folder.write("mine", to: "ssh/sshd_config.d/50-roster.conf")
        #expect(try host.run("leave --yes") == nil)
        #expect(host.folder.exists("ssh/sshd_config.d/50-roster.conf"))
        #expect(try host.run("leave --yes --force") == nil)
        #expect(!host.folder.exists("ssh/sshd_config.d/50-roster.conf"))
    }

    @Test("an account of the directory is not taken away from the one who uses it, unless forced")
    func own() throws {
        let host = try joined()
        host.invokingUser = "ada"
        #expect(try host.run("leave --yes")?.status == .negative)
        #expect(try people(host) == 1)
        host.invokingUser = "root"
        #expect(try host.run("leave --yes") == nil)
    }

    @Test("a question answered with no changes nothing")
    func no() throws {
        let host = try joined()
        host.terminal = JoinTerminal(ask: { _ in "n" }, askSecret: { _ in nil })
        #expect(try host.run("leave")?.status == .negative)
        #expect(host.folder.exists("etc/roster.toml"))
    }

    @Test("purging unlinks: a file that a process has mapped keeps its length")
    func purge() throws {
        let host = try joined()
        let file = host.folder.path + "/state/index/public.1"
        let handle = try #require(FileHandle(forReadingAtPath: file))
        let before = try handle.seekToEnd()
        #expect(try host.run("leave --yes --purge") == nil)
        #expect(try handle.seekToEnd() == before && before > 0)
        let rest = try FileManager.default.contentsOfDirectory(atPath: host.folder.path + "/state")
        #expect(rest.isEmpty)
    }

    @Test("under systemd the service is stopped first; one that fails to stop leaves all as it is")
    func service() throws {
        let host = try joined()
        host.hasServiceManager = true
        host.answers["systemctl stop rosterd.socket rosterd.service"] =
            JoinProgramResult(status: 1, output: "no\n")
        #expect(try host.run("leave --yes")?.message.contains("stop") == true)
        #expect(host.folder.exists("etc/roster.toml"))
        host.answers = [:]
        #expect(try host.run("leave --yes") == nil)
        #expect(host.calls.contains("systemctl daemon-reload"))
        #expect(host.calls.last { $0.contains("reload ssh") } == "systemctl reload ssh.service")
    }
}
