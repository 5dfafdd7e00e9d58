// All that the checks see of the host: texts, states of files, outputs of programs. Tests write them.
internal import DaemonProtocol
internal import LDAPClient
internal import Settings

/// What reading a file gave.
enum FileText: Equatable, Sendable {
    /// All of it.
    case text(String)
    /// There is none.
    case absent
    /// It is there and cannot be read; why.
    case refused(String)

    /// The text; `nil` if there is none or it cannot be read.
    var text: String? {
        if case .text(let text) = self { return text }
        return nil
    }
}

/// What lstat(2) says of a file, as far as the checks ask.
struct FileState: Equatable, Sendable {
    /// What it is.
    enum Kind: Sendable {
        case file, folder, socket, link, other
    }

    /// What it is.
    var kind: Kind
    /// The owner's uid.
    var owner: UInt32
    /// The group's gid.
    var group: UInt32
    /// The permission bits.
    var mode: UInt32
}

/// What a program that was run left behind.
struct ProgramOutput: Equatable, Sendable {
    /// How it exited; -1 if it was killed, by the deadline for instance.
    var status: Int32
    /// What it wrote to standard output.
    var output: String
    /// What it wrote to standard error.
    var errors: String

    init(status: Int32, output: String, errors: String = "") {
        self.status = status
        self.output = output
        self.errors = errors
    }
}

/// An account of passwd(5) as the C library sees it.
struct KnownAccount: Equatable, Sendable {
    var name: String
    var uid: UInt32
    var home: String
    var shell: String
}

/// A process that runs on an older file of a module.
struct OldModuleProcess: Equatable, Sendable {
    var pid: Int32
    var name: String
    var file: String
}

/// The host as the checks see it.
struct DoctorHost {
    /// Where roster's own things are.
    var paths = CommandPaths()
    /// Whether everything can be seen.
    var isRoot = true
    /// The times of this run.
    var times: TimeText

    /// Reads a file.
    var read: (String) -> FileText
    /// Looks at a file without following a link at its end.
    var state: (String) -> FileState?
    /// The names in a folder; `nil` if it cannot be read.
    var list: (String) -> [String]?
    /// Runs a program with a deadline of ten seconds; `nil` if there is none of this name.
    var run: ([String]) -> ProgramOutput?
    /// The account of this name, local or not; `nil` if there is none.
    var account: (String) -> KnownAccount?
    /// The gid of the group of this name; `nil` if there is none.
    var group: (String) -> UInt32?
    /// The names of all groups of an account.
    var groupsOf: (String) -> [String]
    /// Asks the daemon.
    var ask: (ControlRequest) throws(DaemonError) -> ControlReply
    /// Looks at the index.
    var index: () -> IndexExamination
    /// Reads the configuration.
    var settings: () -> SettingsReading
    /// Looks at the certificates of a server; sends no credential.
    var examine: (DirectoryURI, Settings) -> ServerExamination
    /// Whether the kernel's clock is kept by a time service; `nil` if that cannot be said.
    var clockIsSynchronised: () -> Bool?
    /// The processes that map a module whose file was replaced; `nil` if that cannot be seen.
    var oldModules: () -> [OldModuleProcess]?
    /// Processes with this name that run.
    var runs: (String) -> Bool
}

/// What reading roster.toml gave.
enum SettingsReading {
    /// There is none.
    case absent
    /// It is in order.
    case settings(Settings)
    /// It cannot be used; a line for each problem.
    case invalid([String])
    /// This user may not read it.
    case refused
}

extension DoctorHost {
    /// The settings, if there are usable ones.
    var usableSettings: Settings? {
        if case .settings(let settings) = settings() { return settings }
        return nil
    }

    /// Whether there is a configuration file.
    var isJoined: Bool {
        if case .absent = settings() { return false }
        return true
    }

    /// The folders in which modules of the C library and of PAM lie, by multiarch convention.
    var libraryFolders: [String] {
        ["/usr/lib", "/lib"].flatMap { root in
            (list(root) ?? []).filter { $0.hasSuffix("-linux-gnu") }.sorted()
                .map { "\(root)/\($0)" } + [root, "\(root)64"]
        }
    }

    /// Where a file of the library folders lies; `nil` if it lies in none.
    func library(_ name: String) -> String? {
        libraryFolders.map { "\($0)/\(name)" }.first { state($0) != nil }
    }
}
