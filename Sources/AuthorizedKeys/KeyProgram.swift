// From a name to lines on standard output.
internal import AccountIndex
internal import Accounts
internal import CLibc

/// What the program does.
enum KeyProgram {
    /// Answers the arguments; returns the exit status.
    ///
    /// 0 with no output for a local account's name, for a name that is none of ours and for an
    /// account that the gate refuses; 1 if that cannot be said, and sshd then uses no key at all.
    static func run(
        _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> CInt {
        guard count == 2, let name = unsafe arguments[1] else {
            complain("usage: authorized-keys USER")
            return 1
        }
        let length = unsafe strnlen(name, 257)
        guard length >= 1, length <= 256 else { return 0 }
        do throws(KeyFailure) {
            try unsafe answer(UnsafeRawBufferPointer(start: name, count: length))
            return 0
        } catch {
            complain(error.message)
            return 1
        }
    }

    private static func answer(_ name: UnsafeRawBufferPointer) throws(KeyFailure) {
        if unsafe try isLocal(name) { return }
        var output = KeyOutput()
        do throws(IndexFault) {
            let gate = try GateIndex(path: .gateOfThisHost)
            let decision = unsafe try gate.decide(
                name: name, service: octets("sshd"), clock: .ofThisHost())
            guard admits(decision.verdict) else { return }
            let options = try gate.allowsKeyOptions()
            try unsafe gate.forEachKey(name: name) { key in
                if unsafe AuthorizedKey.isValid(key, allowingOptions: options) {
                    unsafe output.append(key)
                }
            }
        } catch {
            throw .indexUnusable
        }
        guard output.finish() else { throw .outputUnusable }
    }

    private static func isLocal(_ name: UnsafeRawBufferPointer) throws(KeyFailure) -> Bool {
        let path: StaticString = "/etc/passwd"
        do throws(IndexFault) {
            return unsafe try LocalPasswd.contains(
                name: name,
                path: UnsafeRawPointer(path.utf8Start).assumingMemoryBound(to: CChar.self))
        } catch {
            throw .passwdUnusable
        }
    }

    /// Whether a key is of use to an account of this verdict; a new password is wanted later.
    private static func admits(_ verdict: LoginVerdict) -> Bool {
        switch verdict {
        case .accepted, .mustChangePassword: true
        case .unknownUser, .removed, .blocked, .disabled, .expired, .denied, .notAllowed, .stale,
            .wrongPassword, .locked, .passwordExpired, .newPasswordRefused, .changeNotPermitted,
            .undecidable:
            false
        }
    }

    private static func complain(_ message: StaticString) {
        var output = KeyOutput(descriptor: 2)
        unsafe output.append(octetsOf: octets("authorized-keys: "))
        unsafe output.append(octetsOf: octets(message))
        unsafe output.append(octetsOf: octets("\n"))
        _ = output.finish()
    }

    private static func octets(_ text: StaticString) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

/// Why there is no answer.
enum KeyFailure: Error {
    case passwdUnusable
    case indexUnusable
    case outputUnusable

    var message: StaticString {
        switch self {
        case .passwdUnusable: "cannot read /etc/passwd"
        case .indexUnusable: "cannot use /var/lib/roster/index/gate.1"
        case .outputUnusable: "cannot write the keys"
        }
    }
}
