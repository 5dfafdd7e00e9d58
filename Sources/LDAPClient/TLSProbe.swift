// One TLS handshake with OpenSSL that sends nothing of ours and looks at the server's certificate.

internal import COpenSSL
internal import Glibc

/// Examines the TLS side of a server.
struct TLSProbe {
    let host: String
    let caFile: String

    /// Throws what is wrong; returns if nothing is.
    func examine(_ socket: borrowing TCPProbe, _ deadline: Deadline) throws(ConnectFault) {
        if let fault = try look(socket, deadline).fault { throw fault }
    }

    /// Shakes hands and says what is wrong with the certificate; throws when it comes to none.
    func look(
        _ socket: borrowing TCPProbe, _ deadline: Deadline
    ) throws(ConnectFault) -> TLSView {
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else {
            throw .handshake("out of memory")
        }
        defer { unsafe SSL_CTX_free(context) }
        guard unsafe SSL_CTX_load_verify_file(context, caFile) == 1 else { throw .unusableCAFile }
        guard let session = unsafe SSL_new(context) else { throw .handshake("out of memory") }
        defer { unsafe SSL_free(session) }
        // The verdict is read afterwards; without this the handshake would hide the certificate.
        unsafe SSL_set_verify(session, SSL_VERIFY_NONE, nil)
        unsafe nameServer(session)
        guard unsafe SSL_set_fd(session, socket.descriptor) == 1 else {
            throw .handshake("no socket")
        }
        try unsafe shakeHands(session, socket, deadline)
        let chain = unsafe TLSView.chain(of: session)
        do throws(ConnectFault) {
            try unsafe judge(session)
            return TLSView(chain: chain)
        } catch {
            return TLSView(fault: error, chain: chain)
        }
    }

    /// Sets the name that the certificate must be for, and server name indication.
    private func nameServer(_ session: OpaquePointer) {
        let parameters = unsafe SSL_get0_param(session)
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 { return }
        _ = unsafe SSL_set1_host(session, host)
        // SSL_set_tlsext_host_name is a macro over this call.
        let isHostName = CLong(TLSEXT_NAMETYPE_host_name)
        var name = Array(host.utf8CString)
        _ = unsafe SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, isHostName, &name)
    }

    private func shakeHands(
        _ session: OpaquePointer, _ socket: borrowing TCPProbe, _ deadline: Deadline
    ) throws(ConnectFault) {
        while true {
            ERR_clear_error()
            let code = unsafe SSL_connect(session)
            if code == 1 { return }
            switch unsafe SSL_get_error(session, code) {
            case SSL_ERROR_WANT_READ: try socket.wait(POLLIN, deadline, "TLS handshake")
            case SSL_ERROR_WANT_WRITE: try socket.wait(POLLOUT, deadline, "TLS handshake")
            case SSL_ERROR_SYSCALL, SSL_ERROR_ZERO_RETURN: throw .closed("the TLS handshake")
            default: throw Self.handshakeFault()
            }
        }
    }

    private static func handshakeFault() -> ConnectFault {
        let code = ERR_get_error()
        let reason = Int32(truncatingIfNeeded: code & 0x7F_FFFF)
        // SSL_R_WRONG_VERSION_NUMBER, SSL_R_UNKNOWN_PROTOCOL, SSL_R_RECORD_LAYER_FAILURE,
        // SSL_R_BAD_RECORD_TYPE, SSL_R_PACKET_LENGTH_TOO_LONG: what came back is no TLS record.
        if [267, 254, 313, 443, 198].contains(reason) { return .notTLS }
        if reason == 294 { return .closed("the TLS handshake") }
        guard let text = unsafe ERR_reason_error_string(code) else { return .handshake("unknown") }
        return .handshake(unsafe String(cString: text))
    }

    private func judge(_ session: OpaquePointer) throws(ConnectFault) {
        let verdict = unsafe SSL_get_verify_result(session)
        guard verdict != CLong(X509_V_OK) else { return }
        guard let certificate = unsafe SSL_get1_peer_certificate(session) else {
            throw .handshake("the server shows no certificate")
        }
        defer { unsafe X509_free(certificate) }
        switch CInt(truncatingIfNeeded: verdict) {
        case X509_V_ERR_CERT_HAS_EXPIRED where unsafe isOutOfDate(certificate):
            let end = unsafe X509_get0_notAfter(certificate)
            throw .expired(subject: host, on: unsafe Self.day(end))
        case X509_V_ERR_CERT_NOT_YET_VALID where unsafe isOutOfDate(certificate):
            let start = unsafe X509_get0_notBefore(certificate)
            throw .notYetValid(subject: host, from: unsafe Self.day(start))
        case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID:
            throw .badCertificate("a CA that it descends from has expired or is not yet valid")
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            throw unsafe .wrongName(names: CertificateNames.read(certificate))
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            throw .unknownCA(issuer: unsafe Self.text(X509_get_issuer_name(certificate)))
        default:
            let text = unsafe X509_verify_cert_error_string(verdict)
            throw .badCertificate(unsafe text.map { unsafe String(cString: $0) } ?? "not trusted")
        }
    }

    /// Whether the server's own certificate is the one whose time is wrong.
    private func isOutOfDate(_ certificate: OpaquePointer) -> Bool {
        unsafe X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0
            || X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0
    }

    /// `2026-11-02`, in universal time.
    private static func day(_ time: UnsafePointer<ASN1_TIME>?) -> String {
        var parts = unsafe tm()
        guard let time = unsafe time, unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return "?" }
        func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (year, month, day) = unsafe (parts.tm_year, parts.tm_mon, parts.tm_mday)
        return "\(1900 + year)-\(twoDigits(month + 1))-\(twoDigits(day))"
    }

    /// `CN=...,O=...`.
    static func text(_ name: OpaquePointer?) -> String {
        guard let name = unsafe name, let text = unsafe X509_NAME_oneline(name, nil, 0) else {
            return "?"
        }
        defer { unsafe CRYPTO_free(text, nil, 0) }
        return unsafe String(cString: text).split(separator: "/").joined(separator: ", ")
    }
}

/// The names that a certificate is for (RFC 5280 §4.2.1.6), else its subject.
enum CertificateNames {
    /// At most 20 names: DNS names and IPv4 addresses as such, others not at all.
    static func read(_ certificate: OpaquePointer) -> [String] {
        var names: [String] = []
        if let found = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) {
            let list = OpaquePointer(found)
            defer { unsafe GENERAL_NAMES_free(list) }
            for position in 0..<min(unsafe OPENSSL_sk_num(list), 20) {
                guard let value = unsafe OPENSSL_sk_value(list, position) else { continue }
                let name = unsafe value.assumingMemoryBound(to: GENERAL_NAME.self)
                if let text = unsafe text(name) { names.append(text) }
            }
        }
        return names.isEmpty ? [unsafe TLSProbe.text(X509_get_subject_name(certificate))] : names
    }

    private static func text(_ name: UnsafeMutablePointer<GENERAL_NAME>) -> String? {
        var kind: CInt = -1
        guard let value = unsafe GENERAL_NAME_get0_value(name, &kind) else { return nil }
        guard kind == GEN_DNS || kind == GEN_IPADD else { return nil }
        let string = OpaquePointer(value)
        let octets = unsafe UnsafeRawBufferPointer(
            start: ASN1_STRING_get0_data(.init(string)),
            count: Int(ASN1_STRING_length(.init(string))))
        if kind == GEN_DNS {
            return unsafe String(decoding: octets.filter { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self)
        }
        return unsafe octets.count == 4
            ? octets.map { String($0) }.joined(separator: ".") : nil
    }
}
