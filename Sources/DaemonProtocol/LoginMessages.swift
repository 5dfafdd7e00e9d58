// What the PAM module and the daemon say to each other on /run/roster/login.sock.
//
// One request and one reply per connection, each inside a `Frame`. Payload of a request:
//
// | size | meaning                                                                               |
// |------|---------------------------------------------------------------------------------------|
// | 1    | kind, see `LoginRequestKind`                                                          |
// | 1    | flags: 1 = the caller is changing somebody else's password (root)                     |
// | 2+n  | name: length (big-endian) and octets; 1 to 256 octets                                 |
// | 2+n  | PAM service, 0 to 64 octets                                                           |
// | 2+n  | remote host (PAM_RHOST), 0 to 255 octets; for the log only                            |
// | 2+n  | password (authenticate) or old password (change), 0 to 1024 octets                    |
// | 2+n  | new password, 0 to 1024 octets                                                        |
//
// Payload of a reply:
//
// | size | meaning                                                                               |
// |------|---------------------------------------------------------------------------------------|
// | 1    | verdict, see `LoginVerdict`                                                           |
// | 1    | flags: 1 = decided without the directory (cached verifier)                            |
// | 1    | number of messages for the person, 0 to 4                                             |
// | 2+n  | each message: UTF-8 without control characters, 1 to 400 octets                       |

/// What is asked on the login socket.
public enum LoginRequestKind: UInt8, CaseIterable, Sendable {
    /// Is this the password of that person? (pam_sm_authenticate)
    case authenticate = 1
    /// May that person use the account now? For callers that may not read the gate themselves.
    case account = 2
    /// Could the password be changed now, and with which old one? (pam_sm_chauthtok, PRELIM_CHECK)
    case checkChange = 3
    /// Change it. (pam_sm_chauthtok, UPDATE_AUTHTOK)
    case change = 4
}
