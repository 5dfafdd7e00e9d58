// A person's password: is it the right one, and change it. Everything within a time that is given.

internal import CLDAP

extension LDAPSession {
    /// Binds as a person and tells what the directory made of it.
    ///
    /// The session may have been bound as somebody else before. An answer of any kind is returned, a
    /// refusal too. Throws ``LDAPError`` when there is none within `limit`, or when the connection or
    /// an answer is not sound: the session is of no use then, because an answer may still come.
    /// An empty DN or password is refused without asking (RFC 4513 §5.1.2). Blocks at most `limit`.
    public func authenticate(
        dn: String, password: borrowing LDAPSecret, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer {
        guard !dn.isEmpty, password.count > 0 else {
            return PasswordAnswer(LDAPResult(code: .invalidCredentials))
        }
        let controls = CControls([PasswordPolicyControl.request])
        var id: CInt = 0
        let code = unsafe password.withValue { credentials in
            unsafe ldap_sasl_bind(
                handle.pointer, dn, nil, credentials, controls.pointers, nil, &id)
        }
        guard code == 0 else { throw handle.error(.bind, code) }
        return try passwordAnswer(to: id, within: limit, kind: .bindResult, step: .bind)
    }

    /// Changes a password by RFC 3062 as whoever the session is bound as.
    ///
    /// `dn` is whose password it is; an empty `old` is left out. Answers and throws as
    /// ``authenticate(dn:password:within:)`` does. Blocks at most `limit`.
    public func changePassword(
        of dn: String, old: borrowing LDAPSecret, new: borrowing LDAPSecret, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer {
        guard !dn.isEmpty, new.count > 0 else {
            return PasswordAnswer(LDAPResult(code: .constraintViolation))
        }
        let controls = CControls([PasswordPolicyControl.request])
        let person = LDAPSecret(copying: dn.utf8)
        var id: CInt = 0
        let code = unsafe person.withValue { person in
            unsafe old.withValue { oldValue in
                unsafe new.withValue { newValue in
                    unsafe ldap_passwd(
                        handle.pointer, person, old.count > 0 ? oldValue : nil, newValue,
                        controls.pointers, nil, &id)
                }
            }
        }
        guard code == 0 else { throw handle.error(.changePassword, code) }
        return try passwordAnswer(
            to: id, within: limit, kind: .extendedResult, step: .changePassword)
    }

    /// Reads the root DSE and throws it away: the cheapest question that every server answers.
    ///
    /// Blocks at most `limit`; throws as ``authenticate(dn:password:within:)`` does.
    public func ping(within limit: Duration) throws(LDAPError) {
        _ = try readRoot(["1.1"], within: limit)
    }

    /// Some attributes of the root DSE; `nil` where the server shows none.
    func readRoot(
        _ attributes: [String], within limit: Duration
    ) throws(LDAPError) -> LDAPEntry? {
        let search = LDAPSearch(
            base: "", scope: .base, filter: "(objectClass=*)", attributes: attributes)
        let id = try start(search)
        let deadline = Deadline(in: limit)
        var entry: LDAPEntry?
        while true {
            let message = try handle.answer(
                to: id.rawValue, within: deadline.remaining, step: .readRootDSE)
            if message.kind == .entry { entry = try message.copiedEntry() }
            if message.kind == .searchResult { return entry }
        }
    }

    /// Whether the connection is open and nothing has come unasked: it may be used once more.
    ///
    /// Does not block.
    public func isQuiet() -> Bool {
        do throws(LDAPError) {
            guard let message = try nextMessage(timeout: .zero) else { return true }
            _ = consume message
            return false
        } catch {
            return false
        }
    }

    func passwordAnswer(
        to id: CInt, within limit: Duration, kind: LDAPMessage.Kind, step: LDAPError.Step
    ) throws(LDAPError) -> PasswordAnswer {
        guard let message = try handle.message(of: id, within: limit, step: step) else {
            throw LDAPError(
                server: handle.server, step: step, code: .timeout,
                diagnostic: "no answer within \(limit)", remedy: "")
        }
        guard message.kind == kind else {
            throw LDAPError(
                server: handle.server, step: step, code: .decodingError,
                diagnostic: "an answer of another kind", remedy: "")
        }
        return PasswordAnswer(try message.result())
    }
}
