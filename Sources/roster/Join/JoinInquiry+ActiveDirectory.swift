// What joining Active Directory asks for beside the rest.
internal import RosterDaemon
internal import Settings

extension JoinInquiry.Findings {
    /// Notes that the server is Active Directory; true if that was not known, so that it has to be
    /// looked at again.
    mutating func recognisesActiveDirectory() -> Bool {
        guard survey?.isActiveDirectory == true, [nil, "auto"].contains(answers.schema) else {
            return false
        }
        answers.schema = "ad"
        return true
    }
}

extension JoinInquiry {
    /// Where uids and gids come from: never from anywhere but the directory without being told.
    func chooseIDs(
        _ findings: inout Findings, _ survey: DirectorySurvey
    ) throws(CommandFailure) {
        guard survey.isActiveDirectory, findings.answers.ids == nil, let sample = survey.sample,
            sample.withUID < sample.people
        else { return }
        let people = sample.people == 1 ? "the only person" : "the first \(sample.people) people"
        guard sample.withUID == 0 else {
            findings.failures.append(
                "of \(people) only \(sample.withUID) have a uidNumber: the others are withheld "
                    + "(--ids sid computes everybody's ids)")
            return
        }
        let trouble = "nobody of \(people) has a uidNumber that this identity may read"
        guard world.terminal != nil else {
            throw CommandFailure(
                message: "\(trouble), and ids are not made up unasked",
                remedy:
                    "--ids sid computes them from objectSid as SSSD does; --ids attribute waits "
                    + "for somebody to fill them in", status: .usage)
        }
        talk.say("\(trouble); sid computes uids and gids from objectSid, as SSSD does.")
        findings.answers.ids = try talk.ask("Ids (sid, attribute)", fallback: "sid")
        _ = try settings(findings.answers)
    }

    /// A failure of a search, with what to do about it.
    func failure(
        _ error: SurveyFailure, _ survey: DirectorySurvey, _ answers: JoinAnswers
    ) -> CommandFailure {
        guard survey.isActiveDirectory, answers.bind == .anonymous else { return failure(error) }
        return CommandFailure(
            message: "Active Directory shows nothing to an anonymous reader: \(error.text)",
            remedy:
                "Let roster be an ordinary user of the domain: --bind-dn DN or NAME@REALM, with "
                + "--password-file FILE; nothing was written", status: .negative)
    }
}
