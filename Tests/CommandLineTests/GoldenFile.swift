import Foundation
import Testing

/// Texts kept beside the tests.
///
/// `RECORD_GOLDEN=1` writes them anew, and the test fails once so that
/// nobody takes a recording for a check.
struct GoldenFile {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Golden")
    let name: String

    /// Compares `text` with what is kept.
    func expect(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = Self.folder.appending(path: name + ".txt")
        if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
            let old = try? String(contentsOf: file, encoding: .utf8)
            try FileManager.default.createDirectory(
                at: Self.folder, withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
            if old != text { Issue.record("recorded \(name)", sourceLocation: sourceLocation) }
            return
        }
        let kept = try? String(contentsOf: file, encoding: .utf8)
        #expect(
            kept == text, "RECORD_GOLDEN=1 swift test records it", sourceLocation: sourceLocation)
    }

    /// The names of all kept texts.
    static func names() throws -> Set<String> {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return Set(files.filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) })
    }
}
