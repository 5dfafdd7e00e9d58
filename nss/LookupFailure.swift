// Every way in which a lookup can end without an answer, and what glibc is told.
internal import AccountIndex
internal import CLibc

/// Why there is no answer.
enum LookupFailure: Error {
    /// There is no such account or group, or the enumeration is over.
    case notFound
    /// The caller's buffer is too small for this answer.
    case bufferTooSmall
    /// The index cannot be used.
    case unusable(CInt)

    init(_ fault: IndexFault) {
        self = .unusable(fault.code)
    }
}

extension Service {
    /// The status for a failure, with `errnop` set.
    ///
    /// ERANGE makes the caller try again with a larger buffer. An unusable index counts only on a
    /// host that is configured for roster; where the package is merely installed it is as if the
    /// service did not exist.
    func report(_ failure: LookupFailure, _ errnop: UnsafeMutablePointer<CInt>?) -> nss_status {
        switch failure {
        case .notFound:
            unsafe errnop?.pointee = ENOENT
            return NSS_STATUS_NOTFOUND
        case .bufferTooSmall:
            unsafe errnop?.pointee = ERANGE
            return NSS_STATUS_TRYAGAIN
        case .unusable(let code):
            if !isConfigured() {
                unsafe errnop?.pointee = ENOENT
                return NSS_STATUS_NOTFOUND
            }
            unsafe errnop?.pointee = code == ERANGE || code == 0 ? EBADMSG : code
            return NSS_STATUS_UNAVAIL
        }
    }

    /// Whether this host was configured for roster; looked at on this path only.
    ///
    /// Keeps errno.
    private func isConfigured() -> Bool {
        let saved = roster_errno()
        defer { roster_set_errno(saved) }
        if unsafe access(configuration, F_OK) == 0 { return true }
        // Whoever may not look, or cannot look now, is not told that an account does not exist.
        return roster_errno() != ENOENT && roster_errno() != ENOTDIR
    }
}
