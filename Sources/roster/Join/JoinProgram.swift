// Running the system's own programs: sshd, systemctl.
internal import Glibc

/// What became of a program.
struct JoinProgramResult: Equatable {
    /// Its exit status; 127 when it could not be run, 128 and more when a signal ended it.
    var status: CInt
    /// What it wrote on standard output and standard error, carriage returns left out.
    var output: String

    var isFine: Bool { status == 0 }

    /// The end of what it wrote, in one line.
    var lastWords: String {
        let lines = output.split(separator: "\n").suffix(3)
        return lines.isEmpty ? "exit status \(status)" : lines.joined(separator: "; ")
    }
}

/// Runs a program by its absolute path, without input; blocks until it has ended.
func runJoinProgram(_ path: String, _ arguments: [String]) -> JoinProgramResult {
    var ends: [CInt] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return JoinProgramResult(status: 127, output: "no pipe") }
    let (reading, writing) = (ends[0], ends[1])
    // Only the program's own output may keep the pipe open.
    _ = fcntl(reading, F_SETFD, FD_CLOEXEC)
    _ = fcntl(writing, F_SETFD, FD_CLOEXEC)
    defer { close(reading) }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, writing, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, writing, 2)
    let words = unsafe copied([path] + arguments)
    let variables = unsafe copied(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"])
    defer {
        unsafe release(words)
        unsafe release(variables)
    }
    var child: pid_t = 0
    let code = unsafe posix_spawn(&child, path, &actions, nil, words, variables)
    close(writing)
    guard code == 0 else {
        let reason = unsafe String(cString: strerror(code))
        return JoinProgramResult(status: 127, output: "\(path): \(reason)")
    }
    let output = JoinFiles.read(reading, limit: 1 << 20) ?? []
    var status: CInt = 0
    while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
    let ended = status & 0x7F
    return JoinProgramResult(
        status: ended == 0 ? (status >> 8) & 0xFF : 128 + ended,
        output: String(decoding: output.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self))
}

/// Copies of some texts as exec(3) wants them, ended by a null pointer.
private func copied(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
    var result: [UnsafeMutablePointer<CChar>?] = unsafe []
    for text in texts { unsafe result.append(strdup(text)) }
    unsafe result.append(nil)
    return unsafe result
}

private func release(_ copies: [UnsafeMutablePointer<CChar>?]) {
    for index in unsafe copies.indices { unsafe free(copies[index]) }
}
