// Local accounts come first: their names are looked up in /etc/passwd itself, without NSS.
internal import CLibc

/// The local accounts of a host, as a file in the form of passwd(5) lists them.
public enum LocalPasswd {
    /// Whether a line of the file begins with this name.
    ///
    /// Reads with a buffer on the stack, allocates nothing and keeps errno. `path` must be
    /// NUL-terminated. Throws if the file cannot be opened or read: then nobody can say whose name
    /// this is.
    public static func contains(
        name: UnsafeRawBufferPointer, path: UnsafePointer<CChar>
    ) throws(IndexFault) -> Bool {
        let saved = roster_errno()
        defer { roster_set_errno(saved) }
        guard unsafe isPossible(name) else { return false }
        let descriptor = unsafe roster_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0)
        guard descriptor >= 0 else { throw IndexFault(code: roster_errno()) }
        defer { _ = close(descriptor) }
        var buffer = InlineArray<4096, UInt8>(repeating: 0)
        var scan = unsafe LineScan(name: name)
        while true {
            var room = buffer.mutableSpan
            let count = unsafe room.withUnsafeMutableBytes { room in
                unsafe read(descriptor, room.baseAddress, room.count)
            }
            if count < 0, roster_errno() == EINTR { continue }
            guard count >= 0 else { throw IndexFault(code: roster_errno()) }
            if count == 0 { return false }
            for index in 0..<min(count, 4096) where scan.finds(buffer[index]) { return true }
        }
    }
}

/// Whether a line of passwd(5) could begin with this name.
private func isPossible(_ name: UnsafeRawBufferPointer) -> Bool {
    guard name.count > 0, unsafe name[0] != UInt8(ascii: "#") else { return false }
    for index in 0..<name.count {
        let octet = unsafe name[index]
        if octet == UInt8(ascii: ":") || octet == UInt8(ascii: "\n") { return false }
    }
    return true
}

/// Compares the first field of each line with a name, octet by octet.
@safe
private struct LineScan {
    private let name: UnsafeRawBufferPointer
    private let count: Int
    /// Octets of the name seen at the start of this line.
    private var matched = 0
    private var place = Place.start

    private enum Place {
        /// Only blanks so far, which glibc skips too.
        case start
        case name
        /// Another line's rest.
        case other
    }

    init(name: UnsafeRawBufferPointer) {
        unsafe self.name = name
        count = name.count
    }

    /// Whether this octet, the colon, completes the name.
    mutating func finds(_ octet: UInt8) -> Bool {
        if octet == UInt8(ascii: "\n") {
            place = .start
            matched = 0
            return false
        }
        switch place {
        case .start:
            if octet == UInt8(ascii: " ") || (octet >= 9 && octet <= 13) { return false }
            place = .name
            return compare(octet)
        case .name: return compare(octet)
        case .other: return false
        }
    }

    private mutating func compare(_ octet: UInt8) -> Bool {
        if matched == count {
            place = .other
            return octet == UInt8(ascii: ":")
        }
        if unsafe name[matched] == octet { matched &+= 1 } else { place = .other }
        return false
    }
}
