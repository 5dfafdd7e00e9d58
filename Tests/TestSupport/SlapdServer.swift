// A throw-away slapd on the loopback interface, in a temporary folder.

internal import Foundation
internal import Glibc
internal import Synchronization

let userID = getuid()
let groupID = getgid()

/// A throw-away slapd: real, private, and gone with the value (or with the test process).
public final class SlapdServer {
    /// The top of the tree.
    public static let suffix = "dc=example,dc=org"
    /// Where people are.
    public static let people = "ou=people,dc=example,dc=org"
    /// Where groups are.
    public static let groups = "ou=groups,dc=example,dc=org"
    /// Who may do everything.
    public static let adminDN = "cn=admin,dc=example,dc=org"
    /// The password of `adminDN`.
    public static let adminPassword = "adminpw"
    /// Who reads.
    public static let syncDN = "cn=sync,dc=example,dc=org"
    /// The password of `syncDN`.
    public static let syncPassword = "syncpw"

    /// Where everything of this server lies.
    public let folder: TemporaryDirectory
    /// The CA to trust; `nil` without TLS.
    public let authority: CertificateAuthority?
    /// The port of ldap://.
    public let port: UInt16
    /// The port of ldaps://.
    public let tlsPort: UInt16
    private var process: ChildProcess?
    private var watchdog: Watchdog?

    /// Makes and starts a server.
    public init(_ options: SlapdOptions = SlapdOptions()) throws {
        folder = try TemporaryDirectory("roster-slapd")
        port = try freePort()
        tlsPort = try freePort()
        let path = folder.path
        for name in ["conf", "db", "tls"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(name)", withIntermediateDirectories: false)
        }
        var files: (certificate: String, key: String)?
        if let kind = options.certificate {
            let made = try CertificateAuthority(in: "\(path)/tls")
            files = try made.issue(kind)
            authority = made
        } else {
            authority = nil
        }
        let config = try folder.write(options.configuration(path, files), to: "config.ldif")
        try run("slapadd", ["-n0", "-F", "\(path)/conf", "-l", config])
        let data = try folder.write(options.entries(), to: "data.ldif")
        try run("slapadd", ["-n1", "-F", "\(path)/conf", "-q", "-w", "-l", data])
        try start()
    }

    deinit {
        end(SIGKILL)
    }

    /// `ldap://127.0.0.1:port`.
    public var uri: String { "ldap://127.0.0.1:\(port)" }
    /// `ldaps://127.0.0.1:port`.
    public var tlsURI: String { "ldaps://127.0.0.1:\(tlsPort)" }
    /// `ldapi://path`.
    public var socketURI: String {
        "ldapi://" + "\(folder.path)/ldapi".replacingOccurrences(of: "/", with: "%2F")
    }

    /// Starts slapd and waits until it answers.
    public func start() throws {
        let tls = authority == nil ? "" : " \(tlsURI)"
        let slapd = try ChildProcess(
            "slapd",
            [
                "-F", "\(folder.path)/conf", "-h", "\(uri) \(socketURI)\(tls)", "-d", "0",
                "-n", "roster-test-slapd",
            ])
        process = slapd
        watchdog = try Watchdog(over: slapd.pid, named: "slapd", folder: folder.path)
        let limit = Date().addingTimeInterval(20)
        while try run("ldapwhoami", ["-x", "-H", uri], mayFail: true).status != 0 {
            guard !slapd.hasEnded, Date() < limit else {
                throw ProgramFailure(description: "slapd does not answer on \(uri)")
            }
            usleep(20_000)
        }
    }

    /// Ends slapd in order, keeping its data.
    public func stop() {
        end(SIGTERM)
    }

    /// Ends slapd like a power failure.
    public func kill() {
        end(SIGKILL)
    }

    /// Stops slapd in its tracks: its kernel still accepts and acknowledges.
    ///
    /// Returns when every thread of it is stopped; the signal by itself promises nothing yet.
    public func freeze() throws {
        try process?.freeze()
    }

    /// Lets a frozen slapd run on.
    public func thaw() {
        signal(SIGCONT)
    }

    /// Copies the database of a stopped server aside.
    public func backUp() throws {
        try run("cp", ["-a", "\(folder.path)/db", "\(folder.path)/backup"])
    }

    /// Puts the copy back in place of the database of a stopped server.
    public func restore() throws {
        try run("rm", ["-rf", "\(folder.path)/db"])
        try run("cp", ["-a", "\(folder.path)/backup", "\(folder.path)/db"])
    }

    // MARK: Changes

    /// Applies LDIF change records (or entries to add) as the administrator.
    public func apply(_ ldif: String) throws {
        try run(
            "ldapmodify",
            ["-a", "-x", "-H", uri, "-D", Self.adminDN, "-w", Self.adminPassword], input: ldif)
    }

    /// Changes the configuration of the running server.
    public func reconfigure(_ ldif: String) throws {
        try run("ldapmodify", ["-Y", "EXTERNAL", "-Q", "-H", socketURI], input: ldif)
    }

    /// Adds the person `user<number>`.
    public func addPerson(_ number: Int, below parent: String = SlapdServer.people) throws {
        try apply(SlapdOptions.person(number, below: parent))
    }

    /// Replaces the values of one attribute.
    public func replace(_ dn: String, _ attribute: String, with value: String) throws {
        try apply("dn: \(dn)\nchangetype: modify\nreplace: \(attribute)\n\(attribute): \(value)\n")
    }

    /// Deletes an entry.
    public func delete(_ dn: String) throws {
        try apply("dn: \(dn)\nchangetype: delete\n")
    }

    /// Renames an entry, and moves it below another parent if one is given.
    public func rename(_ dn: String, to rdn: String, below parent: String? = nil) throws {
        let move = parent.map { "newsuperior: \($0)\n" } ?? ""
        try apply("dn: \(dn)\nchangetype: modrdn\nnewrdn: \(rdn)\ndeleteoldrdn: 1\n\(move)")
    }

    // MARK: Processes

    private func signal(_ number: Int32) {
        process?.signal(number)
    }

    private func end(_ number: Int32) {
        guard let process else { return }
        process.signal(number)
        process.signal(SIGCONT)
        process.wait()
        self.process = nil
        watchdog = nil
    }
}

/// Ports below those that the kernel gives to connections, so that none of these takes one first.
private let nextPort = Atomic<UInt16>(.random(in: 12000..<30000))

/// A TCP port that nobody listens on right now; each call of a process gives another one.
public func freePort() throws -> UInt16 {
    for _ in 0..<2000 {
        let (port, _) = nextPort.wrappingAdd(1, ordering: .relaxed)
        if let listener = try? LoopbackListener(port: 12000 + port % 18000) { return listener.port }
    }
    throw ProgramFailure(description: "no free port on 127.0.0.1")
}

/// A listening TCP socket on 127.0.0.1 that accepts (in the kernel) and never answers.
public final class LoopbackListener: Sendable {
    /// Its port.
    public let port: UInt16
    /// Its descriptor.
    public let descriptor: Int32

    /// Listens on a port; 0 lets the kernel pick one, `reusingAddress` takes one that was in use.
    public init(port wanted: UInt16 = 0, reusingAddress: Bool = false) throws {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let listening = socket(AF_INET, kind, 0)
        if reusingAddress {
            var yes: Int32 = 1
            unsafe setsockopt(
                listening, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = wanted.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(listening, generic, length) == 0 && listen(listening, 16) == 0
                    && getsockname(listening, generic, &length) == 0
            }
        }
        guard isBound else {
            close(listening)
            throw ProgramFailure(description: "cannot listen on 127.0.0.1")
        }
        descriptor = listening
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    /// Answers the connections that come with fixed octets, on a thread of its own, until the value
    /// goes; with `holdOpen` they stay open.
    public func serve(_ octets: [UInt8], holdOpen: Bool = false) {
        let listening = dup(descriptor)
        Thread.detachNewThread {
            while true {
                let connection = accept(listening, nil, nil)
                guard connection >= 0 else { break }
                _ = unsafe send(connection, octets, octets.count, Int32(MSG_NOSIGNAL))
                if !holdOpen { close(connection) }
            }
            close(listening)
        }
    }
}
