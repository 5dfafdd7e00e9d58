// sources: asn1 Sources/LDAPClient/BERReader.swift Sources/LDAPClient/LDAPControl.swift Sources/LDAPClient/PasswordPolicyControl.swift Sources/LDAPClient/PasswordAnswer.swift Sources/LDAPClient/WindowsError.swift Tests/Fuzz/Support/LDAPResult.swift

/// What a server sends beside its answer to a password; what is accepted is sound.
func fuzz(_ octets: [UInt8]) {
    if let control = try? PasswordPolicyControl(decoding: octets) {
        switch control.warning {
        case .graceLogins(let count): precondition(count >= 0)
        case .expiresIn(let seconds): precondition(seconds >= 0)
        case nil: break
        }
    }
    let names = ["2.16.840.1.113730.3.4.5", "2.16.840.1.113730.3.4.4", PasswordPolicyControl.oid]
    let controls = names.map { LDAPControl(oid: $0, isCritical: false, value: octets) }
    let words = String(decoding: octets, as: UTF8.self)
    let answer = PasswordAnswer(LDAPResult(diagnostic: words, controls: controls))
    precondition(answer.isExpired && (answer.expiresInSeconds ?? 0) >= 0)
}
