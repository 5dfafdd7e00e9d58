// The first load on two cores: one batch is stored while the next is received.

internal import AccountStore
internal import Dispatch
internal import Synchronization

/// Hands batches of the first load to a thread of its own, one at a time.
///
/// Only a first load goes this way: it publishes nothing before its end, so nobody waits for what a
/// batch led to. The sync thread stays the owner of the store: it touches the store only when no
/// batch is on the lane.
///
/// Unchecked: `store` is used by one thread at a time, because ``finish()`` waits for the other.
final class StoreLane: @unchecked Sendable {
    private let store: AccountStore
    private let queue = DispatchQueue(label: "first load")
    private let isDone = DispatchSemaphore(value: 0)
    private let failure = Mutex<StoreError?>(nil)
    private var isBusy = false

    /// A lane to a store.
    init(to store: AccountStore) {
        self.store = store
    }

    /// Begins to make and store a batch; blocks until the one before is stored.
    ///
    /// Throws what became of the batch before; this one is not stored then.
    func begin(now: Int64, _ batch: @escaping @Sendable () -> StoreBatch) throws(StoreError) {
        try finish()
        isBusy = true
        queue.async {
            do throws(StoreError) {
                _ = try self.store.apply(batch(), now: now)
            } catch {
                self.failure.withLock { $0 = error }
            }
            self.isDone.signal()
        }
    }

    /// Blocks until no batch is on the lane; throws what became of the last one.
    func finish() throws(StoreError) {
        guard isBusy else { return }
        isDone.wait()
        isBusy = false
        let found = failure.withLock { failure in
            defer { failure = nil }
            return failure
        }
        if let found { throw found }
    }
}
