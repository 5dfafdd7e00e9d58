// What becomes of a login attempt: one type for the index, the daemon, PAM, the log and the tests.

/// The verdict on an account or on a password.
///
/// The raw values go over the login socket and never change their meaning.
public enum LoginVerdict: UInt8, CaseIterable, Equatable, Sendable {
    /// The account is in order; of a password: it is the right one.
    case accepted = 1
    /// As ``accepted``, but a new password is wanted before anything else.
    case mustChangePassword = 2
    /// The name is none of ours: a local account's, or nobody's.
    case unknownUser = 3
    /// The name was ours until a moment ago.
    case removed = 4
    /// An administrator of this host blocked the name (`roster deny`).
    case blocked = 5
    /// The directory says disabled.
    case disabled = 6
    /// The account's time is over.
    case expired = 7
    /// A rule of `[access]` denies a group that the account is in.
    case denied = 8
    /// The rules of `[access]` allow others only.
    case notAllowed = 9
    /// The mirror was not verified for longer than `max_staleness`.
    case stale = 10
    /// The password is wrong, or the account is one that the gate refuses: the two look alike.
    case wrongPassword = 11
    /// The directory locked the account after too many wrong passwords.
    case locked = 12
    /// The password is right and too old to be used even once more.
    case passwordExpired = 13
    /// The new password was refused by the directory; a message says why.
    case newPasswordRefused = 14
    /// This password may not be changed here, or not by this caller.
    case changeNotPermitted = 15
    /// It cannot be said now: no directory, no verifier, no usable index, too many requests.
    case undecidable = 16
}
