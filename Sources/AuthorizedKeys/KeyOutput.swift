// Whole lines to a descriptor, in as few writes as a small buffer allows.
internal import CLibc

/// Collects octets and writes them; after a failure nothing more is written.
struct KeyOutput: ~Copyable {
    private let descriptor: CInt
    private var buffer = InlineArray<4096, UInt8>(repeating: 0)
    private var count = 0
    private var hasFailed = false

    init(descriptor: CInt = 1) {
        self.descriptor = descriptor
    }

    /// Adds a line and its end.
    mutating func append(_ line: UnsafeRawBufferPointer) {
        unsafe append(octetsOf: line)
        add(UInt8(ascii: "\n"))
    }

    /// Adds octets.
    mutating func append(octetsOf octets: UnsafeRawBufferPointer) {
        for index in 0..<octets.count { unsafe add(octets[index]) }
    }

    /// Writes what is left; whether everything was written.
    mutating func finish() -> Bool {
        flush()
        return !hasFailed
    }

    private mutating func add(_ octet: UInt8) {
        if count == buffer.count { flush() }
        buffer[count] = octet
        count &+= 1
    }

    private mutating func flush() {
        var done = 0
        while done < count, !hasFailed {
            let span = buffer.span
            let written = unsafe span.withUnsafeBytes { octets in
                guard let start = octets.baseAddress else { return -1 }
                return unsafe write(descriptor, start + done, count &- done)
            }
            if written < 0, roster_errno() == EINTR { continue }
            if written <= 0 { hasFailed = true } else { done &+= written }
        }
        count = 0
    }
}
