import Testing

@testable import Settings

@Suite("The manual page roster.toml(5)")
struct ManualPageTests {
    @Test("documents every key with its default, and no other")
    func keys() throws {
        let documented = try entries()
        #expect(Set(documented.keys) == Set(Settings.keys.map(\.path)))
        for key in Settings.keys where !key.defaultText.isEmpty {
            let text = documented[key.path] ?? ""
            #expect(text.contains("Default: \(key.defaultText)."), "\(key.path)")
        }
    }

    @Test("its example is a usable configuration")
    func example() throws {
        let lines = try page().drop { $0 != ".Sh EXAMPLES" }
        let start = try #require(lines.firstIndex { $0.hasPrefix(".Bd -literal") })
        let end = try #require(lines.firstIndex(of: ".Ed"))
        let example = lines[(start + 1)..<end].joined(separator: "\n")
        #expect(try Settings.parse(Array(example.utf8)).directory.uris.count == 2)
    }

    @Test("the defaults that the keys tell are the ones that are used")
    func defaults() throws {
        let minimal = "[directory]\nuris = [\"ldaps://a\"]\nbase = \"dc=a\"\n"
        var tables: [String: [String]] = [:]
        for key in Settings.keys where !key.path.contains("SERVICE") {
            guard let first = key.defaultText.first, !first.isLetter || key.defaultText.count < 6,
                let dot = key.path.lastIndex(of: ".")
            else { continue }
            let line = "\(key.path[key.path.index(after: dot)...]) = \(key.defaultText)"
            tables[String(key.path[..<dot]), default: []].append(line)
        }
        let directory = tables.removeValue(forKey: "directory") ?? []
        var text = minimal + directory.joined(separator: "\n")
        for (name, lines) in tables {
            text += "\n[\(name)]\n" + lines.joined(separator: "\n")
        }
        var explicit = try Settings.parse(Array(text.utf8))
        let implicit = try Settings.parse(Array(minimal.utf8))
        explicit.namedAttributes = implicit.namedAttributes
        #expect(explicit == implicit)
    }

    /// The text behind each key, by its path.
    private func entries() throws -> [String: String] {
        var table = ""
        var path = ""
        var entries: [String: String] = [:]
        for line in try page() {
            if line.hasPrefix(".Ss [") {
                table = String(line.dropFirst(5).dropLast())
            } else if line.hasPrefix(".It Ic ") {
                path = "\(table).\(line.dropFirst(7))"
                entries[path] = ""
            } else if line.hasPrefix(".El") || line.hasPrefix(".Sh") {
                path = ""
            } else if !path.isEmpty {
                entries[path, default: ""] += line + "\n"
            }
        }
        return entries
    }

    private func page() throws -> [String] {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try FileContents(
            path: "/\(root)/packaging/man/roster.toml.5", limit: 1 << 20)
        return String(decoding: file.bytes, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false
        ).map(String.init)
    }
}
