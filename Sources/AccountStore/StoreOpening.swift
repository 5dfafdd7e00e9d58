// Opening the two files: what cannot be used is set aside, and the daemon goes on with a new one.

internal import GRDB
internal import Glibc

/// What was found when the store was opened.
public struct StoreOpening: Equatable, Sendable {
    /// What became of one of the two files.
    public enum File: Equatable, Sendable {
        /// It was there and is used.
        case existing
        /// There was none.
        case new
        /// It could not be used, for this reason, and a new one was begun.
        case setAside(String)
    }

    /// The mirror of the directory: a new one is filled by a full refresh.
    public var store = File.existing
    /// The journal; ``File/setAside(_:)`` also if it is missing beside a store: history and freed
    /// ids are lost, except what it and the store still told.
    public var journal = File.existing

    /// Whether a journal was there once and is not any more.
    public var isJournalLost: Bool {
        if case .setAside = journal { true } else { false }
    }
}

/// What only tests ask of a store.
struct StoreTesting: Sendable {
    /// The process kills itself before the statement with this number on the writing connection.
    var killAtStatement: Int?
    /// The same for the journal.
    var killAtJournalStatement: Int?
    /// The file may have so many pages: a full disk.
    var maximumPages: Int?
}

/// One of the two database files.
struct StoreFile {
    let path: String
    /// Called now and then, by the thread that works, while a statement of the writer runs long.
    var progress: StoreProgress?
    var testing = StoreTesting()

    /// Written beside a store that was found damaged while in use; the next opening sets it aside.
    private var damageMark: String { path + ".damaged" }

    var exists: Bool { unsafe access(path, F_OK) == 0 }

    /// Notes that the file is damaged.
    func markDamaged() {
        let descriptor = unsafe Glibc.open(
            damageMark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// Renames the file and what belongs to it; the one set aside before is removed.
    func setAside() {
        defer { unsafe unlink(damageMark) }
        // What was set aside before is kept unless there is something to take its place.
        guard exists else { return }
        for suffix in ["-wal", "-shm"] {
            unsafe unlink(path + ".aside" + suffix)
            unsafe rename(path + suffix, path + ".aside" + suffix)
        }
        unsafe rename(path, path + ".aside")
    }

    /// Whether something lies at the path that no database can be.
    private var isObstructed: Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
    }

    /// Removes the file and what belongs to it.
    func discard() {
        for suffix in ["", "-wal", "-shm"] { unsafe unlink(path + suffix) }
        unsafe unlink(damageMark)
    }

    /// Opens the file and brings it to `version`; `refused`: why it is not usable as it is.
    ///
    /// A file with a higher version is used as it is if `isExtended` says that its schema is only
    /// ever extended, and nothing of it is missing. `isSuspect`: all of it is checked first.
    func open(
        _ migrator: DatabaseMigrator, version: Int64, isExtended: Bool = false,
        isSuspect: Bool = false
    ) throws -> (pool: DatabasePool?, refused: String?) {
        if unsafe access(damageMark, F_OK) == 0 {
            return (nil, "it was found damaged while in use")
        }
        let isUnclean = isSuspect || Self.size(of: path + "-wal") > 0
        let pool: DatabasePool
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            let found = try pool.read { database in
                try database.sql("PRAGMA user_version").first { $0.int(0) } ?? 0
            }
            let isNewer = found > version
            if isNewer, let lack = isExtended ? try NeededSchema(migrator).lack(pool) : "" {
                try pool.close()
                let reason = "a newer program wrote it (version \(found), this is \(version))"
                return (nil, lack.isEmpty ? reason : "\(reason) and \(lack)")
            }
            if isUnclean, let damage = try check(pool) {
                try pool.close()
                return (nil, damage)
            }
            if isNewer { return (pool, nil) }
            try migrator.migrate(pool)
            try pool.write { database in
                try database.run("PRAGMA user_version = \(version)")
            }
        } catch {
            let fault = SQLFault(error)
            switch StoreError(fault, file: path).kind {
            case .corrupt: return (nil, fault.message)
            case .unusable where isObstructed: return (nil, fault.message)
            // No room for a log, no right, no memory: that says nothing about the file.
            case .full, .inputOutput, .busy, .unreadable, .unusable: throw fault
            }
        }
        return (pool, nil)
    }

    /// SQLite's own check, after a crash or damage only: it reads the whole file.
    private func check(_ pool: DatabasePool) throws -> String? {
        let words = try pool.writeWithoutTransaction { database in
            try database.sql("PRAGMA quick_check(1)").first { $0.text(0) } ?? "no answer"
        }
        return words == "ok" ? nil : words
    }

    private var configuration: Configuration {
        var configuration = Configuration()
        // A rebuild and a comparison may each read for seconds; a login does not wait for them.
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(2)
        configuration.foreignKeysEnabled = false
        let counter = StatementCounter(testing)
        let maximumPages = testing.maximumPages
        let progress = progress
        configuration.prepareDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA synchronous = NORMAL; PRAGMA threads = 1; PRAGMA journal_size_limit = 16777216;
                    PRAGMA cache_size = \(database.configuration.readonly ? -1000 : -8000);
                    """)
            if let maximumPages {
                try database.execute(sql: "PRAGMA max_page_count = \(maximumPages)")
            }
            guard !database.configuration.readonly else { return }
            progress?.watch(database)
            counter?.watch(database)
        }
        return configuration
    }

    static func size(of path: String) -> Int {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}

/// Kills the process at a certain statement, for tests.
private final class StatementCounter: @unchecked Sendable {
    // Unchecked: only the one writing connection calls it, on its own queue.
    private var left: Int

    init?(_ testing: StoreTesting) {
        guard let number = testing.killAtStatement else { return nil }
        left = number
    }

    func watch(_ database: Database) {
        database.trace(options: .statement) { _ in
            self.left -= 1
            if self.left == 0 { kill(getpid(), SIGKILL) }
        }
    }
}
