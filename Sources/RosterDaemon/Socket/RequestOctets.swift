// The octets of a request while they arrive.
internal import DaemonProtocol

/// Collects exactly one frame; every octet of it is wiped when it has been read.
@safe final class RequestOctets {
    private let limit: Int
    /// Room for the header, and when that has arrived for the whole frame.
    private var memory: SecretOctets
    private var count = 0

    /// A collector that accepts payloads of 1 to `limit` octets.
    ///
    /// Throws when there is no memory.
    init(limit: Int) throws(FrameError) {
        guard let memory = SecretOctets(count: Frame.headerOctets) else { throw .tooLong }
        self.limit = limit
        self.memory = memory
    }

    /// Takes what arrived; true when the frame is complete.
    ///
    /// Takes memory for what a header announces, which `limit` bounds, and no more.
    func receive(_ octets: UnsafeRawBufferPointer) throws(FrameError) -> Bool {
        let header = unsafe octets.prefix(max(0, Frame.headerOctets - count))
        let rest = unsafe octets.dropFirst(header.count)
        if unsafe !header.isEmpty {
            unsafe append(header)
            guard count == Frame.headerOctets else { return false }
            try makeRoom()
        }
        guard unsafe rest.count <= memory.octets.count - count else { throw .trailing }
        unsafe append(rest)
        return unsafe count == memory.octets.count
    }

    /// Lends the payload of a complete frame.
    func withPayload<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(rebasing: memory.octets[Frame.headerOctets..<count]))
    }

    private func append(_ piece: Slice<UnsafeRawBufferPointer>) {
        let room = unsafe memory.octets[count...].prefix(piece.count)
        unsafe UnsafeMutableRawBufferPointer(rebasing: room).copyBytes(from: piece)
        unsafe count += piece.count
    }

    private func makeRoom() throws(FrameError) {
        let payload = try unsafe Frame.payloadLength(header: memory.octets, limit: limit)
        guard let whole = SecretOctets(count: Frame.headerOctets + payload) else { throw .tooLong }
        unsafe whole.octets.copyMemory(from: UnsafeRawBufferPointer(memory.octets))
        memory = whole
    }
}
