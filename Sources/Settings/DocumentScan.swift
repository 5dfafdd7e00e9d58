// Finds the slips in a TOML text that the TOML library does not report but aborts the process for.
//
// It asserts on a table header that begins with no key (`[.a]`), on a `}` where an array wants a
// value (`[1, }`), on dates and times cut short (`07:3`), and on blanks other than space and tab in such
// places. The scan knows strings, comments and brackets as the library does; where it sees any other
// error it stops, because the library stops there as well and says it better.

/// One pass over a TOML text.
struct DocumentScan {
    /// Where something is wrong, in octets, and what.
    typealias Problem = (offset: Int, text: String)

    private let bytes: [UInt8]
    private var offset = 0
    /// The brackets that are open: `[` or `{`.
    private var open: [UInt8] = []
    /// Whether only blanks were seen on this line.
    private var isLineStart = true

    /// A scan of valid UTF-8 without NUL.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    }

    /// The first problem; `nil`: the library can be asked.
    mutating func problem() -> Problem? {
        while let next = peek {
            switch next {
            case UInt8(ascii: "\n"):
                isLineStart = true
                offset += 1
                continue
            case UInt8(ascii: " "), UInt8(ascii: "\t"):
                offset += 1
                continue
            case UInt8(ascii: "\r"):
                guard peek(1) == UInt8(ascii: "\n") else { return here("a stray carriage return") }
                offset += 1
                continue
            case UInt8(ascii: "#"): skipComment()
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard skipString(next) else { return nil }
            case UInt8(ascii: "["):
                if let problem = bracket() { return problem }
            case UInt8(ascii: "{"):
                open.append(next)
                offset += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if let problem = closing(next) { return problem }
            default:
                if let problem = bareWord() { return problem }
            }
            isLineStart = false
        }
        return nil
    }

    /// A run of what is neither blank, quote nor bracket: a key, an equals sign, a number, a word.
    private mutating func bareWord() -> Problem? {
        let start = offset
        while let next = peek, !" \t\r\n#\"'[]{}=,".utf8.contains(next) {
            // A colon is part of a time.
            if next < 0x20 || next >= 0x7F || next == UInt8(ascii: ":") {
                return here("a character that belongs into quotes")
            }
            offset += 1
        }
        let word = bytes[start..<offset].lazy.filter { $0 != UInt8(ascii: "_") }
        let isYear = word.prefix(4).allSatisfy { (0x30...0x39).contains($0) }
        if isYear, word.dropFirst(4).first == UInt8(ascii: "-") {
            return (start, "a date, which no key takes")
        }
        if offset - start > Self.longestWord { return (start, "a word that is too long") }
        if offset == start { offset += 1 }
        return nil
    }

    /// Octets; no key and no number is as long, and the library looks ahead a limited way.
    private static let longestWord = 64

    /// An opening bracket: of an array, or of a header at the beginning of a line.
    private mutating func bracket() -> Problem? {
        let isHeader = isLineStart && open.isEmpty
        open.append(UInt8(ascii: "["))
        offset += 1
        guard isHeader else { return nil }
        skipBlanks()
        if peek == UInt8(ascii: "[") {
            open.append(UInt8(ascii: "["))
            offset += 1
            skipBlanks()
        }
        guard let next = peek else { return nil }
        let isKey =
            (0x61...0x7A).contains(next | 0x20) || (0x30...0x39).contains(next)
            || "\"'_-]".utf8.contains(next)
        return isKey ? nil : here("a bracket at the beginning of a line wants the name of a table")
    }

    private mutating func closing(_ bracket: UInt8) -> Problem? {
        let expected = bracket == UInt8(ascii: "]") ? UInt8(ascii: "[") : UInt8(ascii: "{")
        if let last = open.last, last != expected {
            return here("a closing bracket that does not match the opening one")
        }
        _ = open.popLast()
        offset += 1
        return nil
    }

    private mutating func skipBlanks() {
        while peek == UInt8(ascii: " ") || peek == UInt8(ascii: "\t") { offset += 1 }
    }

    private mutating func skipComment() {
        while let next = peek, next != UInt8(ascii: "\n") { offset += 1 }
    }

    /// Skips a string; `false` if it does not end.
    private mutating func skipString(_ quote: UInt8) -> Bool {
        offset += 1
        let isLong = peek == quote && peek(1) == quote
        if isLong {
            offset += 2
        } else if peek == quote {
            offset += 1
            return true
        }
        while let next = peek {
            switch next {
            case quote where !isLong:
                offset += 1
                return true
            case quote where peek(1) == quote && peek(2) == quote:
                offset += 3
                // Up to two quotes may stand before the three that end the string.
                for _ in 0..<2 where peek == quote { offset += 1 }
                return true
            case UInt8(ascii: "\\") where quote == UInt8(ascii: "\""): offset += 2
            case UInt8(ascii: "\n") where !isLong: return false
            default: offset += 1
            }
        }
        return false
    }

    private func here(_ text: String) -> Problem {
        (offset, text)
    }

    private var peek: UInt8? { peek(0) }

    private func peek(_ distance: Int) -> UInt8? {
        offset + distance < bytes.count ? bytes[offset + distance] : nil
    }
}
