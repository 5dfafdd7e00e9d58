// Keys that the configuration does not have, and which one was probably meant.

extension SettingsReader {
    /// Reports every key of the document that ``Settings/keys`` does not list.
    mutating func reportUnknownKeys(in document: SettingsTable) {
        let known = Set(Settings.keys.map(\.path))
        let tables = Set(known.flatMap { path in Self.tablePaths(of: path) })
        reportUnknownKeys(in: document, pattern: "", known: known, tables: tables)
    }

    private mutating func reportUnknownKeys(
        in table: SettingsTable, pattern: String, known: Set<String>, tables: Set<String>
    ) {
        for (name, value) in table.values.sorted(by: { $0.key < $1.key }) {
            var path = pattern + name
            if known.contains(path) { continue }
            // Below [access] every table of another name is a PAM service.
            if pattern == "access.", case .table = value { path = "access.SERVICE" }
            guard tables.contains(path) else {
                let what = if case .table = value { "table" } else { "key" }
                let remedy = remedy(for: path, known, tables)
                report(table.prefix + name, "there is no such \(what)", remedy)
                continue
            }
            // A known table with a value of another type was reported when it was read.
            if case .table(let values) = value {
                let inner = SettingsTable(prefix: table.prefix + name + ".", values: values)
                reportUnknownKeys(in: inner, pattern: path + ".", known: known, tables: tables)
            }
        }
    }

    private func remedy(for path: String, _ known: Set<String>, _ tables: Set<String>) -> String {
        let name = Self.lastPart(of: path)
        let candidates = known.union(tables).map { candidate in
            let inName = Self.distance(name, Self.lastPart(of: candidate))
            return (candidate, inName, Self.distance(path, candidate))
        }
        let best = candidates.min { ($0.1, $0.2, $0.0) < ($1.1, $1.2, $1.0) }
        guard let best, best.1 <= max(2, name.utf8.count / 3) else {
            return "take it out, or see roster.toml(5) for the keys there are"
        }
        return "did you mean \(best.0)?"
    }

    private static func tablePaths(of path: String) -> [String] {
        let parts = path.split(separator: ".")
        return (1..<parts.count).map { parts[..<$0].joined(separator: ".") }
    }

    private static func lastPart(of path: String) -> String {
        path.split(separator: ".").last.map(String.init) ?? path
    }

    /// How many characters must be put in, taken out or changed to make one text of the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.lowercased().utf8.prefix(100))
        let right = Array(right.lowercased().utf8.prefix(100))
        var row = Array(0...right.count)
        for (position, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = position + 1
            for other in right.indices {
                let change = diagonal + (character == right[other] ? 0 : 1)
                diagonal = row[other + 1]
                row[other + 1] = min(change, diagonal + 1, row[other] + 1)
            }
        }
        return row[right.count]
    }
}
