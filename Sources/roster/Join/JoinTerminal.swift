// Questions on the terminal.
internal import Glibc

/// Asks a person at a terminal; everything is shown on standard error.
struct JoinTerminal {
    /// Shows a question and reads a line; `nil`: there is no more input, or the person gave up.
    var ask: (_ question: String) -> String?
    /// The same without showing what is typed.
    var askSecret: (_ question: String) -> [UInt8]?

    /// The terminal of this process; `nil`: there is none.
    static var ofProcess: JoinTerminal? {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return nil }
        return JoinTerminal(
            ask: { question in
                show(question)
                return readLine(from: STDIN_FILENO).map { String(decoding: $0, as: UTF8.self) }
            },
            askSecret: { question in
                show(question)
                defer { show("\n") }
                return withoutEcho { readLine(from: STDIN_FILENO) }
            })
    }

    /// Whether a person says yes; anything but `y` and `yes` means no.
    func confirms(_ question: String) -> Bool {
        let answer = ask("\(question) [y/N] ")?.lowercased()
        return answer == "y" || answer == "yes"
    }

    private static func show(_ text: String) {
        let octets = Array(text.utf8)
        _ = unsafe octets.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Octets up to a newline, without it; `nil` at the end of input.
    private static func readLine(from descriptor: CInt) -> [UInt8]? {
        var line: [UInt8] = []
        while line.count < 65536 {
            var octet: UInt8 = 0
            let count = unsafe read(descriptor, &octet, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if octet == UInt8(ascii: "\n") { return line }
            line.append(octet)
        }
        return nil
    }

    /// Runs `body` while what is typed is not shown.
    private static func withoutEcho<Result>(_ body: () -> Result) -> Result {
        setEcho(false)
        defer { setEcho(true) }
        return body()
    }

    /// Lets the terminal show what is typed, or not; does nothing where there is no terminal.
    static func setEcho(_ isOn: Bool) {
        var mode = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &mode) == 0 else { return }
        if isOn { mode.c_lflag |= tcflag_t(ECHO) } else { mode.c_lflag &= ~tcflag_t(ECHO) }
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode)
    }
}
