// How values from the directory, times and numbers are written for people.

/// How a character that must not reach a terminal is written.
enum CharacterEscape {
    /// `\x1b`, `\u{202e}`: for people.
    case text
    /// `\u001b`: inside a JSON string.
    case json
}

/// `text` with everything escaped that a terminal would obey instead of show.
///
/// That is C0, DEL, C1, and the characters that reorder or break lines (bidirectional controls,
/// U+2028, U+2029).
func printable(
    _ text: String, keepingNewlines: Bool = false, escape: CharacterEscape = .text
) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if !isUnprintable(scalar) || (keepingNewlines && scalar == "\n") {
            result.append(scalar)
            continue
        }
        let digits = String(scalar.value, radix: 16)
        let padding = { String(repeating: "0", count: max(0, $0 - digits.count)) + digits }
        switch escape {
        case .text where scalar.value < 0x100:
            result.append(contentsOf: "\\x\(padding(2))".unicodeScalars)
        case .text: result.append(contentsOf: "\\u{\(digits)}".unicodeScalars)
        case .json: result.append(contentsOf: "\\u\(padding(4))".unicodeScalars)
        }
    }
    return String(result)
}

private func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
}

/// Lines of labels and values, the values below each other.
struct Table {
    private var rows: [(label: String, value: String)] = []

    /// Adds a line; the value is made printable.
    mutating func add(_ label: String, _ value: String) {
        rows.append((label, printable(value)))
    }

    /// Adds a line unless the value is `nil`.
    mutating func add(_ label: String, ifAny value: String?) {
        if let value { add(label, value) }
    }

    /// The lines, without the last newline.
    var text: String {
        let width = rows.map(\.label.count).max() ?? 0
        return rows.map { row in
            row.label + String(repeating: " ", count: width - row.label.count + 2) + row.value
        }.joined(separator: "\n")
    }
}

/// A number with separators: `12,345`.
func number(_ value: some BinaryInteger) -> String {
    var digits = Array(String(value.magnitude))
    var place = digits.count - 3
    while place > 0 {
        digits.insert(",", at: place)
        place -= 3
    }
    return (value < 0 ? "-" : "") + String(digits)
}

/// A number and what it counts: `1 person`, `2 people`.
func count(_ value: some BinaryInteger, _ one: String, _ many: String) -> String {
    "\(number(value)) \(value == 1 ? one : many)"
}

/// A size: `512 octets`, `1.5 kB`, `20.0 MB`.
func size(_ octets: Int64) -> String {
    var value = Double(octets)
    for unit in ["octets", "kB", "MB", "GB"] {
        if value < 1000 || unit == "GB" {
            return unit == "octets" ? "\(octets) octets" : "\(tenths(value)) \(unit)"
        }
        value /= 1000
    }
    return "\(octets) octets"
}

/// A number with one decimal.
func tenths(_ value: Double) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "?" }
    let tenths = Int64((value * 10).rounded())
    return "\(tenths < 0 ? "-" : "")\(number(tenths.magnitude / 10)).\(tenths.magnitude % 10)"
}

/// How times are written: ISO 8601 in local time, and how long ago that is.
struct TimeText: Sendable {
    /// Seconds since the epoch.
    var now: Int64
    /// How far local time is ahead of UTC at a moment, in seconds.
    var offsetSeconds: @Sendable (Int64) -> Int

    /// `2026-11-21T09:08:30+01:00 (5 minutes ago)`.
    func moment(_ time: Int64) -> String {
        "\(iso(time)) (\(age(time)))"
    }

    /// `2026-11-21T09:08:30+01:00`.
    func iso(_ time: Int64) -> String {
        guard (0...253_402_300_799).contains(time) else { return "\(time) s since 1970" }
        let offset = offsetSeconds(time)
        let local = time + Int64(offset)
        let seconds = (local % 86400 + 86400) % 86400
        let days = (local - seconds) / 86400
        let date = Self.date(days: days)
        let zone =
            "\(offset < 0 ? "-" : "+")\(two(abs(offset) / 3600)):\(two(abs(offset) / 60 % 60))"
        let clock = "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        return "\(date)T\(clock)\(zone)"
    }

    /// `5 minutes ago`, `in 3 hours`, `now`.
    func age(_ time: Int64) -> String {
        let (difference, overflow) = now.subtractingReportingOverflow(time)
        if overflow { return "long ago or far ahead" }
        guard difference != 0 else { return "now" }
        let text = duration(difference.magnitude)
        return difference > 0 ? "\(text) ago" : "in \(text)"
    }

    /// `5 minutes`, in the largest unit of which there are two.
    func duration(_ seconds: UInt64) -> String {
        if seconds >= 2 * 86400 { return "\(number(seconds / 86400)) days" }
        if seconds >= 2 * 3600 { return "\(seconds / 3600) hours" }
        if seconds >= 2 * 60 { return "\(seconds / 60) minutes" }
        return count(seconds, "second", "seconds")
    }

    /// The civil date of a day since the epoch (Howard Hinnant's `civil_from_days`).
    private static func date(days: Int64) -> String {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        let padded = String(repeating: "0", count: max(0, 4 - "\(year)".count)) + "\(year)"
        return "\(padded)-\(two(civilMonth))-\(two(day))"
    }
}

/// A number in two digits.
private func two(_ value: some BinaryInteger) -> String {
    value < 10 ? "0\(value)" : "\(value)"
}
