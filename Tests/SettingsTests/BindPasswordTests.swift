import Glibc
import Testing

@testable import Settings

@Suite("The bind password")
struct BindPasswordTests {
    private static let roster = ProcessIdentity(user: 990, groups: [990])
    private static let root = ProcessIdentity(user: 0, groups: [0])

    @Test(
        "who may be able to read and write the file",
        arguments: [
            (0, 0, 0o600, roster, true), (0, 990, 0o640, roster, true),
            (0, 990, 0o440, roster, true), (0, 991, 0o640, roster, false),
            (0, 990, 0o644, roster, false), (0, 990, 0o660, roster, false),
            (0, 990, 0o602, roster, false), (990, 990, 0o600, roster, false),
            (990, 990, 0o400, roster, false), (0, 991, 0o640, root, true),
            (0, 0, 0o600, root, true), (990, 0, 0o600, root, false), (0, 0, 0o604, root, false),
        ] as [(UInt32, UInt32, UInt32, ProcessIdentity, Bool)])
    func permissions(
        owner: UInt32, group: UInt32, mode: UInt32, process: ProcessIdentity, isAllowed: Bool
    ) throws {
        var file = try FileContents(path: "/proc/self/status", limit: 1 << 20)
        (file.owner, file.group, file.mode) = (owner, group, mode)
        let problem = file.secretProblem(for: process)
        #expect((problem == nil) == isAllowed)
    }

    @Test("a credential goes before the file, and one newline is cut off")
    func credential() throws {
        let folder = try temporaryFolder()
        try write("secret\n\n", to: folder + "/bind_password", mode: 0o400)
        let settings = try settings(passwordFile: "/nonexistent")
        let password = try settings.readBindPassword(credentialsDirectory: folder)
        #expect(password == Array("secret\n".utf8))
    }

    @Test(
        "an unusable credential or file is refused with its path",
        arguments: [("secret", 0o444), ("", 0o400), ("\n", 0o400)] as [(String, mode_t)])
    func refused(text: String, mode: mode_t) throws {
        let folder = try temporaryFolder()
        try write(text, to: folder + "/bind_password", mode: mode)
        let settings = try settings(passwordFile: nil)
        let error = #expect(throws: SettingsError.self) {
            try settings.readBindPassword(credentialsDirectory: folder)
        }
        guard case .unusableFile(folder + "/bind_password", _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("neither file nor credential is an error that names the key")
    func neither() throws {
        let settings = try settings(passwordFile: nil)
        let error = #expect(throws: SettingsError.self) {
            try settings.readBindPassword(credentialsDirectory: nil)
        }
        #expect(error?.description.contains("directory.bind_password_file") == true)
    }

    @Test("the password for resetting others' has a file, a credential and a key of its own")
    func reset() throws {
        let folder = try temporaryFolder()
        try write("other\n", to: folder + "/reset_password", mode: 0o400)
        let text = """
            [directory]
            uris = ["ldaps://a"]
            base = "dc=a"
            [login]
            reset_dn = "cn=reset,dc=a"
            """
        let settings = try Settings.parse(Array(text.utf8))
        #expect(settings.login.resetDN == "cn=reset,dc=a")
        let password = try settings.readResetPassword(credentialsDirectory: folder)
        #expect(password == Array("other".utf8))
        let error = #expect(throws: SettingsError.self) {
            try settings.readResetPassword(credentialsDirectory: nil)
        }
        #expect(error?.description.contains("login.reset_password_file") == true)
        let without = try self.settings(passwordFile: nil)
        #expect(try without.readResetPassword(credentialsDirectory: folder) == nil)
        try write("open", to: folder + "/open", mode: 0o644)
        let open = try Settings.parse(
            Array((text + "\nreset_password_file = \"\(folder)/open\"\n").utf8))
        #expect(throws: SettingsError.self) {
            try open.readResetPassword(credentialsDirectory: nil)
        }
    }

    private func settings(passwordFile: String?) throws -> Settings {
        let file = passwordFile.map { "bind_password_file = \"\($0)\"" } ?? ""
        let text = """
            [directory]
            uris = ["ldaps://a"]
            base = "dc=a"
            bind_dn = "cn=a"
            \(file)
            """
        return try Settings.parse(Array(text.utf8))
    }

    private func temporaryFolder() throws -> String {
        var template = Array("/tmp/roster-settings-XXXXXX".utf8CString)
        let made = unsafe mkdtemp(&template).map { unsafe String(cString: $0) }
        return try #require(made)
    }

    private func write(_ text: String, to path: String, mode: mode_t) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, mode)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        try #require(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        try #require(fchmod(descriptor, mode) == 0)
    }
}
