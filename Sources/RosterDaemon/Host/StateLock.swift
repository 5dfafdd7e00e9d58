// One daemon per state directory.

internal import CLibc

/// Why the state directory cannot be used.
public struct StateDirectoryError: Error, CustomStringConvertible {
    /// What is wrong and what to do.
    public let description: String
}

/// An flock(2) on the state directory, held until this value goes or the process ends.
@safe struct StateLock: ~Copyable {
    private let descriptor: CInt

    /// Makes the state directory's folders where they are missing, and takes the lock.
    ///
    /// `index/` is open to every reader, `store/` to nobody else.
    init(stateDirectory: String) throws(StateDirectoryError) {
        try Self.makeFolders(in: stateDirectory)
        let path = stateDirectory + "/lock"
        let descriptor = unsafe roster_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure("cannot open \(path)", roster_errno()) }
        guard Self.takeLock(descriptor) else {
            let owner = Self.owner(of: descriptor)
            close(descriptor)
            throw StateDirectoryError(
                description:
                    "another rosterd (pid \(owner)) already uses \(stateDirectory); stop it "
                    + "first (systemctl stop rosterd) or give this one another --state-dir")
        }
        self.descriptor = descriptor
        Self.write(pid: getpid(), to: descriptor)
    }

    deinit { close(descriptor) }

    /// Makes the state directory and its folders where they are missing.
    static func makeFolders(in stateDirectory: String) throws(StateDirectoryError) {
        let folders: [(String, mode_t)] = [("", 0o755), ("/index", 0o755), ("/store", 0o700)]
        for (folder, mode) in folders {
            let path = stateDirectory + folder
            if unsafe mkdir(path, mode) == 0 {
                unsafe chmod(path, mode)  // whatever the umask says
                continue
            }
            guard roster_errno() == EEXIST else {
                throw failure("cannot make \(path)", roster_errno())
            }
        }
    }

    /// Tries for two seconds: a daemon that was just killed holds its lock until the kernel has taken
    /// it apart.
    private static func takeLock(_ descriptor: CInt) -> Bool {
        for _ in 0..<40 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(50_000)
        }
        return false
    }

    private static func failure(_ step: String, _ code: CInt) -> StateDirectoryError {
        let reason = unsafe String(cString: strerror(code))
        return StateDirectoryError(
            description: "\(step): \(reason); the folder must belong to the user rosterd runs as")
    }

    private static func owner(of descriptor: CInt) -> String {
        var text = [UInt8](repeating: 0, count: 32)
        let count = unsafe text.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
        }
        return count > 0 ? String(decoding: text.prefix(count), as: UTF8.self) : "unknown"
    }

    private static func write(pid: pid_t, to descriptor: CInt) {
        let text = Array(String(pid).utf8)
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }
}
