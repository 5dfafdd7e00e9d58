// A password on its way to a bind, wiped when it is no longer needed.

internal import CLDAP
internal import Glibc

/// The octets of a password; wiped when the value ends.
///
/// libldap copies them into its request, which it frees without wiping.
@safe public struct LDAPSecret: ~Copyable, @unchecked Sendable {
    // Unchecked: nobody writes to the octets between `init` and `deinit`.
    private let storage: UnsafeMutableRawBufferPointer

    /// Takes a copy of `octets`; the caller wipes its own.
    public init(copying octets: some Collection<UInt8>) {
        unsafe storage = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(octets.count, 1), alignment: 1)
        unsafe storage.copyBytes(from: octets)
        count = octets.count
    }

    /// A secret of at most `capacity` octets that `write` makes; it returns how many there are, or
    /// `nil` where there is none to be made.
    init?(capacity: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int?) {
        let room = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(capacity, 1), alignment: 1)
        guard let count = unsafe write(room) else {
            if let start = room.baseAddress { unsafe explicit_bzero(start, room.count) }
            unsafe room.deallocate()
            return nil
        }
        unsafe storage = room
        self.count = count
    }

    deinit {
        if let start = unsafe storage.baseAddress { unsafe explicit_bzero(start, storage.count) }
        unsafe storage.deallocate()
    }

    /// How many octets there are.
    public let count: Int

    /// Lends the octets for the duration of a call.
    public borrowing func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(rebasing: storage[..<count]))
    }

    /// Lends the octets as libldap takes them.
    borrowing func withValue<Result>(_ body: (UnsafeMutablePointer<berval>) -> Result) -> Result {
        var value = unsafe berval(
            bv_len: ber_len_t(count),
            bv_val: storage.baseAddress?.assumingMemoryBound(to: CChar.self))
        return unsafe body(&value)
    }
}
