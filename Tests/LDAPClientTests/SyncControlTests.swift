import LDAPClient
import Testing

@Suite("Sync controls")
struct SyncControlTests {
    private let uuid: [UInt8] = Array(0..<16)

    @Test("the request is what RFC 4533 says, with and without a cookie")
    func request() {
        let fresh = SyncRequestControl(mode: .refreshAndPersist, cookie: nil).control
        #expect(fresh.value == [0x30, 0x03, 0x0A, 0x01, 0x03])
        #expect(fresh.isCritical)
        let resumed = SyncRequestControl(mode: .refreshOnly, cookie: [7, 8], reloadHint: true)
        #expect(
            resumed.control.value
                == [0x30, 0x0A, 0x0A, 0x01, 0x01, 0x04, 0x02, 7, 8, 0x01, 0x01, 0xFF])
    }

    @Test("states are told apart", arguments: [0, 1, 2, 3] as [UInt8])
    func states(_ state: UInt8) throws {
        let value = [0x30, 0x15, 0x0A, 0x01, state, 0x04, 0x10] + uuid
        let control = try SyncStateControl(decoding: value)
        #expect(control.state.rawValue == Int(state))
        #expect(control.uuid == SyncUUID(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F))
        #expect(control.cookie == nil)
    }

    @Test("a state with a cookie as slapd sends it")
    func stateCookie() throws {
        let value = [0x30, 0x1A, 0x0A, 0x01, 0x02, 0x04, 0x10] + uuid + [0x04, 0x03, 1, 2, 3]
        #expect(try SyncStateControl(decoding: value).cookie == [1, 2, 3])
    }

    @Test(
        "what is not a sync state is refused",
        arguments: [
            [], [0x30], [0x30, 0x80, 0, 0], [0x30, 0x03, 0x0A, 0x01, 0x01],
            [0x30, 0x03, 0x0A, 0x01, 0x04],
            [0x30, 0x15, 0x0A, 0x01, 0x04, 0x04, 0x10] + Array(0..<16),
            [0x30, 0x14, 0x0A, 0x01, 0x01, 0x04, 0x0F] + Array(0..<15),
            [0x30, 0x17, 0x0A, 0x01, 0x01, 0x04, 0x10] + Array(0..<16) + [0x05, 0x00],
            [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        ] as [[UInt8]])
    func badStates(_ octets: [UInt8]) {
        #expect(throws: LDAPControlError.self) { try SyncStateControl(decoding: octets) }
    }

    @Test("the end of a synchronisation, in all its forms")
    func done() throws {
        #expect(
            try SyncDoneControl(decoding: [0x30, 0x00])
                == SyncDoneControl(cookie: nil, refreshDeletes: false))
        #expect(
            try SyncDoneControl(decoding: [0x30, 0x06, 0x04, 0x01, 9, 0x01, 0x01, 0xFF])
                == SyncDoneControl(cookie: [9], refreshDeletes: true))
    }

    @Test("information messages as slapd sends them")
    func info() throws {
        #expect(try SyncInfoMessage(decoding: [0x80, 0x02, 1, 2]) == .newCookie([1, 2]))
        #expect(
            try SyncInfoMessage(decoding: [0xA1, 0x00])
                == .refreshDelete(cookie: nil, refreshDone: true))
        #expect(
            try SyncInfoMessage(decoding: [0xA1, 0x02, 0x04, 0x00])
                == .refreshDelete(cookie: [], refreshDone: true))
        #expect(
            try SyncInfoMessage(decoding: [0xA2, 0x06, 0x04, 0x01, 5, 0x01, 0x01, 0x00])
                == .refreshPresent(cookie: [5], refreshDone: false))
        let set: [UInt8] = [0xA3, 0x17, 0x01, 0x01, 0xFF, 0x31, 0x12, 0x04, 0x10] + uuid
        let expected = SyncUUID(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F)
        #expect(
            try SyncInfoMessage(decoding: set)
                == .idSet(cookie: nil, refreshDeletes: true, uuids: [expected]))
    }

    @Test(
        "what is no information message is refused",
        arguments: [
            [0x84, 0x00], [0xA0, 0x00], [0x81, 0x00], [0xA3, 0x00],
            [0xA3, 0x04, 0x31, 0x02, 0x04, 0x00], [0xA1, 0x03, 0x01, 0x01],
            [0xA1, 0x04, 0x01, 0x02, 0x00, 0x00],
        ] as [[UInt8]])
    func badInfo(_ octets: [UInt8]) {
        #expect(throws: LDAPControlError.self) { try SyncInfoMessage(decoding: octets) }
    }

    @Test("no octets whatever trap a decoder")
    func anyOctets() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let length = Int.random(in: 0..<40, using: &generator)
            var octets = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if length > 1 {
                octets[0] = [0x30, 0xA1, 0xA2, 0xA3, 0x80].randomElement() ?? 0x30
                octets[1] = UInt8(length - 2)
            }
            _ = try? SyncStateControl(decoding: octets)
            _ = try? SyncDoneControl(decoding: octets)
            _ = try? SyncInfoMessage(decoding: octets)
            _ = try? PagedResultsControl(decoding: octets)
        }
    }

    @Test(
        "a page request comes back as it was",
        arguments: [0, 1, 127, 128, 255, 256, 32767, 65535])
    func pages(_ size: Int) throws {
        let control = PagedResultsControl(size: size, cookie: [1, 2])
        let value = try #require(control.control(isCritical: true).value)
        #expect(try PagedResultsControl(decoding: value) == control)
    }
}
