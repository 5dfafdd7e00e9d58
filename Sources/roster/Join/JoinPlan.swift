// What will happen, as it is shown before it does.
internal import Accounts
internal import DaemonProtocol
internal import RosterDaemon

/// Something that speaks against joining; goes on only where a person or `--force` says so.
struct JoinObjection: Equatable {
    /// What, a sentence without full stop.
    var message: String
    /// What to do about it, a sentence without full stop.
    var remedy: String
    /// What a person is asked.
    var question: String
    /// Whether an option is missing rather than something wrong.
    var isUsage = false
}

/// A rehearsed configuration and what follows from it.
struct JoinPlan {
    var answers: JoinAnswers
    /// The configuration file, exactly as it was rehearsed.
    var configuration: String
    /// The password of the bind DN; `nil`: there is none.
    var password: [UInt8]?
    /// The PEM file to copy to the place that the configuration names; `nil`: it stays.
    var copiedCAFile: [UInt8]?
    var survey: DirectorySurvey
    var rehearsal: RehearsalReport
    /// How the configuration differs from one that is in place; `nil`: there is none.
    var differences: [String]?
    /// The person behind sudo; `nil`: there is none.
    var invokingUser: String?
    /// Servers that could not be reached.
    var warnings: [String] = []
    /// Whether sshd is to ask roster for keys.
    var installsSshdDropIn = false
    /// How things are with sshd, in words.
    var sshd: String
    /// Whom to explain at the end.
    var explained: String?

    private static let shown = 20

    var objections: [JoinObjection] {
        var found: [JoinObjection] = []
        if rehearsal.admitted == 0 {
            found.append(
                JoinObjection(
                    message: "nobody of the directory could log in",
                    remedy: "Check --allow-group and the accounts' states as shown above",
                    question: "Nobody of the directory could log in. Go on all the same?"))
        }
        if let user = invokingUser, let decision = explanation(of: user), !decision.local,
            !decision.admitted
        {
            found.append(
                JoinObjection(
                    message: "you are \(user) of the directory, and could not log in any more",
                    remedy: "Put \(user) into the access group, or join as a local user",
                    question: "You yourself (\(user)) could not log in any more. Go on?"))
        }
        if let differences, !differences.isEmpty {
            found.append(
                JoinObjection(
                    message: "there is a configuration already, and it says something else",
                    remedy: "Compare it with what is shown above, and give --force to replace it",
                    question: "Replace the configuration (kept as roster.toml.before-join)?",
                    isUsage: true))
        }
        return found
    }

    var report: JoinReport {
        JoinReport(
            directory: survey, configuration: configuration, replaces: differences,
            rehearsal: rehearsal, objections: objections.map(\.message))
    }

    private func explanation(of name: String) -> ExplainReport? {
        rehearsal.explanations.first { $0.name == name }
    }

    /// Everything for people.
    var text: String {
        var lines = directoryLines + peopleLines
        lines += withheldLines(rehearsal.check.withheld ?? [])
        lines += rehearsal.check.errors.map { "Error: \(printable($0))" }
        lines += (warnings + rehearsal.check.warnings).map { "Warning: \(printable($0))" }
        lines += ownWayLines
        lines += ["", "The configuration:"]
        lines += configuration.split(separator: "\n").map { "    \($0)" }
        if let differences {
            lines.append(
                differences.isEmpty
                    ? "It says the same as the one in place."
                    : "What changes in the one in place:")
            lines += differences.map { "    \(printable($0))" }
        }
        lines.append("sshd: \(sshd).")
        return lines.joined(separator: "\n")
    }

    private var directoryLines: [String] {
        var table = Table()
        let vendor = survey.vendor.isEmpty ? "" : " (\(survey.vendor))"
        table.add("server", rehearsal.server + vendor)
        table.add("base", answers.base ?? "")
        table.add("changes", ifAny: rehearsal.changes)
        if let sample = survey.sample {
            table.add("members", sample.members)
            for sight in sample.attributes {
                table.add("attribute", Self.line(sight, of: sample.people))
            }
        }
        var lines = ["", "The directory:", table.text]
        if survey.sample?.showsPasswords == true {
            lines.append(
                "Warning: this identity may read userPassword. roster never needs it: take the "
                    + "right away on the server.")
        }
        return lines
    }

    private static func line(_ sight: DirectorySample.Sight, of people: Int) -> String {
        let seen =
            if sight.seen > 0 {
                "seen on \(number(sight.seen)) of \(number(people)) people"
            } else if sight.isKnown == false {
                "unknown to the server's schema"
            } else {
                "seen on nobody: nobody has it, or this identity may not read it"
            }
        return "\(sight.name), \(sight.use): \(seen)"
    }

    private var peopleLines: [String] {
        var table = Table()
        table.add("people", number(rehearsal.people))
        table.add("groups", number(rehearsal.groups))
        table.add("memberships", number(rehearsal.memberships))
        let who =
            answers.allowGroups.isEmpty
            ? "everybody may" : "members of \(answers.allowGroups.joined(separator: ", ")) may"
        table.add(
            "could log in",
            "\(number(rehearsal.admitted)) now (\(who)); "
                + "\(number(rehearsal.admittedWithKey)) of them have a public key")
        for (verdict, count) in rehearsal.verdicts.sorted(by: { $0.key < $1.key })
        where !["accepted", "must_change_password"].contains(verdict) {
            let words = verdict.split(separator: "_").joined(separator: " ")
            table.add("refused", "\(number(count)) \(words)")
        }
        table.add("withheld", withheldSummary)
        table.add(
            "collisions", "\(number(rehearsal.collisions.count)) with local accounts or groups")
        return ["", "What this host would see:", table.text]
    }

    /// How many, and how many because of which attribute: `1,200: uidNumber 1,150, cn 50`.
    private var withheldSummary: String {
        let entries = rehearsal.check.withheld ?? []
        let total = max(entries.count, rehearsal.withheld)
        var attributes: [String: Int] = [:]
        for entry in entries {
            attributes[String(entry.reason.prefix { $0 != ":" }), default: 0] += 1
        }
        guard !attributes.isEmpty else { return number(total) }
        let sorted = attributes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5)
        let parts = sorted.map { "\($0.key) \(number($0.value))" }.joined(separator: ", ")
        let scope = entries.count < total ? ", of the first \(number(entries.count))" : ""
        return "\(number(total))\(scope): \(parts)"
    }

    private func withheldLines(_ entries: [WithheldEntry]) -> [String] {
        guard !entries.isEmpty else { return [] }
        // Those that a local account stands in the way of first: they surprise most.
        let sorted =
            entries.filter(rehearsal.collisions.contains)
            + entries.filter { !rehearsal.collisions.contains($0) }
        var lines = ["", "Withheld, which no program on this host would see:"]
        for entry in sorted.prefix(Self.shown) {
            let name = printable(entry.name ?? entry.dn)
            lines.append("  \(entry.kind.rawValue) \(name): \(printable(entry.reason))")
        }
        let more = max(entries.count, rehearsal.withheld) - Self.shown
        if more > 0 {
            lines.append("  and \(number(more)) more (--json lists up to 10,000)")
        }
        return lines
    }

    private var ownWayLines: [String] {
        var lines = ["", "Your own way in:", "  root: \(way("root"))"]
        if let invokingUser { lines.append("  \(invokingUser): \(way(invokingUser))") }
        return lines
    }

    private func way(_ name: String) -> String {
        guard let decision = explanation(of: name) else {
            return "neither a local account nor in the directory; roster does not touch it"
        }
        if decision.local { return "a local account, which roster leaves to the others" }
        if decision.admitted { return "an account of the directory, admitted" }
        let words = decision.verdict.split(separator: "_").joined(separator: " ")
        return "an account of the directory, REFUSED: \(words)"
    }
}
