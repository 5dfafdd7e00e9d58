// What can tell a password from another one without holding it: scrypt (RFC 7914).
//
// The octets of a verifier:
//
// | offset | size | meaning                                                              |
// |--------|------|----------------------------------------------------------------------|
// | 0      | 1    | 1: scrypt with the fields below                                      |
// | 1      | 1    | log2 of N, 10 to 15                                                  |
// | 2      | 1    | r, 1 to 32                                                           |
// | 3      | 1    | p, 1 to 4                                                            |
// | 4      | 16   | salt                                                                 |
// | 20     | 32   | the derived octets                                                   |

internal import COpenSSL

/// How much work a check is: read from a file, so bounded before any of it is done.
public struct ScryptCost: Equatable, Sendable {
    /// log2 of N.
    public let logN: UInt8
    /// The size of a block, in 128 octets.
    public let blockSize: UInt8
    /// How often all of it is done.
    public let rounds: UInt8

    /// The most memory that any check takes, in octets.
    public static let mostMemory = 32 << 20

    /// What new verifiers are made with: 24 MiB, and 50 to 100 ms on one core of a server of 2020.
    public static let standard = ScryptCost(unchecked: 14, 12, 1)

    /// A cost within the bounds; `nil` for any other.
    public init?(logN: UInt8, blockSize: UInt8, rounds: UInt8) {
        guard (10...15).contains(logN), (1...32).contains(blockSize), (1...4).contains(rounds),
            (128 << Int(logN)) * Int(blockSize) <= Self.mostMemory
        else { return nil }
        self.init(unchecked: logN, blockSize, rounds)
    }

    private init(unchecked logN: UInt8, _ blockSize: UInt8, _ rounds: UInt8) {
        self.logN = logN
        self.blockSize = blockSize
        self.rounds = rounds
    }
}

/// A salted, slow digest of a password.
public struct PasswordVerifier: Equatable, Sendable {
    /// The work of a check.
    public let cost: ScryptCost
    private let salt: [UInt8]
    private let derived: [UInt8]

    private static let format: UInt8 = 1
    private static let saltOctets = 16
    private static let derivedOctets = 32

    /// Derives a verifier with a fresh salt; `nil` when OpenSSL has no memory or no randomness.
    ///
    /// Blocks for as long as the cost says, and takes that much memory.
    public init?(deriving password: UnsafeRawBufferPointer, cost: ScryptCost = .standard) {
        var salt = [UInt8](repeating: 0, count: Self.saltOctets)
        guard unsafe RAND_bytes(&salt, CInt(salt.count)) == 1,
            let derived = unsafe Self.derive(password, salt: salt, cost: cost)
        else { return nil }
        self.cost = cost
        self.salt = salt
        self.derived = derived
    }

    /// Whether this is the password; `nil` when OpenSSL has no memory.
    ///
    /// Blocks for as long as the cost says. The comparison takes the same time wherever the octets
    /// differ.
    public func matches(_ password: UnsafeRawBufferPointer) -> Bool? {
        guard let made = unsafe Self.derive(password, salt: salt, cost: cost) else { return nil }
        return unsafe made.withUnsafeBytes { made in
            unsafe derived.withUnsafeBytes { derived in
                unsafe Self.compare(made.baseAddress, derived.baseAddress, Self.derivedOctets) == 0
            }
        }
    }

    /// How derived octets are compared: CRYPTO_memcmp(3), which does not stop at a difference.
    static let compare: @convention(c) (UnsafeRawPointer?, UnsafeRawPointer?, Int) -> CInt =
        unsafe CRYPTO_memcmp

    private static func derive(
        _ password: UnsafeRawBufferPointer, salt: [UInt8], cost: ScryptCost
    ) -> [UInt8]? {
        var derived = [UInt8](repeating: 0, count: derivedOctets)
        // OpenSSL counts a little more than the block of N; a null pointer would be no password.
        let limit = UInt64(ScryptCost.mostMemory + (1 << 20))
        let code = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1) { empty in
            let octets = unsafe password.baseAddress?.assumingMemoryBound(to: CChar.self)
            return unsafe EVP_PBE_scrypt(
                octets ?? UnsafePointer(empty.baseAddress), password.count, salt, salt.count,
                1 << UInt64(cost.logN), UInt64(cost.blockSize), UInt64(cost.rounds), limit,
                &derived, derived.count)
        }
        return code == 1 ? derived : nil
    }
}

extension PasswordVerifier {
    /// The octets as the table above has them; what a file holds.
    public var octets: [UInt8] {
        [Self.format, cost.logN, cost.blockSize, cost.rounds] + salt + derived
    }

    /// Takes octets of any origin; `nil` unless they are a verifier within the bounds.
    public init?(octets: [UInt8]) {
        let header = 4
        guard octets.count == header + Self.saltOctets + Self.derivedOctets,
            octets[0] == Self.format,
            let cost = ScryptCost(logN: octets[1], blockSize: octets[2], rounds: octets[3])
        else { return nil }
        self.cost = cost
        salt = Array(octets[header..<(header + Self.saltOctets)])
        derived = Array(octets[(header + Self.saltOctets)...])
    }
}

extension PasswordVerifier: CustomStringConvertible, CustomReflectable {
    /// Says nothing of salt and derived octets: they are what an attacker wants to try against.
    public var description: String {
        "verifier (scrypt, N 2^\(cost.logN), r \(cost.blockSize), p \(cost.rounds))"
    }

    /// As ``description``.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
