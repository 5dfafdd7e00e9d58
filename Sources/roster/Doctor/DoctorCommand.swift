// roster doctor [USER]
internal import ArgumentParser

/// What keeps people of the directory from logging in, or endangers them.
struct DoctorCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Examine this host: what keeps people from logging in, and how to put it right.")

    @Argument(help: "A person to look at too; sshd's rules are then read for this name.")
    var name: String?

    @Flag(name: .long, help: "Also show what is in order.")
    var verbose = false

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        examine(environment.doctorHost())
    }

    /// Does all checks on a host.
    func examine(_ host: DoctorHost) -> CommandOutcome {
        // First: to ask rosterd for anything may start it, where systemd holds its socket.
        let units = checkUnits(host)
        var checks = [
            checkConfiguration(host), checkNameSwitch(host), checkCaches(host), checkPAM(host),
            checkSSHD(host, user: name), checkTLS(host), checkClock(host), checkFiles(host),
            checkIndex(host), checkMirror(host), units, checkProcesses(host),
        ]
        if let name { checks.append(checkUser(name, host)) }
        let report = DoctorReport(checks)
        return CommandOutcome(
            text: report.text(isVerbose: verbose), report: report,
            status: report.errors + report.warnings > 0 ? .negative : .done)
    }
}

/// What all checks have to say.
struct DoctorReport: Encodable, Equatable {
    /// How many findings are errors.
    let errors: Int
    /// How many are warnings.
    let warnings: Int
    /// How many are notes.
    let notes: Int
    /// Everything that was found.
    let findings: [Finding]
    /// What was looked at.
    let checks: [Check]

    /// One check that was done.
    struct Check: Encodable, Equatable {
        let area: DoctorArea
        let fine: [String]
        let unseen: [String]
    }

    /// The report of some checks.
    init(_ results: [CheckResult]) {
        let all = results.flatMap(\.findings)
        errors = all.count { $0.severity == .error }
        warnings = all.count { $0.severity == .warning }
        notes = all.count { $0.severity == .note }
        findings = all
        checks = results.map { Check(area: $0.area, fine: $0.fine, unseen: $0.unseen) }
    }

    /// For people: by area, the worst first, and what could not be seen.
    func text(isVerbose: Bool) -> String {
        var lines: [String] = []
        for check in checks {
            let found = Severity.allCases.flatMap { severity in
                findings.filter { $0.area == check.area && $0.severity == severity }
            }
            let fine = isVerbose ? check.fine : []
            if found.isEmpty, fine.isEmpty, check.unseen.isEmpty { continue }
            lines.append("\(check.area.heading)")
            for one in found {
                lines.append("  \(one.severity.rawValue): \(one.text) [\(one.id.rawValue)]")
                lines.append("    fix: \(one.fix)")
            }
            lines += fine.map { "  ok: \($0)" }
            lines += check.unseen.map { "  not seen: \($0)" }
        }
        lines.append(summary)
        return lines.joined(separator: "\n")
    }

    private var summary: String {
        let total = [
            count(errors, "error", "errors"), count(warnings, "warning", "warnings"),
            count(notes, "note", "notes"),
        ].joined(separator: ", ")
        return errors + warnings == 0 ? "Nothing is wrong: \(total)." : "Found: \(total)."
    }
}
