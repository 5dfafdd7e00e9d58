// When a verifier may stand in for the directory.

internal import AccountStore
internal import Accounts

/// The rules of `[login] offline` and `offline_max_age`.
struct OfflinePolicy: Equatable, Sendable {
    var isAllowed: Bool
    /// Seconds since the directory accepted the password last.
    var maxAge: Int64

    /// Wrong passwords that cost nothing.
    static let freeFailures = 3
    /// The longest delay after a wrong password, in seconds.
    static let longestDelay: Int64 = 900

    /// Whether the verifier is the person's, of the password that the directory shows, young enough
    /// and not of an account that the directory locked since; `newest` is the latest time ever
    /// published.
    func mayUse(
        _ verifier: StoredVerifier, for person: LoginPerson, at now: VerifierMoment, newest: Int64
    ) -> Bool {
        isAllowed && verifier.uuid == person.uuid && verifier.name == person.name
            && verifier.stamp == person.stamp && verifier.refusedAt == nil
            && now.seconds(since: verifier.acceptedAt, newest: newest) < maxAge
    }

    /// How many seconds have to pass until the next password is looked at.
    ///
    /// None for the first wrong ones, then 2, 4, 8 and so on since the last one.
    func delay(after verifier: StoredVerifier, at now: VerifierMoment, newest: Int64) -> Int64 {
        guard verifier.failures >= Self.freeFailures, let last = verifier.lastFailure else {
            return 0
        }
        let doublings = min(verifier.failures - Self.freeFailures + 1, 20)
        let whole = min(Int64(1) << Int64(doublings), Self.longestDelay)
        return max(0, whole - now.seconds(since: last, newest: newest))
    }
}
