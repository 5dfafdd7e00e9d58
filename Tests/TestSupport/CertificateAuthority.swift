// Certificates for tests: good ones, and one for each fault.

internal import Foundation

/// What is wrong with a server certificate, if anything.
public enum CertificateKind: String, CaseIterable, Sendable {
    /// Nothing: localhost and 127.0.0.1, valid now, from the CA of the test.
    case valid
    /// Ended on 2020-02-03.
    case expired
    /// Begins on 2090-02-03.
    case notYetValid
    /// For ldap.example.net only.
    case otherName
    /// From a CA that nobody trusts.
    case unknownCA
}

/// A certificate authority in a folder.
public struct CertificateAuthority: Sendable {
    /// The certificate to trust.
    public let caFile: String
    private let folder: String

    /// Makes a CA in an existing folder.
    public init(in folder: String) throws {
        self.folder = folder
        caFile = "\(folder)/ca.crt"
        try Self.makeCA(folder, "ca", "roster test CA")
        try Self.makeCA(folder, "stranger", "a stranger's CA")
    }

    /// Makes a key and a certificate; returns their files.
    public func issue(_ kind: CertificateKind) throws -> (certificate: String, key: String) {
        let base = "\(folder)/\(kind.rawValue)"
        let issuer = kind == .unknownCA ? "stranger" : "ca"
        let names =
            kind == .otherName ? "DNS:ldap.example.net" : "DNS:localhost,IP:127.0.0.1,IP:::1"
        let (start, end) =
            switch kind {
            case .expired: ("20200102000000Z", "20200203040506Z")
            case .notYetValid: ("20900203040506Z", "20910203040506Z")
            case .valid, .otherName, .unknownCA: ("20200102000000Z", "20990101000000Z")
            }
        try newKey(base, names)
        let config = """
            [ca]
            default_ca = test
            [test]
            database = \(base).index
            serial = \(base).serial
            new_certs_dir = \(folder)
            default_md = sha256
            policy = any
            unique_subject = no
            x509_extensions = ext
            [any]
            commonName = supplied
            [ext]
            subjectAltName = \(names)
            """
        try config.write(toFile: "\(base).cnf", atomically: false, encoding: .utf8)
        try "".write(toFile: "\(base).index", atomically: false, encoding: .utf8)
        try "01".write(toFile: "\(base).serial", atomically: false, encoding: .utf8)
        try run(
            "openssl",
            [
                "ca", "-batch", "-config", "\(base).cnf", "-cert", "\(folder)/\(issuer).crt",
                "-keyfile", "\(folder)/\(issuer).key", "-in", "\(base).req", "-out",
                "\(base).crt", "-notext", "-startdate", start, "-enddate", end,
            ])
        return ("\(base).crt", "\(base).key")
    }

    private func newKey(_ base: String, _ names: String) throws {
        try run(
            "openssl",
            [
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=directory", "-keyout", "\(base).key", "-out", "\(base).req",
            ])
    }

    private static func makeCA(_ folder: String, _ name: String, _ subject: String) throws {
        try run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "3650", "-subj", "/CN=\(subject)", "-keyout", "\(folder)/\(name).key",
                "-out", "\(folder)/\(name).crt",
            ])
    }
}
