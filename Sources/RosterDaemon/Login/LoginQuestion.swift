// A request of the login socket, taken out of its buffer; a password in it is never shown.

internal import Accounts
internal import DaemonProtocol
internal import LDAPClient

/// A password that several threads may hold; wiped with the last of them.
final class Password: Sendable, CustomStringConvertible, CustomReflectable {
    let secret: LDAPSecret

    /// Takes a copy; the caller wipes its own.
    init(_ octets: some Collection<UInt8>) {
        secret = LDAPSecret(copying: octets)
    }

    var isEmpty: Bool { secret.count == 0 }

    /// Says nothing, not even how long it is.
    var description: String { "password" }

    var customMirror: Mirror { Mirror(self, children: []) }
}

/// What is asked on the login socket.
struct LoginQuestion: Sendable, CustomStringConvertible, CustomReflectable {
    var kind: LoginRequestKind
    /// Whether root is changing somebody else's password.
    var isReset: Bool
    var name: [UInt8]
    var service: [UInt8]
    /// For the log only.
    var remoteHost: String
    var password: Password
    var newPassword: Password

    /// Takes everything out of a request, whose buffers are wiped afterwards.
    init(_ request: LoginRequest) {
        kind = request.kind
        isReset = request.isReset
        name = unsafe Array(request.name)
        service = unsafe Array(request.service)
        remoteHost = unsafe String(decoding: request.remoteHost, as: UTF8.self)
        password = unsafe Password(request.password)
        newPassword = unsafe Password(request.newPassword)
    }

    /// The name for the log and for the store; octets that are not UTF-8 replaced.
    var nameText: String { String(decoding: name, as: UTF8.self) }
    var serviceText: String { String(decoding: service, as: UTF8.self) }

    /// Kind, name and service: what may be logged.
    var description: String { "\(kind) of \(nameText) for \(serviceText)" }

    var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

/// What is answered.
struct LoginAnswer: Equatable, Sendable {
    var verdict: LoginVerdict
    /// Decided by a cached verifier, without the directory.
    var isOffline = false
    /// What the person is told.
    var messages: [String] = []
    /// What decided, for the log.
    var source = ""

    init(_ verdict: LoginVerdict, source: String = "", messages: [String] = []) {
        self.verdict = verdict
        self.source = source
        self.messages = messages.filter { !$0.isEmpty }
    }
}
