// Verifiers without the directory: held against a password, wrong ones counted.

internal import AccountStore
internal import Accounts
internal import Credentials
internal import LDAPClient
internal import Logging
internal import NIOPosix

extension VerifierKeeper {
    /// Whether there is a verifier that may be used for the person now; `newest` is the latest time
    /// ever published.
    ///
    /// Blocks on the disk.
    func hasVerifier(of person: LoginPerson, newest: Int64) -> Bool {
        usable(person, newest: newest) != nil
    }

    private func usable(_ person: LoginPerson, newest: Int64) -> (VerifierStore, StoredVerifier)? {
        guard policy.isAllowed, let (store, stored) = unbarred(person.uuid),
            policy.mayUse(stored, for: person, at: moment(), newest: newest)
        else { return nil }
        return (store, stored)
    }

    /// Holds a password against the verifier; those who come while others are held wait until
    /// `deadline` (by the steady clock) at most.
    func check(
        _ password: Password, of person: LoginPerson, newest: Int64, by deadline: Duration
    ) async -> OfflineFinding {
        let finding = try? await checks.runIfActive {
            guard self.clock.uptime() < deadline else { return OfflineFinding.noTime }
            return self.checkNow(password, of: person, newest: newest)
        }
        return finding ?? .noTime
    }

    private func checkNow(
        _ password: Password, of person: LoginPerson, newest: Int64
    ) -> OfflineFinding {
        guard let (store, stored) = usable(person, newest: newest),
            let verifier = PasswordVerifier(octets: stored.verifier)
        else { return .noVerifier }
        let delay = policy.delay(after: stored, at: moment(), newest: newest)
        guard delay == 0 else { return .delayed(seconds: delay) }
        let isRight = unsafe password.secret.withBytes { unsafe verifier.matches($0) }
        do throws(StoreError) {
            switch isRight {
            case true?:
                if stored.failures > 0 { try store.noteSuccess(person.uuid) }
                // What was learnt while it was held against the verifier counts.
                guard usable(person, newest: newest) != nil else { return .noVerifier }
                return .accepted(mustChange: stored.mustChange)
            case false?:
                try store.noteFailure(person.uuid, at: moment())
                return .wrong
            case nil: return .noTime
            }
        } catch {
            // What cannot be counted cannot be guessed at either.
            logger.error("a failed login cannot be counted: \(error)")
            return .noTime
        }
    }
}
