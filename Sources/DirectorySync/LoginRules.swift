// The rules for what a person logs in with: public keys, and the mark of the password.

internal import Accounts

/// Limits on the public keys of one person.
private enum KeyLimits {
    /// How many: sshd tries each of them against a key that is offered.
    static let count = 64
    /// Octets of all together: what an item of the index holds.
    static let octets = 65_536
}

extension EntryRules {
    /// Keys and the mark of the password; allocates nothing for an entry without them.
    func login(_ values: AttributeValues, findings: inout Findings) -> LoginAttributes {
        var login = LoginAttributes()
        if values.has(slots.keys) { login.keys = keys(values, findings: &findings) }
        login.passwordStamp = passwordStamp(values)
        return login
    }

    /// What moves when the password changes, and only then: not modifyTimestamp and entryCSN, which
    /// a failed bind moves too.
    private func passwordStamp(_ values: AttributeValues) -> String {
        var stamp: [UInt8] = []
        add(slots.pwdChangedTime, UInt8(ascii: "c"), of: values, to: &stamp)
        add(slots.shadowLastChange, UInt8(ascii: "s"), of: values, to: &stamp)
        add(slots.passwordExpirationTime, UInt8(ascii: "e"), of: values, to: &stamp)
        add(slots.pwdLastSet, UInt8(ascii: "l"), of: values, to: &stamp)
        return stamp.isEmpty ? "" : String(decoding: stamp, as: UTF8.self)
    }

    /// No attribute of these is longer than 40 octets where it is what it should be.
    private func add(
        _ slot: Int, _ letter: UInt8, of values: AttributeValues, to stamp: inout [UInt8]
    ) {
        guard let value = values.first(slot) else { return }
        stamp.append(letter)
        stamp += value.prefix(40)
    }

    private func keys(_ values: AttributeValues, findings: inout Findings) -> [String] {
        var keys: [String] = []
        var octets = 0
        var index = 0
        var leftOut = 0
        values.forEach(slots.keys) { value in
            index += 1
            let line = Self.withoutTrailingSpace(value)
            if line.isEmpty { return }
            if let fault = keyFault(line) {
                findings.note(policy.keyAttribute, "value \(index) is withheld: it \(fault)")
                return
            }
            guard keys.count < KeyLimits.count, octets + line.count <= KeyLimits.octets else {
                leftOut += 1
                return
            }
            let key = String(decoding: line, as: UTF8.self)
            guard !keys.contains(key) else { return }
            octets += line.count
            keys.append(key)
        }
        if leftOut > 0 {
            let limits = "\(KeyLimits.count) keys or \(KeyLimits.octets) octets"
            findings.note(
                policy.keyAttribute, "\(leftOut) values are withheld: there are more than \(limits)"
            )
        }
        // The order of a server's values means nothing.
        return keys.sorted()
    }

    /// Why a value is no key that may be used; `nil`: it is one.
    private func keyFault(_ line: ArraySlice<UInt8>) -> String? {
        if isKey(line, allowingOptions: policy.allowsKeyOptions) {
            return String(validating: line, as: UTF8.self) == nil ? "is not valid UTF-8" : nil
        }
        if line.count > AuthorizedKey.maximumLength {
            return "is longer than \(AuthorizedKey.maximumLength) octets"
        }
        if line.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
            return "contains a control character"
        }
        if isKey(line, allowingOptions: true) {
            return "has options, which ssh.allow_key_options would let in"
        }
        return "is not one public key of a known type"
    }

    private func isKey(_ line: ArraySlice<UInt8>, allowingOptions: Bool) -> Bool {
        unsafe line.withUnsafeBytes {
            unsafe AuthorizedKey.isValid($0, allowingOptions: allowingOptions)
        }
    }

    private static func withoutTrailingSpace(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = value
        while let last = line.last, [0x09, 0x0A, 0x0D, 0x20].contains(last) { line.removeLast() }
        return line
    }
}
