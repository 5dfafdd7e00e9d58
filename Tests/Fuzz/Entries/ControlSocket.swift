// sources: Sources/Accounts/*.swift Sources/DaemonProtocol/*.swift

/// The control socket's input: a frame in two pieces, as the daemon takes it, and the request in it,
/// which is read back as it was written.
func fuzz(_ octets: [UInt8]) {
    let cut = octets.last.map { Int($0) % (octets.count + 1) } ?? 0
    var reader = FrameReader(limit: Frame.longestRequest)
    do {
        let early = try reader.receive(octets[..<cut])
        if let payload = try early ?? reader.receive(octets[cut...]) { try decode(payload) }
    } catch {
        _ = error
    }
    // Without a frame around it, most inputs reach the decoder.
    try? decode(octets)
    _ = try? ControlReply(payload: octets)
}

private func decode(_ payload: [UInt8]) throws {
    let request = try ControlRequest(payload: payload)
    let again = try ControlRequest(payload: request.payload())
    precondition(again == request, "a request is read back as it was written")
    _ = request.fault
}
