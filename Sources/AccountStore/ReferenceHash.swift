// Members as written and the entries they may mean meet in a 64-bit number.
//
// A group of 100,000 members is kept as a sorted list of these numbers (800 KB) instead of as
// 100,000 rows of text, so that the difference to a new list is one pass over memory. The number is
// SipHash-2-4 (Aumasson, Bernstein 2012) with a key drawn when the store is made: nobody who can
// write a DN can look for a second one with the same number.

internal import Accounts

/// Turns DNs and names into the numbers under which the store links members and entries.
struct ReferenceHash: Equatable {
    /// The two halves of the key.
    let key: (UInt64, UInt64)

    /// Compares the keys.
    static func == (left: ReferenceHash, right: ReferenceHash) -> Bool {
        left.key == right.key
    }

    /// A hash with a new random key.
    init() {
        key = (.random(in: .min ... .max), .random(in: .min ... .max))
    }

    /// A hash with the key a store was made with.
    init(key: (UInt64, UInt64)) {
        self.key = key
    }

    /// The number of an entry's DN in its comparable form; the lowest bit is 0.
    func dn(_ text: String) -> Int64 {
        Int64(bitPattern: hash(text) & ~1)
    }

    /// The number of a name (of a person or of a group); the lowest bit is 1.
    func name(_ text: String) -> Int64 {
        Int64(bitPattern: hash(text) | 1)
    }

    /// The number of a member as the directory writes it.
    func reference(_ member: MemberReference) -> Int64 {
        switch member {
        case .dn(let text): dn(text)
        case .name(let text): name(text)
        case .primaryGroup(let text): primaryGroup(text)
        }
    }

    /// The number of everybody who has this primary group; the lowest bit is 1, as no name can begin
    /// with a control character.
    func primaryGroup(_ text: String) -> Int64 {
        name("\u{1}\(text)")
    }

    /// Whether `reference` was made from a name, or stands for those with one primary group.
    static func isName(_ reference: Int64) -> Bool {
        reference & 1 == 1
    }

    private func hash(_ text: String) -> UInt64 {
        var state = SipState(key: key)
        var word: UInt64 = 0
        var count = 0
        for octet in text.utf8 {
            word |= UInt64(octet) << UInt64(8 * (count & 7))
            count += 1
            if count & 7 == 0 {
                state.absorb(word)
                word = 0
            }
        }
        state.absorb(word | UInt64(count & 0xff) << 56)
        return state.finish()
    }
}

/// The four words of SipHash.
private struct SipState {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736f_6d65_7073_6575
        v1 = key.1 ^ 0x646f_7261_6e64_6f6d
        v2 = key.0 ^ 0x6c79_6765_6e65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    mutating func finish() -> UInt64 {
        v2 ^= 0xff
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func round() {
        v0 &+= v1
        v1 = v1 << 13 | v1 >> 51
        v1 ^= v0
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v3
        v3 = v3 << 16 | v3 >> 48
        v3 ^= v2
        v0 &+= v3
        v3 = v3 << 21 | v3 >> 43
        v3 ^= v0
        v2 &+= v1
        v1 = v1 << 17 | v1 >> 47
        v1 ^= v2
        v2 = v2 << 32 | v2 >> 32
    }
}
