import ArgumentParser
import DaemonProtocol
import LDAPClient
import Settings
import Testing

@testable import roster

/// A host of texts: Debian 12 with roster installed, joined and healthy, until a test spoils it.
struct ScriptedHost {
    var paths = CommandPaths()
    var isRoot = true
    var files: [String: String] = Self.healthyFiles
    var refused: Set<String> = []
    var states: [String: FileState] = Self.healthyStates
    var programs: [String: ProgramOutput] = [
        "/usr/sbin/sshd": ProgramOutput(status: 0, output: Self.sshd),
        "/usr/bin/systemctl": ProgramOutput(
            status: 0,
            output: """
                LoadState=loaded
                ActiveState=active
                SubState=running
                UnitFileState=enabled
                Result=success
                """),
    ]
    var accounts: [String: KnownAccount] = [
        "root": KnownAccount(name: "root", uid: 0, home: "/root", shell: "/bin/bash"),
        "lora": KnownAccount(name: "lora", uid: 1000, home: "/home/lora", shell: "/bin/bash"),
        "ada": KnownAccount(name: "ada", uid: 2001, home: "/home/ada", shell: "/bin/bash"),
        "roster": KnownAccount(name: "roster", uid: 990, home: "/", shell: "/usr/sbin/nologin"),
        "roster-keys": KnownAccount(
            name: "roster-keys", uid: 989, home: "/", shell: "/usr/sbin/nologin"),
    ]
    var groups: [String: UInt32] = ["root": 0, "roster": 990, "roster-keys": 989, "devs": 3000]
    var status: StatusReport? = Self.healthyStatus
    var replies: [ControlReply] = []
    var index = IndexExamination(
        publicPart: .fine(generation: 7), gatePart: .fine(generation: 7), aheadSeconds: 0,
        people: [KnownAccount(name: "ada", uid: 2001, home: "/home/ada", shell: "/bin/bash")])
    var configuration: String? = Self.toml
    var servers: [String: ServerExamination] = [:]
    var isSynchronised: Bool? = true
    var oldModules: [OldModuleProcess]? = []
    var running: Set<String> = ["sshd", "cron", "rosterd"]

    static let toml = """
        [directory]
        uris = ["ldaps://ldap.example.com"]
        base = "dc=example,dc=com"
        bind_dn = "cn=reader,dc=example,dc=com"
        bind_password_file = "/etc/roster/bind_password"
        [login]
        max_staleness = "7d"
        """

    static var healthyStatus: StatusReport {
        var report = StatusReport(
            state: .inSync, since: ScriptedWorld.now - 3600, pid: 700,
            version: RosterVersion.current, startedAt: ScriptedWorld.now - 7200)
        report.lastVerifiedAt = ScriptedWorld.now - 60
        return report
    }

    static let goodChain = [
        CertificateValidity(
            subject: "ldap.example.com", begins: 0, ends: ScriptedWorld.now + 90 * 86400),
        CertificateValidity(
            subject: "O=Example, CN=CA", begins: 0, ends: ScriptedWorld.now + 900 * 86400),
    ]

    /// What the checks see.
    var seen: DoctorHost {
        DoctorHost(
            paths: paths, isRoot: isRoot,
            times: TimeText(now: ScriptedWorld.now, offsetSeconds: { _ in 3600 }),
            read: { path in
                if refused.contains(path) { return .refused("Permission denied") }
                return files[path].map { .text($0) } ?? .absent
            },
            state: { path in
                states[path]
                    ?? (files[path] == nil
                        ? nil : FileState(kind: .file, owner: 0, group: 0, mode: 0o644))
            },
            list: { path in
                path == "/usr/lib"
                    ? ["x86_64-linux-gnu", "roster"]
                    : files.keys.filter { $0.hasPrefix(path + "/") }
                        .map { String($0.dropFirst(path.count + 1)) }
            },
            run: { arguments in arguments.first.flatMap { programs[$0] } },
            account: { accounts[$0] }, group: { groups[$0] },
            groupsOf: { $0 == "ada" ? ["devs", "staff"] : [] }, ask: answer, index: { index },
            settings: read,
            examine: { uri, _ in
                servers[uri.text] ?? ServerExamination(outcome: .fine, chain: Self.goodChain)
            },
            clockIsSynchronised: { isSynchronised }, oldModules: { oldModules },
            runs: { running.contains($0) })
    }

    private func answer(_ request: ControlRequest) throws(DaemonError) -> ControlReply {
        guard let status else { throw .notRunning(path: "/run/roster/control.sock") }
        if request == .status { return .status(isRoot ? status : status.reducedForTest) }
        let fitting = replies.first {
            switch ($0, request) {
            case (.check, .check), (.explain, .explain), (.user, .user): true
            default: false
            }
        }
        return fitting ?? (request == .check ? .check(CheckReport()) : .failure(.notPermitted))
    }

    private func read() -> SettingsReading {
        guard let configuration else { return .absent }
        do throws(SettingsError) {
            return .settings(try Settings.parse(Array(configuration.utf8)))
        } catch {
            return .invalid("\(error)".split(separator: "\n").map(String.init))
        }
    }
}

extension StatusReport {
    /// As somebody else than root gets it.
    fileprivate var reducedForTest: StatusReport {
        var report = self
        report.accessProblems = nil
        return report
    }
}

// What a healthy host looks like.
extension ScriptedHost {
    static let common: [String: String] = [
        "common-auth": """
        auth\t[success=2 default=ignore]\tpam_unix.so nullok
        auth\t[success=1 default=ignore]\tpam_roster.so use_first_pass
        # here's the fallback if no module succeeds
        auth\trequisite\t\t\tpam_deny.so
        auth\trequired\t\t\tpam_permit.so
        auth\toptional\t\t\tpam_cap.so
        """,
        "common-account": """
        account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so
        account\trequisite\t\t\tpam_deny.so
        account\trequired\t\t\tpam_permit.so
        account\t[success=1 default=ignore]\tpam_localuser.so
        account\t[default=bad success=ok new_authtok_reqd=ok user_unknown=ignore]\tpam_roster.so
        """,
        "common-session": """
        session\t[default=1]\t\t\tpam_permit.so
        session\trequisite\t\t\tpam_deny.so
        session\trequired\t\t\tpam_permit.so
        session\trequired\tpam_unix.so
        session optional\t\t\tpam_mkhomedir.so umask=0077
        """,
        "common-session-noninteractive": "session required pam_unix.so\n",
        "common-password": "password [success=2 default=ignore] pam_unix.so obscure yescrypt\n",
    ]

    static let services: [String: String] = [
        "sshd": """
        @include common-auth
        account    required     pam_nologin.so
        # account  required     pam_access.so
        @include common-account
        session [success=ok ignore=ignore module_unknown=ignore default=bad]  pam_selinux.so close
        @include common-session
        @include common-password
        """,
        "login": """
        auth       optional   pam_faildelay.so  delay=3000000
        auth       requisite  pam_nologin.so
        @include common-auth
        auth       optional   pam_group.so
        @include common-account
        @include common-session
        @include common-password
        """,
        "sudo": """
        #%PAM-1.0
        session    required   pam_limits.so
        @include common-auth
        @include common-account
        @include common-session-noninteractive
        """,
        "su": """
        auth       sufficient pam_rootok.so
        # auth       required   pam_wheel.so
        session    optional   pam_mail.so nopen
        @include common-auth
        @include common-account
        @include common-session
        """,
        "cron": """
        @include common-auth
        session    required     pam_loginuid.so
        @include common-account
        @include common-session-noninteractive
        """,
        "other": """
        @include common-auth
        @include common-account
        @include common-password
        @include common-session
        """,
    ]

    static let sshd = """
        port 22
        usepam yes
        passwordauthentication yes
        kbdinteractiveauthentication no
        authorizedkeyscommand /usr/lib/roster/authorized-keys %u
        authorizedkeyscommanduser roster-keys
        """

    static var healthyFiles: [String: String] {
        var files = [
            "/etc/nsswitch.conf": """
            # /etc/nsswitch.conf
            passwd:         files roster systemd
            group:          files roster systemd
            shadow:         files systemd
            gshadow:        files systemd

            hosts:          files dns
            """,
            "/etc/passwd":
                "root:x:0:0:root:/root:/bin/bash\nlora:x:1000:1000::/home/lora:/bin/bash\n",
            "/etc/security/access.conf": "# only comments\n",
            "/etc/ssh/sshd_config": "# Debian\nInclude /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n",
            "/etc/systemd/system/rosterd.service.d/bind-password.conf":
                "[Service]\nLoadCredential=bind_password:/etc/roster/bind_password\n",
            "/bin/bash": "", "/etc/ssl/certs/ca-certificates.crt": "",
            "/usr/lib/x86_64-linux-gnu/libnss_roster.so.2": "",
        ]
        for (name, text) in common.merging(services, uniquingKeysWith: { $1 }) {
            files["/etc/pam.d/\(name)"] = text
        }
        let modules = [
            "access", "cap", "debug", "deny", "faildelay", "faillock", "group", "limits",
            "localuser", "loginuid", "mail", "mkhomedir", "nologin", "permit", "roster", "rootok",
            "selinux", "succeed_if", "unix", "wheel",
        ]
        for name in modules { files["/usr/lib/x86_64-linux-gnu/security/pam_\(name).so"] = "" }
        return files
    }

    static var healthyStates: [String: FileState] {
        func folder(_ mode: UInt32, _ owner: UInt32 = 0) -> FileState {
            FileState(kind: .folder, owner: owner, group: owner, mode: mode)
        }
        func socket() -> FileState { FileState(kind: .socket, owner: 0, group: 0, mode: 0o666) }
        func file(_ mode: UInt32, _ owner: UInt32 = 0, _ group: UInt32 = 0) -> FileState {
            FileState(kind: .file, owner: owner, group: group, mode: mode)
        }
        return [
            "/bin/bash": file(0o755), "/home/ada": folder(0o700, 2001),
            "/home/lora": folder(0o700, 1000), "/run/systemd/system": folder(0o755),
            "/usr/sbin/sshd": file(0o755), "/usr": folder(0o755), "/usr/lib": folder(0o755),
            "/usr/lib/roster": folder(0o755), "/usr/lib/roster/authorized-keys": file(0o755),
            "/etc/roster": folder(0o755), "/etc/roster/roster.toml": file(0o644),
            "/etc/roster/bind_password": file(0o600), "/var/lib/roster": folder(0o755, 990),
            "/var/lib/roster/store": folder(0o700, 990),
            "/var/lib/roster/index": folder(0o755, 990),
            "/var/lib/roster/index/public.1": file(0o644, 990, 990),
            "/var/lib/roster/index/gate.1": file(0o640, 990, 989), "/run/roster": folder(0o755),
            "/run/roster/login.sock": socket(), "/run/roster/control.sock": socket(),
            "/usr/share/pam-configs/roster": file(0o644),
        ]
    }

    /// The ids of everything that is found.
    func findings(_ arguments: [String] = []) throws -> [FindingID] {
        try report(arguments).findings.map(\.id)
    }

    /// The whole report.
    func report(_ arguments: [String] = []) throws -> DoctorReport {
        let command = try DoctorCommand.parse(arguments)
        return try #require(command.examine(seen).report as? DoctorReport)
    }

    /// Some of everything, with what a terminal must not get.
    mutating func fallIll() {
        isRoot = false
        files["/etc/nsswitch.conf"] = "passwd: files\ngroup: files [NOTFOUND=return] roster ldap\n"
        files["/etc/pam.d/sshd"] =
            "@include common-auth\naccount sufficient pam_unix.so\n"
            + "@include common-account\n"
        running.insert("nscd")
        index.gatePart = .refused
        status?.state = .stale
        status?.lastError = "ldap\u{1b}[2J: no connection"
        isSynchronised = false
    }
}
