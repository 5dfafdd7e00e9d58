// pam_sm_authenticate: is this the person's password? The daemon says so.
internal import AccountIndex
internal import Accounts
internal import CPAM
internal import DaemonProtocol

/// Checks the password of an account of the directory.
///
/// Blocks until the daemon answered, at most 65 s. Options: see pam_roster(8).
@c(pam_sm_authenticate)
public func authenticate(
    _ handle: OpaquePointer?, _ flags: CInt, _ count: CInt,
    _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> CInt {
    guard let transaction = unsafe LinuxPAM(handle) else { return PAM_SYSTEM_ERR }
    return unsafe Phase(
        kind: .authenticate, transaction: transaction, host: .installed(),
        options: ModuleOptions(count, arguments), flags: UInt32(bitPattern: flags)
    ).authenticate()
}

extension Phase {
    /// The whole phase.
    func authenticate() -> CInt {
        logUnknownOption()
        return unsafe forAccountOfOurs(undecidable: PAM_AUTHINFO_UNAVAIL) { name in
            let code = obtain(.password, prompt: "Password: ", missing: PAM_AUTH_ERR)
            guard code == PAM_SUCCESS else { return code }
            let answer = unsafe judge(name)
            unsafe log(answer.verdict, about: name, source: octets(of: answer.source))
            delay(answer.verdict)
            // Without the mark acct_mgmt would let somebody in whose password has to change first.
            guard transaction.noteMustChange(answer.verdict == .mustChangePassword) else {
                return PAM_BUF_ERR
            }
            return answer.verdict.authenticateCode
        }
    }

    /// Asks the daemon, but about nothing that no directory may see as somebody's attempt.
    private func judge(_ name: UnsafeRawBufferPointer) -> DaemonAnswer {
        let password = unsafe octets(of: transaction.item(.password), limit: LoginLimits.password)
        guard unsafe PasswordRules.isAdmissible(password) else { return .refusedHere }
        var question = unsafe request(.authenticate, about: name)
        unsafe question.password = password
        return ask(question)
    }
}

extension Phase {
    /// Makes sure that a password is there: an earlier module's, or else the person is asked.
    ///
    /// Returns PAM_SUCCESS, or why there is none; `missing` where it is not to be asked for.
    func obtain(_ item: PAMItem, prompt: StaticString, missing: CInt) -> CInt {
        if unsafe transaction.item(item) != nil { return PAM_SUCCESS }
        if options.useFirstPass { return missing }
        return settled(ask(prompt, for: item))
    }

    /// Asks for the delay that every refused password costs, wrong or inadmissible alike.
    func delay(_ verdict: LoginVerdict) {
        guard verdict.costsDelay else { return }
        transaction.requestFailDelay(microseconds: 2_000_000)
    }
}

/// The code for a conversation that failed; an application's own number is never passed on.
func settled(_ code: CInt) -> CInt {
    switch code {
    case PAM_SUCCESS, PAM_AUTHTOK_ERR, PAM_BUF_ERR: code
    case PAM_CONV_AGAIN: PAM_INCOMPLETE
    default: PAM_CONV_ERR
    }
}
