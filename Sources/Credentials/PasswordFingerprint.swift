// Whether the password of this login is the one that a verifier was made of, without 80 ms of work.

internal import COpenSSL

/// Makes fingerprints that mean nothing outside this process.
///
/// A fingerprint is fast to compute and so fast to try passwords against: it lives in memory only,
/// keyed with octets that were drawn when the process began and never leave it.
public struct PasswordFingerprints: Sendable {
    private let key: [UInt8]
    private static let octets = 32

    /// Draws a key; `nil` when there is no randomness.
    public init?() {
        var key = [UInt8](repeating: 0, count: Self.octets)
        guard unsafe RAND_bytes(&key, CInt(key.count)) == 1 else { return nil }
        self.key = key
    }

    /// The fingerprint of a person's password (HMAC-SHA-256); `nil` when OpenSSL has no memory.
    public func of(_ password: UnsafeRawBufferPointer, person: [UInt8]) -> PasswordFingerprint? {
        let own = key + person
        var digest = [UInt8](repeating: 0, count: Self.octets)
        var count: CUnsignedInt = 0
        let octets = unsafe password.assumingMemoryBound(to: UInt8.self)
        let made = unsafe HMAC(
            EVP_sha256(), own, CInt(own.count), octets.baseAddress, octets.count, &digest, &count)
        return unsafe made == nil ? nil : PasswordFingerprint(digest: digest)
    }
}

/// Equal for equal passwords of one person in one process.
public struct PasswordFingerprint: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    fileprivate let digest: [UInt8]

    /// Whether both are of the same password.
    public static func == (left: PasswordFingerprint, right: PasswordFingerprint) -> Bool {
        unsafe left.digest.withUnsafeBytes { one in
            unsafe right.digest.withUnsafeBytes { other in
                unsafe one.count == other.count
                    && PasswordVerifier.compare(one.baseAddress, other.baseAddress, one.count) == 0
            }
        }
    }

    /// Does not show the digest.
    public var description: String { "fingerprint" }

    /// As ``description``.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
