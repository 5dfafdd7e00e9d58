// Who may read the gate part beside root: sshd's key helper, which runs as roster-keys.

internal import CLibc

/// The group of the users that may read the gate.
enum GateReaders {
    /// The gid of `roster-keys`, if this process is in that group and so may give files to it.
    ///
    /// Read from /etc/group itself: the daemon never resolves a name through its own module.
    static var groupID: UInt32? {
        guard let gid = localGroup(named: "roster-keys") else { return nil }
        var groups = [gid_t](repeating: 0, count: 1024)
        let count = unsafe getgroups(CInt(groups.count), &groups)
        let isMember = count > 0 && groups.prefix(Int(count)).contains(gid)
        return isMember || getegid() == gid || geteuid() == 0 ? gid : nil
    }

    private static func localGroup(named name: String) -> UInt32? {
        let descriptor = unsafe roster_open("/etc/group", O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else { break }
            contents += buffer[..<count]
        }
        for line in contents.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count > 2, fields[0].elementsEqual(name.utf8) else { continue }
            return UInt32(String(decoding: fields[2], as: UTF8.self))
        }
        return nil
    }
}
