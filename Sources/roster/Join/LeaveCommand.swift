// roster leave
internal import AccountIndex
internal import ArgumentParser

/// Takes this host out of its directory again.
struct LeaveCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "leave",
        abstract: "Stop following the directory and undo what join did (root).")

    @Flag(name: .long, help: "Do not ask for confirmation.")
    var yes = false

    @Flag(name: .long, help: "Remove files of join also when they were changed since.")
    var force = false

    @Flag(name: .long, help: "Remove the state too: mirror, journal and cached verifiers.")
    var purge = false

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        try outcome(in: environment, world: JoinWorld(live: shared.paths))
    }

    /// The same on a host that may be made up.
    func outcome(
        in environment: CommandEnvironment, world: JoinWorld
    ) throws(CommandFailure) -> CommandOutcome {
        guard world.isRoot else { throw .onlyRoot("leave a directory") }
        let talk = JoinTalk(environment: environment, terminal: world.terminal, isJSON: shared.json)
        let departure = Departure(command: self, world: world, talk: talk)
        var report = LeaveReport()
        talk.say(departure.warning(&report))
        try consent(departure, world, talk)
        try departure.run(&report)
        let text =
            report.done.isEmpty
            ? "There was nothing to undo: this host follows no directory."
            : "This host follows no directory any more."
        return CommandOutcome(
            text: ([text] + report.remaining).joined(separator: "\n"), report: report,
            status: .done)
    }

    private func consent(
        _ departure: Departure, _ world: JoinWorld, _ talk: JoinTalk
    ) throws(CommandFailure) {
        if let user = departure.ownAccount, !force {
            let message = "you are \(user) of the directory, and could not log in any more"
            guard let terminal = world.terminal, !yes else {
                throw CommandFailure(
                    message: message,
                    remedy: "Leave as root or a local user; --force leaves all the same",
                    status: .negative)
            }
            talk.say("Warning: " + message)
            guard terminal.confirms("Have you another way in, as root or a local user?") else {
                throw .givenUp
            }
        }
        guard !yes else { return }
        guard let terminal = world.terminal else {
            throw CommandFailure(
                message: "there is no terminal to ask on, and missing is: --yes",
                remedy: "roster leave --help shows all options", status: .usage)
        }
        guard terminal.confirms("Leave now?") else { throw .givenUp }
    }
}

/// Leaving, step by step; each step does nothing where there is nothing to do.
struct Departure {
    let command: LeaveCommand
    let world: JoinWorld
    let talk: JoinTalk

    private var indexFolder: String { world.stateFolder + "/index" }

    /// The person behind sudo, if the directory is where this host knows them from.
    var ownAccount: String? {
        guard let user = world.invokingUser, JoinFiles.localUser(user) == nil else { return nil }
        let known = try? IndexSnapshot(directory: indexFolder).person(named: user)
        return known.flatMap(\.self) == nil ? nil : user
    }

    /// Who loses what.
    func warning(_ report: inout LeaveReport) -> String {
        if let index = try? IndexSnapshot(directory: indexFolder) {
            (report.people, report.groups) = index.counts
        }
        var text =
            "\(count(report.people, "person", "people")) and "
            + "\(count(report.groups, "group", "groups")) of the directory will be unknown on this "
            + "host: they cannot log in any more, and their files belong to bare numbers. Sessions "
            + "that run go on; home directories stay."
        if command.purge {
            text += " Removed as well: the mirror, its history, blocks and cached verifiers."
        }
        return text
    }

    /// Undoes what join did; throws what failed, and can be repeated.
    func run(_ report: inout LeaveReport) throws(CommandFailure) {
        try stopService(&report)
        try removeSshdDropIn(&report)
        if JoinFiles.exists(world.configuration) {
            try JoinFiles.move(world.configuration, to: world.configuration + ".left")
            note("moved \(world.configuration) to \(world.configuration).left", in: &report)
        }
        if try JoinFiles.remove(world.passwordFile) {
            note("removed \(world.passwordFile)", in: &report)
        }
        if try removeIfOurs(world.serviceDropIn, world.serviceDropInText, in: &report),
            world.hasServiceManager
        {
            try world.systemctl("daemon-reload")
        }
        try forgetPeople(&report)
        if command.purge { try purge(&report) }
    }

    private func note(_ what: String, _ note: String? = nil, in report: inout LeaveReport) {
        report.done.append(JoinStep(what: what, note: note))
        talk.say(note.map { "\(what): \($0)" } ?? what)
    }

    private func stopService(_ report: inout LeaveReport) throws(CommandFailure) {
        guard world.hasServiceManager else {
            report.remaining.append("systemd does not run here: stop rosterd where it still runs.")
            return
        }
        // Without a configuration neither is started again: they may stay enabled, so that a
        // configuration put in place by hand is all that another start needs.
        let isRunning = ["rosterd.service", "rosterd.socket"].contains {
            let shown = world.run("/usr/bin/systemctl", ["show", "-P", "ActiveState", $0])
            return !["inactive", "failed"].contains(shown.lastWords)
        }
        guard isRunning else { return }
        try world.systemctl("stop", "rosterd.socket", "rosterd.service")
        note("stopped rosterd", in: &report)
    }

    private func removeSshdDropIn(_ report: inout LeaveReport) throws(CommandFailure) {
        guard try removeIfOurs(world.sshd.path, SshdDropIn.text, in: &report) else { return }
        note("sshd", try world.reloadSshd(), in: &report)
    }

    /// Removes a file that join wrote, unless somebody changed it since; true if it is gone.
    private func removeIfOurs(
        _ path: String, _ text: String, in report: inout LeaveReport
    ) throws(CommandFailure) -> Bool {
        guard let kept = JoinFiles.contents(path) else { return false }
        guard command.force || kept.elementsEqual(text.utf8) else {
            report.remaining.append(
                "\(path) was changed since join wrote it and stays; --force removes it.")
            return false
        }
        try JoinFiles.remove(path)
        note("removed \(path)", in: &report)
        return true
    }

    /// Publishes an index of nobody, so that every process forgets, also one that runs for long.
    private func forgetPeople(_ report: inout LeaveReport) throws(CommandFailure) {
        guard let (people, groups, generation) = indexed else { return }
        guard people + groups > 0 || command.purge else { return }
        do throws(IndexError) {
            let gateGroup = JoinFiles.localGroup("roster-keys")
            let builder = try IndexBuilder(
                directory: indexFolder, generation: generation &+ 1_000_000, gateGroup: gateGroup)
            var writer = try builder.finish()
            try writer.install()
        } catch {
            throw CommandFailure(
                message: "the people of the directory are still known: \(error)",
                remedy: "Make room on the disk and repeat roster leave", status: .negative)
        }
        for name in ["/public.1", "/gate.1"] {
            JoinFiles.giveToOwner(of: indexFolder, indexFolder + name)
        }
        guard people + groups > 0 else { return }
        note("the people and groups of the directory are unknown now", in: &report)
    }

    private var indexed: (people: Int, groups: Int, generation: UInt64)? {
        guard let index = try? IndexSnapshot(directory: indexFolder) else { return nil }
        let (people, groups) = index.counts
        return (people, groups, index.generation)
    }

    private func purge(_ report: inout LeaveReport) throws(CommandFailure) {
        if !JoinFolder.names(world.stateFolder).isEmpty {
            try JoinFolder.empty(world.stateFolder)
            note("removed everything in \(world.stateFolder)", in: &report)
        }
        if try JoinFiles.remove(world.caFile) { note("removed \(world.caFile)", in: &report) }
    }
}
