// libldap says "Can't contact LDAP server" for an expired certificate, a wrong CA and a refused port
// alike. So after a failure one more connection is made, without credentials, to see what is wrong.

internal import COpenSSL
internal import Glibc

/// Finds out why a connection could not be made.
struct ConnectDiagnosis {
    let address: LDAPServerAddress
    let options: LDAPConnectOptions

    /// The error with what was found out; the error itself when everything works by now.
    ///
    /// Blocks at most `networkTimeout`, name resolution excepted.
    func explain(_ error: LDAPError) -> LDAPError {
        let deadline = Deadline(in: options.networkTimeout)
        do throws(ConnectFault) {
            let socket = try TCPProbe(host: address.host, port: address.port, deadline: deadline)
            // A refusal in the server's own words says more than a look at its port.
            guard options.usesTLS, error.code.rawValue <= 0 else { return error }
            if options.tls == .startTLS { try StartTLSProbe.request(on: socket, deadline) }
            try TLSProbe(host: address.host, caFile: options.caFile).examine(socket, deadline)
            return error
        } catch {
            return LDAPError(
                server: options.uri, step: .connect, code: .connectError,
                diagnostic: error.diagnostic(host: address.host, port: address.port, options),
                remedy: error.remedy)
        }
    }
}

/// What is wrong between this host and a server.
enum ConnectFault: Error, Equatable {
    /// The name has no address; the resolver's own words.
    case unknownHost(String)
    /// Nobody listens, or a firewall says no; the errno's text.
    case unreachable(String)
    /// No answer in time; what was waited for.
    case timeout(String)
    /// The server closed the connection; during what.
    case closed(String)
    /// What came back is not TLS.
    case notTLS
    /// The server refuses StartTLS.
    case noStartTLS
    /// The certificate, or one that it descends from, ended; whose and when.
    case expired(subject: String, on: String)
    /// The certificate, or one that it descends from, has not begun; whose and when.
    case notYetValid(subject: String, from: String)
    /// The certificate is for other names.
    case wrongName(names: [String])
    /// Nobody in the CA file signed it; who did.
    case unknownCA(issuer: String)
    /// The CA file cannot be read.
    case unusableCAFile
    /// Any other fault of the certificate.
    case badCertificate(String)
    /// Any other failure of the handshake.
    case handshake(String)
}

extension ConnectFault {
    /// What happened, in words.
    func diagnostic(host: String, port: UInt16, _ options: LDAPConnectOptions) -> String {
        let file = "(ca_file \(options.caFile))"
        return switch self {
        case .unknownHost(let text): "\(host) has no address: \(text)"
        case .unreachable(let text): "\(host) port \(port): \(text)"
        case .timeout(let what): "\(host) port \(port): no \(what) within \(options.networkTimeout)"
        case .closed(let what): "\(host) port \(port) closed the connection during \(what)"
        case .notTLS: "\(host) port \(port) does not speak TLS"
        case .noStartTLS: "\(host) port \(port) refuses StartTLS"
        case .expired(let subject, let day):
            "TLS: certificate of \(subject) expired on \(day) \(file)"
        case .notYetValid(let subject, let day):
            "TLS: certificate of \(subject) is not valid before \(day) \(file)"
        case .wrongName(let names):
            "TLS: certificate of \(host) is for \(names.joined(separator: ", ")) only"
        case .unknownCA(let issuer):
            "TLS: certificate of \(host) comes from an unknown CA, \(issuer) \(file)"
        case .unusableCAFile: "TLS: no usable certificate in the CA file \(file)"
        case .badCertificate(let text): "TLS: certificate of \(host): \(text) \(file)"
        case .handshake(let text): "TLS: handshake with \(host) port \(port) failed: \(text)"
        }
    }

    /// What to do about it.
    var remedy: String {
        switch self {
        case .unknownHost: "correct the name in [directory] uris, or DNS"
        case .unreachable: "check that the server runs, the port in [directory] uris and firewalls"
        case .timeout: "check the network, firewalls, and whether the server is stopped"
        case .closed: "see the server's log"
        case .notTLS: "use the server's TLS port (636), or tls = \"starttls\" on its plain port"
        case .noStartTLS: "switch on TLS on the server, or use ldaps"
        case .expired: "renew the certificate, or correct this host's clock"
        case .notYetValid: "correct this host's clock, or wait"
        case .wrongName: "use one of these names in [directory] uris, or issue a certificate for it"
        case .unknownCA: "put the certificate of that CA into a file and name it in ca_file"
        case .unusableCAFile:
            "name a PEM file with the CA's certificate, or install ca-certificates"
        case .badCertificate: "issue a proper certificate"
        case .handshake: "compare the TLS versions and ciphers of server and host"
        }
    }
}
