// What joining and leaving touch of the host, so that tests can stand in for it.
internal import Glibc

/// The host as `roster join` and `roster leave` see it.
struct JoinWorld {
    /// Whether the caller may do everything.
    var isRoot: Bool
    /// Where questions are asked; `nil`: nobody is there.
    var terminal: JoinTerminal?
    /// The person behind sudo; `nil`: there is none.
    var invokingUser: String?
    /// Runs a program of the system.
    var run: (_ program: String, _ arguments: [String]) -> JoinProgramResult
    /// The configuration file.
    var configuration: String
    /// The folder of the state.
    var stateFolder: String
    /// The file with the bind password.
    var passwordFile = "/etc/roster/bind_password"
    /// Where a CA file is kept that the daemon could not read where it is.
    var caFile = "/etc/roster/ca.pem"
    /// The file that hands the password over to the service.
    var serviceDropIn = "/etc/systemd/system/rosterd.service.d/bind-password.conf"
    /// Whether a service manager runs that can be asked to start the service.
    var hasServiceManager: Bool
    /// sshd's side.
    var sshd: SshdDropIn

    /// A host whose files are elsewhere than usual.
    init(
        isRoot: Bool, terminal: JoinTerminal?, invokingUser: String?, paths: CommandPaths,
        hasServiceManager: Bool,
        run: @escaping (_ program: String, _ arguments: [String]) -> JoinProgramResult
    ) {
        self.isRoot = isRoot
        self.terminal = terminal
        self.invokingUser = invokingUser
        self.hasServiceManager = hasServiceManager
        self.run = run
        configuration = paths.configuration
        stateFolder = paths.stateFolder
        sshd = SshdDropIn(run: run)
    }

    /// This host.
    init(live paths: CommandPaths) {
        let user = unsafe getenv("SUDO_USER").map { unsafe String(cString: $0) }
        self.init(
            isRoot: geteuid() == 0, terminal: .ofProcess,
            invokingUser: user.flatMap { $0.isEmpty || $0 == "root" ? nil : $0 }, paths: paths,
            hasServiceManager: JoinFiles.exists("/run/systemd/system"), run: runJoinProgram)
    }

    /// The file that hands the password over to the service.
    var serviceDropInText: String {
        """
        # Written by "roster join"; "roster leave" removes it. See systemd.exec(5), CREDENTIALS.
        [Service]
        LoadCredential=bind_password:\(passwordFile)

        """
    }

    /// Asks the service manager; throws what it says when it fails.
    func systemctl(_ arguments: String...) throws(CommandFailure) {
        let result = run("/usr/bin/systemctl", arguments)
        guard !result.isFine else { return }
        throw CommandFailure(
            message: "systemctl \(arguments.joined(separator: " ")) failed: \(result.lastWords)",
            remedy: "journalctl -u rosterd says more", status: .negative)
    }

    /// Lets a running sshd read its configuration again; says what it did.
    func reloadSshd() throws(CommandFailure) -> String {
        guard hasServiceManager else {
            return "no systemd is running here: a running sshd has to be told (kill -HUP)"
        }
        guard run("/usr/bin/systemctl", ["is-active", "--quiet", "ssh.service"]).isFine else {
            return "sshd is not running as ssh.service"
        }
        try systemctl("reload", "ssh.service")
        return "sshd was reloaded"
    }
}

/// What is said meanwhile: on standard output, or on standard error when that is for JSON.
struct JoinTalk {
    let environment: CommandEnvironment
    let terminal: JoinTerminal?
    let isJSON: Bool

    /// Says lines; what comes from the directory in them is made printable.
    func say(_ text: String) {
        let text = printable(text, keepingNewlines: true)
        if isJSON { environment.complain(text) } else { environment.print(text) }
    }

    /// What a person answers, `fallback` for an empty answer; throws when they give up.
    func ask(_ question: String, fallback: String? = nil) throws(CommandFailure) -> String {
        let shown = fallback.map { $0.isEmpty ? "" : " [\(printable($0))]" } ?? ""
        guard let terminal, let line = terminal.ask("\(printable(question))\(shown): ") else {
            throw .givenUp
        }
        let words = line.drop { $0 == " " }
        let answer = words.last == " " ? String(words.dropLast()) : String(words)
        return answer.isEmpty ? fallback ?? "" : answer
    }
}
