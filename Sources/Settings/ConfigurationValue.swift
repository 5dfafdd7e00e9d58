// The configuration file as plain values: the only file that knows the TOML library.

internal import TOMLKit

/// A TOML value of a type that some key takes; the rest is told by its name only.
enum ConfigurationValue: Equatable {
    case text(String)
    case integer(Int)
    case flag(Bool)
    case list([ConfigurationValue])
    case table([String: ConfigurationValue])
    /// A number with a fraction, a date, a time: no key takes them.
    case other(String)

    /// The type in words, for messages.
    var typeName: String {
        switch self {
        case .text: "a string"
        case .integer: "an integer"
        case .flag: "a boolean"
        case .list: "an array"
        case .table: "a table"
        case .other(let name): name
        }
    }

    /// Reads a whole document.
    ///
    /// What the TOML library would read wrongly is refused first: it takes the text as a C string,
    /// so that a NUL would silently end it, and cuts keys and values at an escaped NUL.
    static func document(
        _ bytes: [UInt8], path: String
    ) throws(SettingsError) -> [String: ConfigurationValue] {
        if let problem = textProblem(bytes) {
            let position = lineAndColumn(of: problem.offset, in: bytes)
            throw .syntax(
                path: path, line: position.line, column: position.column, problem: problem.text)
        }
        do {
            let table = try TOMLTable(string: String(decoding: bytes, as: UTF8.self))
            return values(of: table, depth: 0)
        } catch let error as TOMLParseError {
            let begin = error.source.begin
            throw .syntax(
                path: path, line: begin.line, column: begin.column, problem: error.description)
        } catch {
            throw .syntax(path: path, line: 1, column: 1, problem: "\(error)")
        }
    }

    /// Deeper tables and arrays than any key has are not looked into.
    private static let deepest = 6

    private static func values(of table: TOMLTable, depth: Int) -> [String: ConfigurationValue] {
        var values: [String: ConfigurationValue] = [:]
        for key in table.keys {
            guard let value = table[key]?.tomlValue else { continue }
            values[key] = converted(value, depth: depth)
        }
        return values
    }

    private static func converted(_ value: TOMLValue, depth: Int) -> ConfigurationValue {
        switch value.type {
        case .string: value.string.map(ConfigurationValue.text) ?? .other("an unreadable string")
        case .int: value.int.map(ConfigurationValue.integer) ?? .other("an unreadable integer")
        case .bool: value.bool.map(ConfigurationValue.flag) ?? .other("an unreadable boolean")
        case .array: array(value.array, depth: depth)
        case .table:
            .table(
                depth < deepest ? value.table.map { values(of: $0, depth: depth + 1) } ?? [:] : [:])
        case .double: .other("a number with a fraction")
        case .date, .time, .dateTime: .other("a date or time")
        }
    }

    private static func array(_ array: TOMLArray?, depth: Int) -> ConfigurationValue {
        guard let array, depth < deepest else { return .list([]) }
        return .list((0..<array.count).map { converted(array[$0].tomlValue, depth: depth + 1) })
    }

    /// The first octet that the library must not see, and why.
    private static func textProblem(_ bytes: [UInt8]) -> (offset: Int, text: String)? {
        if let offset = bytes.firstIndex(of: 0) {
            return (offset, "the file contains a NUL character")
        }
        let escapes = [#"\u0000"#, #"\U00000000"#].map { Array($0.utf8) }
        for offset in bytes.indices where bytes[offset] == UInt8(ascii: "\\") {
            if escapes.contains(where: { bytes[offset...].starts(with: $0) }) {
                return (offset, "an escaped NUL character is not allowed")
            }
        }
        if String(validating: bytes, as: UTF8.self) == nil {
            return (validPrefix(of: bytes), "the file is not valid UTF-8")
        }
        var scan = DocumentScan(bytes)
        return scan.problem()
    }

    /// How many octets at the beginning are valid UTF-8.
    private static func validPrefix(of bytes: [UInt8]) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var valid = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) {
            valid += UTF8.width(scalar)
        }
        return valid
    }

    private static func lineAndColumn(of offset: Int, in bytes: [UInt8]) -> (line: Int, column: Int)
    {
        let before = bytes[..<offset]
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return (line, offset - lineStart + 1)
    }
}
