// Finding out everything that joining needs: from the options, the directory and the person asked.
internal import Glibc
internal import LDAPClient
internal import RosterDaemon
internal import Settings

/// One inquiry, from the options to a plan that was rehearsed.
struct JoinInquiry {
    let command: JoinCommand
    let world: JoinWorld
    let talk: JoinTalk
    /// The throw-away folder.
    let folder: String

    /// Everything that is known so far.
    struct Findings {
        var answers = JoinAnswers()
        var password: [UInt8]?
        var survey: DirectorySurvey?
        /// Servers that did not answer, and what else is worth a warning.
        var failures: [String] = []
    }

    /// Asks, looks and rehearses; throws what is wrong and what to do.
    func plan() throws(CommandFailure) -> JoinPlan {
        var findings = Findings()
        findings.answers = try firstAnswers()
        try lookAnonymously(&findings)
        let isAsked = try askForIdentity(&findings)
        try lookWithIdentity(&findings, isAsked: isAsked)
        // Only now: whether they go together depends on the schema, which the server may have shown.
        findings.answers.ids = command.directory.ids
        guard var survey = findings.survey else { throw .givenUp }
        if let obstacle = survey.obstacle {
            throw CommandFailure(message: obstacle, remedy: nil, status: .negative)
        }
        try chooseBase(&findings, survey)
        let settings = try settings(findings.answers)
        do throws(SurveyFailure) {
            try asDaemon(findings.answers) { () throws(SurveyFailure) in
                try survey.takeSample(by: settings)
            }
        } catch {
            throw failure(error, survey, findings.answers)
        }
        try judge(survey, findings.answers)
        try chooseIDs(&findings, survey)
        try askForAccess(&findings.answers)
        return try rehearsed(findings, survey)
    }
}

// MARK: - The directory

extension JoinInquiry {
    private func firstAnswers() throws(CommandFailure) -> JoinAnswers {
        var answers = JoinAnswers()
        let options = command.directory
        var uris = command.uris
        if uris.isEmpty {
            uris = try talk.ask("Address of the directory (ldaps://HOST or srv:DOMAIN)")
                .split(separator: " ").map(String.init)
        }
        answers.tls = options.tls
        answers.uris = uris
        answers.base = options.base
        answers.schema = options.schema
        answers.disabled = options.disabled
        answers.caFile = try options.caFile.map { (file) throws(CommandFailure) in
            try absolute(file)
        }
        answers.allowGroups = command.access.allowGroup
        _ = try settings(answers)
        return answers
    }

    /// The first look, without telling anybody who we are.
    private func lookAnonymously(_ findings: inout Findings) throws(CommandFailure) {
        while true {
            var answers = findings.answers
            answers.bind = .anonymous
            findings.failures = []
            do throws(SurveyFailure) {
                findings.survey = try DirectorySurvey.look(
                    by: settingsForSurvey(answers), failures: &findings.failures)
                if !findings.recognisesActiveDirectory() { return }
            } catch {
                switch error {
                case .credentials: return
                case .certificate(let text):
                    guard world.terminal != nil, command.directory.caFile == nil else {
                        throw failure(error)
                    }
                    talk.say(text)
                    let file = try talk.ask("PEM file with the CA's certificate (empty: give up)")
                    guard !file.isEmpty else { throw .givenUp }
                    findings.answers.caFile = try absolute(file)
                case .other: throw failure(error)
                }
            }
        }
    }

    /// Who roster is to be; true when a person was asked for the password.
    private func askForIdentity(_ findings: inout Findings) throws(CommandFailure) -> Bool {
        let options = command.directory
        if options.anonymous { return false }
        if options.external {
            guard JoinFiles.localUser("roster") != nil else {
                throw CommandFailure(
                    message: "there is no user roster on this host, as whom to bind",
                    remedy: "Install the package, which makes it", status: .negative)
            }
            findings.answers.bind = .external
            return false
        }
        let isActiveDirectory = findings.survey?.isActiveDirectory == true
        let asked =
            isActiveDirectory
            ? "Who roster is in Active Directory: a DN, or NAME@REALM (empty: anonymous)"
            : "Bind DN of roster in the directory (empty: anonymous)"
        let dn: String
        if let given = options.bindDN { dn = given } else { dn = try talk.ask(asked) }
        guard !dn.isEmpty else { return false }
        findings.answers.bind = .simple(dn: dn)
        _ = try settings(findings.answers)
        guard let file = options.passwordFile else { return true }
        let octets =
            file == "-" ? JoinFiles.read(0, limit: 4096) : JoinFiles.contents(file, limit: 4096)
        guard var password = octets else {
            throw CommandFailure(
                message: "\(file): the password cannot be read, or is longer than 4096 octets",
                remedy: "Name the file with the password of \(dn)", status: .usage)
        }
        if password.last == UInt8(ascii: "\n") { password.removeLast() }
        try keep(password, in: &findings)
        return false
    }

    private func askForPassword(_ findings: inout Findings) throws(CommandFailure) {
        guard let password = world.terminal?.askSecret("Its password (not shown): ") else {
            throw .givenUp
        }
        try keep(password, in: &findings)
    }

    /// Lays the password where a service would find its credential.
    private func keep(
        _ password: [UInt8], in findings: inout Findings
    ) throws(CommandFailure) {
        guard !password.isEmpty else {
            throw CommandFailure(
                message: "the password is empty, which a directory takes for an anonymous bind",
                remedy: "Give the password, or --anonymous", status: .usage)
        }
        findings.password = password
        let path = folder + "/credentials/bind_password"
        try JoinFiles.write(password + [UInt8(ascii: "\n")], to: path, .secret)
        unsafe setenv("CREDENTIALS_DIRECTORY", folder + "/credentials", 1)
    }

    private func lookWithIdentity(
        _ findings: inout Findings, isAsked: Bool
    ) throws(CommandFailure) {
        if findings.answers.bind == .anonymous, findings.survey != nil { return }
        for attempt in 1...3 {
            if isAsked { try askForPassword(&findings) }
            let settings = try settings(findings.answers)
            var failures: [String] = []
            do throws(SurveyFailure) {
                findings.survey = try asDaemon(findings.answers) { () throws(SurveyFailure) in
                    try DirectorySurvey.look(by: settings, failures: &failures)
                }
                findings.failures = failures
            } catch {
                guard case .credentials(let text) = error, isAsked, attempt < 3 else {
                    throw failure(error)
                }
                talk.say(text)
                continue
            }
            if findings.recognisesActiveDirectory() {
                try lookWithIdentity(&findings, isAsked: false)
            }
            return
        }
    }

    private func chooseBase(
        _ findings: inout Findings, _ survey: DirectorySurvey
    ) throws(CommandFailure) {
        guard findings.answers.base == nil else { return }
        var candidates = survey.namingContexts
        if candidates.count > 1 {
            let settings = try settings(findings.answers)
            do throws(SurveyFailure) {
                let withPeople = try asDaemon(findings.answers) { () throws(SurveyFailure) in
                    try survey.contextsWithPeople(by: settings)
                }
                if !withPeople.isEmpty { candidates = withPeople }
            } catch {
                throw failure(error, survey, findings.answers)
            }
        }
        if candidates.count == 1 {
            findings.answers.base = candidates[0]
            return
        }
        let shown = candidates.isEmpty ? "none" : candidates.joined(separator: ", ")
        guard world.terminal != nil else {
            throw CommandFailure(
                message: "the server shows several trees, or none, to look in: \(shown)",
                remedy: "Name the DN below which people and groups are: --base DN", status: .usage)
        }
        talk.say("Trees of the server: \(shown)")
        findings.answers.base = try talk.ask("Base DN", fallback: candidates.first)
        _ = try settings(findings.answers)
    }

    /// What the sample says against joining.
    private func judge(
        _ survey: DirectorySurvey, _ answers: JoinAnswers
    ) throws(CommandFailure) {
        guard let sample = survey.sample else { return }
        let base = answers.base ?? ""
        let isIDNeeded = !survey.isActiveDirectory && answers.ids != "hash"
        guard sample.people > 0 else {
            throw CommandFailure(
                message: "\(survey.server) shows nobody "
                    + (isIDNeeded ? "with a uidNumber " : "") + "below \(base)",
                remedy: "Check --base, and what the bind identity may read and search there "
                    + "(ldapsearch shows it)",
                status: .negative)
        }
        for sight in sample.attributes where sight.isNeeded && sight.seen == 0 {
            throw CommandFailure(
                message: "none of the first \(sample.people) people below \(base) shows "
                    + "\(sight.name), which is \(sight.use)",
                remedy: "Let the bind identity read it (operational attributes have to be named "
                    + "in some access rules)", status: .negative)
        }
    }

    private func askForAccess(_ answers: inout JoinAnswers) throws(CommandFailure) {
        guard answers.allowGroups.isEmpty, !command.access.everybody else { return }
        let asked = "Groups whose members may log in here, separated by blanks (empty: everybody)"
        answers.allowGroups = try talk.ask(asked).split(separator: " ").map(String.init)
        _ = try settings(answers)
    }
}
