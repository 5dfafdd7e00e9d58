// Which shells exist on this host: a person with another one could not log in, or worse.

internal import Glibc
internal import Synchronization

/// Answers whether a program is installed; each is looked for once.
///
/// What was found stays valid as long as this value lives: make new rules with a new one when shells
/// may have come or gone (/etc/shells changed).
public final class InstalledShells: Sendable {
    private let isInstalled: @Sendable (String) -> Bool
    private let known = Mutex<[String: Bool]>([:])

    /// Asks `isInstalled`, which gets absolute paths.
    public init(isInstalled: @escaping @Sendable (String) -> Bool) {
        self.isInstalled = isInstalled
    }

    /// These and no other.
    public convenience init(_ shells: Set<String>) {
        self.init { shells.contains($0) }
    }

    /// The executable files of this host.
    public static func ofThisHost() -> InstalledShells {
        InstalledShells { path in
            var status = stat()
            guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                return false
            }
            return status.st_mode & 0o111 != 0
        }
    }

    /// Whether `path` is the absolute path of an installed program.
    ///
    /// The directory chooses what is asked, so only so many answers are kept.
    func contains(_ path: String) -> Bool {
        guard path.utf8.first == UInt8(ascii: "/") else { return false }
        if let answer = known.withLock({ $0[path] }) { return answer }
        let answer = isInstalled(path)
        known.withLock { if $0.count < 1000 { $0[path] = answer } }
        return answer
    }
}
