// The file of the verifiers: opened with the store, held against it, and begun anew when damaged.

internal import AccountStore
internal import Logging
internal import NIOPosix
internal import Synchronization

extension VerifierKeeper {
    /// The store was opened or filled: opens the file if it is not open, and holds it against the
    /// store; verifiers are used from then on.
    ///
    /// Does not block; the work is done on the thread that derives.
    func storeOpened(_ reader: StoreReader) {
        work.submit { state in
            if state == .active { self.open(with: reader) }
        }
    }

    private func open(with reader: StoreReader) {
        state.withLock { $0.newestReader = reader }
        do throws(StoreError) {
            let store = try openedStore()
            guard policy.isAllowed else { return try forgetAll(store) }
            state.withLock { $0.store = store }
            // While a first load goes on nobody is published; the end of the load comes here again.
            guard try !reader.summary().isLoading else { return }
            try store.reconcile(with: reader)
            state.withLock { $0.reader = reader }
        } catch {
            logger.error("no verifiers can be kept: \(error)")
        }
    }

    private func openedStore() throws(StoreError) -> VerifierStore {
        if let store = state.withLock({ $0.store }) { return store }
        let store = try VerifierStore(directory: directory) { [weak self] in
            self?.submitMending()
        }
        if let reason = store.discarded {
            logger.notice("the verifiers were unusable and are begun anew: \(reason)")
        }
        return store
    }

    private func submitMending() {
        work.submit { state in
            if state == .active { self.openIfDamaged() }
        }
    }

    /// Begins the file anew that was found damaged while in use, or could not be then.
    func openIfDamaged() {
        let (store, reader) = state.withLock { ($0.store, $0.newestReader) }
        guard let reader, store?.isDamaged ?? true else { return }
        state.withLock { ($0.store, $0.reader, $0.fingerprints) = (nil, nil, [:]) }
        store?.close()
        open(with: reader)
    }

    /// Where nobody is to be admitted offline, nothing is kept that could be stolen.
    private func forgetAll(_ store: VerifierStore) throws(StoreError) {
        try store.forgetEverybody()
        store.close()
    }
}
