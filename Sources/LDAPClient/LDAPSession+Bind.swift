// Proving who we are, and asking the server whom it takes us for.

internal import CLDAP

extension LDAPSession {
    /// Binds with a DN and a password (RFC 4513 §5.1.3).
    ///
    /// An empty DN or password is refused here: servers take it for an anonymous bind and say
    /// success (§5.1.2). Blocks at most `operationTimeout`. Throws ``LDAPError`` with step `bind`.
    public func bind(dn: String, password: borrowing LDAPSecret) throws(LDAPError) {
        guard !dn.isEmpty, password.count > 0 else {
            throw LDAPError(
                server: handle.server, step: .bind, code: .invalidCredentials,
                diagnostic: "bind DN or password is empty",
                remedy: "set [directory] bind_dn and put the password into the password file")
        }
        var id: CInt = 0
        let code = unsafe password.withValue { credentials in
            unsafe ldap_sasl_bind(handle.pointer, dn, nil, credentials, nil, nil, &id)
        }
        try finishBind(code, id)
    }

    /// Binds as the user this process runs as, over `ldapi` (SASL EXTERNAL).
    ///
    /// Source: RFC 4422 appendix A. Blocks at most `operationTimeout`. Throws ``LDAPError`` with step `bind`.
    public func bindExternal() throws(LDAPError) {
        var id: CInt = 0
        var empty = unsafe berval()
        var anything: CChar = 0
        let code = unsafe withUnsafeMutablePointer(to: &anything) { text in
            unsafe empty.bv_val = text
            return unsafe ldap_sasl_bind(handle.pointer, "", "EXTERNAL", &empty, nil, nil, &id)
        }
        try finishBind(code, id)
    }

    private func finishBind(_ code: CInt, _ id: CInt) throws(LDAPError) {
        guard code == 0 else { throw handle.error(.bind, code) }
        let answer = try answer(to: LDAPMessageID(rawValue: id), step: .bind)
        let result = try answer.result()
        guard result.code == .success else {
            throw LDAPError(
                server: handle.server, step: .bind, code: result.code,
                serverText: result.diagnostic)
        }
    }

    /// Asks who we are (RFC 4532) and comes back at once.
    ///
    /// The answer arrives through ``nextMessage(timeout:)`` as an extended result with this id: the
    /// cheapest proof that the server still works. Does not block.
    public func startWhoAmI() throws(LDAPError) -> LDAPMessageID {
        var id: CInt = 0
        let code = unsafe ldap_whoami(handle.pointer, nil, nil, &id)
        guard code == 0 else { throw handle.error(.whoAmI, code) }
        return LDAPMessageID(rawValue: id)
    }

    /// Who we are to the server, for instance `dn:cn=reader`; empty: anonymous.
    ///
    /// Blocks at most `operationTimeout`.
    public func whoAmI() throws(LDAPError) -> String {
        let id = try startWhoAmI()
        let answer = try answer(to: id, step: .whoAmI)
        let result = try answer.result()
        guard result.code == .success else {
            throw LDAPError(
                server: handle.server, step: .whoAmI, code: result.code,
                serverText: result.diagnostic)
        }
        return String(decoding: try answer.extendedValue() ?? [], as: UTF8.self)
    }
}
