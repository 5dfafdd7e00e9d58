// roster user NAME
internal import Accounts
internal import ArgumentParser
internal import DaemonProtocol

/// One person.
struct UserCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Show one person of the directory.")

    @Argument(help: "The login name.")
    var name: String

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        var remark: String?
        let found: AccountReport?
        if let reply = try environment.daemonIfRunning(.user(name: name)) {
            guard case .user(let report) = reply else { throw .otherReply }
            found = report
        } else {
            found = try environment.fromIndex(account)
            remark = "(rosterd cannot be reached; this is from the published index)"
        }
        guard let report = found else {
            throw CommandFailure(
                message: "the directory's published people include no \(name)",
                remedy: "sudo roster check lists who is withheld, and why", status: .negative)
        }
        return CommandOutcome(
            text: accountText(report, environment.times), report: report,
            status: report.published ? .done : .negative, remark: remark)
    }

    private func account(in index: any PublicIndex) throws(PublicIndexError) -> AccountReport? {
        guard let (passwd, gids) = try index.person(named: name) else { return nil }
        var groups: [NamedID] = []
        for gid in [passwd.gid] + gids.filter({ $0 != passwd.gid }) {
            groups.append(NamedID(name: try index.groupName(gid: gid), id: gid))
        }
        return AccountReport(
            name: passwd.name, uid: passwd.uid, gid: passwd.gid, gecos: passwd.gecos,
            home: passwd.home, shell: passwd.shell, groups: groups)
    }
}

/// The report for people.
private func accountText(_ report: AccountReport, _ times: TimeText) -> String {
    var table = Table()
    table.add("user", report.name)
    table.add("uid", "\(report.uid)")
    let primary = report.groups.first { $0.id == report.gid }?.name
    table.add("gid", primary.map { "\(report.gid) (\($0))" } ?? "\(report.gid)")
    table.add("full name", ifAny: report.gecos.isEmpty ? nil : report.gecos)
    table.add("home", report.home)
    table.add("shell", report.shell)
    let groups = report.groups.filter { $0.id != report.gid }
    table.add(
        "groups",
        groups.isEmpty
            ? "none but the primary one"
            : groups.map { "\($0.name ?? "?") (\($0.id))" }.joined(separator: ", "))
    if let details = report.details {
        table.add("state", state(details, times))
        table.add("entry", details.dn)
        table.add("uuid", details.uuid)
        table.add("withheld", ifAny: details.withheld)
        table.add("held", ifAny: heldText(since: details.heldSince, times))
        for note in details.notes { table.add("note", note) }
    }
    return table.text
}

private func state(_ details: AccountReport.Details, _ times: TimeText) -> String {
    var parts: [String] = []
    if details.disabled { parts.append("disabled") }
    if let expires = details.expiresAt {
        parts.append("\(expires <= times.now ? "expired" : "expires") \(times.moment(expires))")
    }
    if details.mustChangePassword { parts.append("must change the password") }
    return parts.isEmpty ? "active" : parts.joined(separator: ", ")
}

/// That a removal is held, and what to do.
func heldText(since: Int64?, _ times: TimeText) -> String? {
    since.map {
        "gone from the directory since \(times.moment($0)); "
            + "roster sync --accept-removals removes it here too"
    }
}
