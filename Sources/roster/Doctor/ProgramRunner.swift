// Runs a program and takes what it writes, with a deadline and no shell.
internal import Glibc

/// Runs programs of the host.
struct ProgramRunner {
    /// How long a program may take, in milliseconds.
    var patience: Int64 = 10_000
    /// Octets; what a program writes beyond is dropped.
    var limit = 1 << 20

    /// Runs `arguments[0]`, an absolute path, with an empty standard input; blocks until it ended.
    ///
    /// `nil` if there is no such program or it cannot be started.
    func run(_ arguments: [String]) -> ProgramOutput? {
        guard let path = arguments.first, unsafe access(path, X_OK) == 0 else { return nil }
        var ends: (output: [CInt], errors: [CInt]) = ([-1, -1], [-1, -1])
        guard unsafe pipe(&ends.output) == 0 else { return nil }
        guard unsafe pipe(&ends.errors) == 0 else {
            ends.output.forEach { close($0) }
            return nil
        }
        // The command has one thread, so nothing is started between these two steps.
        for end in ends.output + ends.errors {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        let child = start(path, arguments, output: ends.output[1], errors: ends.errors[1])
        close(ends.output[1])
        close(ends.errors[1])
        defer {
            close(ends.output[0])
            close(ends.errors[0])
        }
        guard let child else { return nil }
        return collect(child, ends.output[0], ends.errors[0])
    }

    private func start(
        _ path: String, _ arguments: [String], output: CInt, errors: CInt
    ) -> pid_t? {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, 2)
        let environment = [
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0",
        ]
        var child: pid_t = 0
        let code = unsafe withTexts(arguments) { words in
            unsafe withTexts(environment) { variables in
                unsafe posix_spawn(&child, path, &actions, nil, words, variables)
            }
        }
        return code == 0 ? child : nil
    }

    private func collect(_ child: pid_t, _ output: CInt, _ errors: CInt) -> ProgramOutput {
        var texts: [CInt: [UInt8]] = [output: [], errors: []]
        var open: Set<CInt> = [output, errors]
        let deadline = monotonicClockMilliseconds() + patience
        while !open.isEmpty {
            let left = deadline - monotonicClockMilliseconds()
            guard left > 0 else {
                kill(child, SIGKILL)
                break
            }
            var waiting = open.sorted().map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            _ = unsafe poll(&waiting, nfds_t(waiting.count), CInt(clamping: left))
            for ready in waiting where ready.revents != 0 {
                var chunk = [UInt8](repeating: 0, count: 65536)
                let count = unsafe Glibc.read(ready.fd, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    open.remove(ready.fd)
                    continue
                }
                let room = limit - (texts[ready.fd]?.count ?? 0)
                texts[ready.fd, default: []] += chunk.prefix(min(count, max(0, room)))
            }
        }
        return ProgramOutput(
            status: exitStatus(of: child, deadline: deadline),
            output: String(decoding: texts[output] ?? [], as: UTF8.self),
            errors: String(decoding: texts[errors] ?? [], as: UTF8.self))
    }

    /// Waits for the end of the child, which is killed if the deadline passes first.
    private func exitStatus(of child: pid_t, deadline: Int64) -> Int32 {
        var status: CInt = 0
        while true {
            let ended = unsafe waitpid(child, &status, WNOHANG)
            if ended == child { break }
            if ended < 0, errno != EINTR { return -1 }
            if monotonicClockMilliseconds() > deadline { kill(child, SIGKILL) }
            usleep(2000)
        }
        // WIFEXITED and WEXITSTATUS are macros.
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    }
}

/// Calls `body` with the texts as C wants an argument list; they live as long as the call.
@unsafe
private func withTexts<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    var copies = unsafe texts.map { unsafe strdup($0) }
    unsafe copies.append(nil)
    defer { unsafe copies.forEach { unsafe free($0) } }
    return unsafe body(copies)
}
