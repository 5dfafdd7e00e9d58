// Reading and writing the fields of login messages in buffers that somebody else owns.

/// Takes a payload apart from its beginning; every length is checked before it is used.
@safe
struct LoginFieldReader {
    private var rest: UnsafeRawBufferPointer

    init(_ payload: UnsafeRawBufferPointer) {
        unsafe rest = payload
    }

    /// Takes one octet.
    mutating func octet() throws(LoginCodingError) -> UInt8 {
        guard let value = unsafe rest.first else { throw .cut }
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return value
    }

    /// Takes a length and that many octets; the length must lie in `allowed`.
    mutating func field(_ allowed: ClosedRange<Int>) throws(LoginCodingError)
        -> UnsafeRawBufferPointer
    {
        let high = try Int(octet())
        let length = try high << 8 | Int(octet())
        guard allowed.contains(length) else { throw .length }
        guard unsafe length <= rest.count else { throw .cut }
        let field = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(length))
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(length))
        return unsafe field
    }

    /// What has not been taken yet.
    var remainder: UnsafeRawBufferPointer { unsafe rest }

    /// Makes sure that everything was taken.
    func end() throws(LoginCodingError) {
        guard unsafe rest.isEmpty else { throw .trailing }
    }
}

/// Writes a frame into a buffer of the caller; the header comes last, when the length is known.
@safe
struct LoginFieldWriter {
    private let frame: UnsafeMutableRawBufferPointer
    /// Octets written, the header's place included.
    private(set) var count = Frame.headerOctets

    init(_ frame: UnsafeMutableRawBufferPointer) throws(LoginCodingError) {
        guard frame.count >= Frame.headerOctets else { throw .noRoom }
        unsafe self.frame = frame
    }

    /// Writes one octet.
    mutating func octet(_ value: UInt8) throws(LoginCodingError) {
        guard unsafe count < frame.count else { throw .noRoom }
        unsafe frame[count] = value
        count += 1
    }

    /// Writes a length and that many octets; the length must lie in `allowed`.
    mutating func field(
        _ octets: UnsafeRawBufferPointer, _ allowed: ClosedRange<Int>
    ) throws(LoginCodingError) {
        guard allowed.contains(octets.count), octets.count <= 0xffff else { throw .length }
        try octet(UInt8(truncatingIfNeeded: octets.count >> 8))
        try octet(UInt8(truncatingIfNeeded: octets.count))
        guard unsafe octets.count <= frame.count - count else { throw .noRoom }
        unsafe UnsafeMutableRawBufferPointer(rebasing: frame[count...]).copyMemory(from: octets)
        count += octets.count
    }

    /// Changes an octet that was written before; `position` counts from the frame's beginning.
    func set(_ position: Int, to value: UInt8) {
        guard position < count else { return }
        unsafe frame[position] = value
    }

    /// Writes the header; the frame then has ``count`` octets.
    func finish() {
        let length = UInt32(truncatingIfNeeded: count - Frame.headerOctets + 1)
        for index in 0..<4 {
            set(index, to: UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(index))))
        }
        set(4, to: Frame.version)
    }
}

/// Whether there is no NUL in `octets`.
func isFreeOfNUL(_ octets: UnsafeRawBufferPointer) -> Bool {
    unsafe octets.allSatisfy { $0 != 0 }
}

/// Whether `octets` are well-formed UTF-8 without control characters (C0, DEL, C1).
///
/// Source: RFC 3629 §4, the table of well-formed sequences.
func isPlainUTF8(_ octets: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index < octets.count {
        let first = unsafe octets[index]
        if first < 0x80 {
            guard first >= 0x20, first != 0x7f else { return false }
            index += 1
            continue
        }
        guard let tail = secondOctet(after: first) else { return false }
        guard octets.count - index > tail.count, unsafe tail.range.contains(octets[index + 1])
        else { return false }
        var further = index + 2
        while further <= index + tail.count {
            guard unsafe octets[further] & 0xc0 == 0x80 else { return false }
            further += 1
        }
        index += tail.count + 1
    }
    return true
}

/// How many octets follow a first octet of 0x80 or more, and in what range the second one is.
private func secondOctet(after first: UInt8) -> (count: Int, range: ClosedRange<UInt8>)? {
    switch first {
    case 0xc2: (1, 0xa0...0xbf)  // U+0080 to U+009F are controls
    case 0xc3...0xdf: (1, 0x80...0xbf)
    case 0xe0: (2, 0xa0...0xbf)
    case 0xe1...0xec, 0xee...0xef: (2, 0x80...0xbf)
    case 0xed: (2, 0x80...0x9f)
    case 0xf0: (3, 0x90...0xbf)
    case 0xf1...0xf3: (3, 0x80...0xbf)
    case 0xf4: (3, 0x80...0x8f)
    default: nil
    }
}
