// The host itself, as the checks see it.
internal import CLibc
internal import DaemonProtocol
internal import Glibc
internal import LDAPClient
internal import Settings

extension DoctorHost {
    /// This host; configuration and index are read once, when they are first asked for.
    init(live paths: CommandPaths, times: TimeText, asking client: DaemonClient) {
        let memory = LiveMemory(paths)
        self.init(
            paths: paths, isRoot: geteuid() == 0, times: times, read: readText,
            state: fileState, list: namesInFolder, run: { ProgramRunner().run($0) },
            account: knownAccount, group: knownGroup, groupsOf: groupsOfAccount,
            ask: { request throws(DaemonError) in try memory.ask(request, client) },
            index: { memory.index }, settings: { memory.settings },
            examine: examineServer, clockIsSynchronised: kernelClockIsSynchronised,
            oldModules: processesWithOldModules, runs: isRunning)
    }
}

/// What is read once.
private final class LiveMemory {
    private let paths: CommandPaths
    private(set) lazy var index = IndexExamination.of(directory: paths.stateFolder + "/index")
    private(set) lazy var settings = readSettings(paths.configuration)

    private var daemonFault: DaemonError?

    init(_ paths: CommandPaths) {
        self.paths = paths
    }

    /// Asks the daemon; one that did not answer is not waited for again.
    func ask(_ request: ControlRequest, _ client: DaemonClient) throws(DaemonError) -> ControlReply
    {
        if let daemonFault { throw daemonFault }
        do throws(DaemonError) {
            return try client.ask(request) {}
        } catch {
            daemonFault = error
            throw error
        }
    }
}

private func readSettings(_ path: String) -> SettingsReading {
    guard unsafe access(path, F_OK) == 0 else { return errno == ENOENT ? .absent : .refused }
    guard unsafe access(path, R_OK) == 0 else { return .refused }
    do throws(SettingsError) {
        return .settings(try Settings.load(path: path))
    } catch {
        return .invalid("\(error)".split(separator: "\n").map { String($0) })
    }
}

/// Reads a file of at most 4 MB; never waits for a FIFO.
private func readText(_ path: String) -> FileText {
    let descriptor = unsafe roster_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0)
    guard descriptor >= 0 else {
        return errno == ENOENT ? .absent : .refused(unsafe String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var octets: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while octets.count < 4 << 20 {
        let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return .refused(unsafe String(cString: strerror(errno))) }
        guard count > 0 else { break }
        octets += chunk.prefix(count)
    }
    return .text(String(decoding: octets, as: UTF8.self))
}

private func fileState(_ path: String) -> FileState? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    let kind: FileState.Kind =
        switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFSOCK: .socket
        case S_IFLNK: .link
        default: .other
        }
    return FileState(
        kind: kind, owner: status.st_uid, group: status.st_gid, mode: status.st_mode & 0o7777)
}

private func namesInFolder(_ path: String) -> [String]? {
    guard let folder = unsafe opendir(path) else { return nil }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { octets in
            unsafe String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

/// getpwnam(3); the command has one thread.
private func knownAccount(_ name: String) -> KnownAccount? {
    guard let found = unsafe getpwnam(name) else { return nil }
    func text(_ field: UnsafeMutablePointer<CChar>?) -> String {
        unsafe field.map { unsafe String(cString: $0) } ?? ""
    }
    return unsafe KnownAccount(
        name: text(found.pointee.pw_name), uid: found.pointee.pw_uid,
        home: text(found.pointee.pw_dir), shell: text(found.pointee.pw_shell))
}

/// getgrouplist(3), as sshd asks; at most 65,536 groups.
private func groupsOfAccount(_ name: String) -> [String] {
    guard let found = unsafe getpwnam(name) else { return [] }
    var count: CInt = 65536
    var gids = [gid_t](repeating: 0, count: Int(count))
    let primary = unsafe found.pointee.pw_gid
    guard unsafe getgrouplist(name, primary, &gids, &count) >= 0 else { return [] }
    return gids.prefix(Int(count)).compactMap { gid in
        guard let group = unsafe getgrgid(gid), let text = unsafe group.pointee.gr_name else {
            return nil
        }
        return unsafe String(cString: text)
    }
}

private func knownGroup(_ name: String) -> UInt32? {
    unsafe getgrnam(name)?.pointee.gr_gid
}

/// Blocks at most five seconds, name resolution excepted.
private func examineServer(_ uri: DirectoryURI, _ settings: Settings) -> ServerExamination {
    let policy: TLSPolicy =
        switch uri.tls {
        case .ldaps: .ldaps
        case .startTLS: .startTLS
        case .off: .off
        }
    let options = LDAPConnectOptions(
        uri: uri.text, tls: policy, caFile: settings.directory.caFile,
        networkTimeout: min(settings.directory.networkTimeout, .seconds(5)))
    guard let address = LDAPServerAddress(uri.text) else {
        return ServerExamination(outcome: .unreachable, problem: "\(uri.text) cannot be read")
    }
    return ServerExamination.of(address, options)
}

/// adjtimex(2), which anybody may ask.
private func kernelClockIsSynchronised() -> Bool? {
    var state = timex()
    let answer = unsafe adjtimex(&state)
    guard answer >= 0 else { return nil }
    // TIME_ERROR: the clock is not synchronised.
    return answer != 5
}

private func processNumbers() -> [Int32] {
    (namesInFolder("/proc") ?? []).compactMap { Int32($0) }.sorted()
}

private func processName(_ pid: Int32) -> String {
    (readText("/proc/\(pid)/comm").text ?? "").filter { !$0.isNewline }
}

private func isRunning(_ name: String) -> Bool {
    processNumbers().contains { processName($0) == name }
}

/// Processes of which this user may see the mappings.
private func processesWithOldModules() -> [OldModuleProcess]? {
    processNumbers().flatMap { pid in
        oldModules(inMaps: readText("/proc/\(pid)/maps").text ?? "").map {
            OldModuleProcess(pid: pid, name: processName(pid), file: $0)
        }
    }
}
