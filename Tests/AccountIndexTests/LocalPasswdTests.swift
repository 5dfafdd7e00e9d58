// Whose name is local is read from the file itself.
import AccountIndex
import CLibc
import Testing

final class LocalPasswdTests {
    private let path: String

    init() throws {
        var template = Array("/tmp/roster-passwd-XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        try #require(descriptor >= 0)
        close(descriptor)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        unsafe unlink(path)
    }

    private func contains(_ name: String, in text: String) throws -> Bool {
        let descriptor = unsafe roster_open(path, O_WRONLY | O_TRUNC, 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(unsafe write(descriptor, text, text.utf8.count) == text.utf8.count)
        return try lookUp(name)
    }

    private func lookUp(_ name: String) throws -> Bool {
        let octets = Array(name.utf8)
        return try unsafe octets.withUnsafeBytes {
            try unsafe LocalPasswd.contains(name: $0, path: path)
        }
    }

    static let text = """
        root:x:0:0:root:/root:/bin/bash
        # alice:x:1:1::/:
        alicia:x:1000:1000:alice:/home/alice:/bin/sh
        \t  bob:x:1001:1001::/home/bob:/bin/sh

        :x:5:5::/:/bin/sh
        last:x:1002:1002::/:/bin/sh
        """

    @Test(
        "a name counts when it is all of a line's first field",
        arguments: ["root", "alicia", "bob", "last"])
    func present(name: String) throws {
        #expect(try contains(name, in: Self.text))
        #expect(try contains(name, in: Self.text + "\n"))
    }

    @Test(
        "anything else does not",
        arguments: [
            "alice", "", "roo", "roott", "x", "Root", "# alice", "root:x", "/bin/sh", "1000",
        ])
    func absent(name: String) throws {
        #expect(try !contains(name, in: Self.text))
    }

    @Test("a name is found wherever a read of the file ends")
    func everywhere() throws {
        for padding in 4070..<4110 {
            let text = "a:" + String(repeating: "p", count: padding) + "\nneo:x:1:1::/:\nb:x\n"
            #expect(try contains("neo", in: text))
            #expect(try !contains("ne", in: text))
        }
    }

    @Test("an empty file has no name; a missing one says so")
    func missing() throws {
        #expect(try !contains("root", in: ""))
        unsafe unlink(path)
        #expect(throws: IndexFault(code: ENOENT)) { try lookUp("root") }
    }

    @Test("the host's own file lists root")
    func host() throws {
        let name = Array("root".utf8)
        let isLocal = try unsafe name.withUnsafeBytes {
            try unsafe LocalPasswd.contains(name: $0, path: "/etc/passwd")
        }
        #expect(isLocal)
    }
}
