// What a rehearsal found out: what joining the directory would do to this host.

public import DaemonProtocol

/// What the host would see and who could log in, had it joined the directory.
public struct RehearsalReport: Codable, Equatable, Sendable {
    /// The server that was read from.
    public var server: String
    /// How its changes are followed, and within which time they arrive, in one line.
    public var changes: String?
    /// How long the load took, in milliseconds.
    public var milliseconds: Int64 = 0
    /// People who would be published.
    public var people = 0
    /// Groups that would be published.
    public var groups = 0
    /// Memberships of these people in these groups, nested ones included.
    public var memberships = 0
    /// Entries that would be withheld; ``check`` lists 10,000 of them at most.
    public var withheld = 0
    /// What the daemon would find: what is withheld and why, and what rules suppose in vain.
    public var check = CheckReport()
    /// Those of the withheld entries whose name or number a local account or group has.
    public var collisions: [WithheldEntry] = []
    /// What the gate says about the people who would be published, through sshd: how many of each.
    public var verdicts: [String: Int] = [:]
    /// How many of them the gate admits.
    public var admitted = 0
    /// How many of those have a public key in the directory.
    public var admittedWithKey = 0
    /// The first of those who are admitted, by name.
    public var example: String?
    /// The decision on the people who were asked about; who is not here is unknown.
    public var explanations: [ExplainReport] = []

    /// A report about a load from `server`.
    public init(server: String) {
        self.server = server
    }
}

/// Why a rehearsal came to nothing.
public struct RehearsalFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong and what to do.
    public let description: String

    /// A failure in so many words.
    public init(_ description: String) {
        self.description = description
    }
}
