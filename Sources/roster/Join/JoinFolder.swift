// Folders: the throw-away one of a rehearsal, and those that are emptied.
internal import Dispatch
internal import FoundationEssentials
internal import Glibc

/// What is in a folder, and emptying it.
enum JoinFolder {
    /// The names in a folder, in order; none if it cannot be read.
    static func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    /// Removes everything in a folder, by unlinking: a mapped file is never truncated.
    static func empty(_ path: String) throws(CommandFailure) {
        for name in names(path) {
            do {
                try FileManager.default.removeItem(atPath: "\(path)/\(name)")
            } catch {
                throw CommandFailure(
                    message: "cannot remove \(path)/\(name): \(error)",
                    remedy: "Is rosterd still running? systemctl stop rosterd, then try again",
                    status: .negative)
            }
        }
    }
}

/// A folder that nobody else can look into and that goes with the command, also when a signal ends
/// it: what a rehearsal loads, and the password, are in it.
final class ThrowAwayFolder {
    let path: String
    private var sources: [any DispatchSourceSignal] = []
    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// Makes one; throws where there is no room for it.
    init() throws(CommandFailure) {
        var template = Array("/var/tmp/roster-join-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw CommandFailure(
                message:
                    "cannot make a folder in /var/tmp: \(unsafe String(cString: strerror(errno)))",
                remedy: "Make room there: a rehearsal keeps its copy of the directory in it",
                status: .negative)
        }
        let made = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = made
        for number in Self.signals {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                Self.remove(made)
                JoinTerminal.setEcho(true)
                _exit(128 + number)
            }
            source.resume()
            sources.append(source)
        }
    }

    deinit {
        for source in sources { source.cancel() }
        for number in Self.signals { signal(number, SIG_DFL) }
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        try? FileManager.default.removeItem(atPath: path)
    }
}
