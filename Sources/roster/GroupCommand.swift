// roster group NAME
internal import ArgumentParser
internal import DaemonProtocol

/// One group.
struct GroupCommand: RosterSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "group", abstract: "Show one group of the directory.")

    @Argument(help: "The group's name.")
    var name: String

    @OptionGroup var shared: SharedOptions

    func outcome(in environment: CommandEnvironment) throws(CommandFailure) -> CommandOutcome {
        var remark: String?
        let found: GroupReport?
        if let reply = try environment.daemonIfRunning(.group(name: name)) {
            guard case .group(let report) = reply else { throw .otherReply }
            found = report
        } else {
            found = try environment.fromIndex(group)
            remark = "(rosterd cannot be reached; this is from the published index)"
        }
        guard let report = found else {
            throw CommandFailure(
                message: "the directory's published groups include no \(name)",
                remedy: "sudo roster check lists what is withheld, and why", status: .negative)
        }
        return CommandOutcome(
            text: groupText(report, environment.times), report: report,
            status: report.published ? .done : .negative, remark: remark)
    }

    private func group(in index: any PublicIndex) throws(PublicIndexError) -> GroupReport? {
        guard let (name, gid, members) = try index.group(named: name) else { return nil }
        return GroupReport(name: name, gid: gid, members: members)
    }
}

/// The report for people.
private func groupText(_ report: GroupReport, _ times: TimeText) -> String {
    var table = Table()
    table.add("group", report.name)
    table.add("gid", "\(report.gid)")
    table.add(
        "members",
        report.members.isEmpty
            ? "none" : "\(number(report.members.count)): \(report.members.joined(separator: ", "))")
    if let details = report.details {
        table.add("entry", details.dn)
        table.add("uuid", details.uuid)
        table.add("withheld", ifAny: details.withheld)
        table.add("held", ifAny: heldText(since: details.heldSince, times))
        for note in details.notes { table.add("note", note) }
    }
    return table.text
}
