// Doing what was planned, and saying how to undo it where it fails half way.
internal import ArgumentParser
internal import DaemonProtocol
internal import Glibc

/// Carries out a plan, once.
struct JoinExecution {
    let plan: JoinPlan
    let command: JoinCommand
    let world: JoinWorld
    let talk: JoinTalk
    let environment: CommandEnvironment

    /// How long a daemon that reports a failure is waited for, in milliseconds.
    private static let patience: Int64 = 20_000

    /// Writes, starts, waits and explains; throws what failed, what was done and how to undo it.
    func run() throws(CommandFailure) -> CommandOutcome {
        var report = plan.report
        do throws(CommandFailure) {
            try writeFiles(&report)
            guard world.hasServiceManager else { return try withoutServiceManager(&report) }
            try startService(&report)
            try installSshd(&report)
            report.joined = true
            return try explained(&report)
        } catch {
            guard !report.done.isEmpty else { throw error }
            let done = report.done.map(\.what).joined(separator: "; ")
            throw CommandFailure(
                message: error.message + "\nDone before that: " + done,
                remedy: [error.remedy, "To undo everything: roster leave"].compactMap(\.self)
                    .joined(separator: ". "),
                status: .negative)
        }
    }

    private func note(_ what: String, _ note: String? = nil, in report: inout JoinReport) {
        report.done.append(JoinStep(what: what, note: note))
        talk.say(note.map { "\(what): \($0)" } ?? what)
    }

    private func writeFiles(_ report: inout JoinReport) throws(CommandFailure) {
        talk.say("")
        if let octets = plan.copiedCAFile {
            try JoinFiles.write(octets, to: world.caFile, .open)
            note("wrote \(world.caFile)", in: &report)
        }
        if let password = plan.password {
            try JoinFiles.write(password + [UInt8(ascii: "\n")], to: world.passwordFile, rights)
            note("wrote \(world.passwordFile)", in: &report)
            try JoinFiles.write(Array(world.serviceDropInText.utf8), to: world.serviceDropIn, .open)
            note("wrote \(world.serviceDropIn)", in: &report)
        } else if JoinFiles.contents(world.serviceDropIn)?
            .elementsEqual(world.serviceDropInText.utf8) == true
        {
            // Of an earlier join: a password that is not used any more should not lie about.
            try JoinFiles.remove(world.serviceDropIn)
            try JoinFiles.remove(world.passwordFile)
            note("removed \(world.serviceDropIn) and \(world.passwordFile)", in: &report)
        }
        if let differences = plan.differences, !differences.isEmpty,
            let old = JoinFiles.contents(world.configuration)
        {
            let kept = world.configuration + ".before-join"
            try JoinFiles.write(old, to: kept, .open)
            note("kept the old configuration as \(kept)", in: &report)
        }
        // The configuration last: with it the service is to run.
        try JoinFiles.write(Array(plan.configuration.utf8), to: world.configuration, .open)
        note("wrote \(world.configuration)", in: &report)
    }

    /// Root alone reads the password where systemd hands it over; else the daemon itself has to.
    private var rights: JoinFiles.Rights {
        guard !world.hasServiceManager, let group = JoinFiles.localGroup("roster") else {
            return .secret
        }
        return JoinFiles.Rights(mode: 0o640, group: group)
    }

    private func startService(_ report: inout JoinReport) throws(CommandFailure) {
        try world.systemctl("daemon-reload")
        try world.systemctl("enable", "--now", "rosterd.socket", "rosterd.service")
        try world.systemctl("restart", "rosterd.service")
        note("started rosterd", in: &report)
        try waitUntilInSync()
        note("the mirror is in sync", in: &report)
    }

    /// Waits for the first load, however long it takes, unless the daemon goes on failing.
    private func waitUntilInSync() throws(CommandFailure) {
        let progress = LoadProgressDisplay(environment, isQuiet: talk.isJSON)
        defer { progress.finish() }
        var failingSince: Int64?
        while true {
            let reply = try environment.daemon(.wait(timeoutSeconds: 2)) { progress.tick() }
            guard case .wait(let report) = reply else { throw .otherReply }
            if report.inSync { return }
            guard [.stale, .error].contains(report.state) else {
                failingSince = nil
                continue
            }
            let now = environment.monotonicMilliseconds()
            failingSince = failingSince ?? now
            guard now - (failingSince ?? now) > Self.patience else { continue }
            throw CommandFailure(
                message: "rosterd runs, but does not follow the directory: "
                    + (report.lastError ?? "it does not say why"),
                remedy: "It goes on trying: roster status and journalctl -u rosterd say more",
                status: .negative)
        }
    }

    private func installSshd(_ report: inout JoinReport) throws(CommandFailure) {
        guard plan.installsSshdDropIn else { return }
        try world.sshd.install()
        note("wrote \(world.sshd.path)", try world.reloadSshd(), in: &report)
    }

    private func withoutServiceManager(
        _ report: inout JoinReport
    ) throws(CommandFailure) -> CommandOutcome {
        try installSshd(&report)
        report.remaining = [
            "systemd does not run here. Where it will (an image, a chroot): "
                + "systemctl enable rosterd.socket rosterd.service",
            "Where it never will (a container): start /usr/sbin/rosterd as the user roster with "
                + "the group roster-keys, then roster wait",
        ]
        return CommandOutcome(
            text: (["Joined, but rosterd was not started."] + report.remaining)
                .joined(separator: "\n"),
            report: report, status: .done)
    }

    private func explained(_ report: inout JoinReport) throws(CommandFailure) -> CommandOutcome {
        var text = "Joined. People of the directory are known on this host now."
        if let name = plan.explained {
            let explain: ExplainCommand = try subcommand(name, "--service", "sshd")
            do throws(CommandFailure) {
                let outcome = try explain.outcome(in: environment)
                text += "\n\nroster explain \(printable(name)):\n\(outcome.text)"
                report.explain = outcome.report as? ExplainReport
            } catch {
                text += "\n\nroster explain \(printable(name)): \(printable(error.message))"
            }
        }
        return CommandOutcome(text: text, report: report, status: .done)
    }

    /// Another subcommand on the same paths.
    private func subcommand<Command: ParsableCommand>(
        _ arguments: String...
    ) throws(CommandFailure) -> Command {
        let shared = command.shared
        let paths = ["--run-dir", shared.runDir, "--state-dir", shared.stateDir]
        do {
            return try Command.parse(arguments + paths)
        } catch {
            throw CommandFailure(message: Command.message(for: error), status: .usage)
        }
    }
}
