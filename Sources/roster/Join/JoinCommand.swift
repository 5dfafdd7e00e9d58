// roster join [URI...]
internal import ArgumentParser
internal import RosterDaemon

/// Makes this host follow a directory.
struct JoinCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Make this host follow a directory, after showing what will happen (root).",
        discussion: """
            Asks on the terminal for what the options do not say. Nothing is written before the \
            whole directory was loaded for a rehearsal and its result confirmed.
            """)

    @Argument(
        help: ArgumentHelp(
            "The directory: ldaps://HOST, ldap://HOST, ldapi://PATH or srv:DOMAIN.",
            valueName: "URI"))
    var uris: [String] = []

    @OptionGroup(title: "The directory") var directory: JoinDirectoryOptions

    @OptionGroup(title: "Who may log in") var access: JoinAccessOptions

    @OptionGroup(title: "How to go about it") var conduct: JoinConductOptions

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if access.everybody && !access.allowGroup.isEmpty {
            throw ValidationError("--everybody does not go with --allow-group.")
        }
        let binds = [directory.bindDN != nil, directory.anonymous, directory.external]
        if binds.filter(\.self).count > 1 {
            throw ValidationError("Only one of --bind-dn, --anonymous and --external can be given.")
        }
        if directory.passwordFile != nil && directory.bindDN == nil {
            throw ValidationError("--password-file needs --bind-dn.")
        }
    }

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        try outcome(in: environment, world: JoinWorld(live: shared.paths))
    }

    /// The same on a host that may be made up.
    func outcome(
        in environment: CommandEnvironment, world: JoinWorld
    ) throws(CommandFailure) -> CommandOutcome {
        guard world.isRoot else { throw .onlyRoot("join a directory") }
        try requireAnswers(world)
        let talk = JoinTalk(environment: environment, terminal: world.terminal, isJSON: shared.json)
        let plan = try rehearse(world, talk)
        talk.say(plan.text)
        if conduct.dryRun {
            var report = plan.report
            report.dryRun = true
            return CommandOutcome(
                text: "Nothing was written (--dry-run).", report: report, status: .done)
        }
        try consent(to: plan, world, talk)
        let execution = JoinExecution(
            plan: plan, command: self, world: world, talk: talk, environment: environment)
        return try execution.run()
    }

    private func rehearse(_ world: JoinWorld, _ talk: JoinTalk) throws(CommandFailure) -> JoinPlan {
        let folder = try ThrowAwayFolder()
        defer { withExtendedLifetime(folder) {} }
        return try JoinInquiry(command: self, world: world, talk: talk, folder: folder.path).plan()
    }

    /// Without a terminal everything has to be said by options; names all that is missing at once.
    private func requireAnswers(_ world: JoinWorld) throws(CommandFailure) {
        guard world.terminal == nil else { return }
        var missing: [String] = []
        if uris.isEmpty { missing.append("the URI of the directory") }
        if directory.bindDN == nil && !directory.anonymous && !directory.external {
            missing.append("--bind-dn DN (or --anonymous, or --external)")
        }
        if directory.bindDN != nil && directory.passwordFile == nil {
            missing.append("--password-file FILE")
        }
        if access.allowGroup.isEmpty && !access.everybody {
            missing.append("--allow-group GROUP (or --everybody)")
        }
        if !conduct.yes && !conduct.dryRun { missing.append("--yes (or --dry-run)") }
        guard missing.isEmpty else {
            throw CommandFailure(
                message: "there is no terminal to ask on, and missing is: "
                    + missing.joined(separator: "; "),
                remedy: "roster join --help shows all options", status: .usage)
        }
    }

    private func consent(
        to plan: JoinPlan, _ world: JoinWorld, _ talk: JoinTalk
    ) throws(CommandFailure) {
        for objection in plan.objections where !conduct.force {
            guard let terminal = world.terminal, !conduct.yes else {
                throw CommandFailure(
                    message: objection.message,
                    remedy: objection.remedy + "; --force joins all the same",
                    status: objection.isUsage ? .usage : .negative)
            }
            guard terminal.confirms("\(objection.question)") else { throw .givenUp }
        }
        guard !conduct.yes else { return }
        guard world.terminal?.confirms("Join now?") == true else { throw .givenUp }
    }
}

/// Options of `roster join` about the directory.
struct JoinDirectoryOptions: ParsableArguments {
    @Option(name: .customLong("bind-dn"), help: "Who roster is to the directory.")
    var bindDN: String?

    @Option(name: .long, help: "The file with the password of the bind DN; - is standard input.")
    var passwordFile: String?

    @Flag(name: .long, help: "Read the directory anonymously.")
    var anonymous = false

    @Flag(name: .long, help: "Bind as the user roster over ldapi (SASL EXTERNAL).")
    var external = false

    @Option(name: .long, help: "The PEM file of the CA that signed the server's certificate.")
    var caFile: String?

    @Option(name: .long, help: "How connections are protected: ldaps, starttls or off.")
    var tls: String?

    @Option(name: .long, help: "The DN below which people and groups are.")
    var base: String?

    @Option(name: .long, help: "How members of groups are written: auto, rfc2307, rfc2307bis, ad.")
    var schema: String?

    @Option(name: .long, help: "Where uids and gids come from: attribute, sid, hash.")
    var ids: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "One more mark of a disabled account; can be repeated.", valueName: "ATTRIBUTE=VALUE"))
    var disabled: [String] = []
}

/// Options of `roster join` about access.
struct JoinAccessOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A group whose members may log in; can be repeated.", valueName: "GROUP"))
    var allowGroup: [String] = []

    @Flag(name: [.long, .customLong("no-access-group")], help: "Let everybody log in.")
    var everybody = false

    @Option(name: .long, help: ArgumentHelp("Whom to explain at the end.", valueName: "USER"))
    var explain: String?
}

/// Options of `roster join` about its own way.
struct JoinConductOptions: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Let sshd ask roster for public keys.")
    var sshd: Bool?

    @Flag(name: .long, help: "Do not ask for confirmation.")
    var yes = false

    @Flag(name: .long, help: "Replace a configuration, and go on where there is an objection.")
    var force = false

    @Flag(name: .long, help: "Show what would happen and write nothing.")
    var dryRun = false
}

extension CommandFailure {
    /// Somebody who is not root.
    static func onlyRoot(_ deed: String) -> CommandFailure {
        CommandFailure(message: "only root may \(deed)", remedy: "Use sudo", status: .refused)
    }

    /// The administrator said no.
    static let givenUp = CommandFailure(
        message: "given up; nothing was written", remedy: nil, status: .negative)
}
