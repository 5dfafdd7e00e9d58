import Accounts
import DaemonProtocol
import Testing

/// The parts of a request as values, for comparison.
struct RequestParts: Equatable {
    var kind = LoginRequestKind.authenticate
    var isReset = false
    var name = Array("anna".utf8)
    var service: [UInt8] = []
    var remoteHost: [UInt8] = []
    var password: [UInt8] = []
    var newPassword: [UInt8] = []

    /// The whole frame that these parts make.
    func frame(room: Int = LoginLimits.requestFrame) throws(LoginCodingError) -> [UInt8] {
        let written = unsafe name.withUnsafeBytes { name in
            unsafe service.withUnsafeBytes { service in
                unsafe remoteHost.withUnsafeBytes { remoteHost in
                    unsafe password.withUnsafeBytes { password in
                        unsafe newPassword.withUnsafeBytes { newPassword in
                            var request = unsafe LoginRequest(kind, name: name, isReset: isReset)
                            unsafe request.service = service
                            unsafe request.remoteHost = remoteHost
                            unsafe request.password = password
                            unsafe request.newPassword = newPassword
                            return Self.write(request, room: room)
                        }
                    }
                }
            }
        }
        return try written.get()
    }

    private static func write(
        _ request: LoginRequest, room: Int
    ) -> Result<[UInt8], LoginCodingError> {
        guard let frame = SecretOctets(count: room) else { return .failure(.noRoom) }
        do throws(LoginCodingError) {
            let count = try unsafe request.write(to: frame.octets)
            return .success(unsafe Array(frame.octets.prefix(count)))
        } catch {
            return .failure(error)
        }
    }

    /// The parts of the request that a payload carries.
    static func decoded(_ payload: [UInt8]) throws(LoginCodingError) -> RequestParts {
        let read: Result<RequestParts, LoginCodingError> = unsafe payload.withUnsafeBytes {
            octets in
            do throws(LoginCodingError) {
                let request = try unsafe LoginRequest(payload: octets)
                return .success(
                    unsafe RequestParts(
                        kind: request.kind, isReset: request.isReset, name: Array(request.name),
                        service: Array(request.service), remoteHost: Array(request.remoteHost),
                        password: Array(request.password),
                        newPassword: Array(request.newPassword)))
            } catch {
                return .failure(error)
            }
        }
        return try read.get()
    }

    func payload() throws -> [UInt8] { try Array(frame().dropFirst(Frame.headerOctets)) }

    /// One with every field filled.
    static let full = RequestParts(
        kind: .change, isReset: true, name: Array("anna.müller".utf8), service: Array("sshd".utf8),
        remoteHost: Array("2001:db8::7".utf8), password: [0x73, 0, 0xff], newPassword: [0x6e, 10])
}

@Suite struct LoginRequestTests {
    @Test("a request is laid out as the table says")
    func layout() throws {
        let parts = RequestParts(
            kind: .authenticate, name: Array("bo".utf8), service: Array("su".utf8),
            remoteHost: [0x68], password: Array("pw".utf8))
        let payload: [UInt8] =
            [1, 0, 0, 2, 0x62, 0x6f, 0, 2, 0x73, 0x75, 0, 1, 0x68, 0, 2, 0x70, 0x77, 0, 0]
        #expect(try parts.frame() == [0, 0, 0, 20, 1] + payload)
    }

    @Test("what was written is read back", arguments: LoginRequestKind.allCases)
    func roundTrip(kind: LoginRequestKind) throws {
        var parts = RequestParts.full
        parts.kind = kind
        if kind != .change { parts.newPassword = [] }
        if kind == .account { parts.password = [] }
        if kind == .account || kind == .authenticate { parts.isReset = false }
        #expect(try RequestParts.decoded(parts.payload()) == parts)
    }

    @Test("the longest of everything fits a frame of the stated length, to the octet")
    func longest() throws {
        let parts = RequestParts(
            kind: .change, isReset: true,
            name: [UInt8](repeating: 0x61, count: LoginLimits.name),
            service: [UInt8](repeating: 0x62, count: LoginLimits.service),
            remoteHost: [UInt8](repeating: 0x63, count: LoginLimits.remoteHost),
            password: [UInt8](repeating: 0x64, count: LoginLimits.password),
            newPassword: [UInt8](repeating: 0x65, count: LoginLimits.password))
        #expect(try parts.frame().count == LoginLimits.requestFrame)
        #expect(try RequestParts.decoded(parts.payload()) == parts)
        #expect(throws: LoginCodingError.noRoom) {
            try parts.frame(room: LoginLimits.requestFrame - 1)
        }
    }

    @Test("a field that is too long or too short is not written")
    func writtenLengths() {
        let octets = { (count: Int) in [UInt8](repeating: 0x61, count: count) }
        for parts in [
            RequestParts(name: []), RequestParts(name: octets(LoginLimits.name + 1)),
            RequestParts(service: octets(LoginLimits.service + 1)),
            RequestParts(remoteHost: octets(LoginLimits.remoteHost + 1)),
            RequestParts(password: octets(LoginLimits.password + 1)),
            RequestParts(kind: .change, newPassword: octets(LoginLimits.password + 1)),
        ] {
            #expect(throws: LoginCodingError.length) { try parts.frame(room: 1 << 17) }
        }
    }

    @Test("a buffer of any lesser size is refused, and nothing is written outside of it")
    func rooms() throws {
        let whole = try RequestParts.full.frame()
        for room in 1..<whole.count {
            #expect(throws: LoginCodingError.noRoom) { try RequestParts.full.frame(room: room) }
        }
        #expect(try RequestParts.full.frame(room: whole.count) == whole)
    }

    @Test("every truncation is refused")
    func truncations() throws {
        let payload = try RequestParts.full.payload()
        for count in 0..<payload.count {
            #expect(throws: LoginCodingError.cut) {
                try RequestParts.decoded(Array(payload.prefix(count)))
            }
        }
    }

    @Test("whatever octet is altered to whatever value, the request is refused or another one")
    func alterations() throws {
        let payload = try RequestParts.full.payload()
        for index in payload.indices {
            for value in UInt8.min...UInt8.max where value != payload[index] {
                var altered = payload
                altered[index] = value
                guard let parts = try? RequestParts.decoded(altered) else { continue }
                #expect(parts != .full)
                #expect(try parts.payload() == altered)
            }
        }
    }

    @Test(
        "what is wrong is told apart",
        arguments: [
            ([], LoginCodingError.cut),
            ([1], .cut),
            ([0, 0, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0], .unknownKind),
            ([5, 0, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0], .unknownKind),
            ([1, 2, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0], .unknownFlag),
            ([1, 1, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0], .unknownFlag),
            ([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .length),
            ([1, 0, 1, 1, 0x61], .length),
            ([1, 0, 0xff, 0xff, 0x61], .length),
            ([1, 0, 0, 1, 0x61, 0, 65], .length),
            ([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], .text),
            ([1, 0, 0, 1, 0x61, 0, 1, 0, 0, 0, 0, 0, 0, 0], .text),
            ([1, 0, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 1, 0x62], .needless),
            ([3, 0, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 1, 0x62], .needless),
            ([2, 0, 0, 1, 0x61, 0, 0, 0, 0, 0, 1, 0x62, 0, 0], .needless),
            ([1, 0, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0], .trailing),
        ] as [([UInt8], LoginCodingError)])
    func faults(payload: [UInt8], fault: LoginCodingError) {
        #expect(throws: fault) { try RequestParts.decoded(payload) }
    }

    @Test("a request describes itself without name and passwords")
    func description() throws {
        let payload = try RequestParts.full.payload()
        let text = unsafe payload.withUnsafeBytes {
            (try? unsafe LoginRequest(payload: $0)).map { "\($0)" }
        }
        #expect(text == "change")
    }
}

@Suite struct SecretOctetsTests {
    @Test("memory for secrets starts at zero and is zero again when it was wiped")
    func wiping() {
        guard let secret = SecretOctets(count: 16) else {
            Issue.record("no memory")
            return
        }
        #expect(unsafe secret.octets.allSatisfy { $0 == 0 })
        unsafe secret.octets.copyBytes(from: Array("a password......".utf8))
        secret.wipe()
        #expect(unsafe secret.octets.allSatisfy { $0 == 0 })
    }

    @Test("sizes that cannot be meant give no memory", arguments: [0, -1, 1 << 20 + 1, Int.max])
    func sizes(count: Int) {
        switch SecretOctets(count: count) {
        case .none: break
        case .some: Issue.record("there is memory of \(count) octets")
        }
    }
}
