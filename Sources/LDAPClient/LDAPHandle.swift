// libldap's handle: made with everything bounded and nothing taken from the environment.

internal import CLDAP

/// The sole owner of a libldap handle; messages hold it so that they can be decoded at leisure.
@safe final class LDAPHandle {
    /// Limit of one message, in octets: a group of a million members fits; a server that announces
    /// gigabytes is cut off.
    static let largestMessage = 256 << 20

    let pointer: OpaquePointer
    let server: String
    /// The socket, for the guard over handshakes.
    let watch = SocketWatch()
    /// libldap keeps this pointer for as long as the handle lives.
    private let callbacks: UnsafeMutablePointer<ldap_conncb>

    /// A handle that is not connected yet.
    init(_ options: LDAPConnectOptions) throws(LDAPError) {
        LDAPLibrary.prepare()
        server = options.uri
        var created: OpaquePointer?
        let code = unsafe ldap_initialize(&created, options.uri)
        guard code == 0, let created = unsafe created else {
            throw LDAPError(
                server: options.uri, step: .configure, code: LDAPResultCode(rawValue: code))
        }
        unsafe pointer = created
        unsafe callbacks = .allocate(capacity: 1)
        unsafe callbacks.initialize(to: SocketWatch.callbacks(watch))
        _ = unsafe ldap_set_option(created, LDAP_OPT_CONNECT_CB, callbacks)
    }

    deinit {
        _ = unsafe ldap_unbind_ext(pointer, nil, nil)
        unsafe callbacks.deallocate()
    }

    /// An error with what libldap and the server say right now.
    func error(_ step: LDAPError.Step, _ code: Int32) -> LDAPError {
        LDAPError(
            server: server, step: step, code: LDAPResultCode(rawValue: code),
            serverText: diagnosticMessage)
    }

    /// The code of the failure that happened last on this handle.
    var lastCode: Int32 {
        integer(LDAP_OPT_RESULT_CODE) ?? LDAPResultCode.serverDown.rawValue
    }

    /// The socket; `nil` while there is none.
    var descriptor: CInt? {
        integer(LDAP_OPT_DESC).flatMap { $0 >= 0 ? $0 : nil }
    }

    private func integer(_ option: Int32) -> CInt? {
        var value: CInt = -1
        return unsafe ldap_get_option(pointer, option, &value) == 0 ? value : nil
    }

    private var diagnosticMessage: String {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe ldap_get_option(pointer, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text) == 0,
            let text = unsafe text
        else { return "" }
        defer { unsafe ldap_memfree(text) }
        return unsafe String(cString: text)
    }
}

extension LDAPHandle {
    /// Applies every option; nothing is sent.
    func configure(_ options: LDAPConnectOptions) throws(LDAPError) {
        try set(LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3)
        try setFlag(LDAP_OPT_REFERRALS, isOn: false)
        try setFlag(LDAP_OPT_RESTART, isOn: true)
        try set(LDAP_OPT_NETWORK_TIMEOUT, options.networkTimeout.timeValue)
        try set(LDAP_OPT_TIMEOUT, options.operationTimeout.timeValue)
        try set(LDAP_OPT_X_KEEPALIVE_IDLE, options.keepaliveIdle.wholeSeconds)
        try set(LDAP_OPT_X_KEEPALIVE_INTERVAL, options.keepaliveInterval.wholeSeconds)
        try set(LDAP_OPT_X_KEEPALIVE_PROBES, CInt(clamping: options.keepaliveProbes))
        try set(LDAP_OPT_TCP_USER_TIMEOUT, CUnsignedInt(options.tcpUserTimeout.milliseconds))
        guard options.usesTLS else { return }
        try set(LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND)
        let tls12: CInt = 0x0303
        try set(LDAP_OPT_X_TLS_PROTOCOL_MIN, tls12)
        let code = unsafe options.caFile.withCString { path in
            unsafe ldap_set_option(pointer, LDAP_OPT_X_TLS_CACERTFILE, path)
        }
        guard code == 0 else { throw error(.configure, code) }
        try setNewContext(caFile: options.caFile)
    }

    /// Makes the TLS options take effect; fails when the CA file cannot be used.
    private func setNewContext(caFile: String) throws(LDAPError) {
        var isServer: CInt = 0
        guard unsafe ldap_set_option(pointer, LDAP_OPT_X_TLS_NEWCTX, &isServer) == 0 else {
            throw LDAPError(
                server: server, step: .configure, code: .parameterError,
                diagnostic: "ca_file \(caFile) holds no readable certificate",
                remedy: "name a PEM file with the certificate of the directory's CA in ca_file, "
                    + "or install ca-certificates")
        }
    }

    /// Makes reading and writing never wait; waiting is done in poll(2), with a deadline.
    func stopBlocking() {
        var buffer: OpaquePointer?
        guard unsafe ldap_get_option(pointer, LDAP_OPT_SOCKBUF, &buffer) == 0,
            let buffer = unsafe buffer
        else { return }
        var anything: CInt = 1
        _ = unsafe ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_NONBLOCK, &anything)
        var largest = ber_len_t(Self.largestMessage)
        _ = unsafe ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &largest)
    }

    private func set<Value: BitwiseCopyable>(
        _ option: CInt, _ value: Value
    ) throws(LDAPError) {
        var value = value
        let code = unsafe ldap_set_option(pointer, option, &value)
        guard code == 0 else { throw error(.configure, code) }
    }

    private func setFlag(_ option: CInt, isOn: Bool) throws(LDAPError) {
        var anything: CChar = 1
        let code =
            if isOn {
                unsafe ldap_set_option(pointer, option, &anything)
            } else {
                unsafe ldap_set_option(pointer, option, nil)
            }
        guard code == 0 else { throw error(.configure, code) }
    }
}
