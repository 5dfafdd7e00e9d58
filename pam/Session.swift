// Credentials and sessions: nothing to do, so only whose account it is matters.
internal import AccountIndex
internal import CPAM

/// Establishes, renews or deletes credentials, of which roster has none.
///
/// PAM_SUCCESS for accounts of ours, PAM_IGNORE for others.
@c(pam_sm_setcred)
public func setCredentials(
    _ handle: OpaquePointer?, _ flags: CInt, _ count: CInt,
    _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> CInt {
    guard let transaction = unsafe LinuxPAM(handle) else { return PAM_SYSTEM_ERR }
    return unsafe Phase(
        kind: .session, transaction: transaction, host: .installed(),
        options: ModuleOptions(count, arguments), flags: UInt32(bitPattern: flags)
    ).noted(undecidable: PAM_CRED_UNAVAIL)
}

/// Begins a session; nothing is done.
@c(pam_sm_open_session)
public func openSession(
    _ handle: OpaquePointer?, _ flags: CInt, _ count: CInt,
    _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> CInt {
    guard let transaction = unsafe LinuxPAM(handle) else { return PAM_SYSTEM_ERR }
    return unsafe Phase(
        kind: .session, transaction: transaction, host: .installed(),
        options: ModuleOptions(count, arguments), flags: UInt32(bitPattern: flags)
    ).noted(undecidable: PAM_SESSION_ERR)
}

/// Ends a session; nothing is done.
@c(pam_sm_close_session)
public func closeSession(
    _ handle: OpaquePointer?, _ flags: CInt, _ count: CInt,
    _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> CInt {
    unsafe openSession(handle, flags, count, arguments)
}

extension Phase {
    /// PAM_SUCCESS for an account of ours, PAM_IGNORE for others.
    func noted(undecidable: CInt) -> CInt {
        let code = unsafe forAccountOfOurs(undecidable: undecidable) { _ in PAM_SUCCESS }
        return code == PAM_USER_UNKNOWN ? PAM_IGNORE : code
    }
}
