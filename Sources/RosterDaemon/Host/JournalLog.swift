// Log lines as journald(8) reads them from stderr: a priority in angle brackets, then one line.

internal import CLibc
public import Logging

/// Writes each message as one line on stderr, `<priority>message key=value …`.
///
/// The priority prefix of sd-daemon(3) is written only when stderr is not a terminal.
public struct JournalLog: LogHandler {
    /// Least severe level that is written.
    public var logLevel: Logger.Level = .info
    /// Values that every line carries.
    public var metadata: Logger.Metadata = [:]
    private let isTerminal = isatty(2) == 1

    /// A handler for stderr.
    public init() {}

    /// One value that every line carries.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        let values = metadata.merging(event.metadata ?? [:]) { $1 }
        let pairs = values.sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.quoted($0.value))" }
        let line = Self.oneLine(event.message.description) + pairs.joined() + "\n"
        let bytes = Array(((isTerminal ? "" : "<\(event.level.syslogPriority)>") + line).utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    }

    /// A value that may hold spaces or quotes, as one word.
    private static func quoted(_ value: Logger.Metadata.Value) -> String {
        let text = oneLine("\(value)")
        guard text.contains(where: { $0 == " " || $0 == "\"" }) else { return text }
        return "\"" + text.replacing("\"", with: "\\\"") + "\""
    }

    /// Text from a directory may hold anything: control characters become spaces.
    private static func oneLine(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}

extension Logger.Level {
    /// The priority of syslog(3).
    var syslogPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
