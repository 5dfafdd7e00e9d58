// How a long statement shows that it gets on: making an index, a migration, the check after a crash.

internal import GRDB
internal import GRDBSQLite

/// Calls somebody every so many instructions of SQLite's virtual machine.
///
/// No timer is in it: who is called knows that the thread works.
final class StoreProgress: Sendable {
    /// Some tens of milliseconds.
    private static let instructions: CInt = 1_000_000

    private let body: @Sendable () -> Void

    /// A progress that calls `body`, which must not use the store.
    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }

    /// Follows a connection; the caller keeps this value for as long as the connection is open.
    func watch(_ database: Database) {
        unsafe sqlite3_progress_handler(
            database.sqliteConnection, Self.instructions,
            { context in
                guard let context = unsafe context else { return 0 }
                unsafe Unmanaged<StoreProgress>.fromOpaque(context).takeUnretainedValue().body()
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
