// pam_sm_acct_mgmt: may this person use the account now? Decided from the index, without a prompt.
internal import AccountIndex
internal import Accounts
internal import CPAM
internal import DaemonProtocol

/// Says whether an account of the directory may be used now.
///
/// For root no socket and no network: one mapping of the gate part. Others ask the daemon about
/// themselves, which takes 2 s at most.
@c(pam_sm_acct_mgmt)
public func accountManagement(
    _ handle: OpaquePointer?, _ flags: CInt, _ count: CInt,
    _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> CInt {
    guard let transaction = unsafe LinuxPAM(handle) else { return PAM_SYSTEM_ERR }
    return unsafe Phase(
        kind: .account, transaction: transaction, host: .installed(),
        options: ModuleOptions(count, arguments), flags: UInt32(bitPattern: flags)
    ).account()
}

extension Phase {
    /// The whole phase.
    func account() -> CInt {
        logUnknownOption()
        let (code, user) = unsafe transaction.user()
        guard code == PAM_SUCCESS else { return settled(code) }
        let name = unsafe octets(of: user, limit: LoginLimits.name)
        do throws(IndexFault) {
            guard try unsafe host.isCandidate(name) else { return PAM_USER_UNKNOWN }
            return try unsafe host.readsGate ? accountByGate(name) : accountByDaemon(name)
        } catch {
            let code = reported(error, PAM_AUTHINFO_UNAVAIL)
            if code == PAM_AUTHINFO_UNAVAIL { tell(.error, LoginVerdict.undecidable.builtInText) }
            return code
        }
    }

    /// Decides from one generation of the gate part.
    private func accountByGate(_ name: UnsafeRawBufferPointer) throws(IndexFault) -> CInt {
        let gate = try GateIndex(path: host.gate)
        let clock = GateClock.ofThisHost()
        let decision = try unsafe gate.decide(name: name, service: service, clock: clock)
        switch decision.verdict {
        case .unknownUser: break
        case .accepted where transaction.mustChange:
            unsafe tell(.error, try gate.text(for: .mustChangePassword))
            unsafe log(.mustChangePassword, about: name, source: octets(of: "directory"))
            return LoginVerdict.mustChangePassword.accountCode
        case .accepted: debug("accepted")
        default:
            unsafe tell(.error, decision.text)
            unsafe log(decision.verdict, about: name, source: decision.source)
        }
        let code = decision.verdict.accountCode
        if code != PAM_USER_UNKNOWN, try gate.halfStale(clock: clock) {
            warn("mirror-half-of-max_staleness-old")
        }
        return code
    }

    /// Asks the daemon, for callers who may not read the gate part.
    private func accountByDaemon(_ name: UnsafeRawBufferPointer) throws(IndexFault) -> CInt {
        guard try unsafe PublicIndex(path: host.publicIndex).contains(name: name) else {
            return PAM_USER_UNKNOWN
        }
        let answer = unsafe ask(request(.account, about: name))
        if answer.verdict == .undecidable { tell(.error, LoginVerdict.undecidable.builtInText) }
        if answer.verdict == .accepted, transaction.mustChange {
            tell(.error, LoginVerdict.mustChangePassword.builtInText)
            return LoginVerdict.mustChangePassword.accountCode
        }
        if answer.verdict != .accepted {
            unsafe log(answer.verdict, about: name, source: octets(of: answer.source))
        }
        return answer.verdict.accountCode
    }
}
