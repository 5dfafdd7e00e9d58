// Prepared statements bound and read through SQLite's own C interface.
//
// GRDB opens the files, runs migrations, transactions and snapshots; only the statements of the
// store's hot paths go below it, because a first load binds some 25 values for each of 100,000
// entries and reads back as many.

internal import GRDB
internal import GRDBSQLite

/// A statement that SQLite refused: its result code and what it said.
struct SQLFault: Error, Equatable {
    /// The primary result code, such as `SQLITE_FULL`.
    var code: Int32
    /// SQLite's own words.
    var message: String

    /// Takes over what GRDB throws.
    init(_ error: any Error) {
        if let fault = error as? SQLFault {
            self = fault
        } else if let error = error as? DatabaseError {
            code = error.resultCode.primaryResultCode.rawValue
            message = error.message ?? "SQLite error \(code)"
        } else {
            code = SQLITE_ERROR
            message = "\(error)"
        }
    }

    /// A fault from its parts.
    init(code: Int32, message: String) {
        self.code = code & 0xff
        self.message = message
    }
}

/// A prepared statement; it belongs to one connection and is used inside that connection's queue.
@safe
struct SQLStatement {
    /// Keeps the handle alive.
    private let owner: Statement
    private let handle: OpaquePointer

    /// Prepares `text`, or takes it from the connection's cache.
    init(_ database: Database, _ text: String) throws(SQLFault) {
        do {
            owner = try database.cachedStatement(sql: text)
        } catch {
            throw SQLFault(error)
        }
        unsafe handle = owner.sqliteStatement
        unsafe sqlite3_reset(handle)
    }

    /// Binds `values` from the first parameter on and runs the statement to its end.
    func run(_ values: SQLValue...) throws(SQLFault) {
        bind(values)
        try finish()
    }

    /// Binds a list of values and runs the statement to its end.
    func run(all values: [SQLValue]) throws(SQLFault) {
        bind(values)
        try finish()
    }

    /// Binds `values` and reads the first row; `nil` if there is none.
    func first<Value>(
        _ values: SQLValue..., read: (SQLRow) -> Value
    ) throws(SQLFault) -> Value? {
        bind(values)
        defer { unsafe sqlite3_reset(handle) }
        guard try step() else { return nil }
        return read(unsafe SQLRow(handle: handle))
    }

    /// Binds `values` and calls `body` with each row.
    ///
    /// The body must not use this same statement again.
    func each(
        _ values: SQLValue..., body: (SQLRow) throws(SQLFault) -> Void
    ) throws(SQLFault) {
        bind(values)
        defer { unsafe sqlite3_reset(handle) }
        while try step() {
            try body(unsafe SQLRow(handle: handle))
        }
    }

    /// Binds `values` and gives all rows, read by `read`.
    func all<Value>(_ values: SQLValue..., read: (SQLRow) -> Value) throws(SQLFault) -> [Value] {
        bind(values)
        defer { unsafe sqlite3_reset(handle) }
        var result: [Value] = []
        while try step() {
            result.append(read(unsafe SQLRow(handle: handle)))
        }
        return result
    }

    /// Runs to the end what was bound one by one.
    func finish() throws(SQLFault) {
        defer { unsafe sqlite3_reset(handle) }
        while try step() {}
    }

    private func step() throws(SQLFault) -> Bool {
        let code = unsafe sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        let database = unsafe sqlite3_db_handle(handle)
        let message = unsafe sqlite3_errmsg(database).map { unsafe String(cString: $0) }
        throw SQLFault(code: code, message: message ?? "SQLite error \(code)")
    }

    private func bind(_ values: [SQLValue]) {
        var parameter: Int32 = 0
        for value in values {
            parameter += 1
            switch value {
            case .int(let number): bind(parameter, number)
            case .text(let text): bind(parameter, text)
            case .blob(let octets): bind(parameter, octets)
            case .null: unsafe sqlite3_bind_null(handle, parameter)
            }
        }
    }

    /// Binds NULL to parameter 1, 2, ...
    func bindNull(_ parameter: Int32) {
        unsafe sqlite3_bind_null(handle, parameter)
    }

    /// Binds a number to parameter 1, 2, ...
    func bind(_ parameter: Int32, _ number: Int64) {
        unsafe sqlite3_bind_int64(handle, parameter, number)
    }

    /// Binds a text, or NULL.
    func bind(_ parameter: Int32, _ text: String?) {
        guard var text else {
            unsafe sqlite3_bind_null(handle, parameter)
            return
        }
        guard !text.isEmpty else {
            // A NULL pointer would bind NULL.
            unsafe sqlite3_bind_text(handle, parameter, "", 0, Self.copied)
            return
        }
        text.withUTF8 { octets in
            let count = Int32(clamping: octets.count)
            _ = unsafe octets.withMemoryRebound(to: CChar.self) { characters in
                unsafe sqlite3_bind_text(
                    handle, parameter, characters.baseAddress, count, Self.copied)
            }
        }
    }

    /// Binds octets.
    func bind(_ parameter: Int32, _ octets: [UInt8]) {
        guard !octets.isEmpty else {
            unsafe sqlite3_bind_zeroblob(handle, parameter, 0)
            return
        }
        _ = unsafe octets.withUnsafeBytes { octets in
            unsafe sqlite3_bind_blob(
                handle, parameter, octets.baseAddress, Int32(clamping: octets.count), Self.copied)
        }
    }

    /// `SQLITE_TRANSIENT`: SQLite copies the value before the call returns.
    private static var copied: sqlite3_destructor_type {
        unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }
}

/// What can be bound to a parameter.
enum SQLValue {
    case int(Int64)
    case text(String)
    case blob([UInt8])
    case null

    /// A number that may be missing.
    static func optional(_ number: Int64?) -> SQLValue {
        number.map { .int($0) } ?? .null
    }

    /// A text that may be missing.
    static func optional(_ text: String?) -> SQLValue {
        text.map { .text($0) } ?? .null
    }
}

/// The row a statement stands on; not valid after the closure it was handed to.
@safe
struct SQLRow {
    fileprivate let handle: OpaquePointer

    /// Whether column `column` is NULL.
    func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    /// The number in column `column`; 0 for NULL.
    func int(_ column: Int32) -> Int64 {
        unsafe sqlite3_column_int64(handle, column)
    }

    /// The text in column `column`; empty for NULL.
    func text(_ column: Int32) -> String {
        guard let start = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe String(
            decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// The text in column `column`; `nil` for NULL.
    func optionalText(_ column: Int32) -> String? {
        isNull(column) ? nil : text(column)
    }

    /// Whatever is in column `column`.
    func value(_ column: Int32) -> SQLValue {
        switch unsafe sqlite3_column_type(handle, column) {
        case SQLITE_NULL: .null
        case SQLITE_INTEGER: .int(int(column))
        case SQLITE_BLOB: .blob(octets(column))
        default: .text(text(column))
        }
    }

    /// The octets in column `column`; none for NULL.
    func octets(_ column: Int32) -> [UInt8] {
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        guard count > 0, let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}

extension Database {
    /// Prepares `text`, or takes it from the cache.
    func sql(_ text: String) throws(SQLFault) -> SQLStatement {
        try SQLStatement(self, text)
    }

    /// Runs statements without parameters.
    func run(_ text: String) throws(SQLFault) {
        do {
            try execute(sql: text)
        } catch {
            throw SQLFault(error)
        }
    }
}
