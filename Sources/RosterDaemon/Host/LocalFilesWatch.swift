// /etc/passwd, /etc/group, /etc/subuid and /etc/subgid decide which directory names are withheld.

internal import CLibc

/// An inotify(7) watch on the folder of the local account files, owned by this value.
///
/// The folder is watched, not the files: useradd(8) and friends replace them by rename(2).
@safe final class LocalFilesWatch {
    /// Readable when something in the folder changed; −1 when watching is not possible.
    let descriptor: CInt
    private static let watched = ["passwd", "group", "subuid", "subgid"]

    /// Watches `folder` (normally `/etc`).
    init(folder: String) {
        descriptor = inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK))
        if descriptor >= 0 {
            unsafe inotify_add_watch(
                descriptor, folder, UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE))
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Takes what has happened so far; true when one of the account files was among it.
    func drain() -> Bool {
        var changed = false
        var buffer = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return changed }
            if Self.names(in: buffer[0..<count]).contains(where: { Self.watched.contains($0) }) {
                changed = true
            }
        }
    }

    /// The file names in a row of `struct inotify_event`: 16 octets, the last four the length of the
    /// NUL-padded name that follows.
    private static func names(in events: ArraySlice<UInt8>) -> [String] {
        var names: [String] = []
        var rest = events
        while rest.count >= 16 {
            let lengthField = rest.dropFirst(12).prefix(4)
            let length = lengthField.reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(16)
            names.append(String(decoding: rest.prefix(length).prefix { $0 != 0 }, as: UTF8.self))
            rest = rest.dropFirst(length)
        }
        return names
    }
}
