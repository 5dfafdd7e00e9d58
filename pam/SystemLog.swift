// One structured line per decision, for the system's log.
internal import Accounts
internal import CLibc
internal import CPAM
internal import DaemonProtocol

/// A line for the log, `roster: key=value key=value ...`, cut where its room ends.
///
/// What users or the network supplied is escaped: octets other than printable ASCII, spaces, quotes
/// and backslashes become `\xHH`, so that nobody can forge a field or a line.
@safe
struct LogLine: ~Copyable {
    private let memory: SecretOctets
    private var count = 0

    /// The longest line in octets, its NUL included.
    static let room = 1024

    /// A line with its beginning; `nil` without memory.
    init?() {
        guard let memory = SecretOctets(count: Self.room) else { return nil }
        self.memory = memory
        add("roster:")
    }

    /// The line, NUL-terminated; valid while the value lives.
    var text: UnsafePointer<CChar>? {
        unsafe memory.octets.baseAddress.map {
            unsafe UnsafePointer($0.assumingMemoryBound(to: CChar.self))
        }
    }

    /// Adds a field of our own making.
    mutating func add(_ key: StaticString, _ value: StaticString) {
        add(" ")
        add(key)
        add("=")
        add(value)
    }

    /// Adds a number.
    mutating func add(_ key: StaticString, number: Int) {
        add(" ")
        add(key)
        add("=")
        var divisor = 1
        while number / divisor >= 10 { divisor = divisor &* 10 }
        while divisor > 0 {
            add(octet: UInt8(truncatingIfNeeded: 0x30 + number / divisor % 10))
            divisor /= 10
        }
    }

    /// Adds a field from elsewhere, escaped.
    ///
    /// At most 256 octets are taken; an empty one becomes `-`.
    mutating func add(_ key: StaticString, foreign value: UnsafeRawBufferPointer) {
        add(" ")
        add(key)
        unsafe add(value.isEmpty ? "=-" : "=")
        for index in 0..<(value.count < 256 ? value.count : 256) {
            unsafe add(escaping: value[index])
        }
    }

    private mutating func add(escaping octet: UInt8) {
        let isPlain = octet > 0x20 && octet < 0x7f && octet != 0x22 && octet != 0x5c
        guard !isPlain else { return add(octet: octet) }
        add("\\x")
        add(octet: Self.digit(octet >> 4))
        add(octet: Self.digit(octet & 15))
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 &+ value : 0x57 &+ value
    }

    private mutating func add(_ text: StaticString) {
        let octets = unsafe octets(of: text)
        for index in 0..<octets.count { unsafe add(octet: octets[index]) }
    }

    private mutating func add(octet: UInt8) {
        guard count < Self.room - 1 else { return }
        unsafe memory.octets[count] = octet
        count += 1
    }
}

extension Phase {
    /// Logs a verdict on an account of ours: refusals as notices, the rest as information.
    ///
    /// `source` is the attribute, rule or place that decided; never a secret.
    func log(
        _ verdict: LoginVerdict, about name: UnsafeRawBufferPointer, source: UnsafeRawBufferPointer
    ) {
        write(verdict.logPriority) { line in
            unsafe line.add("user", foreign: name)
            unsafe line.add("service", foreign: service)
            unsafe line.add("rhost", foreign: remoteHost)
            line.add("verdict", verdict.word)
            unsafe line.add("source", foreign: source)
        }
    }

    /// Logs that something is not as it should be.
    func warn(_ what: StaticString, errno: CInt = 0) {
        write(LOG_WARNING) { line in
            unsafe line.add("service", foreign: service)
            line.add("warning", what)
            if errno > 0 { line.add("errno", number: Int(errno)) }
        }
    }

    /// Logs what a phase does or returns, with the option `debug` only.
    func debug(_ what: StaticString, code: CInt? = nil) {
        guard options.debug else { return }
        write(LOG_DEBUG) { line in
            unsafe line.add("service", foreign: service)
            line.add("debug", what)
            if let code { line.add("code", number: Int(code)) }
        }
    }

    /// Logs the first argument that means nothing here.
    func logUnknownOption() {
        guard let unknown = unsafe options.unknown else { return }
        write(LOG_WARNING) { line in
            line.add("warning", "unknown-option")
            unsafe line.add("option", foreign: octets(of: unknown, limit: 64))
        }
    }

    private func write(_ priority: CInt, _ fill: (inout LogLine) -> Void) {
        guard var line = LogLine() else { return }
        line.add("phase", kind.word)
        fill(&line)
        if let text = unsafe line.text { unsafe transaction.log(priority, text) }
    }
}
