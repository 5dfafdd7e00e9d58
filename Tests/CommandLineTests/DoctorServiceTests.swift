import DaemonProtocol
import LDAPClient
import Settings
import Testing

@testable import roster

/// What concerns sshd, the servers, files, the mirror and systemd.
@Suite struct DoctorServiceTests {
    private static func sshd(_ lines: String, _ expected: FindingID...) -> SpoiltHost {
        var spoilt = SpoiltHost("sshd -T: \(lines)") { host in
            let keys = lines.split(separator: "\n").compactMap { $0.split(separator: " ").first }
            let kept = ScriptedHost.sshd.split(separator: "\n").filter { line in
                !keys.contains { line.hasPrefix("\($0) ") }
            }
            host.programs["/usr/sbin/sshd"]?.output = (kept + [lines[...]]).joined(separator: "\n")
        }
        spoilt.expected = expected
        return spoilt
    }
    private static func mode(
        _ path: String, _ mode: UInt32, _ expected: FindingID, owner: UInt32? = nil
    ) -> SpoiltHost {
        SpoiltHost("\(path) with mode \(String(mode, radix: 8))", expected) {
            $0.states[path]?.mode = mode
            if let owner { $0.states[path]?.owner = owner }
        }
    }
    private static func server(
        _ examination: ServerExamination, _ expected: FindingID
    ) -> SpoiltHost {
        SpoiltHost(examination.problem ?? "a certificate", expected) {
            $0.servers["ldaps://ldap.example.com"] = examination
        }
    }

    static let programs: [SpoiltHost] = [
        sshd("usepam no", .sshdNoPAM),
        sshd("authorizedkeyscommand none", .sshdNoKeys),
        sshd("authorizedkeyscommand /usr/bin/sss_ssh_authorizedkeys %u", .sshdOtherKeys),
        sshd("authorizedkeyscommand /usr/lib/roster/authorized-keys %u %k", .sshdKeysArguments),
        sshd("authorizedkeyscommand /usr/lib/roster/authorized-keys"),
        sshd("authorizedkeyscommanduser nobody", .sshdKeysUser),
        sshd("passwordauthentication no", .sshdNoPasswords),
        sshd("allowgroups devs\nallowgroups linux-usrs", .sshdUnknownGroup),
        sshd("denygroups gone* former", .sshdUnknownGroup),
        sshd("allowusers ada lora@192.0.2.* eva@host", .sshdUnknownUser),
        SpoiltHost("a broken sshd_config", .sshdBroken) {
            $0.programs["/usr/sbin/sshd"] = ProgramOutput(
                status: 255, output: "",
                errors: "/etc/ssh/sshd_config: line 3: Bad configuration option: UsePAMM\n")
        },
        SpoiltHost("no user for the key program", .sshdKeysUser) {
            $0.accounts["roster-keys"] = nil
        },
        SpoiltHost("no key program", .sshdKeysProgram) {
            $0.states["/usr/lib/roster/authorized-keys"] = nil
        },
        mode("/usr/lib/roster", 0o775, .sshdKeysProgram),
        mode("/usr/lib/roster/authorized-keys", 0o755, .sshdKeysProgram, owner: 1000),
        SpoiltHost("sshd_config without drop-ins", .sshdNoDropIns) {
            $0.files["/etc/ssh/sshd_config"] = "#Include /etc/ssh/sshd_config.d/*.conf\n"
        },
        SpoiltHost("no sshd at all") { $0.states["/usr/sbin/sshd"] = nil },
        SpoiltHost("a masked socket and service", .unitMasked, .unitMasked) {
            $0.unit("LoadState=masked\nActiveState=inactive\nUnitFileState=masked")
        },
        SpoiltHost("units that systemd does not know", .unitMissing, .unitMissing) {
            $0.unit("LoadState=not-found\nActiveState=inactive\nUnitFileState=")
        },
        SpoiltHost(
            "disabled units that failed", .unitDisabled, .unitFailed, .unitDisabled, .unitFailed
        ) {
            $0.unit(
                "LoadState=loaded\nActiveState=failed\nUnitFileState=disabled\nResult=exit-code")
        },
        SpoiltHost("stopped units", .unitInactive, .unitInactive) {
            $0.unit("LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled")
        },
        SpoiltHost("processes on an old module", .oldModule) {
            $0.oldModules = [
                OldModuleProcess(pid: 1, name: "sshd", file: "libnss_roster.so.2"),
                OldModuleProcess(pid: 2, name: "sshd", file: "libnss_roster.so.2"),
            ]
        },
    ]

    static let directory: [SpoiltHost] = [
        server(
            ServerExamination(
                outcome: .untrusted, problem: "certificate is for other.example.com only"),
            .tlsFails),
        server(ServerExamination(outcome: .unreachable, problem: "no answer"), .tlsUnreachable),
        server(
            ServerExamination(outcome: .unusableCAFile, problem: "no usable certificate"),
            .tlsCAFile),
        server(
            ServerExamination(
                outcome: .fine,
                chain: [
                    CertificateValidity(
                        subject: "ldap", begins: 0, ends: ScriptedWorld.now + 13 * 86400)
                ]), .tlsExpires),
        SpoiltHost("an expired CA", .tlsCAExpired, .tlsFails) {
            var chain = ScriptedHost.goodChain
            chain[1].ends = ScriptedWorld.now - 1
            $0.servers["ldaps://ldap.example.com"] = ServerExamination(
                outcome: .untrusted, problem: "a CA has expired", chain: chain)
        },
        SpoiltHost("no CA file", .tlsCAFile) {
            $0.files["/etc/ssl/certs/ca-certificates.crt"] = nil
        },
        SpoiltHost("a clock behind", .clockBehind) { $0.index.aheadSeconds = 7200 },
        SpoiltHost("a clock that nobody keeps", .clockUnsynchronised) { $0.isSynchronised = false },
        SpoiltHost("no index", .indexAbsent, .indexAbsent) {
            $0.index = IndexExamination(aheadSeconds: 0)
        },
        SpoiltHost("a torn gate", .indexDamaged) { $0.index.gatePart = .damaged("torn") },
        SpoiltHost("two halves", .indexDisagrees) { $0.index.disagreement = "not together" },
        SpoiltHost("a mistake in roster.toml", .configInvalid) {
            $0.configuration = ScriptedHost.toml.replacing("7d", with: "7 months")
        },
        SpoiltHost("what the directory says", .configDirectory) {
            $0.replies = [.check(CheckReport(warnings: ["attribute x is not known"]))]
        },
        mode("/etc/roster", 0o777, .filesConfiguration),
        mode("/etc/roster/roster.toml", 0o600, .filesConfiguration),
        mode("/etc/roster/bind_password", 0o644, .filesSecret),
        mode("/etc/roster/bind_password", 0o640, .filesSecret, owner: 990),
        mode("/var/lib/roster", 0o700, .filesState),
        mode("/var/lib/roster/store", 0o755, .filesStore),
        mode("/var/lib/roster/index", 0o755, .filesIndex, owner: 1000),
        mode("/var/lib/roster/index/public.1", 0o664, .filesIndex),
        mode("/var/lib/roster/index/gate.1", 0o644, .filesGate),
        mode("/run/roster/login.sock", 0o600, .filesSocket),
        SpoiltHost("the gate of another group", .filesGate) {
            $0.states["/var/lib/roster/index/gate.1"]?.group = 0
        },
        SpoiltHost("a password file that nobody hands to rosterd", .filesSecret) {
            $0.files["/etc/systemd/system/rosterd.service.d/bind-password.conf"] = nil
        },
        SpoiltHost("no password file", .filesSecret) {
            $0.states["/etc/roster/bind_password"] = nil
        },
    ]

    static let mirror: [SpoiltHost] = [
        SpoiltHost("no daemon", .daemonAway) { $0.status = nil },
        SpoiltHost("another version", .daemonVersion) { $0.status?.version = "0.0.1" },
        SpoiltHost("a mirror of eight days", .mirrorTooOld) {
            $0.status?.lastVerifiedAt = ScriptedWorld.now - 8 * 86400
        },
        SpoiltHost("a mirror that never was verified", .mirrorTooOld) {
            $0.status?.lastVerifiedAt = nil
        },
        SpoiltHost("a mirror of four days that is stale", .mirrorAging, .mirrorNotInSync) {
            $0.status?.lastVerifiedAt = ScriptedWorld.now - 4 * 86400
            $0.status?.state = .stale
            $0.status?.lastError = "ldap.example.com port 636: no connection"
        },
        SpoiltHost("a first load", .mirrorNotInSync) { $0.status?.state = .loading },
        SpoiltHost("held removals", .mirrorHeld) { $0.status?.held.people = 40 },
        SpoiltHost("withheld people", .mirrorWithheld) { $0.status?.counts.withheld = 1 },
        SpoiltHost("a store set aside", .mirrorRebuilt) { $0.status?.storeSetAside = true },
        SpoiltHost("a directory that is polled", .mirrorPolled) {
            $0.status?.strategy = "poll"
            $0.status?.promise = "changes within 30 s; deletions within 1 h"
            $0.status?.advice = "load the overlay syncprov on the database (RFC 4533)"
        },
        SpoiltHost("deleted objects that are not shown", .mirrorLateDeletions) {
            $0.status?.strategy = "usn"
            $0.status?.promise = "changes within 30 s; deletions within 5 min"
            $0.status?.advice = "let the bind identity list CN=Deleted Objects"
        },
        SpoiltHost("rules that name nothing", .accessRules) {
            $0.status?.accessProblems = ["allow_groups names linux, which the directory lacks"]
        },
        SpoiltHost("not joined", .notJoined) {
            $0.configuration = nil
            $0.status = nil
            $0.index = IndexExamination()
        },
        SpoiltHost(
            "not joined, and local users locked out", .notJoined, .pamLocalRefused, .pamRootRefused
        ) {
            $0.configuration = nil
            $0.status = nil
            $0.files["/etc/pam.d/cron"] =
                "account required pam_unix.so\naccount required pam_roster.so\n"
        },
    ]

    @Test(
        "a spoilt host shows exactly what is spoilt", arguments: programs + directory + mirror)
    func spoilt(host spoilt: SpoiltHost) throws {
        var host = ScriptedHost()
        spoilt.spoil(&host)
        #expect(try host.findings() == spoilt.expected)
    }

    @Test("notes alone are no failure, warnings are")
    func status() throws {
        var host = ScriptedHost()
        host.configuration = nil
        host.status = nil
        #expect(DoctorCommand.parseOrNil([])?.examine(host.seen).status == .done)
        host.running.insert("nscd")
        #expect(DoctorCommand.parseOrNil([])?.examine(host.seen).status == .negative)
    }

    @Test("who is not root learns what could not be seen, and it is no finding")
    func unprivileged() throws {
        var host = ScriptedHost()
        host.isRoot = false
        host.index.gatePart = .refused
        host.oldModules = nil
        host.refused = ["/etc/nsswitch.conf"]
        let report = try host.report()
        #expect(report.findings == [])
        let blind = report.checks.filter { !$0.unseen.isEmpty }.map(\.area)
        #expect(blind == [.configuration, .nsswitch, .sshd, .index, .sync, .processes])
    }

    @Test("a person is looked at: unknown, not seen, refused, local, without shell or home")
    func person() throws {
        var host = ScriptedHost()
        #expect(try host.findings(["eva"]) == [.userUnknown])
        var eva = Reports.ada
        eva.name = "eva"
        host.replies = [.user(eva)]
        #expect(try host.findings(["eva"]) == [.userNotSeen])
        host.replies = [.explain(Reports.refused)]
        #expect(try host.findings(["ada"]) == [.userRefused])
        host.replies = [.explain(Reports.admitted)]
        #expect(try host.findings(["ada"]) == [])
        #expect(try host.findings(["lora"]) == [.userLocal])
        host.accounts["ada"]?.shell = "/bin/zsh"
        host.states["/home/ada"] = nil
        #expect(try host.findings(["ada"]) == [.userShell, .userHome])
    }

    @Test(
        "a person whom a list of sshd keeps out is told so",
        arguments: [
            ("allowgroups dev?", true), ("allowgroups devs\nallowgroups wheel", true),
            ("allowgroups *ops", false), ("denygroups d*s", false), ("denygroups root", true),
            ("allowusers ada@192.0.2.*", true), ("allowusers lora", false),
            ("denyusers a?a", false), ("denyusers ada@192.0.2.*", true),
        ])
    func lists(_ lines: String, _ isLetIn: Bool) throws {
        var host = ScriptedHost()
        host.replies = [.explain(Reports.admitted)]
        host.groups["wheel"] = 10
        host.programs["/usr/sbin/sshd"]?.output += "\n\(lines)\n"
        #expect(try host.findings(["ada"]) == (isLetIn ? [] : [.userNotForSSHD]))
    }

    @Test("sshd is asked about the person")
    func sshdOfPerson() throws {
        var asked: [[String]] = []
        var host = ScriptedHost().seen
        host.run = { arguments in
            asked.append(arguments)
            return nil
        }
        _ = checkSSHD(host, user: "ada")
        _ = checkSSHD(host, user: nil)
        let rest = "host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22"
        #expect(
            asked
                == ["ada", "nobody"].map {
                    ["/usr/sbin/sshd", "-T", "-C", "user=\($0),\(rest)"]
                })
    }

    @Test("a configuration that sshd uses and does not print is not seen, and is no finding")
    func sshdUnprinted() {
        var host = ScriptedHost().seen
        host.run = { arguments in
            arguments.contains("-T")
                ? ProgramOutput(status: 255, output: "", errors: "'Match RDomain' in line 9\n")
                : ProgramOutput(status: 0, output: "", errors: "")
        }
        let result = checkSSHD(host, user: nil)
        #expect(result.findings == [])
        #expect(result.unseen.count == 1 && result.unseen.first?.contains("line 9") == true)
    }

    @Test("what is not of roster is not written into the file of roster")
    func passwordsElsewhere() throws {
        var host = ScriptedHost()
        host.programs["/usr/sbin/sshd"]?.output.replace(
            "passwordauthentication yes", with: "passwordauthentication no")
        let fix = try #require(checkSSHD(host.seen, user: nil).findings.first?.fix)
        #expect(fix.contains("sshd_config.d/10-local.conf") && !fix.contains("50-roster.conf"))
    }

    @Test("the index is removed by one command, which stops the socket too")
    func removal() throws {
        var host = ScriptedHost()
        host.index.gatePart = .damaged("torn")
        host.index.aheadSeconds = 7200
        let command =
            "sudo sh -c 'systemctl stop rosterd.socket rosterd; rm -r /var/lib/roster/index; "
            + "systemctl start rosterd'"
        let fixes = (checkIndex(host.seen).findings + checkClock(host.seen).findings).map(\.fix)
        #expect(fixes.count == 2)
        for fix in fixes { #expect(fix.contains(command)) }
    }

    @Test("for a store set aside both causes are named: a newer program and the disk")
    func rebuilt() throws {
        var host = ScriptedHost()
        host.status?.storeSetAside = true
        let fix = try #require(checkMirror(host.seen).findings.first?.fix)
        #expect(fix.contains("newer") && fix.contains("disk"))
    }

    @Test("a module that dpkg replaced is recognised in the mappings of a process")
    func mappings() {
        let maps = """
            7f0e4c000000-7f0e4c001000 r--p 00000000 08:01 1 /usr/lib/x86_64-linux-gnu/libc.so.6
            7f0e4c001000-7f0e4c002000 r-xp 00000000 08:01 2 /usr/lib/x86_64-linux-gnu/libnss_roster.so.2 (deleted)
            7f0e4c002000-7f0e4c003000 r--p 00000000 08:01 2 /usr/lib/x86_64-linux-gnu/libnss_roster.so.2 (deleted)
            7f0e4c003000-7f0e4c004000 r-xp 00000000 08:01 3 /usr/lib/x86_64-linux-gnu/security/pam_roster.so
            7f0e4c004000-7f0e4c005000 r--s 00000000 08:01 4 /var/lib/roster/index/public.1 (deleted)
            """
        #expect(oldModules(inMaps: maps) == ["libnss_roster.so.2"])
    }

    @Test("a program that is run says what it has to say, and ends in time")
    func runner() throws {
        let said = try #require(
            ProgramRunner().run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"]))
        #expect(said == ProgramOutput(status: 3, output: "out\n", errors: "err\n"))
        #expect(ProgramRunner().run(["/no/such/program"]) == nil)
        let late = ProgramRunner(patience: 100).run(["/bin/sleep", "600"])
        #expect(late?.status == -1)
    }
}

extension ScriptedHost {
    /// What systemctl show says of every unit.
    fileprivate mutating func unit(_ text: String) {
        programs["/usr/bin/systemctl"] = ProgramOutput(status: 0, output: text + "\n")
    }
}
