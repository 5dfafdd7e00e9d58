import Testing

@testable import LDAPClient

@Suite("Reasons of Active Directory")
struct WindowsErrorTests {
    private func bind(_ data: String) -> String {
        "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data \(data), v1db1"
    }

    @Test(
        "the number behind data is the reason",
        arguments: [
            ("52e", WindowsError.wrongPassword), ("525", .unknownAccount), ("530", .wrongHour),
            ("531", .wrongWorkstation), ("532", .passwordExpired), ("533", .accountDisabled),
            ("701", .accountExpired), ("773", .mustChangePassword), ("775", .accountLocked),
            ("0", WindowsError(rawValue: 0)), ("ffffffff", WindowsError(rawValue: .max)),
        ])
    func bindReasons(_ data: String, _ expected: WindowsError) {
        #expect(WindowsError(bindDiagnostic: bind(data)) == expected)
        #expect(WindowsError(bindDiagnostic: bind(data.uppercased()) + "\0") == expected)
        let answer = PasswordAnswer(
            LDAPResult(code: .invalidCredentials, diagnostic: bind(data)))
        #expect(answer.windowsError == expected)
    }

    @Test(
        "what another server writes is never taken for it",
        arguments: [
            "", "data 533", "Invalid credentials, data 533, v1db1", "80090308: data 533, v1db1",
            "x80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 533, v1",
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data , v1db1",
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 533",
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 5x3, v1",
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, "
                + "data 533533533, v1db1",
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, "
                + "data 533, v1db1, and more",
        ])
    func others(_ text: String) {
        #expect(WindowsError(bindDiagnostic: text) == nil)
        #expect(
            PasswordAnswer(LDAPResult(code: .invalidCredentials, diagnostic: text)).windowsError
                == nil)
    }

    @Test("other answers begin with it")
    func beginnings() {
        let windows = "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n"
        #expect(WindowsError(diagnostic: windows) == .passwordRestriction)
        let samba = "00000056: Constraint violation - check_password_restrictions: The old password"
        #expect(WindowsError(diagnostic: samba) == .wrongOldPassword)
        #expect(WindowsError(diagnostic: "error in module acl: insufficient access") == nil)
        #expect(WindowsError(diagnostic: "0000052D") == nil)
        #expect(WindowsError(diagnostic: "52D: too few digits") == nil)
        #expect(WindowsError(diagnostic: "00000052D: too many") == nil)
    }

    @Test(
        "unicodePwd is the password in quotes, in UTF-16, the low octet first",
        arguments: [
            ("", [UInt8]([0x22, 0, 0x22, 0])), ("a\"", [0x22, 0, 0x61, 0, 0x22, 0, 0x22, 0]),
            ("ä€", [0x22, 0, 0xE4, 0, 0xAC, 0x20, 0x22, 0]),
            ("😀", [0x22, 0, 0x3D, 0xD8, 0x00, 0xDE, 0x22, 0]),
        ])
    func unicode(_ password: String, _ expected: [UInt8]) {
        let secret = LDAPSecret(copying: password.utf8)
        let made = LDAPSession.unicodePassword(secret)
        var octets: [UInt8] = []
        unsafe made?.withBytes { unsafe octets = Array($0) }
        #expect(octets == expected)
    }

    @Test(
        "what is not UTF-8 cannot be a password there",
        arguments: [[UInt8]([0xFF]), [0x61, 0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]])
    func malformed(_ octets: [UInt8]) {
        let isMade = LDAPSession.unicodePassword(LDAPSecret(copying: octets)) != nil
        #expect(!isMade)
    }
}
