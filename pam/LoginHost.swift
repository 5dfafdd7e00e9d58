// This host as the module sees it: its files, its daemon, and who is calling.
internal import AccountIndex
internal import Accounts
internal import CLibc
internal import DaemonProtocol

/// Where things lie and who asks; the entries use `installed()`, tests their own.
@safe
struct LoginHost {
    /// The gate part, readable by root only.
    let gate: IndexPath
    /// The public part, for everybody else.
    let publicIndex: IndexPath
    /// The local accounts.
    let passwdFile: UnsafePointer<CChar>
    /// The file whose presence says that this host is configured for roster.
    let configuration: UnsafePointer<CChar>
    /// How to ask the daemon.
    let daemon: DaemonClient
    /// Whether the process may read the gate part (its effective user is root).
    let readsGate: Bool
    /// Whether root itself asks (its real user is root): who may ask for a reset.
    let isAskedByRoot: Bool

    /// This host, and the process that called the module.
    static func installed() -> LoginHost {
        let state = unsafe cText("/var/lib/roster")
        return unsafe LoginHost(
            gate: IndexPath(
                file: cText("/var/lib/roster/index/gate.1"), stateDirectory: state, part: .gate),
            publicIndex: IndexPath(
                file: cText("/var/lib/roster/index/public.1"), stateDirectory: state, part: .public
            ),
            passwdFile: cText("/etc/passwd"), configuration: cText("/etc/roster/roster.toml"),
            daemon: DaemonClient(
                socket: cText("/run/roster/login.sock"), stateDirectory: state,
                authenticatePatience: 65_000, accountPatience: 2_000),
            readsGate: geteuid() == 0, isAskedByRoot: getuid() == 0)
    }

    /// Whether a name is an account of the directory; removed ones count for an hour.
    func isOurs(_ name: UnsafeRawBufferPointer) throws(IndexFault) -> Bool {
        guard try unsafe isCandidate(name) else { return false }
        guard readsGate else {
            return try unsafe PublicIndex(path: publicIndex).contains(name: name)
        }
        let decision = try unsafe GateIndex(path: gate).decide(
            name: name, service: UnsafeRawBufferPointer(start: nil, count: 0), clock: .ofThisHost())
        return decision.verdict != .unknownUser
    }

    /// Whether a name could be ours at all: neither root nor local, and nothing no account is called.
    func isCandidate(_ name: UnsafeRawBufferPointer) throws(IndexFault) -> Bool {
        guard unsafe !name.isEmpty, name.count <= LoginLimits.name else { return false }
        let isImpossible = unsafe name.contains { $0 <= 0x20 || $0 == 0x2f || $0 == 0x3a }
        if isImpossible { return false }
        if unsafe name.elementsEqual(octets(of: "root")) { return false }
        return try unsafe !LocalPasswd.contains(name: name, path: passwdFile)
    }

    /// Whether this host was configured for roster; looked at only when the index is of no use.
    func isConfigured() -> Bool {
        if unsafe access(configuration, F_OK) == 0 { return true }
        // Whoever may not look, or cannot look now, is not told that an account does not exist.
        return roster_errno() != ENOENT && roster_errno() != ENOTDIR
    }
}
