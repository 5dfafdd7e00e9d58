// Programs for tests, started with a clean signal mask (a test runs on a thread that blocks signals,
// and a server that inherits the mask never sees SIGTERM).

internal import Foundation
internal import Glibc

/// What a program said and how it ended.
public struct ProgramResult: Sendable {
    /// Its exit status; 128 plus the signal that ended it.
    public let status: Int32
    /// What it wrote, standard output and standard error together.
    public let output: String
}

/// A program that could not be run or failed.
public struct ProgramFailure: Error, CustomStringConvertible {
    /// What happened.
    public let description: String

    /// A failure in so many words.
    public init(description: String) {
        self.description = description
    }
}

/// Runs a program to its end with `input` on its standard input.
@discardableResult
public func run(
    _ program: String, _ arguments: [String], input: String = "", mayFail: Bool = false
) throws -> ProgramResult {
    let stdin = namelessFile()
    let output = namelessFile()
    defer {
        close(stdin)
        close(output)
    }
    let octets = Array(input.utf8)
    guard unsafe write(stdin, octets, octets.count) == octets.count, lseek(stdin, 0, SEEK_SET) == 0
    else { throw ProgramFailure(description: "\(program): no memory for its input") }
    let child = try ChildProcess(program, arguments, input: stdin, output: output)
    child.wait()
    let size = Int(lseek(output, 0, SEEK_END))
    let text = unsafe String(unsafeUninitializedCapacity: size) { buffer in
        unsafe max(0, pread(output, buffer.baseAddress, size, 0))
    }
    guard mayFail || child.status == 0 else {
        let line = ([program] + arguments).joined(separator: " ")
        throw ProgramFailure(description: "\(line): \(child.status ?? -1)\n\(text)")
    }
    return ProgramResult(status: child.status ?? -1, output: text)
}

/// A file without a name, for input and output of any length.
private func namelessFile() -> Int32 {
    var template = Array("/tmp/roster-test-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&template)
    _ = unsafe unlink(template)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return descriptor
}

/// A program that runs beside the test.
public final class ChildProcess {
    /// Its process id; only valid until it was waited for.
    public let pid: Int32
    /// How it ended; `nil` while it has not been waited for.
    public private(set) var status: Int32?

    /// Starts a program; -1 stands for /dev/null.
    public init(
        _ program: String, _ arguments: [String], input: Int32 = -1, output: Int32 = -1
    ) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in [(0, input), (1, output), (2, output)] {
            if descriptor >= 0 {
                unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
            } else {
                unsafe posix_spawn_file_actions_addopen(
                    &actions, Int32(number), "/dev/null", O_RDWR, 0)
            }
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { _ = unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let words = ["env", program] + arguments
        var argv: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
        unsafe argv.append(nil)
        defer { unsafe argv.forEach { unsafe free($0) } }
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        var environment: [UnsafeMutablePointer<CChar>?] = unsafe [
            strdup(path), strdup("LDAPNOINIT=1"), nil,
        ]
        defer { unsafe environment.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let error = unsafe posix_spawn(
            &pid, "/usr/bin/env", &actions, &attributes, &argv, &environment)
        guard error == 0 else {
            throw ProgramFailure(description: "\(program): cannot be started (\(error))")
        }
        self.pid = pid
    }

    deinit {
        signal(SIGKILL)
        wait()
    }

    /// Sends a signal unless the program was waited for.
    public func signal(_ number: Int32) {
        if status == nil { kill(pid, number) }
    }

    /// Stops the program and returns when each of its threads is stopped.
    public func freeze() throws {
        signal(SIGSTOP)
        for _ in 0..<5000 {
            if try isStopped() { return }
            usleep(1000)
        }
        throw ProgramFailure(description: "process \(pid) does not stop")
    }

    /// Whether all threads are in the state T of proc(5).
    private func isStopped() throws -> Bool {
        let tasks = "/proc/\(pid)/task"
        for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
            let line = try String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8)
            // The name may hold anything; the state follows its closing parenthesis.
            guard let end = line.lastIndex(of: ")"),
                line[end...].dropFirst(2).first == "T"
            else { return false }
        }
        return true
    }

    /// Waits for the end.
    public func wait() {
        collect(0)
    }

    /// Whether the program has ended.
    public var hasEnded: Bool {
        collect(WNOHANG)
        return status != nil
    }

    private func collect(_ options: Int32) {
        guard status == nil else { return }
        var code: Int32 = 0
        guard unsafe waitpid(pid, &code, options) == pid else { return }
        status = code & 0x7F == 0 ? (code >> 8) & 0xFF : 128 + (code & 0x7F)
    }
}

/// Ends a process, and removes its folder, when this one goes without having done so itself.
final class Watchdog {
    private let leash: Int32
    private let dog: ChildProcess

    init(over pid: pid_t, named name: String, folder: String) throws {
        var ends: [Int32] = [-1, -1]
        // Closed on exec from the start: another program that inherits the leash would hold it.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw ProgramFailure(description: "no leash for the watchdog")
        }
        leash = ends[1]
        defer { close(ends[0]) }
        let script = """
            read line
            [ "$(cat /proc/\(pid)/comm)" = \(name) ] && kill -9 \(pid)
            rm -rf '\(folder)'
            """
        dog = try ChildProcess("sh", ["-c", script], input: ends[0])
    }

    deinit {
        dog.signal(SIGKILL)
        dog.wait()
        close(leash)
    }
}
