// Which passwords never leave the host.
import Accounts
import Testing

struct PasswordRulesTests {
    static func isAdmissible(_ password: [UInt8]) -> Bool {
        unsafe password.withUnsafeBytes { unsafe PasswordRules.isAdmissible($0) }
    }

    /// What sshd makes of a password of so many octets for those whom it refuses anyway.
    static func junk(_ count: Int) -> [UInt8] {
        let pattern = Array("\u{8}\n\r\u{7f}INCORRECT".utf8)
        return (0..<count).map { pattern[$0 % pattern.count] }
    }

    @Test("a password of 1 to 1024 octets may be asked about")
    func lengths() {
        #expect(!Self.isAdmissible([]))
        for count in [1, 2, 13, 1023, 1024] {
            #expect(Self.isAdmissible([UInt8](repeating: 0x61, count: count)))
        }
        #expect(!Self.isAdmissible([UInt8](repeating: 0x61, count: 1025)))
        #expect(Self.isAdmissible(Array("pässword ☃".utf8)))
    }

    @Test("a NUL anywhere is refused", arguments: [0, 1, 5, 9])
    func nul(place: Int) {
        var password = [UInt8](repeating: 0x61, count: 10)
        password[place] = 0
        #expect(!Self.isAdmissible(password))
    }

    @Test("sshd's junk of every length is refused; one octet off, it is a password")
    func sshdJunk() {
        for count in 1...1024 { #expect(!Self.isAdmissible(Self.junk(count))) }
        for count in [1, 4, 13, 14, 40] {
            var password = Self.junk(count)
            password[count - 1] ^= 1
            #expect(Self.isAdmissible(password))
        }
        #expect(Self.isAdmissible(Array("INCORRECT".utf8)))
    }
}
