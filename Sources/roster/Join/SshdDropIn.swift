// sshd's AuthorizedKeysCommand, as a file of sshd_config.d.
internal import Glibc

/// The file that makes sshd ask roster for public keys.
struct SshdDropIn {
    /// What keeps the file from being put in place, or that nothing does.
    enum Situation: Equatable {
        /// There is no sshd on this host.
        case noServer
        /// It is in place already.
        case inPlace
        /// Another command is configured: where, and what.
        case otherCommand(place: String, line: String)
        /// sshd_config does not read the folder.
        case notIncluded
        /// sshd refuses its configuration as it is now.
        case broken(String)
        /// It can be put in place.
        case free
    }

    static let text = """
        # Written by "roster join"; "roster leave" removes it. See roster-authorized-keys(8).
        AuthorizedKeysCommand /usr/lib/roster/authorized-keys %u
        AuthorizedKeysCommandUser roster-keys

        """

    let run: (_ program: String, _ arguments: [String]) -> JoinProgramResult
    var program = "/usr/sbin/sshd"
    var folder = "/etc/ssh"
    /// Without it sshd examines nothing; whoever starts sshd makes it, so while none runs it may be
    /// missing.
    var separationFolder = "/run/sshd"

    var path: String { folder + "/sshd_config.d/50-roster.conf" }

    /// How things are now.
    func situation() -> Situation {
        guard JoinFiles.exists(program) else { return .noServer }
        if JoinFiles.exists(path) {
            if JoinFiles.contents(path)?.elementsEqual(Self.text.utf8) ?? false { return .inPlace }
            return .otherCommand(place: path, line: "(somebody's own file, which stays as it is)")
        }
        if let (place, line) = otherCommand() { return .otherCommand(place: place, line: line) }
        unsafe mkdir(separationFolder, 0o755)
        let test = run(program, ["-t"])
        guard test.isFine else { return .broken(test.lastWords) }
        if let line = effectiveCommand() { return .otherCommand(place: "sshd -T", line: line) }
        return readsFolder ? .free : .notIncluded
    }

    /// Puts the file in place; takes it away again and throws if sshd does not accept it.
    func install() throws(CommandFailure) {
        try JoinFiles.write(Array(Self.text.utf8), to: path, .open)
        let test = run(program, ["-t"])
        guard !test.isFine else { return }
        try JoinFiles.remove(path)
        throw CommandFailure(
            message: "sshd does not accept \(path), which was removed again: \(test.lastWords)",
            remedy: "See roster-authorized-keys(8) for the two lines and what sshd asks of the "
                + "program, then run: roster join --sshd",
            status: .negative)
    }

    /// What sshd would run for a login that no Match block is about; `nil`: nothing, or ours.
    private func effectiveCommand() -> String? {
        let shown = run(program, ["-T"])
        guard shown.isFine else { return nil }
        return shown.output.split(separator: "\n").map(String.init).first { line in
            line.hasPrefix("authorizedkeyscommand ") && line != "authorizedkeyscommand none"
        }
    }

    /// A line that sets a command, Match blocks included, and the file that it is in.
    private func otherCommand() -> (place: String, line: String)? {
        for file in files {
            for line in lines(file) where Self.keyword(line) == "authorizedkeyscommand" {
                let value = line.split(whereSeparator: { " \t=\"".contains($0) }).dropFirst().first
                if value?.lowercased() != "none" { return (file, line) }
            }
        }
        return nil
    }

    private var readsFolder: Bool {
        lines(folder + "/sshd_config").contains { line in
            guard Self.keyword(line) == "include" else { return false }
            return line.split(whereSeparator: { " \t=\"".contains($0) }).dropFirst().contains {
                $0 == "\(folder)/sshd_config.d/*.conf" || $0 == "sshd_config.d/*.conf"
            }
        }
    }

    private var files: [String] {
        let dropIns = JoinFolder.names(folder + "/sshd_config.d").filter { $0.hasSuffix(".conf") }
        return [folder + "/sshd_config"] + dropIns.map { "\(folder)/sshd_config.d/\($0)" }
    }

    private func lines(_ file: String) -> [String] {
        let octets = JoinFiles.contents(file) ?? []
        return String(decoding: octets, as: UTF8.self).split(separator: "\n").map { line in
            String(line.drop { $0 == " " || $0 == "\t" })
        }.filter { !$0.hasPrefix("#") }
    }

    private static func keyword(_ line: String) -> String {
        line.prefix { !" \t=".contains($0) }.lowercased()
    }
}

extension SshdDropIn.Situation {
    /// What it means, a sentence without full stop.
    func inWords(_ path: String) -> String {
        switch self {
        case .noServer: "no sshd on this host"
        case .inPlace: "sshd asks roster for keys already (\(path))"
        case .otherCommand(let place, let line):
            "sshd has an AuthorizedKeysCommand already, which stays (\(place): \(line))"
        case .notIncluded:
            "sshd_config does not include sshd_config.d/*.conf: add the two lines of "
                + "roster-authorized-keys(8) to sshd_config itself"
        case .broken(let words):
            "sshd refuses its configuration as it is, so nothing is added (sshd -t: \(words))"
        case .free: "sshd can ask roster for keys (\(path))"
        }
    }
}
