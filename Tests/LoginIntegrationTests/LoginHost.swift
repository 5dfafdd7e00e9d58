// A host with a real rosterd and a real slapd, and what a PAM module says to them.

import Accounts
import DaemonProtocol
import Foundation
import Glibc
import TestSupport
import Testing

/// What came back from the login socket.
struct Answer: Equatable, CustomStringConvertible {
    var verdict: LoginVerdict
    var isOffline = false
    var messages: [String] = []
    /// From the connection to the end of the reply.
    var seconds = 0.0

    static func == (left: Answer, right: Answer) -> Bool {
        (left.verdict, left.isOffline) == (right.verdict, right.isOffline)
    }

    var description: String { "\(verdict) offline=\(isOffline) \(messages) \(seconds) s" }
}

/// rosterd in a temporary folder, following a directory.
final class LoginHost {
    let folder: TemporaryDirectory
    private let configuration: String
    private let log: CInt
    private var daemon: ChildProcess?

    /// Starts rosterd and waits until `user1` may log in as far as the index says.
    ///
    /// `login` are further lines of `[login]`, `access` further tables.
    init(
        uris: [String], login: String = "", access: String = "", tls: String = "off",
        ca: String? = nil
    ) throws {
        folder = try TemporaryDirectory("roster-login")
        let names = uris.map { "\"\($0)\"" }.joined(separator: ", ")
        try "\(SlapdServer.syncPassword)".write(
            toFile: "\(folder.path)/password", atomically: false, encoding: .utf8)
        _ = unsafe chmod("\(folder.path)/password", 0o600)
        configuration = try folder.write(
            """
            [directory]
            uris = [\(names)]
            base = "\(SlapdServer.suffix)"
            bind_dn = "\(SlapdServer.syncDN)"
            bind_password_file = "\(folder.path)/password"
            tls = "\(tls)"
            \(ca.map { "ca_file = \"\($0)\"" } ?? "")
            network_timeout = "2s"
            [login]
            \(login)
            \(access)
            """, to: "roster.toml")
        log = unsafe open("\(folder.path)/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        try start()
        try wait("user1 to be published") { ask(.account, "user1").verdict == .accepted }
    }

    deinit {
        daemon?.signal(SIGKILL)
        daemon?.wait()
        close(log)
    }

    var socket: String { folder.path + "/login.sock" }

    /// What rosterd has logged so far.
    var logged: String {
        (try? String(contentsOfFile: "\(folder.path)/log", encoding: .utf8)) ?? ""
    }

    func start() throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "rosterd")
            .path
        daemon = try ChildProcess(
            program,
            [
                "--config", configuration, "--state-dir", folder.path + "/state", "--run-dir",
                folder.path, "--debug",
            ], output: log)
        try wait("the login socket") { unsafe access(socket, F_OK) == 0 }
    }

    /// Ends rosterd by SIGTERM; how long that took, in seconds.
    @discardableResult
    func stop() -> Double {
        let began = ContinuousClock.now
        daemon?.signal(SIGTERM)
        daemon?.wait()
        daemon = nil
        return (ContinuousClock.now - began).seconds
    }

    /// Waits until `condition` holds.
    func wait(_ what: String, _ condition: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(30)
        while try !condition() {
            guard ContinuousClock.now < end else {
                throw ProgramFailure(description: "waited in vain for \(what)\n\(logged)")
            }
            usleep(10_000)
        }
    }

    /// Asks as the PAM module does.
    func ask(
        _ kind: LoginRequestKind, _ name: String, _ password: String = "", new: String = "",
        isReset: Bool = false, service: String = "sshd"
    ) -> Answer {
        let began = ContinuousClock.now
        var answer = exchange(
            kind, [name, service, password, new].map { Array($0.utf8) }, isReset: isReset)
        answer.seconds = (ContinuousClock.now - began).seconds
        return answer
    }

    func login(_ name: String, _ password: String) -> Answer { ask(.authenticate, name, password) }

    /// Asks as another user of the host.
    func ask(
        as uid: UInt32, _ kind: LoginRequestKind, _ name: String, _ password: String = ""
    ) throws -> Answer {
        let frame = frame(kind, [name, "locker", password, ""].map { Array($0.utf8) })
        let script = """
            import socket,sys
            s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
            s.sendall(bytes.fromhex(sys.argv[2])); r=b''
            while True:
                p=s.recv(4096)
                if not p: break
                r+=p
            print(r.hex())
            """
        let hex = frame.map { String(Int($0) + 256, radix: 16).dropFirst() }.joined()
        let found = try run(
            "setpriv",
            ["--reuid=\(uid)", "--clear-groups", "python3", "-c", script, socket, hex])
        let digits = Array(found.output.filter(\.isHexDigit))
        let octets = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
        return Self.answer(octets)
    }

    private func exchange(
        _ kind: LoginRequestKind, _ texts: [[UInt8]], isReset: Bool
    ) -> Answer {
        let frame = frame(kind, texts, isReset: isReset)
        guard let octets = UnixClient(path: socket)?.exchange(frame) else {
            return Answer(verdict: .undecidable, messages: ["no reply"])
        }
        return Self.answer(octets)
    }

    private func frame(
        _ kind: LoginRequestKind, _ texts: [[UInt8]], isReset: Bool = false
    ) -> [UInt8] {
        unsafe texts[0].withUnsafeBytes { name in
            unsafe texts[1].withUnsafeBytes { service in
                unsafe texts[2].withUnsafeBytes { password in
                    unsafe texts[3].withUnsafeBytes { new in
                        var request = unsafe LoginRequest(kind, name: name, isReset: isReset)
                        unsafe request.service = service
                        unsafe request.password = password
                        unsafe request.newPassword = new
                        return Self.frame(request)
                    }
                }
            }
        }
    }

    private static func frame(_ request: LoginRequest) -> [UInt8] {
        guard let room = SecretOctets(count: LoginLimits.requestFrame),
            let count = try? unsafe request.write(to: room.octets)
        else { return [] }
        return unsafe Array(room.octets.prefix(count))
    }

    private static func answer(_ octets: [UInt8]) -> Answer {
        unsafe octets.withUnsafeBytes { octets in
            guard
                let payload = try? unsafe LoginFrame.payload(
                    of: octets, limit: LoginLimits.replyPayload),
                let reply = try? unsafe LoginReply(payload: payload)
            else { return Answer(verdict: .undecidable, messages: ["no reply"]) }
            var answer = Answer(verdict: reply.verdict, isOffline: reply.isOffline)
            unsafe reply.forEachMessage {
                unsafe answer.messages.append(String(decoding: $0, as: UTF8.self))
            }
            return answer
        }
    }
}

extension LoginHost {
    /// Logs in and waits for the verifier.
    func prepare(_ name: String, _ password: String) throws {
        #expect(login(name, password).verdict == .accepted)
        try wait("the verifier of \(name)") { try verifiers(name) == 1 }
    }

    /// How many verifiers of a person the file holds.
    func verifiers(_ name: String) throws -> Int? {
        let script = """
            import sqlite3, sys
            rows = sqlite3.connect(sys.argv[1]).execute(
                'select count(*) from verifiers where name = ?', [sys.argv[2]])
            print(rows.fetchone()[0])
            """
        let file = folder.path + "/state/store/verifiers.sqlite"
        let found = try run("python3", ["-c", script, file, name], mayFail: true)
        return Int(found.output.filter { !$0.isWhitespace })
    }
}

/// A connection to a unix socket.
final class UnixClient {
    let descriptor: CInt

    init?(path: String) {
        descriptor = Glibc.socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let code = unsafe withUnsafePointer(to: &address) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if code != 0 { return nil }
    }

    deinit { close(descriptor) }

    func send(_ octets: [UInt8]) {
        _ = unsafe Glibc.send(descriptor, octets, octets.count, CInt(MSG_NOSIGNAL))
    }

    /// Sends, and reads until the other side closes.
    func exchange(_ octets: [UInt8]) -> [UInt8] {
        send(octets)
        var received: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { return received }
            received += piece.prefix(count)
        }
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
