import DaemonProtocol
import Testing

/// Reads `octets` in pieces of `size` octets.
private func read(
    _ octets: [UInt8], inPiecesOf size: Int, limit: Int = 64
) throws(FrameError) -> [UInt8]? {
    var reader = FrameReader(limit: limit)
    var payload: [UInt8]?
    var rest = octets[...]
    while !rest.isEmpty {
        payload = try reader.receive(rest.prefix(size))
        rest = rest.dropFirst(size)
    }
    return payload
}

@Suite struct FrameTests {
    @Test("a frame is length, version, payload")
    func layout() throws {
        #expect(try Frame.around([7, 8, 9], limit: 64) == [0, 0, 0, 4, 1, 7, 8, 9])
    }

    @Test("a frame is read back whole, however it is cut", arguments: [1, 2, 3, 4, 5, 6, 7, 100])
    func cutting(size: Int) throws {
        let payload = Array("a payload of 24 octets..".utf8)
        let frame = try Frame.around(payload, limit: 64)
        #expect(try read(frame, inPiecesOf: size) == payload)
    }

    @Test("a frame that is not complete gives nothing yet", arguments: 0..<8)
    func incomplete(count: Int) throws {
        let frame = try Frame.around([7, 8, 9, 10], limit: 64)
        #expect(try read(Array(frame.prefix(count)), inPiecesOf: 3) == nil)
    }

    @Test("the limit is the payload's length, to the octet")
    func limits() throws {
        let longest = [UInt8](repeating: 1, count: 64)
        #expect(try read(Frame.around(longest, limit: 64), inPiecesOf: 9) == longest)
        #expect(throws: FrameError.tooLong) { try Frame.around(longest + [1], limit: 64) }
        let longer = try Frame.around(longest + [1], limit: 65)
        #expect(throws: FrameError.tooLong) { try read(longer, inPiecesOf: 9) }
        #expect(throws: FrameError.empty) { try Frame.around([], limit: 64) }
    }

    @Test(
        "a frame that cannot be right is refused at its header",
        arguments: [
            ([0, 0, 0, 0, 1], FrameError.empty),
            ([0, 0, 0, 1, 1], .empty),
            ([0, 0, 0, 66, 1], .tooLong),
            ([0xff, 0xff, 0xff, 0xff, 1], .tooLong),
            ([0x80, 0, 0, 0, 1], .tooLong),
            ([0, 0, 0, 2, 0], .otherVersion),
            ([0, 0, 0, 2, 2], .otherVersion),
            (Array("GET /".utf8), .otherVersion),
            ([0, 0, 0, 2, 1, 7, 7], .trailing),
            ([0, 0, 0, 2, 1, 7, 0, 0, 0, 2, 1, 7], .trailing),
        ] as [([UInt8], FrameError)])
    func malformed(octets: [UInt8], error: FrameError) {
        #expect(throws: error) { try read(octets, inPiecesOf: octets.count) }
        #expect(throws: error) { try read(octets, inPiecesOf: 1) }
    }

    @Test("random octets never make the reader trap or give more than the limit")
    func random() {
        var generator = SplitMix(state: 20_261_121)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &generator)
            var octets = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if Bool.random(using: &generator) { octets.replaceSubrange(0..<0, with: [0, 0, 0]) }
            let whole = Result { () throws(FrameError) in try read(octets, inPiecesOf: 100) }
            let pieces = Result { () throws(FrameError) in try read(octets, inPiecesOf: 2) }
            #expect(whole == pieces)
            if case .success(let payload?) = whole { #expect(payload.count <= 64) }
        }
    }
}

/// A small generator whose numbers are the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
