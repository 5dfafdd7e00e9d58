// Reading small files whole, with what the permission rules need to know about them.

internal import Glibc

/// A file read whole, and its owner and mode at that moment.
struct FileContents {
    /// What it holds.
    var bytes: [UInt8]
    /// The owner's uid.
    var owner: UInt32
    /// The group's gid.
    var group: UInt32
    /// The permission bits.
    var mode: UInt32

    /// Reads a regular file of at most `limit` octets; throws the reason in words.
    ///
    /// Does not block on a FIFO.
    init(path: String, limit: Int) throws(SettingsError) {
        func failure(_ problem: String, _ remedy: String) -> SettingsError {
            .unusableFile(path: path, problem: problem, remedy: remedy)
        }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw failure("cannot be opened: \(Self.reason(errno))", "check the path and its mode")
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw failure("is not a regular file", "name a regular file")
        }
        owner = status.st_uid
        group = status.st_gid
        mode = status.st_mode & 0o7777
        bytes = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while bytes.count <= limit {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            guard count >= 0 else {
                throw failure("cannot be read: \(Self.reason(errno))", "check the disk")
            }
            if count == 0 { return }
            bytes.append(contentsOf: chunk[..<count])
        }
        throw failure("is larger than \(limit) octets", "check that it is the right file")
    }

    private static func reason(_ code: CInt) -> String {
        unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    }
}
