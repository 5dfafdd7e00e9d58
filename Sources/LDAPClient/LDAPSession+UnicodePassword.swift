// How passwords are changed on Active Directory and AD LDS: by the attribute unicodePwd.

internal import CLDAP

/// By which operation a server changes passwords.
public enum PasswordChangeMethod: Hashable, Sendable {
    /// The extended operation of RFC 3062.
    case extended
    /// A modification of unicodePwd, as Active Directory and AD LDS want it (MS-ADTS section
    /// 3.1.1.3.1.5).
    case unicodePassword
}

extension LDAPSession {
    /// Asks the server how it changes passwords.
    ///
    /// Blocks at most `limit`; throws as ``authenticate(dn:password:within:)`` does.
    public func passwordChangeMethod(
        within limit: Duration
    ) throws(LDAPError) -> PasswordChangeMethod {
        guard let root = try readRoot(["supportedCapabilities"], within: limit) else {
            return .extended
        }
        return RootDSE(root).isActiveDirectory ? .unicodePassword : .extended
    }

    /// Changes a password by unicodePwd as whoever the session is bound as, who need not be the
    /// person: the old password proves who wants it.
    ///
    /// `dn` is whose password it is; an empty `old` sets the new one, for which the session has to
    /// be bound as somebody with the right to reset it. Sent over TLS or ldapi only: without them
    /// the answer is ``LDAPResultCode/confidentialityRequired``, made here. Answers and throws as
    /// ``authenticate(dn:password:within:)`` does. Blocks at most `limit`.
    public func changeUnicodePassword(
        of dn: String, old: borrowing LDAPSecret, new: borrowing LDAPSecret, within limit: Duration
    ) throws(LDAPError) -> PasswordAnswer {
        guard options.isProtected else {
            return PasswordAnswer(
                LDAPResult(
                    code: .confidentialityRequired,
                    diagnostic: "a password is sent over TLS or ldapi only"))
        }
        guard !dn.isEmpty, new.count > 0, let newValue = Self.unicodePassword(new) else {
            return PasswordAnswer(LDAPResult(code: .constraintViolation))
        }
        guard let oldValue = Self.unicodePassword(old) else {
            return PasswordAnswer(LDAPResult(code: .invalidCredentials))
        }
        let (code, id) =
            if old.count > 0 {
                sendChange(of: dn, from: oldValue, to: newValue)
            } else {
                sendReset(of: dn, to: newValue)
            }
        guard code == 0 else { throw handle.error(.changePassword, code) }
        var answer = try passwordAnswer(
            to: id, within: limit, kind: .other, step: .changePassword)
        answer.windowsError = WindowsError(diagnostic: answer.result.diagnostic)
        return answer
    }

    private func sendChange(
        of dn: String, from old: borrowing LDAPSecret, to new: borrowing LDAPSecret
    ) -> (CInt, CInt) {
        unsafe old.withValue { old in
            unsafe new.withValue { new in
                unsafe send(dn, [(LDAP_MOD_DELETE, old), (LDAP_MOD_ADD, new)])
            }
        }
    }

    private func sendReset(of dn: String, to new: borrowing LDAPSecret) -> (CInt, CInt) {
        unsafe new.withValue { new in unsafe send(dn, [(LDAP_MOD_REPLACE, new)]) }
    }

    /// Sends one modification of unicodePwd; the code of libldap, and the message's number.
    private func send(
        _ dn: String, _ changes: [(operation: CInt, value: UnsafeMutablePointer<berval>)]
    ) -> (CInt, CInt) {
        var id: CInt = 0
        let code = unsafe "unicodePwd".withCString { name in
            // Room for each change's list of values, and for the list of changes.
            let count = unsafe changes.count
            let values = UnsafeMutablePointer<UnsafeMutablePointer<berval>?>.allocate(
                capacity: 2 * count)
            let entries = UnsafeMutablePointer<LDAPMod>.allocate(capacity: count)
            let list = UnsafeMutablePointer<UnsafeMutablePointer<LDAPMod>?>.allocate(
                capacity: count + 1)
            defer {
                unsafe values.deallocate()
                unsafe entries.deallocate()
                unsafe list.deallocate()
            }
            for position in 0..<count {
                unsafe (values + 2 * position).initialize(to: changes[position].value)
                unsafe (values + 2 * position + 1).initialize(to: nil)
                var change = unsafe LDAPMod()
                unsafe change.mod_op = changes[position].operation | LDAP_MOD_BVALUES
                unsafe change.mod_type = UnsafeMutablePointer(mutating: name)
                unsafe change.mod_vals.modv_bvals = values + 2 * position
                unsafe (entries + position).initialize(to: change)
                unsafe (list + position).initialize(to: entries + position)
            }
            unsafe (list + count).initialize(to: nil)
            return unsafe ldap_modify_ext(handle.pointer, dn, list, nil, nil, &id)
        }
        return (code, id)
    }

    /// A password as unicodePwd takes it: in double quotes, in UTF-16, little-endian; `nil` for one
    /// that is not UTF-8.
    static func unicodePassword(_ password: borrowing LDAPSecret) -> LDAPSecret? {
        // An octet of UTF-8 makes one unit of UTF-16 at most.
        unsafe LDAPSecret(capacity: 2 * password.count + 4) { room in
            unsafe password.withBytes { octets in
                unsafe encode(octets, into: room)
            }
        }
    }

    /// How many octets were written; `nil`: it is not UTF-8.
    private static func encode(
        _ octets: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
    ) -> Int? {
        var place = unsafe Place(room: room)
        let quote = UInt16(UInt8(ascii: "\""))
        var decoder = Unicode.UTF8()
        var rest = unsafe octets.makeIterator()
        place.put(quote)
        while true {
            switch unsafe decoder.decode(&rest) {
            case .scalarValue(let scalar) where UTF16.width(scalar) == 1:
                place.put(UInt16(truncatingIfNeeded: scalar.value))
            case .scalarValue(let scalar):
                place.put(UTF16.leadSurrogate(scalar))
                place.put(UTF16.trailSurrogate(scalar))
            case .emptyInput:
                place.put(quote)
                return place.count
            case .error: return nil
            }
        }
    }

    /// Where the next unit is written.
    @safe private struct Place {
        private let room: UnsafeMutableRawBufferPointer
        private(set) var count = 0

        init(room: UnsafeMutableRawBufferPointer) {
            unsafe self.room = room
        }

        mutating func put(_ unit: UInt16) {
            unsafe room[count] = UInt8(truncatingIfNeeded: unit)
            unsafe room[count + 1] = UInt8(truncatingIfNeeded: unit >> 8)
            count += 2
        }
    }
}
