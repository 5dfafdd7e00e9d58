// Requests and replies as the JSON that a frame carries.

#if !hasFeature(Embedded)
    internal import FoundationEssentials

    /// A payload that is not the request or reply it should be.
    public struct ControlCodingError: Error, Equatable, Sendable {
        /// What is wrong, for the log.
        public var message: String

        /// An error from its text.
        public init(message: String) {
            self.message = message
        }
    }

    extension ControlRequest {
        /// The request as a frame's payload.
        public func payload() throws(ControlCodingError) -> [UInt8] {
            try jsonPayload(of: self)
        }

        /// The request that a payload carries.
        public init(payload: [UInt8]) throws(ControlCodingError) {
            self = try message(from: payload)
        }

        /// The request as a whole frame, at most ``Frame/longestRequest`` octets of payload.
        public func frame() throws(ControlCodingError) -> [UInt8] {
            try framed(payload(), limit: Frame.longestRequest)
        }
    }

    extension ControlReply {
        /// The reply as a frame's payload.
        public func payload() throws(ControlCodingError) -> [UInt8] {
            try jsonPayload(of: self)
        }

        /// The reply that a payload carries.
        public init(payload: [UInt8]) throws(ControlCodingError) {
            self = try message(from: payload)
        }

        /// The reply as a whole frame, at most ``Frame/longestReply`` octets of payload.
        public func frame() throws(ControlCodingError) -> [UInt8] {
            try framed(payload(), limit: Frame.longestReply)
        }
    }

    private func framed(_ payload: [UInt8], limit: Int) throws(ControlCodingError) -> [UInt8] {
        do throws(FrameError) {
            return try Frame.around(payload, limit: limit)
        } catch {
            throw ControlCodingError(message: "\(error.explanation) (\(payload.count) octets)")
        }
    }

    private func jsonPayload(of value: some Encodable) throws(ControlCodingError) -> [UInt8] {
        do {
            return try Array(JSONEncoder().encode(value))
        } catch {
            throw ControlCodingError(message: "cannot be written as JSON: \(error)")
        }
    }

    /// Decodes JSON of any origin: depth is bounded by the decoder, length by the frame.
    private func message<Value: Decodable>(from payload: [UInt8]) throws(ControlCodingError)
        -> Value
    {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(payload))
        } catch {
            throw ControlCodingError(message: "not a message of this protocol: \(error)")
        }
    }
#endif
