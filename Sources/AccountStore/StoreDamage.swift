// Damage that shows while the files are used: whoever meets it, the next opening knows of it.

internal import Synchronization

/// Collects what writer and readers of one open store say about damaged files.
final class StoreDamage: Sendable {
    private let first = Mutex<StoreError?>(nil)

    /// The first damage that somebody met; `nil`: none so far.
    var met: StoreError? { first.withLock { $0 } }

    /// Marks the file if the failure says that it is damaged; gives the failure back.
    func noting(_ failure: StoreError) -> StoreError {
        guard failure.kind == .corrupt else { return failure }
        StoreFile(path: failure.file).markDamaged()
        first.withLock { if $0 == nil { $0 = failure } }
        return failure
    }
}
