// Whom a login is about: what the published index and the store know, read afresh for each login.

internal import AccountIndex
internal import AccountStore
internal import Accounts

/// What the gate says, copied out of the mapping.
struct GateFinding: Equatable, Sendable {
    var verdict: LoginVerdict
    /// What the person may be told.
    var text = ""
    /// What decided, for the log.
    var source = ""
    var uid: UInt32 = 0
    /// Whose account it is; `nil`: there is none.
    var uuid: EntryUUID?
    /// The time, not before any that was ever published; seconds since the epoch.
    var now: Int64 = 0
}

/// The entry whose password is asked for.
struct LoginPerson: Equatable, Sendable {
    var uuid: EntryUUID
    var name: String
    var dn: String
    /// ``LoginFacts/passwordStamp``.
    var stamp: String
    var uid: UInt32 = 0
    /// Why the store refuses the person, whatever the index says; `nil`: it does not.
    var refusal: LoginVerdict?
}

extension GateFinding {
    /// The finding, or what the store makes of it, which may be ahead of the index.
    ///
    /// The index cannot be written for a while, perhaps. What the store takes away is taken away at
    /// once; an account that is somebody else's in the store cannot be judged.
    func agreed(with person: LoginPerson?) -> GateFinding {
        guard verdict.admitsPasswords, let person else { return self }
        guard person.uid == uid, person.uuid == uuid else {
            return replaced(by: .undecidable, source: "index and store differ")
        }
        guard let refusal = person.refusal else { return self }
        return replaced(by: refusal, source: "store, ahead of the index")
    }

    private func replaced(by verdict: LoginVerdict, source: String) -> GateFinding {
        var other = self
        other.verdict = verdict
        other.text = "\(verdict.builtInText)"
        other.source = source
        return other
    }
}

extension LoginVerdict {
    /// Whether the gate leaves the matter to the password.
    var admitsPasswords: Bool { self == .accepted || self == .mustChangePassword }
}

/// Reads the gate part of the published index.
///
/// Blocks on the disk only.
struct LoginGate: Sendable {
    /// The folder with the index.
    let directory: String

    /// What the gate says to an account and a service; undecidable where the index cannot be used.
    func decide(name: [UInt8], service: [UInt8], clock: GateClock) -> GateFinding {
        withGate { gate throws(IndexFault) in
            let made: Result<GateFinding, IndexFault> = unsafe name.withUnsafeBytes { name in
                unsafe service.withUnsafeBytes { service in
                    Result { () throws(IndexFault) in
                        let decision = try unsafe gate.decide(
                            name: name, service: service, clock: clock)
                        return unsafe GateFinding(
                            verdict: decision.verdict, text: Self.text(decision.text),
                            source: Self.text(decision.source), uid: decision.uid,
                            uuid: decision.uuid, now: try gate.times().now(clock))
                    }
                }
            }
            return try made.get()
        }
            ?? GateFinding(
                verdict: .undecidable, text: "\(LoginVerdict.undecidable.builtInText)",
                source: "index", now: clock.now)
    }

    /// What a person is told with a verdict: as configured, or built in.
    func text(for verdict: LoginVerdict) -> String {
        withGate { gate throws(IndexFault) in unsafe Self.text(try gate.text(for: verdict)) }
            ?? "\(verdict.builtInText)"
    }

    private static func text(_ octets: UnsafeRawBufferPointer) -> String {
        unsafe String(decoding: octets, as: UTF8.self)
    }

    private func withGate<Answer>(
        _ body: (borrowing GateIndex) throws(IndexFault) -> Answer
    ) -> Answer? {
        unsafe (directory + "/gate.1").withCString { file in
            unsafe (directory + "/..").withCString { state in
                let path = unsafe IndexPath(file: file, stateDirectory: state, part: .gate)
                do throws(IndexFault) {
                    return try body(try GateIndex(path: path))
                } catch {
                    return nil
                }
            }
        }
    }
}

extension StoreReader {
    /// The published person with this name.
    func loginPerson(named name: String) throws(StoreError) -> LoginPerson? {
        let people = try people(named: name)
        guard let person = people.first(where: { $0.published != nil && $0.withheld == nil }),
            let published = person.published
        else { return nil }
        return LoginPerson(
            uuid: person.uuid, name: name, dn: person.dn, stamp: published.login.passwordStamp,
            uid: published.passwd.uid, refusal: published.refusal)
    }
}

extension PublishedPerson {
    /// Why nobody may log in as the person, as far as the store alone says.
    fileprivate var refusal: LoginVerdict? {
        if login.isBlocked { return .blocked }
        return state.isDisabled ? .disabled : nil
    }
}
