// A reply on the login socket, see the table in LoginMessages.swift.
public import Accounts

/// A reply on the login socket; its messages lie in the payload that it was read from.
@safe
public struct LoginReply {
    /// What became of the request.
    public let verdict: LoginVerdict
    /// Whether it was decided without the directory, by a cached verifier.
    public let isOffline: Bool
    /// How many messages for the person there are, 0 to ``LoginLimits/messages``.
    public let messageCount: Int
    /// The messages with their lengths, checked.
    private let messages: UnsafeRawBufferPointer

    /// The reply that a payload carries.
    public init(payload: UnsafeRawBufferPointer) throws(LoginCodingError) {
        var fields = unsafe LoginFieldReader(payload)
        guard let verdict = try LoginVerdict(rawValue: fields.octet()) else {
            throw .unknownVerdict
        }
        let flags = try fields.octet()
        guard flags & ~1 == 0 else { throw .unknownFlag }
        let count = try Int(fields.octet())
        guard count <= LoginLimits.messages else { throw .length }
        unsafe messages = fields.remainder
        for _ in 0..<count {
            guard try unsafe isPlainUTF8(fields.field(1...LoginLimits.message)) else {
                throw .text
            }
        }
        try fields.end()
        self.verdict = verdict
        isOffline = flags & 1 != 0
        messageCount = count
    }

    /// Calls `body` with each message for the person, in the order of their importance.
    public func forEachMessage(_ body: (UnsafeRawBufferPointer) -> Void) {
        var fields = unsafe LoginFieldReader(messages)
        for _ in 0..<messageCount {
            guard let message = try? unsafe fields.field(1...LoginLimits.message) else { return }
            unsafe body(message)
        }
    }
}

#if !hasFeature(Embedded)
    extension LoginReply {
        /// A whole frame from texts of any origin, which are made to fit.
        ///
        /// Control characters become spaces, a text is cut at ``LoginLimits/message`` octets
        /// between two characters, empty ones are left out, those after the fourth too. So nothing
        /// is thrown in practice.
        public static func frame(
            verdict: LoginVerdict, isOffline: Bool = false, messages: [String] = []
        ) throws(FrameError) -> [UInt8] {
            let fitting = messages.map(fitted).filter { !$0.isEmpty }.prefix(LoginLimits.messages)
            var payload = [verdict.rawValue, isOffline ? 1 : 0, UInt8(fitting.count)]
            for message in fitting {
                payload.append(UInt8(message.count >> 8))
                payload.append(UInt8(message.count & 0xff))
                payload.append(contentsOf: message)
            }
            return try Frame.around(payload, limit: LoginLimits.replyPayload)
        }

        /// The octets of a text, without control characters and at most as many as may be sent.
        private static func fitted(_ text: String) -> [UInt8] {
            var octets: [UInt8] = []
            for scalar in text.unicodeScalars {
                let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
                let next = isControl ? [0x20] : Array(String(scalar).utf8)
                guard octets.count + next.count <= LoginLimits.message else { break }
                octets.append(contentsOf: next)
            }
            return octets
        }
    }
#endif
