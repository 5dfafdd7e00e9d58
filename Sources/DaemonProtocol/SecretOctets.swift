// Memory for passwords and for the frames that carry them.
internal import CLibc

/// Memory that is wiped before it is given back.
///
/// One owner, fixed size, never moved: no copy stays behind. The C function is explicit_bzero(3).
@safe
public struct SecretOctets: ~Copyable {
    /// All of the memory; valid while the value lives.
    public let octets: UnsafeMutableRawBufferPointer

    /// Zeroed memory of `count` octets, 1 to 1 MiB; `nil` if there is none.
    public init?(count: Int) {
        guard (1...1 << 20).contains(count), let start = unsafe calloc(1, count) else {
            return nil
        }
        unsafe octets = UnsafeMutableRawBufferPointer(start: start, count: count)
    }

    deinit {
        wipe()
        unsafe free(octets.baseAddress)
    }

    /// Overwrites all of it with zeros, in a way that no compiler leaves out.
    public func wipe() {
        if let start = unsafe octets.baseAddress {
            unsafe explicit_bzero(start, octets.count)
        }
    }
}
