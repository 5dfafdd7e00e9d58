// A look at a server without saying who we are: does it answer, and how long are its certificates good.

internal import COpenSSL
internal import Glibc

/// For how long a certificate is valid.
public struct CertificateValidity: Equatable, Sendable {
    /// Whose it is: the server's names, or the subject of an authority.
    public var subject: String
    /// Its first second, since the epoch.
    public var begins: Int64
    /// Its last second, since the epoch.
    public var ends: Int64

    /// A validity from its parts.
    public init(subject: String, begins: Int64, ends: Int64) {
        self.subject = subject
        self.begins = begins
        self.ends = ends
    }
}

/// What a look at a server found.
public struct ServerExamination: Equatable, Sendable {
    /// How the look went.
    public enum Outcome: Equatable, Sendable {
        /// The server answers, and TLS is in order if it is used.
        case fine
        /// It cannot be reached now.
        case unreachable
        /// The file with the authorities cannot be used.
        case unusableCAFile
        /// TLS does not come about, or the certificate must not be trusted.
        case untrusted
    }

    /// How the look went.
    public var outcome: Outcome
    /// What is wrong, a sentence; `nil` if nothing is.
    public var problem: String?
    /// What to do about it; `nil` if nothing need be done.
    public var remedy: String?
    /// The server's certificate first, then those it descends from, as far as they were found.
    public var chain: [CertificateValidity]

    /// An examination from its parts.
    public init(
        outcome: Outcome, problem: String? = nil, remedy: String? = nil,
        chain: [CertificateValidity] = []
    ) {
        self.outcome = outcome
        self.problem = problem
        self.remedy = remedy
        self.chain = chain
    }

    /// Connects, shakes hands, and hangs up; sends no name, no password and no search.
    ///
    /// Blocks at most `networkTimeout` of the options, name resolution excepted.
    public static func of(
        _ address: LDAPServerAddress, _ options: LDAPConnectOptions
    ) -> ServerExamination {
        let deadline = Deadline(in: options.networkTimeout)
        do throws(ConnectFault) {
            let socket = try TCPProbe(host: address.host, port: address.port, deadline: deadline)
            guard options.usesTLS else { return ServerExamination(outcome: .fine) }
            if options.tls == .startTLS { try StartTLSProbe.request(on: socket, deadline) }
            let view = try TLSProbe(host: address.host, caFile: options.caFile)
                .look(socket, deadline)
            guard let fault = view.fault else {
                return ServerExamination(outcome: .fine, chain: view.chain)
            }
            return ServerExamination(fault, address, options, chain: view.chain)
        } catch {
            return ServerExamination(error, address, options, chain: [])
        }
    }

    private init(
        _ fault: ConnectFault, _ address: LDAPServerAddress, _ options: LDAPConnectOptions,
        chain: [CertificateValidity]
    ) {
        switch fault {
        case .unknownHost, .unreachable, .timeout, .closed: outcome = .unreachable
        case .unusableCAFile: outcome = .unusableCAFile
        case .notTLS, .noStartTLS, .expired, .notYetValid, .wrongName, .unknownCA,
            .badCertificate, .handshake:
            outcome = .untrusted
        }
        problem = fault.diagnostic(host: address.host, port: address.port, options)
        remedy = fault.remedy
        self.chain = chain
    }
}

/// What a handshake showed.
struct TLSView {
    /// What is wrong with the certificate; `nil`: nothing.
    var fault: ConnectFault?
    /// The server's certificate, then those it descends from.
    var chain: [CertificateValidity]

    /// The chain of a session whose handshake is done.
    static func chain(of session: OpaquePointer) -> [CertificateValidity] {
        guard let stack = unsafe SSL_get0_verified_chain(session) else { return [] }
        return (0..<max(0, unsafe OPENSSL_sk_num(stack))).compactMap { place in
            guard let value = unsafe OPENSSL_sk_value(stack, place) else { return nil }
            return unsafe validity(OpaquePointer(value), isServer: place == 0)
        }
    }

    private static func validity(
        _ certificate: OpaquePointer, isServer: Bool
    ) -> CertificateValidity? {
        guard let begins = unsafe seconds(X509_get0_notBefore(certificate)),
            let ends = unsafe seconds(X509_get0_notAfter(certificate))
        else { return nil }
        let subject =
            isServer
            ? unsafe CertificateNames.read(certificate).joined(separator: ", ")
            : unsafe TLSProbe.text(X509_get_subject_name(certificate))
        return CertificateValidity(subject: subject, begins: begins, ends: ends)
    }

    /// Since the epoch.
    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        var parts = unsafe tm()
        guard let time = unsafe time, unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Int64(unsafe timegm(&parts))
    }
}
