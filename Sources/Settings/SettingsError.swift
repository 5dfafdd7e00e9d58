// What is wrong with a configuration, in words an administrator can act on.

/// Why there are no settings.
public enum SettingsError: Error, Equatable, Sendable {
    /// A file cannot be read or must not be used: its path, why, and what to do about it.
    case unusableFile(path: String, problem: String, remedy: String)
    /// The file is not TOML; line and column start at 1.
    case syntax(path: String, line: Int, column: Int, problem: String)
    /// The file is TOML but not a configuration; all problems at once, in the order of the key paths.
    case invalid(path: String, problems: [SettingsProblem])
}

/// One thing that is wrong with a configuration.
public struct SettingsProblem: Hashable, Sendable {
    /// The key path, such as `directory.uris`.
    public var key: String
    /// What is wrong.
    public var problem: String
    /// What to do about it.
    public var remedy: String

    /// A problem from its parts.
    public init(key: String, problem: String, remedy: String) {
        self.key = key
        self.problem = problem
        self.remedy = remedy
    }
}

extension SettingsProblem: CustomStringConvertible {
    /// One line: key path, what is wrong, what to do.
    public var description: String {
        "\(key): \(problem); \(remedy)"
    }
}

extension SettingsError: CustomStringConvertible {
    /// One line, or one line per problem; every line starts with the path of the file.
    public var description: String {
        switch self {
        case .unusableFile(let path, let problem, let remedy):
            "\(path): \(problem); \(remedy)"
        case .syntax(let path, let line, let column, let problem):
            "\(path):\(line):\(column): \(problem)"
        case .invalid(let path, let problems):
            problems.map { "\(path): \($0)" }.joined(separator: "\n")
        }
    }
}
