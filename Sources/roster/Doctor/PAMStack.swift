// The files of /etc/pam.d as libpam reads them: lines, includes and substacks.

/// What a stack of PAM is asked for.
enum PAMKind: String, CaseIterable, Sendable {
    case auth, account, password, session
}

/// One line of a stack.
struct PAMLine: Equatable, Sendable {
    /// What stands in the line.
    enum Content: Equatable, Sendable {
        /// A module with its arguments.
        case module(String, [String])
        /// What libpam cannot use and takes for a refusal.
        case nothing
        /// What libpam takes for a module that is not there.
        case missing
        /// The place where a substack begins.
        case substack
    }

    var kind: PAMKind
    var content: Content
    var control: PAMControl
    /// How many substacks deep.
    var level: Int
    /// File and line, for people.
    var source: String
    /// What is wrong with the line; `nil`: nothing.
    var fault: String?
    /// Whether the whole service is refused because of it.
    var spoilsService = false

    /// The file name of the module: `pam_unix.so`; `nil` if there is none.
    var module: String? {
        guard case .module(let path, _) = content else { return nil }
        return path.split(separator: "/").last.map { String($0) }
    }

    /// The arguments of the module.
    var arguments: [String] {
        guard case .module(_, let arguments) = content else { return [] }
        return arguments
    }
}

/// Reads stacks.
struct PAMReader {
    /// libpam gives up at this depth.
    static let deepest = 16
    /// Where files are looked for, in this order.
    static let folders = ["/etc/pam.d", "/usr/lib/pam.d"]

    /// The text of a service's or included file; `nil` if there is none.
    let file: (String) -> String?
    private let memory = Memory()

    /// What was read already.
    private final class Memory {
        var stacks: [String: [PAMLine]] = [:]
    }

    init(_ host: DoctorHost) {
        self.init { name in
            let paths = name.hasPrefix("/") ? [name] : Self.folders.map { "\($0)/\(name)" }
            return paths.lazy.compactMap { host.read($0).text }.first
        }
    }

    init(file: @escaping (String) -> String?) {
        self.file = file
    }

    /// Whether the service has a file of its own.
    func hasFile(_ service: String) -> Bool {
        file(service) != nil
    }

    /// The lines that libpam walks through for a service, those of `other` if it has none.
    ///
    /// Read once; the reader goes on with what it has seen.
    func stack(_ service: String, _ kind: PAMKind) -> [PAMLine] {
        let key = "\(kind.rawValue) \(service)"
        if let known = memory.stacks[key] { return known }
        let read = readStack(service, kind)
        memory.stacks[key] = read
        return read
    }

    private func readStack(_ service: String, _ kind: PAMKind) -> [PAMLine] {
        let own = lines(of: service, only: nil, depth: 0, level: 0) ?? []
        if let spoiler = own.first(where: \.spoilsService) { return [spoiler] }
        let mine = own.filter { $0.kind == kind }
        if !mine.isEmpty { return mine }
        return (lines(of: "other", only: nil, depth: 0, level: 0) ?? []).filter { $0.kind == kind }
    }

    /// The lines of a file and what it includes; `nil` if it cannot be read.
    private func lines(
        of name: String, only kind: PAMKind?, depth: Int, level: Int
    ) -> [PAMLine]? {
        guard depth < Self.deepest, let text = file(name) else { return nil }
        var lines: [PAMLine] = []
        for (number, content) in Self.logicalLines(text) {
            let source = "\(name):\(number)"
            var words = PAMWords(content)
            guard let first = words.next() else { continue }
            if first.lowercased() == "@include" {
                let target = words.next().map { String($0) } ?? ""
                lines +=
                    self.lines(of: target, only: kind, depth: depth + 1, level: level)
                    ?? [
                        PAMLine(
                            kind: kind ?? .auth, content: kind == nil ? .nothing : .missing,
                            control: .allBad, level: level,
                            source: source, fault: "\(target) cannot be included",
                            spoilsService: kind == nil)
                    ]
                continue
            }
            lines += line(
                first, &words, only: kind, depth: depth, level: level, source: source)
        }
        return lines
    }

    private func line(
        _ first: Substring, _ words: inout PAMWords, only kind: PAMKind?, depth: Int, level: Int,
        source: String
    ) -> [PAMLine] {
        let named = first.hasPrefix("-") ? first.dropFirst() : first
        let found = PAMKind(rawValue: named.lowercased())
        if let kind, let found, found != kind { return [] }
        var line = PAMLine(
            kind: found ?? kind ?? .auth, content: .nothing, control: .allBad, level: level,
            source: source, fault: found == nil ? "\(first) is no kind of module" : nil)
        guard let control = words.next() else {
            line.fault = line.fault ?? "the control field is missing"
            return [line]
        }
        if !words.lastWasBracketed, ["include", "substack"].contains(control.lowercased()) {
            return included(words.next().map { String($0) } ?? "", line, control, depth: depth)
        }
        if let read = PAMControl(word: String(control)) ?? PAMControl(pairs: control) {
            line.control = read
        } else {
            // libpam calls the module all the same, and takes every answer for a failure.
            line.fault = line.fault ?? "the control \(control) cannot be read"
        }
        guard let module = words.next() else {
            line.fault = line.fault ?? "the module is missing"
            return [line]
        }
        var arguments: [String] = []
        while let argument = words.next() { arguments.append(String(argument)) }
        if found != nil { line.content = .module(String(module), arguments) }
        return [line]
    }

    private func included(
        _ target: String, _ line: PAMLine, _ control: Substring, depth: Int
    ) -> [PAMLine] {
        let isSubstack = control.lowercased() == "substack"
        var mark = line
        mark.content = .substack
        let inner = lines(
            of: target, only: line.kind, depth: depth + 1, level: line.level + (isSubstack ? 1 : 0))
        return (isSubstack ? [mark] : []) + (inner ?? [Self.missing(target, line)])
    }

    /// What stands in the place of a file that cannot be included.
    private static func missing(_ target: String, _ line: PAMLine) -> PAMLine {
        var broken = line
        broken.fault = line.fault ?? "\(target) cannot be included"
        return broken
    }

    /// The lines with their numbers: comments cut, lines that end in a backslash joined.
    static func logicalLines(_ text: String) -> [(number: Int, content: String)] {
        var lines: [(number: Int, content: String)] = []
        var joined = ""
        var start = 0
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            if joined.isEmpty { start = index + 1 }
            let content = line.prefix { $0 != "#" }
            let isCommented = content.count < line.count
            if !isCommented, content.last == "\\" {
                joined += content.dropLast() + " "
                continue
            }
            joined += content
            if joined.contains(where: { !$0.isWhitespace }) { lines.append((start, joined)) }
            joined = ""
        }
        if joined.contains(where: { !$0.isWhitespace }) { lines.append((start, joined)) }
        return lines
    }
}

/// The words of a line; what stands in brackets is one word.
struct PAMWords {
    private var rest: Substring
    /// Whether the word before stood in brackets.
    private(set) var lastWasBracketed = false

    init(_ line: String) {
        rest = line[...]
    }

    /// The next word without brackets; `nil` at the end.
    mutating func next() -> Substring? {
        rest = rest.drop { $0.isWhitespace }
        guard let first = rest.first else { return nil }
        lastWasBracketed = first == "["
        guard lastWasBracketed else {
            let word = rest.prefix { !$0.isWhitespace }
            rest = rest[word.endIndex...]
            return word
        }
        rest.removeFirst()
        var word = ""
        while let character = rest.popFirst(), character != "]" {
            if character == "\\", rest.first == "]" {
                rest.removeFirst()
                word.append("]")
            } else {
                word.append(character)
            }
        }
        return word[...]
    }
}
