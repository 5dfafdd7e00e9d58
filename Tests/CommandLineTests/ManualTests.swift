import ArgumentParser
import Foundation
import Testing

@testable import roster

/// The parser's own description of itself.
private struct Description: Decodable {
    struct Command: Decodable {
        var commandName: String
        var subcommands: [Command]?
        var arguments: [Argument]?
    }
    struct Argument: Decodable {
        struct Name: Decodable {
            var kind: String
            var name: String
        }
        var kind: String
        var shouldDisplay: Bool
        var names: [Name]?
        var valueName: String?
    }
    var command: Command
}

@Suite struct ManualTests {
    /// The manual page with the hyphens of options as they are typed.
    private func page() throws -> String {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../packaging/man/roster.8")
        return try String(contentsOf: file, encoding: .utf8)
            .replacingOccurrences(of: "\\-", with: "-")
    }

    private func commands() throws -> [Description.Command] {
        let text = RosterCommand._dumpHelp()
        let description = try JSONDecoder().decode(Description.self, from: Data(text.utf8))
        return (description.command.subcommands ?? []).filter { $0.commandName != "help" }
    }

    /// The synopsis of each subcommand in the page: its macro lines until the next `.br`.
    private func synopses(_ page: String) throws -> [String: String] {
        let start = try #require(page.range(of: ".SH SYNOPSIS"))
        let end = try #require(page.range(of: ".SH DESCRIPTION"))
        var result: [String: String] = [:]
        for part in page[start.upperBound..<end.lowerBound].components(separatedBy: ".br\n") {
            let words = part.split(whereSeparator: \.isWhitespace)
            let name = words.drop { $0 != "roster" }.dropFirst().first.map(String.init) ?? ""
            if !name.hasPrefix(".") { result[name] = part }
        }
        return result
    }

    private func longOptions(in text: String) -> Set<String> {
        Set(text.matches(of: /--([a-z][a-z-]*[a-z])/).map { String($0.1) })
    }

    @Test("the manual's synopsis has every subcommand with its options and arguments, and no other")
    func synopsis() throws {
        let synopses = try synopses(page())
        let commands = try commands()
        #expect(Set(synopses.keys) == Set(commands.map(\.commandName)))
        #expect(commands.count == 14)
        for command in commands {
            let synopsis = try #require(synopses[command.commandName])
            let shown = (command.arguments ?? []).filter(\.shouldDisplay)
            let options = Set(
                shown.flatMap { $0.names ?? [] }.filter { $0.kind == "long" }.map(\.name))
            #expect(options.subtracting(["help", "version"]) == longOptions(in: synopsis))
            let positional = shown.filter { $0.kind == "positional" }
            #expect(
                positional.isEmpty || synopsis.contains("NAME") || synopsis.contains("URI"))
        }
    }

    @Test("every option of the parser is explained in the manual, and every one there exists")
    func options() throws {
        let page = try page()
        let start = try #require(page.range(of: ".SH OPTIONS"))
        let end = try #require(page.range(of: ".SH \"EXIT STATUS\""))
        let headings = page[start.upperBound..<end.lowerBound]
            .components(separatedBy: ".TP\n").dropFirst()
            .compactMap { $0.components(separatedBy: "\n").first }
        let explained = headings.reduce(into: Set<String>()) { $0.formUnion(longOptions(in: $1)) }
        var known = Set<String>(["generate-completion-script"])
        for argument in try commands().flatMap({ $0.arguments ?? [] }) where argument.shouldDisplay
        {
            known.formUnion((argument.names ?? []).filter { $0.kind == "long" }.map(\.name))
        }
        #expect(explained == known)
    }

    @Test("every key of the JSON output is in the manual")
    func keys() throws {
        let page = try page()
        let start = try #require(page.range(of: ".SH JSON"))
        let words = Set(
            page[start.upperBound...].split { !($0.isLetter || $0.isNumber || $0 == "_") }
                .map(String.init))
        let names = try GoldenFile.names().filter { $0.hasSuffix("-json") }
        #expect(names.count > 8)
        for name in names {
            let text = try String(
                contentsOf: GoldenFile.folder.appending(path: name + ".txt"), encoding: .utf8)
            for match in text.matches(of: /"([a-z0-9_]+)" :/) {
                #expect(words.contains(String(match.1)), "\(name): \(match.1)")
            }
        }
    }

    @Test("the manual lists every finding of the doctor with its severity, and no other")
    func findings() throws {
        let page = try page()
        let start = try #require(page.range(of: ".SH DOCTOR"))
        let end = try #require(page.range(of: ".SH FILES"))
        let listed = page[start.upperBound..<end.lowerBound]
            .matches(of: /\.TP\n\.BR ([a-z-]+) " \(([a-z]+)\)"\n/)
            .map { "\($0.1) \($0.2)" }
        #expect(Set(listed).count == listed.count)
        #expect(
            Set(listed) == Set(FindingID.allCases.map { "\($0.rawValue) \($0.severity.rawValue)" }))
    }

    @Test("every exit status is in the manual")
    func statuses() throws {
        let page = try page()
        let start = try #require(page.range(of: ".SH \"EXIT STATUS\""))
        let end = try #require(page.range(of: ".SH JSON"))
        let section = page[start.upperBound..<end.lowerBound]
        for status in [ExitStatus.done, .negative, .usage, .unreachable, .refused] {
            #expect(section.contains(".TP\n.B \(status.rawValue)\n"))
        }
    }
}
