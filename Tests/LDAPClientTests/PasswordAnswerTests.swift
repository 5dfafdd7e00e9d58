import LDAPClient
import Testing

@Suite("Password policy")
struct PasswordAnswerTests {
    @Test("a warning as slapd sends it: seconds until the password expires")
    func expiring() throws {
        let octets: [UInt8] = [0x30, 0x06, 0xA0, 0x04, 0x80, 0x02, 0x0E, 0x10]
        let control = try PasswordPolicyControl(decoding: octets)
        #expect(control == PasswordPolicyControl(warning: .expiresIn(seconds: 3600)))
    }

    @Test("a warning as slapd sends it: grace logins")
    func grace() throws {
        let octets: [UInt8] = [0x30, 0x05, 0xA0, 0x03, 0x81, 0x01, 0x02]
        let control = try PasswordPolicyControl(decoding: octets)
        #expect(control == PasswordPolicyControl(warning: .graceLogins(2)))
    }

    @Test("every error number has its meaning", arguments: PasswordPolicyControl.Fault.allCases)
    func faults(_ fault: PasswordPolicyControl.Fault) throws {
        let octets: [UInt8] = [0x30, 0x03, 0x81, 0x01, UInt8(fault.rawValue)]
        #expect(try PasswordPolicyControl(decoding: octets) == PasswordPolicyControl(fault: fault))
    }

    @Test("there are the numbers 0 to 9, and a greater one is no fault that is known")
    func numbers() throws {
        #expect(PasswordPolicyControl.Fault.allCases.map(\.rawValue) == Array(0...9))
        let octets: [UInt8] = [0x30, 0x03, 0x81, 0x01, 10]
        #expect(try PasswordPolicyControl(decoding: octets) == PasswordPolicyControl())
    }

    @Test("warning and error together, and neither")
    func both() throws {
        let both: [UInt8] = [0x30, 0x08, 0xA0, 0x03, 0x81, 0x01, 0x00, 0x81, 0x01, 0x02]
        #expect(
            try PasswordPolicyControl(decoding: both)
                == PasswordPolicyControl(warning: .graceLogins(0), fault: .changeAfterReset))
        #expect(try PasswordPolicyControl(decoding: [0x30, 0x00]) == PasswordPolicyControl())
    }

    @Test("numbers below zero warn of nothing")
    func negative() throws {
        let octets: [UInt8] = [0x30, 0x05, 0xA0, 0x03, 0x80, 0x01, 0xFF]
        #expect(try PasswordPolicyControl(decoding: octets) == PasswordPolicyControl())
    }

    @Test(
        "what is no password policy control is refused",
        arguments: [
            [], [0x30], [0x30, 0x03, 0x81, 0x01], [0x30, 0x02, 0x81, 0x00],
            [0x30, 0x02, 0xA0, 0x00], [0x30, 0x05, 0xA0, 0x03, 0x82, 0x01, 0x00],
            [0x30, 0x05, 0x80, 0x03, 0x81, 0x01, 0x00],
            [0x30, 0x06, 0x81, 0x01, 0x00, 0x81, 0x01, 0x00],
            [0x30, 0x08, 0xA0, 0x06, 0x80, 0x01, 0x00, 0x81, 0x01, 0x00],
            [0x30, 0x07, 0x81, 0x05, 0x00, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        ] as [[UInt8]])
    func malformed(_ octets: [UInt8]) {
        #expect(throws: LDAPControlError.self) { try PasswordPolicyControl(decoding: octets) }
    }

    private func answer(_ oid: String, _ value: [UInt8]?) -> PasswordAnswer {
        let control = LDAPControl(oid: oid, isCritical: false, value: value)
        return PasswordAnswer(LDAPResult(code: .success, controls: [control]))
    }

    @Test("the older controls: expired, and expiring in seconds as text")
    func netscape() {
        #expect(answer("2.16.840.1.113730.3.4.4", [0x30]).isExpired)
        #expect(!answer("2.16.840.1.113730.3.4.5", Array("3600".utf8)).isExpired)
        for (text, seconds) in [
            ("3600", 3600), ("3600\0", 3600), ("0", 0), ("", nil), ("-1", nil), ("12x", nil),
            ("9999999999", 9_999_999_999), ("99999999999", nil), ("\0", nil),
        ] as [(String, Int?)] {
            let found = answer("2.16.840.1.113730.3.4.5", Array(text.utf8)).expiresInSeconds
            #expect(found == seconds, "\(text)")
        }
    }

    @Test("a policy control that cannot be read does not spoil the answer")
    func unreadable() {
        for value in [nil, [], [0x30]] as [[UInt8]?] {
            let answer = answer(PasswordPolicyControl.oid, value)
            #expect(answer.policy == nil)
            #expect(answer.result.code == .success)
        }
    }
}
