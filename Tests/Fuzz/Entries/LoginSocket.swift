// sources: Sources/Accounts/*.swift Sources/DaemonProtocol/*.swift

/// The login socket's input on both sides: a frame, the request in it, the reply in it.
///
/// What is read is written again as it was.
func fuzz(_ octets: [UInt8]) {
    octets.withUnsafeBytes { octets in
        if let payload = try? LoginFrame.payload(of: octets, limit: LoginLimits.requestPayload) {
            decode(payload)
        }
        decode(octets)  // without a frame around it, most inputs reach the decoders
    }
}

private func decode(_ payload: UnsafeRawBufferPointer) {
    if let request = try? LoginRequest(payload: payload) {
        guard let frame = SecretOctets(count: LoginLimits.requestFrame) else { return }
        let count = try? request.write(to: frame.octets)
        precondition(count == Frame.headerOctets + payload.count, "every request has a frame")
        let again = frame.octets[Frame.headerOctets..<Frame.headerOctets + payload.count]
        precondition(again.elementsEqual(payload), "a request is written as it was read")
    }
    if let reply = try? LoginReply(payload: payload) {
        var messages: [String] = []
        reply.forEachMessage { messages.append(String(decoding: $0, as: UTF8.self)) }
        let frame = try? LoginReply.frame(
            verdict: reply.verdict, isOffline: reply.isOffline, messages: messages)
        precondition(
            frame?.dropFirst(Frame.headerOctets).elementsEqual(payload) == true,
            "a reply is written as it was read")
    }
}
