// What `roster join --json` and `roster leave --json` print.
internal import DaemonProtocol
internal import RosterDaemon

/// Something that was done to the host, or could not be.
struct JoinStep: Codable, Equatable {
    /// What, with the path or the name.
    var what: String
    /// What else there is to say about it.
    var note: String?
}

/// What was found, what was shown, and what was done.
struct JoinReport: Encodable {
    /// Whether the host follows the directory now: the service runs and has caught up.
    var joined = false
    /// Whether it was about showing only.
    var dryRun = false
    /// The server, and what the bind identity sees.
    var directory: DirectorySurvey
    /// The configuration file.
    var configuration: String
    /// What changes in a configuration that was there before.
    var replaces: [String]?
    /// The rehearsal.
    var rehearsal: RehearsalReport
    /// What speaks against joining.
    var objections: [String]
    /// What was done, in this order.
    var done: [JoinStep] = []
    /// What remains for the administrator to do.
    var remaining: [String] = []
    /// The decision on the chosen person, when the service runs.
    var explain: ExplainReport?
}

/// What leaving did.
struct LeaveReport: Encodable {
    /// People whom this host knew by the directory, and groups.
    var people = 0
    var groups = 0
    /// What was done, in this order.
    var done: [JoinStep] = []
    /// What remains for the administrator to do.
    var remaining: [String] = []
}
