// From the answers to a plan: the configuration, its rehearsal, and what can be asked only then.
internal import DaemonProtocol
internal import Glibc
internal import RosterDaemon
internal import Settings

extension JoinInquiry {
    /// Loads the directory by the configuration, and says what follows from it.
    func rehearsed(
        _ findings: Findings, _ survey: DirectorySurvey
    ) throws(CommandFailure) -> JoinPlan {
        let text = configuration(findings.answers)
        let settings = try settings(findings.answers)
        let people = ["root", world.invokingUser, command.access.explain].compactMap(\.self)
        let progress = JoinProgress(talk)
        defer { progress.finish() }
        let state = folder + "/state"
        let result: RehearsalReport
        do throws(RehearsalFailure) {
            result = try asDaemon(findings.answers) { () throws(RehearsalFailure) in
                try Rehearsal(settings: settings, folder: state).run(
                    explaining: people, progress: progress.show)
            }
        } catch {
            throw CommandFailure(
                message: error.description, remedy: "Nothing was written", status: .negative)
        }
        progress.finish()
        let situation = world.sshd.situation()
        var plan = JoinPlan(
            answers: findings.answers, configuration: text, password: findings.password,
            copiedCAFile: try copiedCAFile(findings.answers), survey: survey, rehearsal: result,
            invokingUser: world.invokingUser, warnings: findings.failures,
            sshd: situation.inWords(world.sshd.path))
        if let octets = JoinFiles.contents(world.configuration) {
            let old = String(decoding: octets, as: UTF8.self)
            plan.differences = lineDifferences(from: old, to: text)
        }
        if let name = command.access.explain,
            !result.explanations.contains(where: { $0.name == name })
        {
            plan.warnings.append("neither the directory nor this host knows \(name) (--explain)")
        }
        try chooseLast(&plan, situation)
        return plan
    }

    /// What can only be asked when it is known how things are.
    private func chooseLast(
        _ plan: inout JoinPlan, _ situation: SshdDropIn.Situation
    ) throws(CommandFailure) {
        let isOwn = plan.rehearsal.explanations.contains {
            $0.name == world.invokingUser && !$0.local
        }
        plan.explained =
            command.access.explain ?? (isOwn ? world.invokingUser : plan.rehearsal.example)
        guard situation == .free else { return }
        if let chosen = command.conduct.sshd {
            plan.installsSshdDropIn = chosen
        } else if let terminal = world.terminal, !command.conduct.yes, !command.conduct.dryRun {
            plan.installsSshdDropIn = terminal.confirms(
                "Let sshd ask roster for public keys (\(world.sshd.path))?")
        }
        plan.sshd =
            plan.installsSshdDropIn
            ? "will ask roster for public keys (\(world.sshd.path))"
            : "is left alone; --sshd lets it ask roster for public keys"
    }

    /// The configuration as it will be written.
    private func configuration(_ answers: JoinAnswers) -> String {
        var written = answers
        if mustCopy(answers.caFile) { written.caFile = world.caFile }
        return written.text(passwordFile: world.passwordFile)
    }

    /// The settings that the daemon will have, checked by its own rules.
    ///
    /// A CA file that is to be copied is read where it is.
    func settings(_ answers: JoinAnswers) throws(CommandFailure) -> Settings {
        do throws(SettingsError) {
            var settings = try Settings.parse(
                Array(configuration(answers).utf8), path: "roster join")
            if let file = answers.caFile { settings.directory.caFile = file }
            return settings
        } catch {
            throw CommandFailure(
                message: "\(error)", remedy: "Correct the option or the answer", status: .usage)
        }
    }

    /// The same, for who throws failures of a survey.
    func settingsForSurvey(_ answers: JoinAnswers) throws(SurveyFailure) -> Settings {
        do throws(CommandFailure) {
            return try settings(answers)
        } catch {
            throw .other(error.message)
        }
    }

    /// Whether a CA file lies where the daemon may not reach it.
    private func mustCopy(_ caFile: String?) -> Bool {
        guard let caFile else { return false }
        return !["/etc/", "/usr/"].contains { caFile.hasPrefix($0) }
            || !JoinFiles.isOpenToAll(caFile)
    }

    private func copiedCAFile(_ answers: JoinAnswers) throws(CommandFailure) -> [UInt8]? {
        guard let file = answers.caFile, mustCopy(file) else { return nil }
        guard let octets = JoinFiles.contents(file) else {
            throw CommandFailure(
                message: "\(file) cannot be read", remedy: "Name a PEM file: --ca-file FILE",
                status: .usage)
        }
        return octets
    }

    /// The path of an existing file from the root on.
    func absolute(_ file: String) throws(CommandFailure) -> String {
        guard let path = unsafe realpath(file, nil) else {
            throw CommandFailure(
                message: "\(file): \(unsafe String(cString: strerror(errno)))",
                remedy: "Name a PEM file: --ca-file FILE", status: .usage)
        }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// A failure of a survey with what to do about it.
    func failure(_ error: SurveyFailure) -> CommandFailure {
        let remedy =
            switch error {
            case .certificate: "Name the CA's certificate with --ca-file FILE; nothing was written"
            case .credentials: "Check --bind-dn and the password; nothing was written"
            case .other: "Nothing was written"
            }
        return CommandFailure(message: error.text, remedy: remedy, status: .negative)
    }

    /// Runs `body` as the user the daemon will be, where the directory knows us by that.
    func asDaemon<Result, Failure: Error>(
        _ answers: JoinAnswers, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let state = folder + "/state"
        unsafe mkdir(state, 0o700)
        guard answers.bind == .external, let user = JoinFiles.localUser("roster") else {
            return try body()
        }
        for path in [folder, state] { unsafe chown(path, user.uid, user.gid) }
        setegid(user.gid)
        seteuid(user.uid)
        defer {
            seteuid(0)
            setegid(0)
        }
        return try body()
    }
}
