// Writing, moving and removing the few files that joining and leaving touch.
internal import CLibc
internal import Glibc

/// Files of this host.
enum JoinFiles {
    /// Who may read a file, and whose it is.
    struct Rights: Equatable {
        var mode: mode_t
        var group: gid_t = 0

        /// Everybody reads it.
        static let open = Rights(mode: 0o644)
        /// Root alone.
        static let secret = Rights(mode: 0o600)
    }

    /// What a file holds; `nil`: there is none, or it cannot be read.
    static func contents(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return read(descriptor, limit: limit)
    }

    /// Everything that comes out of a descriptor; `nil`: an error, or more than `limit` octets.
    static func read(_ descriptor: CInt, limit: Int) -> [UInt8]? {
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while octets.count <= limit {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return octets }
            octets += buffer[..<count]
        }
        return nil
    }

    /// Whether everybody may read a file and search the folders above it.
    static func isOpenToAll(_ path: String) -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & 0o004 != 0 else { return false }
        var folder = path[...]
        while let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
            folder = folder[..<slash]
            guard unsafe stat(String(folder), &status) == 0, status.st_mode & 0o001 != 0 else {
                return false
            }
        }
        return true
    }

    /// Whether there is anything under a path.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }

    /// Puts a file in place as a whole: nobody ever sees half of it, nor with other rights.
    static func write(
        _ octets: [UInt8], to path: String, _ rights: Rights
    ) throws(CommandFailure) {
        try makeFolder(of: path)
        let temporary = path + ".new"
        unsafe unlink(temporary)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open(temporary, flags, 0o600)
        guard descriptor >= 0 else { throw failure("cannot write", temporary) }
        defer { close(descriptor) }
        var rest = octets[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw discard(temporary, path) }
            rest = rest.dropFirst(count)
        }
        guard fchown(descriptor, 0, rights.group) == 0, fchmod(descriptor, rights.mode) == 0,
            fsync(descriptor) == 0, unsafe rename(temporary, path) == 0
        else { throw discard(temporary, path) }
    }

    /// Gives a file another name; an older file there is replaced.
    static func move(_ path: String, to other: String) throws(CommandFailure) {
        guard unsafe rename(path, other) == 0 else { throw failure("cannot rename", path) }
    }

    /// Removes a file; true if there was one.
    @discardableResult
    static func remove(_ path: String) throws(CommandFailure) -> Bool {
        if unsafe unlink(path) == 0 { return true }
        guard errno == ENOENT || errno == ENOTDIR else { throw failure("cannot remove", path) }
        return false
    }

    /// Gives a file to the owner of a folder; the file's group stays.
    static func giveToOwner(of folder: String, _ path: String) {
        var status = stat()
        guard unsafe lstat(folder, &status) == 0 else { return }
        unsafe lchown(path, status.st_uid, gid_t.max)
    }

    /// The gid of a local group; `nil`: there is none.
    static func localGroup(_ name: String, in file: String = "/etc/group") -> gid_t? {
        for line in (contents(file) ?? []).split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count > 2, fields[0].elementsEqual(name.utf8) else { continue }
            return gid_t(String(decoding: fields[2], as: UTF8.self))
        }
        return nil
    }

    /// The ids of a local user; `nil`: there is none.
    static func localUser(_ name: String, in file: String = "/etc/passwd") -> (
        uid: uid_t, gid: gid_t
    )? {
        for line in (contents(file) ?? []).split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count > 3, fields[0].elementsEqual(name.utf8),
                let uid = uid_t(String(decoding: fields[2], as: UTF8.self)),
                let gid = gid_t(String(decoding: fields[3], as: UTF8.self))
            else { continue }
            return (uid, gid)
        }
        return nil
    }

    /// The folders above a file, as far as they are missing, open to everybody.
    private static func makeFolder(of path: String) throws(CommandFailure) {
        var folder = ""
        for part in path.split(separator: "/").dropLast() {
            folder += "/\(part)"
            if unsafe mkdir(folder, 0o755) == 0 {
                unsafe chmod(folder, 0o755)
            } else if errno != EEXIST {
                throw failure("cannot make", folder)
            }
        }
    }

    private static func discard(_ temporary: String, _ path: String) -> CommandFailure {
        let failure = failure("cannot write", path)
        unsafe unlink(temporary)
        return failure
    }

    private static func failure(_ verb: String, _ path: String) -> CommandFailure {
        CommandFailure(
            message: "\(verb) \(path): \(unsafe String(cString: strerror(errno)))",
            remedy: "Check that the file system is writable and not full", status: .negative)
    }
}
