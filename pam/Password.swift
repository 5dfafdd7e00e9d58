// pam_sm_chauthtok: a new password, in two rounds. The directory decides, the daemon asks it.
internal import AccountIndex
internal import Accounts
internal import CPAM
internal import DaemonProtocol

/// Changes the password of an account of the directory.
///
/// Blocks until the daemon answered, at most 65 s a round.
@c(pam_sm_chauthtok)
public func changeAuthtok(
    _ handle: OpaquePointer?, _ flags: CInt, _ count: CInt,
    _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> CInt {
    guard let transaction = unsafe LinuxPAM(handle) else { return PAM_SYSTEM_ERR }
    return unsafe Phase(
        kind: .password, transaction: transaction, host: .installed(),
        options: ModuleOptions(count, arguments), flags: UInt32(bitPattern: flags)
    ).changePassword()
}

extension Phase {
    /// Whether only a password that must change is to be changed.
    private var onlyExpired: Bool { flags & UInt32(PAM_CHANGE_EXPIRED_AUTHTOK) != 0 }

    /// Whether root sets somebody's password, for which no old one is asked.
    private var isReset: Bool { host.isAskedByRoot && !onlyExpired }

    /// One round: the preliminary check, or the change.
    func changePassword() -> CInt {
        if flags & UInt32(PAM_PRELIM_CHECK) != 0 {
            logUnknownOption()
            return unsafe forAccountOfOurs(undecidable: PAM_TRY_AGAIN) { name in
                unsafe unneeded(name)?.preliminaryCode ?? preliminaryCheck(name)
            }
        }
        guard flags & UInt32(PAM_UPDATE_AUTHTOK) != 0 else { return PAM_SERVICE_ERR }
        return unsafe forAccountOfOurs(undecidable: PAM_AUTHTOK_ERR) { name in
            unsafe unneeded(name)?.updateCode ?? update(name)
        }
    }

    /// Asks for the old password where one is needed, and whether it is right.
    private func preliminaryCheck(_ name: UnsafeRawBufferPointer) -> CInt {
        var question = unsafe request(.checkChange, about: name, isReset: isReset)
        if !isReset {
            let code = obtain(
                .oldPassword, prompt: "Current password: ", missing: PAM_AUTHTOK_RECOVERY_ERR)
            guard code == PAM_SUCCESS else { return code }
            unsafe question.password = octets(
                of: transaction.item(.oldPassword), limit: LoginLimits.password)
        }
        let answer = judge(question)
        unsafe conclude(answer, about: name)
        return answer.verdict.preliminaryCode
    }

    /// Asks for the new password, and changes it.
    private func update(_ name: UnsafeRawBufferPointer) -> CInt {
        var question = unsafe request(.change, about: name, isReset: isReset)
        if unsafe !isReset && transaction.item(.oldPassword) == nil {
            return PAM_AUTHTOK_RECOVERY_ERR
        }
        if unsafe transaction.item(.password) == nil {
            if options.useAuthtok || options.useFirstPass { return PAM_AUTHTOK_ERR }
            let code = settled(askForNewPassword())
            guard code == PAM_SUCCESS else { return code }
        }
        let new = unsafe octets(of: transaction.item(.password), limit: LoginLimits.password)
        guard unsafe PasswordRules.isAdmissible(new) else {
            tell(.error, "This cannot be a password: it is empty, too long or not allowed.")
            return PAM_AUTHTOK_ERR
        }
        unsafe question.newPassword = new
        if !isReset {
            unsafe question.password = octets(
                of: transaction.item(.oldPassword), limit: LoginLimits.password)
        }
        let answer = judge(question)
        unsafe conclude(answer, about: name)
        if answer.verdict == .accepted { _ = transaction.noteMustChange(false) }
        return answer.verdict.updateCode
    }

    /// Asks the daemon, but not with an old password that no directory shall see as an attempt.
    private func judge(_ question: LoginRequest) -> DaemonAnswer {
        guard unsafe isReset || PasswordRules.isAdmissible(question.password) else {
            return .refusedHere
        }
        let answer = ask(question)
        if answer.verdict == .undecidable {
            tell(.error, "The password cannot be changed at the moment.")
        }
        return answer
    }

    private func conclude(_ answer: DaemonAnswer, about name: UnsafeRawBufferPointer) {
        unsafe log(answer.verdict, about: name, source: octets(of: answer.source))
        delay(answer.verdict)
    }

    /// The verdict that ends the round at once when only an expired password is to be changed:
    /// accepted if it has not expired; `nil` to go on.
    private func unneeded(_ name: UnsafeRawBufferPointer) -> LoginVerdict? {
        guard onlyExpired else { return nil }
        let verdict =
            unsafe host.readsGate
            ? verdictOfGate(name) : ask(request(.account, about: name)).verdict
        if verdict == .accepted, transaction.mustChange { return nil }
        return verdict == .mustChangePassword ? nil : verdict
    }

    private func verdictOfGate(_ name: UnsafeRawBufferPointer) -> LoginVerdict {
        do throws(IndexFault) {
            let gate = try GateIndex(path: host.gate)
            return try unsafe gate.decide(
                name: name, service: service, clock: .ofThisHost()
            ).verdict
        } catch {
            return .undecidable
        }
    }
}
