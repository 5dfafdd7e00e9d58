// Connecting, StartTLS, and the one place that takes messages from libldap.

internal import CLDAP

extension LDAPHandle {
    /// Connects, with TLS as the options say; a failure is examined and explained.
    func connect(_ options: LDAPConnectOptions, _ address: LDAPServerAddress) throws(LDAPError) {
        try configure(options)
        do throws(LDAPError) {
            let code = try guarded(options, limit: options.networkTimeout * 2) {
                unsafe ldap_connect(pointer)
            }
            guard code == 0 else { throw error(.connect, code) }
            if options.usesTLS, address.scheme == .ldap { try startTLS(options) }
        } catch {
            guard address.scheme != .ldapi, options.explainsFailures else { throw error }
            throw ConnectDiagnosis(address: address, options: options).explain(error)
        }
        stopBlocking()
    }

    private func startTLS(_ options: LDAPConnectOptions) throws(LDAPError) {
        var id: CInt = 0
        let code = unsafe ldap_start_tls(pointer, nil, nil, &id)
        guard code == 0 else { throw error(.connect, code) }
        let answer = try answer(to: id, within: options.operationTimeout, step: .connect)
        let result = try answer.result()
        guard result.code == .success else {
            throw LDAPError(
                server: server, step: .connect, code: result.code,
                diagnostic: "the server refuses StartTLS: \(result.diagnostic)",
                remedy: "switch on TLS on the server, or use ldaps")
        }
        let installed = try guarded(options, limit: options.networkTimeout) {
            unsafe ldap_install_tls(pointer)
        }
        guard installed == 0 else { throw error(.connect, installed) }
    }

    /// Runs a handshake under a ``HandshakeGuard``; without TLS there is none to guard.
    private func guarded(
        _ options: LDAPConnectOptions, limit: Duration, _ body: () -> CInt
    ) throws(LDAPError) -> CInt {
        guard options.usesTLS else { return body() }
        guard let handshake = HandshakeGuard(watch, limit: limit) else {
            throw LDAPError(
                server: server, step: .connect, code: .connectError,
                diagnostic: "no thread or descriptor left to watch the handshake",
                remedy: "raise the limits of the service (LimitNOFILE, TasksMax)")
        }
        defer { handshake.finish() }
        return body()
    }

    /// The next message of one operation, or an error when the time passes.
    func answer(
        to id: CInt, within limit: Duration, step: LDAPError.Step
    ) throws(LDAPError) -> LDAPMessage {
        guard let message = try message(of: id, within: limit, step: step) else {
            _ = unsafe ldap_abandon_ext(pointer, id, nil, nil)
            throw LDAPError(
                server: server, step: step, code: .timeout,
                diagnostic: "no answer within \(limit)",
                remedy: "check whether the server is overloaded or stopped")
        }
        return message
    }

    /// The next message of operation `id` (-1: of any); `nil` if none came in time.
    func message(
        of id: CInt, within limit: Duration, step: LDAPError.Step
    ) throws(LDAPError) -> LDAPMessage? {
        var time = limit.timeValue
        var received: OpaquePointer?
        let tag = unsafe ldap_result(pointer, id, LDAP_MSG_ONE, &time, &received)
        if tag == 0 { return nil }
        guard tag > 0, let received = unsafe received else { throw error(step, lastCode) }
        return unsafe LDAPMessage(taking: received, tag: tag, handle: self)
    }
}
