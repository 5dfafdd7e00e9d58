// A line of authorized_keys(5) is exactly one public key, or it is refused.
import Accounts
import Testing

/// A public key put together by hand.
struct MadeKey {
    var type: String
    var fields: [[UInt8]]

    init(_ type: String, _ fields: [UInt8]...) {
        self.type = type
        self.fields = fields
    }

    static let point256 = [4] + [UInt8](repeating: 7, count: 64)
    static let ed25519 = MadeKey("ssh-ed25519", [UInt8](repeating: 9, count: 32))
    static let securityKey = MadeKey(
        "sk-ssh-ed25519@openssh.com", [UInt8](repeating: 9, count: 32), Array("ssh:".utf8))
    static let ecdsaSecurityKey = MadeKey(
        "sk-ecdsa-sha2-nistp256@openssh.com", Array("nistp256".utf8), point256, Array("ssh:".utf8))

    static func rsa(bits: Int, exponent: [UInt8] = [1, 0, 1]) -> MadeKey {
        MadeKey("ssh-rsa", exponent, number(bits: bits))
    }

    static func ecdsa(_ bits: Int, curve: String? = nil, octets: Int? = nil) -> MadeKey {
        let count = octets ?? (bits + 7) / 8 * 2 + 1
        return MadeKey(
            "ecdsa-sha2-nistp\(bits)", Array((curve ?? "nistp\(bits)").utf8),
            [4] + [UInt8](repeating: 1, count: max(count - 1, 0)))
    }

    /// A positive number of so many bits in its shortest form.
    static func number(bits: Int) -> [UInt8] {
        let top = UInt8(1 << ((bits - 1) % 8))
        let rest = [UInt8](repeating: 0xA5, count: (bits - 1) / 8)
        return (top == 0x80 ? [0] : []) + [top] + rest
    }

    static func string(_ octets: [UInt8]) -> [UInt8] {
        let count = octets.count
        return [UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255)]
            + [UInt8(count & 255)] + octets
    }

    func blob(named name: String? = nil) -> [UInt8] {
        fields.reduce(Self.string(Array((name ?? type).utf8))) { $0 + Self.string($1) }
    }

    func line(named name: String? = nil) -> String {
        type + " " + base64(blob(named: name))
    }
}

/// Octets as base64 with padding.
func base64(_ octets: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: octets.count, by: 3) {
        let part = octets[start..<min(start + 3, octets.count)]
        let padded = Array(part) + [UInt8](repeating: 0, count: 3 - part.count)
        let bits = padded.reduce(0) { $0 << 8 | Int($1) }
        for index in 0..<4 {
            text.append(index <= part.count ? alphabet[bits >> (18 - 6 * index) & 63] : 0x3D)
        }
    }
    return String(decoding: text, as: UTF8.self)
}

struct AuthorizedKeyTests {
    static let made =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+V9PxO7BmhOvh1amZKfGQ6+Ns5Y6YDB3tL/CT5vTqH"

    static func isValid(_ line: String, options: Bool = false) -> Bool {
        isValid(Array(line.utf8), options: options)
    }

    static func isValid(_ line: [UInt8], options: Bool = false) -> Bool {
        unsafe line.withUnsafeBytes {
            unsafe AuthorizedKey.isValid($0, allowingOptions: options)
        }
    }

    @Test(
        "a key of every type that sshd accepts is valid, with a comment and without",
        arguments: [
            MadeKey.ed25519, .securityKey, .ecdsaSecurityKey, .rsa(bits: 1024), .rsa(bits: 2047),
            .rsa(bits: 4096), .rsa(bits: 16384), .rsa(bits: 3072, exponent: [3]), .ecdsa(256),
            .ecdsa(384), .ecdsa(521),
        ])
    func accepted(key: MadeKey) {
        let line = key.line()
        for tail in ["", " ", " alice@laptop", "  two  words ", " käthe", " \"quoted\" #7"] {
            #expect(Self.isValid(line + tail))
            #expect(Self.isValid(line + tail, options: true))
        }
        #expect(Self.isValid(Self.made + " alice@laptop"), "one that ssh-keygen(1) made")
    }

    @Test(
        "a key that sshd does not take from authorized_keys is refused",
        arguments: [
            MadeKey("ssh-dss", [1], [1], [1], [1]), MadeKey("ssh-ed448", [1]),
            MadeKey("ssh-ed25519-cert-v01@openssh.com", [UInt8](repeating: 9, count: 32)),
            MadeKey("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", MadeKey.point256),
            MadeKey("rsa-sha2-512", [1, 0, 1], MadeKey.number(bits: 2048)), MadeKey("", []),
        ])
    func unknownType(key: MadeKey) {
        #expect(!Self.isValid(key.line()))
        #expect(!Self.isValid(key.line(), options: true))
    }

    @Test(
        "lengths and numbers inside a key are checked",
        arguments: [
            MadeKey("ssh-ed25519", [UInt8](repeating: 9, count: 31)),
            MadeKey("ssh-ed25519", [UInt8](repeating: 9, count: 33)), MadeKey("ssh-ed25519"),
            MadeKey("ssh-ed25519", [UInt8](repeating: 9, count: 32), []),
            MadeKey("ssh-ed25519", [UInt8](repeating: 9, count: 32), [1]),
            MadeKey("sk-ssh-ed25519@openssh.com", [UInt8](repeating: 9, count: 32)),
            MadeKey("sk-ssh-ed25519@openssh.com", [UInt8](repeating: 9, count: 32), []),
            .rsa(bits: 1023), .rsa(bits: 16385), .rsa(bits: 2048, exponent: []),
            .rsa(bits: 2048, exponent: [0]), .rsa(bits: 2048, exponent: [1]),
            .rsa(bits: 2048, exponent: [0, 3]), .rsa(bits: 2048, exponent: [0x81]),
            .rsa(bits: 2048, exponent: MadeKey.number(bits: 65)),
            MadeKey("ssh-rsa", [1, 0, 1], [0] + MadeKey.number(bits: 2048)),
            MadeKey("ssh-rsa", [1, 0, 1], [0x80] + [UInt8](repeating: 0, count: 255)),
            MadeKey("ssh-rsa", [1, 0, 1]), .ecdsa(256, curve: "nistp384"),
            .ecdsa(256, octets: 64), .ecdsa(256, octets: 33), .ecdsa(521, octets: 132),
            MadeKey(
                "ecdsa-sha2-nistp256", Array("nistp256".utf8), [2] + MadeKey.point256.dropFirst()),
        ])
    func malformed(key: MadeKey) {
        #expect(!Self.isValid(key.line()))
    }

    @Test("the type in words and the type inside must agree")
    func mismatch() {
        #expect(!Self.isValid(MadeKey.ed25519.line(named: "ssh-rsa")))
        #expect(!Self.isValid(MadeKey.ecdsa(256).line(named: "ecdsa-sha2-nistp384")))
        let other = MadeKey("ssh-rsa", [UInt8](repeating: 9, count: 32))
        #expect(!Self.isValid(other.line(named: "ssh-ed25519")))
    }

    @Test("base64 must be whole and in its one form")
    func base64Forms() {
        let line = Self.made
        for bad in ["=", "==", "*", "\u{e4}", "A", "AAA"] { #expect(!Self.isValid(line + bad)) }
        for count in 1..<69 { #expect(!Self.isValid(String(line.dropLast(count)))) }
        // One octet too few leaves bits that a sloppy decoder drops; the length inside notices.
        let short = MadeKey.rsa(bits: 1024).line()
        #expect(Self.isValid(short) && short.hasSuffix("="))
        var loose = Array(short.utf8)
        let last = loose.count - (short.hasSuffix("==") ? 3 : 2)
        loose[last] += 1
        #expect(!Self.isValid(loose))
        #expect(!Self.isValid(short.replacing("=", with: "")))
    }

    @Test("every cut and every altered octet of the length fields is refused or still one key")
    func flips() {
        let blob = MadeKey.ecdsa(256).blob()
        for index in blob.indices {
            #expect(!Self.isValid("ecdsa-sha2-nistp256 " + base64(Array(blob[..<index]))))
        }
        // Lengths, the name and the name of the curve: any change of any bit there is noticed.
        for index in 0..<40 {
            for bit in 0..<8 {
                var altered = blob
                altered[index] ^= 1 << UInt8(bit)
                #expect(!Self.isValid("ecdsa-sha2-nistp256 " + base64(altered)))
            }
        }
    }

    @Test("no second line, no second key, no control characters, no leading space, no comment line")
    func one() {
        let key = Self.made
        for bad in [
            "", " ", "#", " " + key, key + "\n", key + "\n" + key, key + "\r", key + " a\tb",
            key + " a\u{7f}", key + " a\0b", "#" + key, "# " + key, key + " " + key,
            key + " alice " + MadeKey.ecdsa(256).line(), "ssh-ed25519", "ssh-ed25519 ",
            "ssh-ed25519  x",
            key.replacing(" ", with: "\t"), key.replacing("ssh-ed25519", with: "SSH-ED25519"),
        ] {
            #expect(!Self.isValid(bad))
            #expect(!Self.isValid(bad, options: true))
        }
    }

    @Test("a line of 8 KiB is the longest")
    func length() {
        let key = Self.made + " "
        let longest = key + String(repeating: "c", count: 8192 - key.utf8.count)
        #expect(Self.isValid(longest))
        #expect(!Self.isValid(longest + "c"))
    }

    @Test(
        "options pass only where they are allowed",
        arguments: [
            "restrict", "command=\"/bin/true\"", "from=\"10.0.0.0/8,::1\",no-pty",
            "command=\"echo \\\"a b\\\" c\"", "environment=\"A=b c\",restrict",
        ])
    func options(text: String) {
        let line = text + " " + Self.made + " alice"
        #expect(!Self.isValid(line))
        #expect(Self.isValid(line, options: true))
    }

    @Test(
        "options that do not end, or have no key behind them, are refused",
        arguments: [
            "command=\"/bin/true " + made, "restrict", "restrict ", "restrict restrict " + made,
            "command=\"a\\\" " + made, "\"" + made + "\"", "ssh-rsa " + made,
            "restrict ssh-ed25519 AAAA",
        ])
    func brokenOptions(line: String) {
        #expect(!Self.isValid(line, options: true))
    }
}
