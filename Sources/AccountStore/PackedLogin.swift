// What is known of few people and is read with the rest of them: the sources of a state, the mark of
// the password and the keys, in one column.
//
// | size | meaning                                                                                |
// |------|----------------------------------------------------------------------------------------|
// | 1    | flags: 1 = disabled, 2 = must change                                                   |
// | 4+n  | what disables: length (little-endian) and UTF-8                                        |
// | 4+n  | what expires                                                                           |
// | 4+n  | what wants a new password                                                              |
// | 4+n  | the mark of the password                                                               |
// | 4+n  | each key, to the end                                                                   |

internal import Accounts

/// The packed form of what an entry says about logging in, without the time of an expiry.
struct PackedLogin {
    /// The column `login`.
    let octets: [UInt8]

    /// Takes the column.
    init(octets: [UInt8]) {
        self.octets = octets
    }

    /// `nil`, and nothing allocated, where there is nothing to say.
    init?(_ state: AccountState, _ login: LoginAttributes) {
        if state.disabledBy == nil && state.mustChangeBy == nil && state.expiresBy.isEmpty
            && login.passwordStamp.isEmpty && login.keys.isEmpty
        {
            return nil
        }
        var packed: [UInt8] = [(state.isDisabled ? 1 : 0) | (state.mustChangePassword ? 2 : 0)]
        Self.add(state.disabledBy ?? "", to: &packed)
        Self.add(state.expiresBy, to: &packed)
        Self.add(state.mustChangeBy ?? "", to: &packed)
        Self.add(login.passwordStamp, to: &packed)
        for key in login.keys { Self.add(key, to: &packed) }
        octets = packed
    }

    /// Puts what is packed in its places; what is damaged is left out.
    func unpack(into state: inout AccountState, _ login: inout LoginAttributes) {
        var place = 1
        guard let flags = octets.first, let disabledBy = text(at: &place),
            let expiresBy = text(at: &place), let mustChangeBy = text(at: &place),
            let stamp = text(at: &place)
        else { return }
        if flags & 1 != 0 { state.disabledBy = disabledBy }
        state.expiresBy = expiresBy
        if flags & 2 != 0 { state.mustChangeBy = mustChangeBy }
        login.passwordStamp = stamp
        while let key = text(at: &place) { login.keys.append(key) }
    }

    private static func add(_ text: String, to packed: inout [UInt8]) {
        let count = text.utf8.count
        for shift in stride(from: 0, to: 32, by: 8) {
            packed.append(UInt8(truncatingIfNeeded: count >> shift))
        }
        packed.append(contentsOf: text.utf8)
    }

    private func text(at place: inout Int) -> String? {
        guard place <= octets.count - 4 else { return nil }
        var count = 0
        for offset in (0..<4).reversed() { count = count << 8 | Int(octets[place + offset]) }
        place += 4
        guard count <= octets.count - place else { return nil }
        defer { place += count }
        return String(decoding: octets[place..<place + count], as: UTF8.self)
    }
}
