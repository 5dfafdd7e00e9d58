// 8-byte words in memory that others change meanwhile: another thread, or the daemon's process.
internal import Synchronization

/// An aligned 8-byte word somewhere in mapped or static memory that outlives this value.
@safe
struct AtomicWord {
    private let place: UnsafePointer<Atomic<UInt64>>

    /// The word at `address`, which must be aligned to 8 bytes; writable if it will be written.
    @inline(__always)
    init(_ address: UnsafeRawPointer) {
        unsafe place = address.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// The value; what was written before it by its writer can be read after this.
    @inline(__always)
    func load() -> UInt64 {
        unsafe place.pointee.load(ordering: .acquiring)
    }

    /// The value in the single order that all sequentially consistent operations have.
    @inline(__always)
    func loadInOrder() -> UInt64 {
        unsafe place.pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Stores; what was written before can be read by who loads this value.
    @inline(__always)
    func store(_ value: UInt64) {
        unsafe place.pointee.store(value, ordering: .releasing)
    }

    /// Stores in the single order.
    @inline(__always)
    func storeInOrder(_ value: UInt64) {
        unsafe place.pointee.store(value, ordering: .sequentiallyConsistent)
    }

    /// Adds in the single order.
    @inline(__always)
    func add(_ value: UInt64) {
        unsafe place.pointee.wrappingAdd(value, ordering: .sequentiallyConsistent)
    }

    /// Subtracts; what was read before is done being read.
    @inline(__always)
    func subtract(_ value: UInt64) {
        unsafe place.pointee.wrappingSubtract(value, ordering: .releasing)
    }

    /// Replaces `old` by `new` in the single order; whether `old` was there.
    @inline(__always)
    func replace(_ old: UInt64, by new: UInt64) -> Bool {
        unsafe place.pointee.compareExchange(
            expected: old, desired: new, ordering: .sequentiallyConsistent
        ).exchanged
    }
}
