// What every phase starts from: the transaction, the options, and whose name it is.
internal import AccountIndex
internal import Accounts
internal import CLibc
internal import CPAM
internal import DaemonProtocol

/// Which of the module's entries is running; for the log.
enum PhaseKind {
    case authenticate
    case account
    case password
    case session

    /// The phase's word in the log: the module type of pam.conf(5).
    var word: StaticString {
        switch self {
        case .authenticate: "auth"
        case .account: "account"
        case .password: "password"
        case .session: "session"
        }
    }
}

/// One call of one entry; nothing of it outlives the call.
@safe
struct Phase<Transaction: PAMTransaction> {
    let kind: PhaseKind
    let transaction: Transaction
    let host: LoginHost
    let options: ModuleOptions
    /// The flags that the host passed, see pam_sm_authenticate(3) and the others.
    let flags: UInt32

    /// Whether the person is told nothing.
    var isSilent: Bool { flags & UInt32(PAM_SILENT) != 0 || options.noWarn }

    /// The PAM service, for rules, requests and log; may be longer than a request takes.
    var service: UnsafeRawBufferPointer {
        unsafe octets(of: transaction.item(.service), limit: LoginLimits.service)
    }

    /// The remote host, for requests and log.
    var remoteHost: UnsafeRawBufferPointer {
        unsafe octets(of: transaction.item(.remoteHost), limit: LoginLimits.remoteHost)
    }

    /// A request about an account of ours, with what belongs into all of them.
    func request(
        _ kind: LoginRequestKind, about name: UnsafeRawBufferPointer, isReset: Bool = false
    ) -> LoginRequest {
        var request = unsafe LoginRequest(kind, name: name, isReset: isReset)
        unsafe request.service = UnsafeRawBufferPointer(
            rebasing: service.prefix(LoginLimits.service))
        unsafe request.remoteHost = UnsafeRawBufferPointer(
            rebasing: remoteHost.prefix(LoginLimits.remoteHost))
        return request
    }
}

extension Phase {
    /// Runs `body` with the account's name if it is ours, otherwise returns PAM_USER_UNKNOWN or,
    /// where that cannot be said, `undecidable`.
    ///
    /// Local names are found in /etc/passwd before the index is looked at.
    func forAccountOfOurs(
        undecidable: CInt, _ body: (UnsafeRawBufferPointer) -> CInt
    ) -> CInt {
        let (code, user) = unsafe transaction.user()
        guard code == PAM_SUCCESS else { return settled(code) }
        let name = unsafe octets(of: user, limit: LoginLimits.name)
        do throws(IndexFault) {
            guard try unsafe host.isOurs(name) else {
                debug("not-ours")
                return PAM_USER_UNKNOWN
            }
        } catch {
            return reported(error, undecidable)
        }
        let result = unsafe body(name)
        debug("returns", code: result)
        return result
    }

    /// What to return when the index or /etc/passwd cannot be used; a host that is not configured
    /// for roster has no accounts of ours.
    ///
    /// The name is not logged: it may be a password that was typed too early.
    func reported(_ fault: IndexFault, _ undecidable: CInt) -> CInt {
        guard host.isConfigured() else { return PAM_USER_UNKNOWN }
        warn("index-unusable", errno: fault.code)
        return undecidable
    }
}
