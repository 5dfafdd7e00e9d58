// Changing a password: as the person, or as the reset identity where root asks.

internal import Accounts
internal import LDAPClient
internal import NIOPosix
internal import Synchronization

extension LoginService {
    /// Whether the password could be changed now, and whether the old one is right.
    ///
    /// An empty old password asks only whether the directory answers.
    func checkChange(
        _ question: LoginQuestion, _ login: Login, by peer: PeerCredentials
    ) async -> LoginAnswer {
        if question.isReset, let refusal = refusal(ofResetBy: peer) { return refusal }
        guard !question.isReset, !question.password.isEmpty else { return await reach(login) }
        guard question.password.isAdmissible else { return LoginAnswer(.wrongPassword) }
        switch await bind(login, question.password) {
        case .noAnswer(let reason): return LoginAnswer(.undecidable, source: reason)
        case .decided(.mustChangePassword, let answer):
            return LoginAnswer(.accepted, source: answer.source)
        case .decided(_, let answer): return answer
        }
    }

    private func reach(_ login: Login) async -> LoginAnswer {
        let outcome = await directory.ask(by: login.deadline) { session, left throws(LDAPError) in
            try session.ping(within: left())
        }
        return switch outcome {
        case .answered: LoginAnswer(.accepted)
        case .failed(let reason): LoginAnswer(.undecidable, source: reason)
        case .notTried: LoginAnswer(.undecidable, source: "too many logins at once")
        }
    }

    private func refusal(ofResetBy peer: PeerCredentials) -> LoginAnswer? {
        guard peer.uid == 0 else {
            return LoginAnswer(.changeNotPermitted, source: "a reset that root did not ask for")
        }
        guard reset == nil else { return nil }
        return LoginAnswer(
            .changeNotPermitted, source: "no reset_dn",
            messages: [
                "This account's password is kept by your organisation's directory: reset it there."
            ])
    }

    /// Changes the password.
    func change(
        _ question: LoginQuestion, _ login: Login, by peer: PeerCredentials
    ) async -> LoginAnswer {
        guard question.newPassword.isAdmissible else {
            let text = "The new password is empty, too long or holds a character it may not hold."
            return LoginAnswer(.newPasswordRefused, messages: [text])
        }
        var identities = Identities()
        if question.isReset {
            if let refusal = refusal(ofResetBy: peer) { return refusal }
            guard let reset, let password = try? await lookups.runIfActive(reset.password) else {
                return LoginAnswer(.undecidable, source: "reset_password_file")
            }
            identities.first = (reset.dn, password)
        } else {
            guard question.password.isAdmissible else { return LoginAnswer(.wrongPassword) }
            identities.first = (login.person.dn, question.password)
            if let reader, let password = try? await lookups.runIfActive(reader.password) {
                identities.second = (reader.dn, password)
            }
        }
        return await change(question, login, as: identities)
    }

    /// As whom a password is changed.
    private struct Identities: Sendable {
        /// The person, or who may reset passwords.
        var first = (dn: "", password: Password([]))
        /// Who binds in the place of a person who cannot: Active Directory binds nobody whose password
        /// has to be changed first, and lets everybody change one who proves to know the old.
        var second: (dn: String, password: Password)?
    }

    /// What came of binding and, if that succeeded, of the change; without one: no time was left, or
    /// nobody could bind for it.
    private struct Change: Sendable {
        var bind: PasswordAnswer
        /// The bind in the person's place; `nil`: there was none.
        var substitute: PasswordAnswer?
        var change: PasswordAnswer?
    }

    private func change(
        _ question: LoginQuestion, _ login: Login, as identities: Identities
    ) async -> LoginAnswer {
        let (dn, password) = identities.first
        let (person, new, isReset) = (login.person, question.newPassword, question.isReset)
        let old = isReset ? Password([]) : password
        let (sending, least) = (ChangeSending(), timeout / 8)
        let outcome = await directory.ask(by: login.deadline) { session, left throws(LDAPError) in
            let method = try session.passwordChangeMethod(within: left())
            var done = Change(
                bind: try session.authenticate(dn: dn, password: password, within: left()))
            if done.bind.result.code != .success, !isReset, method == .unicodePassword,
                PasswordVerdict(bind: done.bind).verdict == .mustChangePassword,
                let (dn, password) = identities.second
            {
                done.substitute = try session.authenticate(
                    dn: dn, password: password, within: left())
            }
            guard (done.substitute ?? done.bind).result.code == .success, left() > least,
                sending.begin()
            else { return done }
            done.change = try session.changePassword(
                of: person.dn, old: old, new: new, within: left())
            return done
        }
        switch outcome {
        case .notTried: return LoginAnswer(.undecidable, source: "too many logins at once")
        case .failed(let reason):
            guard sending.end() else { return LoginAnswer(.undecidable, source: reason) }
            // It may have been carried out all the same.
            keeper.forget(person.uuid)
            let text = "The directory did not confirm the change: it may be in force or not."
            return LoginAnswer(.undecidable, source: reason, messages: [text])
        case .answered(let answers):
            if !isReset, let verdict = PasswordVerdict(bind: answers.bind).verdict {
                keeper.learn(verdict, of: password, person)
            }
            return decide(answers, person, isReset: isReset)
        }
    }

    private func decide(_ answers: Change, _ person: LoginPerson, isReset: Bool) -> LoginAnswer {
        if let change = answers.change { return decide(change, person) }
        let bind = answers.substitute ?? answers.bind
        let found = PasswordVerdict(bind: bind)
        guard bind.result.code != .success else {
            return LoginAnswer(.undecidable, source: "no time left for the change")
        }
        // Not the person's password was refused, but that of an identity of roster's.
        if isReset || answers.substitute != nil {
            return LoginAnswer(.undecidable, source: found.source)
        }
        guard found.verdict != .mustChangePassword else {
            return LoginAnswer(
                .changeNotPermitted, source: "no bind_dn to change it with; \(found.source)",
                messages: ["The directory does not let this password be changed from here."])
        }
        return LoginAnswer(
            found.verdict ?? .undecidable, source: found.source, messages: found.messages)
    }

    private func decide(_ change: PasswordAnswer, _ person: LoginPerson) -> LoginAnswer {
        let found = PasswordVerdict(change: change)
        if found.verdict == .accepted { keeper.forget(person.uuid) }
        return LoginAnswer(
            found.verdict ?? .undecidable, source: found.source, messages: found.messages)
    }
}

/// Whether a change was sent: decided once, by the thread that sends it or by whoever gives up.
final class ChangeSending: Sendable {
    private enum Stage { case open, sent, givenUp }

    private let stage = Mutex(Stage.open)

    /// Whether the change may be sent; from then on it counts as sent.
    func begin() -> Bool {
        stage.withLock { stage in
            guard stage == .open else { return false }
            stage = .sent
            return true
        }
    }

    /// Whether the change was sent; if not, it will not be.
    func end() -> Bool {
        stage.withLock { stage in
            if stage == .open { stage = .givenUp }
            return stage == .sent
        }
    }
}
