import Foundation
import Testing

@testable import Credentials

/// Little work, for tests that are not about it.
private let small = ScryptCost(logN: 10, blockSize: 1, rounds: 1)

private func verifier(_ password: String) throws -> PasswordVerifier {
    let cost = try #require(small)
    let made = unsafe Array(password.utf8).withUnsafeBytes {
        unsafe PasswordVerifier(deriving: $0, cost: cost)
    }
    return try #require(made)
}

extension PasswordVerifier {
    fileprivate func isOf(_ password: String) -> Bool? {
        unsafe Array(password.utf8).withUnsafeBytes { unsafe matches($0) }
    }
}

@Suite struct PasswordVerifierTests {
    @Test("the right password matches, others do not, through octets and back")
    func roundTrip() throws {
        let made = try verifier("s3cret")
        let read = try #require(PasswordVerifier(octets: made.octets))
        #expect(read == made)
        #expect(read.isOf("s3cret") == true)
        for wrong in ["s3cre", "s3cret ", "S3cret", ""] {
            #expect(read.isOf(wrong) == false)
        }
    }

    @Test("two verifiers of one password have nothing in common but the cost")
    func salted() throws {
        let one = try verifier("same")
        let other = try verifier("same")
        #expect(one.octets[..<4] == other.octets[..<4])
        #expect(one.octets[4..<20] != other.octets[4..<20])
        #expect(one.octets[20...] != other.octets[20...])
    }

    @Test("a verifier that another program made with RFC 7914's scrypt is understood")
    func vector() throws {
        // Python: hashlib.scrypt(b"pleaseletmein", salt=b"SodiumChlorideXY", n=16384, r=8, p=1)
        let salt = Array("SodiumChlorideXY".utf8)
        let octets: [UInt8] = [1, 14, 8, 1] + salt + Self.expected
        let read = try #require(PasswordVerifier(octets: octets))
        #expect(read.isOf("pleaseletmein") == true)
        #expect(read.isOf("pleaseletmeout") == false)
    }

    static let expected: [UInt8] = [
        0x37, 0x02, 0xd1, 0x0f, 0x11, 0x64, 0xc4, 0xd5,
        0x40, 0xdd, 0x74, 0xa1, 0x7c, 0x90, 0xf8, 0x5b,
        0x0a, 0x6b, 0xfa, 0x72, 0x4a, 0xd8, 0x26, 0x17,
        0x7e, 0x66, 0x7e, 0xac, 0x40, 0x7f, 0xa7, 0x34,
    ]

    @Test("a file cannot ask for more memory or work than the bounds, nor be of another form")
    func bounds() throws {
        let good = try verifier("x").octets
        #expect(PasswordVerifier(octets: []) == nil)
        #expect(PasswordVerifier(octets: Array(good.dropLast())) == nil)
        #expect(PasswordVerifier(octets: good + [0]) == nil)
        for (place, value) in [
            (0, 0), (0, 2), (1, 9), (1, 16), (1, 255), (2, 0), (2, 33), (2, 255), (3, 0), (3, 5),
        ] as [(Int, UInt8)] {
            var bad = good
            bad[place] = value
            #expect(PasswordVerifier(octets: bad) == nil, "octet \(place) is \(value)")
        }
        // Each alone is within its bounds, together they are 64 MiB.
        #expect(ScryptCost(logN: 15, blockSize: 16, rounds: 1) == nil)
        #expect(ScryptCost(logN: 15, blockSize: 8, rounds: 4) != nil)
    }

    @Test("the standard cost is at most 32 MiB and is a cost that a file may name")
    func standard() {
        let cost = ScryptCost.standard
        #expect((128 << Int(cost.logN)) * Int(cost.blockSize) <= 32 << 20)
        #expect(
            ScryptCost(logN: cost.logN, blockSize: cost.blockSize, rounds: cost.rounds) == cost)
    }

    @Test("octets are compared by OpenSSL's CRYPTO_memcmp, not by one that stops at a difference")
    func comparison() throws {
        let symbol = unsafe dlsym(dlopen(nil, RTLD_NOW), "CRYPTO_memcmp")
        let used = unsafe unsafeBitCast(
            PasswordVerifier.compare, to: UnsafeMutableRawPointer?.self)
        let isSame = unsafe used == symbol && symbol != nil
        #expect(isSame)
    }

    @Test("neither verifier nor fingerprint shows what it holds")
    func silence() throws {
        let made = try verifier("x")
        #expect("\(made)" == "verifier (scrypt, N 2^10, r 1, p 1)")
        var dumped = ""
        dump(made, to: &dumped)
        #expect(!dumped.contains("salt") && !dumped.contains("UInt8"))
        let fingerprints = try #require(PasswordFingerprints())
        let print = try #require(unsafe fingerprints.of(.init(start: nil, count: 0), person: [1]))
        #expect("\(print)" == "fingerprint")
    }

    @Test("a fingerprint is the same for one password of one person in one process only")
    func fingerprints() throws {
        let one = try #require(PasswordFingerprints())
        let other = try #require(PasswordFingerprints())
        func made(_ by: PasswordFingerprints, _ text: String, _ person: UInt8) throws
            -> PasswordFingerprint
        {
            let made = unsafe Array(text.utf8).withUnsafeBytes {
                unsafe by.of($0, person: [person])
            }
            return try #require(made)
        }
        #expect(try made(one, "a", 1) == made(one, "a", 1))
        #expect(try made(one, "a", 1) != made(one, "b", 1))
        #expect(try made(one, "a", 1) != made(one, "a", 2))
        #expect(try made(one, "a", 1) != made(other, "a", 1))
        #expect(try made(one, "", 1) == made(one, "", 1))
    }
}
