import Accounts
import DaemonProtocol
import Testing

/// The parts of a reply as values, for comparison.
private struct ReplyParts: Equatable {
    var verdict = LoginVerdict.accepted
    var isOffline = false
    var messages: [String] = []

    static func decoded(_ payload: [UInt8]) throws(LoginCodingError) -> ReplyParts {
        let read: Result<ReplyParts, LoginCodingError> = unsafe payload.withUnsafeBytes {
            octets in
            do throws(LoginCodingError) {
                let reply = try unsafe LoginReply(payload: octets)
                var messages: [String] = []
                unsafe reply.forEachMessage {
                    messages.append(unsafe String(decoding: $0, as: UTF8.self))
                }
                #expect(messages.count == reply.messageCount)
                return .success(
                    ReplyParts(
                        verdict: reply.verdict, isOffline: reply.isOffline, messages: messages))
            } catch {
                return .failure(error)
            }
        }
        return try read.get()
    }

    func payload() throws -> [UInt8] {
        let frame = try LoginReply.frame(
            verdict: verdict, isOffline: isOffline, messages: messages)
        return Array(frame.dropFirst(Frame.headerOctets))
    }
}

@Suite struct LoginReplyTests {
    @Test("a reply is laid out as the table says")
    func layout() throws {
        let frame = try LoginReply.frame(verdict: .locked, isOffline: true, messages: ["Wait."])
        #expect(
            frame == [0, 0, 0, 11, 1, 12, 1, 1, 0, 5, 0x57, 0x61, 0x69, 0x74, 0x2e])
    }

    @Test("every verdict is read back", arguments: LoginVerdict.allCases)
    func verdicts(verdict: LoginVerdict) throws {
        for isOffline in [false, true] {
            let parts = ReplyParts(
                verdict: verdict, isOffline: isOffline,
                messages: ["Zu kurz: 8 Zeichen, bitte.", "ÿ"])
            #expect(try ReplyParts.decoded(parts.payload()) == parts)
        }
    }

    @Test("texts of any origin are made to fit")
    func fitting() throws {
        let parts = ReplyParts(
            verdict: .newPasswordRefused,
            messages: [
                "a\u{1b}[2Jb\nc\u{85}d", "", String(repeating: "€", count: 200), "3", "4", "5",
            ])
        let read = try ReplyParts.decoded(parts.payload())
        #expect(
            read.messages == ["a [2Jb c d", String(repeating: "€", count: 133), "3", "4"])
    }

    @Test("the longest reply has the stated length")
    func longest() throws {
        let texts = [String](repeating: String(repeating: "x", count: 500), count: 9)
        let frame = try LoginReply.frame(verdict: .accepted, messages: texts)
        #expect(frame.count == LoginLimits.replyFrame)
    }

    @Test("every truncation is refused")
    func truncations() throws {
        let payload = try ReplyParts(messages: ["one", "two"]).payload()
        for count in 0..<payload.count {
            #expect(throws: LoginCodingError.cut) {
                try ReplyParts.decoded(Array(payload.prefix(count)))
            }
        }
    }

    @Test("whatever octet is altered to whatever value, the reply is refused or another one")
    func alterations() throws {
        let parts = ReplyParts(verdict: .expired, messages: ["one", "zwölf €"])
        let payload = try parts.payload()
        for index in payload.indices {
            for value in UInt8.min...UInt8.max where value != payload[index] {
                var altered = payload
                altered[index] = value
                guard let read = try? ReplyParts.decoded(altered) else { continue }
                #expect(read != parts)
                #expect(try read.payload() == altered)
            }
        }
    }

    @Test(
        "what is wrong is told apart",
        arguments: [
            ([0, 0, 0], LoginCodingError.unknownVerdict),
            ([17, 0, 0], .unknownVerdict),
            ([1, 2, 0], .unknownFlag),
            ([1, 0, 5], .length),
            ([1, 0, 1, 0, 0], .length),
            ([1, 0, 1, 1, 0x91], .length),
            ([1, 0, 1, 0, 1, 0x1b], .text),
            ([1, 0, 1, 0, 1, 0x7f], .text),
            ([1, 0, 1, 0, 1, 0], .text),
            ([1, 0, 0, 0], .trailing),
        ] as [([UInt8], LoginCodingError)])
    func faults(payload: [UInt8], fault: LoginCodingError) {
        #expect(throws: fault) { try ReplyParts.decoded(payload) }
    }

    @Test("a message passes exactly if it is UTF-8 without control characters")
    func utf8() throws {
        // All of one octet; behind every first octet the borders of what may follow.
        let borders: [UInt8] = [
            0, 0x1f, 0x20, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff,
        ]
        var texts: [[UInt8]] = (0...255).map { [$0] }
        for first in UInt8.min...UInt8.max {
            for second in borders {
                texts.append([first, second])
                texts.append([first, second, 0x80])
                texts.append([first, second, 0xbf, 0x80])
                texts.append([first, second, 0xbf, 0xc0])
            }
        }
        for text in texts {
            let expected = String(validating: text, as: UTF8.self).map {
                $0.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            }
            let payload = [1, 0, 1, 0, UInt8(text.count)] + text
            let isTaken = (try? ReplyParts.decoded(payload)) != nil
            if isTaken != (expected ?? false) { Issue.record("\(text)") }
        }
    }
}

@Suite struct LoginFrameTests {
    private func missing(_ octets: [UInt8], limit: Int = 8) throws(LoginCodingError) -> Int {
        let answer: Result<Int, LoginCodingError> = unsafe octets.withUnsafeBytes { octets in
            do throws(LoginCodingError) {
                return .success(try unsafe LoginFrame.missing(after: octets, limit: limit))
            } catch {
                return .failure(error)
            }
        }
        return try answer.get()
    }

    @Test("first the header is waited for, then exactly its payload")
    func missing() throws {
        let frame: [UInt8] = [0, 0, 0, 4, 1, 7, 8, 9]
        for count in 0...frame.count {
            let expected = count < 5 ? 5 - count : 8 - count
            #expect(try missing(Array(frame.prefix(count))) == expected)
        }
    }

    @Test(
        "a wrong frame is refused at its header",
        arguments: [
            ([0, 0, 0, 1, 1], FrameError.empty), ([0, 0, 0, 10, 1], .tooLong),
            ([0xff, 0xff, 0xff, 0xff, 1], .tooLong), ([0, 0, 0, 2, 2], .otherVersion),
            ([0, 0, 0, 2, 1, 7, 7], .trailing),
        ] as [([UInt8], FrameError)])
    func refused(octets: [UInt8], fault: FrameError) {
        #expect(throws: LoginCodingError.frame(fault)) { try missing(octets) }
    }

    @Test("a payload is taken from a complete frame only")
    func payload() throws {
        let frame: [UInt8] = [0, 0, 0, 4, 1, 7, 8, 9]
        let taken = unsafe frame.withUnsafeBytes {
            unsafe (try? LoginFrame.payload(of: $0, limit: 8)).map { unsafe Array($0) }
        }
        #expect(taken == [7, 8, 9])
        let cut = unsafe frame.dropLast().withUnsafeBytes {
            unsafe (try? LoginFrame.payload(of: $0, limit: 8)).map { unsafe Array($0) }
        }
        #expect(cut == nil)
    }
}
