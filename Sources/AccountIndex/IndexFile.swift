// From a path to a mapping: what may be read at all.
internal import CLibc

/// A mapped index file, not owned by this value; whoever holds it unmaps it once.
@safe
struct MappedIndex {
    let view: IndexView
    let device: UInt64
    let inode: UInt64

    /// Gives the memory back; no view of it may be used again.
    func unmap() {
        _ = unsafe munmap(UnsafeMutableRawPointer(mutating: view.base), view.byteCount)
    }
}

/// The identity of a file.
struct FileIdentity: Equatable {
    var device: UInt64
    var inode: UInt64
}

/// Where an index file lies; the strings must live as long as the value.
@safe
public struct IndexPath: @unchecked Sendable {  // pointers to constant text
    let file: UnsafePointer<CChar>
    let stateDirectory: UnsafePointer<CChar>
    let part: IndexPart

    /// A place from its absolute path and the directory whose owner may own it beside root.
    ///
    /// Both are NUL-terminated and are borrowed for as long as the value is used.
    public init(
        file: UnsafePointer<CChar>, stateDirectory: UnsafePointer<CChar>, part: IndexPart
    ) {
        unsafe self.file = file
        unsafe self.stateDirectory = stateDirectory
        self.part = part
    }

    /// Opens, checks and maps the file; keeps no descriptor.
    ///
    /// Accepts only a regular file, not writable by group or others, owned by root or by the owner
    /// of the state directory. Never blocks on a FIFO. errno is left undefined.
    func map() throws(IndexFault) -> MappedIndex {
        let flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        let descriptor = unsafe roster_open(file, flags, 0)
        guard descriptor >= 0 else { throw IndexFault(code: roster_errno()) }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw IndexFault(code: roster_errno())
        }
        guard roster_is_regular(status.st_mode) != 0, status.st_mode & 0o022 == 0,
            status.st_uid == 0 || ownsState(status.st_uid)
        else { throw .untrusted }
        guard let byteCount = Int(exactly: status.st_size), byteCount >= IndexLayout.headerBytes,
            byteCount <= IndexLayout.maximumFileBytes
        else { throw .corrupt }
        let memory = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let memory = unsafe memory, Int(bitPattern: memory) != -1 else {
            throw IndexFault(code: roster_errno())
        }
        do throws(IndexFault) {
            return unsafe MappedIndex(
                view: try IndexView(base: memory, byteCount: byteCount, part: part),
                device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        } catch {
            _ = unsafe munmap(memory, byteCount)
            throw error
        }
    }

    /// The identity of the file that lies there now; `nil` if that cannot be said.
    func identity() -> FileIdentity? {
        var status = stat()
        guard unsafe fstatat(AT_FDCWD, file, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    private func ownsState(_ owner: uid_t) -> Bool {
        var status = stat()
        guard unsafe fstatat(AT_FDCWD, stateDirectory, &status, 0) == 0 else { return false }
        return status.st_uid == owner
    }
}
