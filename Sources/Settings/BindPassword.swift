// The passwords with which roster binds: from a systemd credential or a protected file.

internal import Glibc

extension Settings {
    /// The password of ``Bind/simple(dn:passwordFile:)``; `nil` for the other ways to bind.
    ///
    /// A systemd credential called `bind_password` in `credentialsDirectory` (by default the one of
    /// `$CREDENTIALS_DIRECTORY`) goes before the configured file. One newline at the end is cut off.
    /// Throws when there is no password, when it is empty (the directory would take that for an
    /// anonymous bind), or when others could read or change the file.
    public func readBindPassword(
        credentialsDirectory: String? = defaultCredentialsDirectory
    ) throws(SettingsError) -> [UInt8]? {
        guard case .simple(_, let passwordFile) = directory.bind else { return nil }
        return try Self.secret(
            passwordFile, of: "bind_dn", credential: "bind_password",
            key: "directory.bind_password_file", in: credentialsDirectory)
    }

    /// The password of ``Login/resetDN``; `nil` without one.
    ///
    /// As ``readBindPassword(credentialsDirectory:)``; the credential is called `reset_password`.
    public func readResetPassword(
        credentialsDirectory: String? = defaultCredentialsDirectory
    ) throws(SettingsError) -> [UInt8]? {
        guard login.resetDN != nil else { return nil }
        return try Self.secret(
            login.resetPasswordFile, of: "reset_dn", credential: "reset_password",
            key: "login.reset_password_file", in: credentialsDirectory)
    }

    private static func secret(
        _ passwordFile: String?, of user: String, credential: String, key: String,
        in credentialsDirectory: String?
    ) throws(SettingsError) -> [UInt8] {
        if let credentialsDirectory {
            let path = credentialsDirectory + "/" + credential
            if unsafe Glibc.access(path, F_OK) == 0 {
                return try password(path, of: user) { $0.credentialProblem }
            }
        }
        guard let passwordFile else {
            throw .unusableFile(
                path: key, problem: "is missing, and there is no credential",
                remedy: "name the file with the password of \(user)")
        }
        let process = ProcessIdentity.current
        return try password(passwordFile, of: user) { $0.secretProblem(for: process) }
    }

    /// Where systemd put the credentials of this service; `nil` outside a service.
    public static var defaultCredentialsDirectory: String? {
        unsafe getenv("CREDENTIALS_DIRECTORY").map { unsafe String(cString: $0) }
    }

    /// Octets; the longest password that is read.
    private static let longestPassword = 4096

    private static func password(
        _ path: String, of user: String,
        problem: (FileContents) -> (problem: String, remedy: String)?
    ) throws(SettingsError) -> [UInt8] {
        let file = try FileContents(path: path, limit: longestPassword)
        if let found = problem(file) {
            throw .unusableFile(path: path, problem: found.problem, remedy: found.remedy)
        }
        var password = file.bytes
        if password.last == UInt8(ascii: "\n") { password.removeLast() }
        guard !password.isEmpty else {
            throw .unusableFile(
                path: path, problem: "is empty", remedy: "write the password of \(user) into it")
        }
        return password
    }
}

/// Who this process is, as far as the permission rules ask.
struct ProcessIdentity {
    /// The effective uid.
    var user: UInt32
    /// The effective gid and the supplementary ones.
    var groups: [UInt32]

    /// This process.
    static var current: ProcessIdentity {
        var groups = [gid_t](repeating: 0, count: 1024)
        let count = unsafe getgroups(CInt(groups.count), &groups)
        let supplementary = groups.prefix(max(0, Int(count)))
        return ProcessIdentity(user: geteuid(), groups: [getegid()] + supplementary)
    }
}

extension FileContents {
    /// Why a systemd credential must not be used.
    var credentialProblem: (problem: String, remedy: String)? {
        mode & 0o007 == 0 ? nil : ("can be read or written by everyone", "check LoadCredential=")
    }

    /// Why a file must not be used as a secret of this process; `nil`: it may.
    ///
    /// It belongs to root, its group may read at most, and then only a group of the process; root
    /// itself takes whichever group the administrator chose.
    func secretProblem(for process: ProcessIdentity) -> (problem: String, remedy: String)? {
        let remedy = "run: chown root:roster FILE; chmod 0640 FILE"
        if mode & 0o007 != 0 { return ("can be read or written by everyone", remedy) }
        if mode & 0o020 != 0 { return ("can be written by its group", remedy) }
        if owner != 0 {
            return ("belongs to uid \(owner), who could change it, and not to root", remedy)
        }
        if mode & 0o040 != 0, process.user != 0, !process.groups.contains(group) {
            return ("can be read by gid \(group), which is not the group of rosterd", remedy)
        }
        return nil
    }
}
