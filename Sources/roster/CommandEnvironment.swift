// Everything a subcommand touches outside itself, so that tests can stand in for it.
internal import DaemonProtocol
internal import Glibc

/// The world of a subcommand.
struct CommandEnvironment {
    /// Asks the daemon; calls the closure about twice a second while the answer is awaited.
    var ask: (ControlRequest, () -> Void) throws(DaemonError) -> ControlReply
    /// Opens the published index.
    var openIndex: () throws(PublicIndexError) -> any PublicIndex
    /// Whether there is a configuration file.
    var isConfigured: () -> Bool
    /// How times are written.
    var times: TimeText
    /// Milliseconds of a clock that only runs forward.
    var monotonicMilliseconds: () -> Int64
    /// Waits for so many milliseconds.
    var sleep: (Int) -> Void
    /// Whether progress can be drawn on standard error.
    var drawsProgress: Bool
    /// Writes to standard output; no newline is added.
    var write: (String) -> Void
    /// Writes to standard error; no newline is added.
    var writeError: (String) -> Void
    /// The host as `roster doctor` examines it.
    var doctorHost: () -> DoctorHost

    /// Writes a line, or lines, to standard output.
    func print(_ text: String) {
        write(text + "\n")
    }

    /// Writes a line, or lines, to standard error.
    func complain(_ text: String) {
        writeError(text + "\n")
    }
}

extension CommandEnvironment {
    /// The host's own.
    init(live paths: CommandPaths) {
        let client = DaemonClient(path: paths.runFolder + "/control.sock")
        let times = TimeText(now: Int64(time(nil)), offsetSeconds: localOffsetSeconds)
        self.init(
            ask: { (request, tick) throws(DaemonError) in try client.ask(request, tick: tick) },
            openIndex: { () throws(PublicIndexError) in
                try openPublicIndex(stateDirectory: paths.stateFolder)
            },
            isConfigured: { unsafe access(paths.configuration, F_OK) == 0 },
            times: times,
            monotonicMilliseconds: monotonicClockMilliseconds,
            sleep: { usleep(useconds_t($0) * 1000) },
            drawsProgress: isatty(STDERR_FILENO) == 1,
            write: { writeAll($0, to: STDOUT_FILENO) },
            writeError: { writeAll($0, to: STDERR_FILENO) },
            doctorHost: { DoctorHost(live: paths, times: times, asking: client) })
    }
}

/// Milliseconds of CLOCK_MONOTONIC.
func monotonicClockMilliseconds() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

/// How far the host's local time is ahead of UTC at a moment, in seconds.
private func localOffsetSeconds(_ moment: Int64) -> Int {
    var moment = time_t(moment)
    var parts = unsafe tm()
    guard unsafe localtime_r(&moment, &parts) != nil else { return 0 }
    return unsafe parts.tm_gmtoff
}

/// Writes all of `text`, or as much as the other end takes.
private func writeAll(_ text: String, to descriptor: CInt) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes {
            unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}

extension CommandEnvironment {
    /// What the daemon answers; its refusals and being away are failures.
    func daemon(
        _ request: ControlRequest, tick: () -> Void = {}
    ) throws(CommandFailure) -> ControlReply {
        let reply: ControlReply
        do throws(DaemonError) {
            reply = try ask(request, tick)
        } catch {
            throw unreachable(error)
        }
        if case .failure(let failure) = reply { throw CommandFailure(failure) }
        return reply
    }

    /// What the daemon answers, `nil` when it cannot be reached.
    func daemonIfRunning(_ request: ControlRequest) throws(CommandFailure) -> ControlReply? {
        do throws(CommandFailure) {
            return try daemon(request)
        } catch {
            if error.status == .unreachable { return nil }
            throw error
        }
    }

    /// Why the daemon is away and what to do about it.
    private func unreachable(_ error: DaemonError) -> CommandFailure {
        let remedy: String
        switch error {
        case .notRunning:
            remedy = startingRemedy
        case .noAnswer, .lost, .notUnderstood:
            remedy = "Its log says more: journalctl -u rosterd"
        }
        return CommandFailure(message: error.message, remedy: remedy, status: .unreachable)
    }

    /// What `read` finds in the published index, for when the daemon is away.
    func fromIndex<Answer>(
        _ read: (any PublicIndex) throws(PublicIndexError) -> Answer
    ) throws(CommandFailure) -> Answer {
        do throws(PublicIndexError) {
            return try read(openIndex())
        } catch {
            throw CommandFailure(
                message: "rosterd cannot be reached, and \(error.message)",
                remedy: startingRemedy, status: .unreachable)
        }
    }

    private var startingRemedy: String {
        isConfigured()
            ? "Start it: systemctl start rosterd; its log: journalctl -u rosterd"
            : "This host is not set up yet: roster join, or write /etc/roster/roster.toml, see roster(8)"
    }
}
