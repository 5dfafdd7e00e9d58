// What can go wrong with the store's files, in words a person can act on.

internal import GRDBSQLite

/// A failure of one of the store's files; nothing of the batch was stored or published.
public struct StoreError: Error, Equatable, CustomStringConvertible {
    /// What the caller does next.
    public enum Kind: Equatable, Sendable {
        /// No space left: try the same batch again later.
        case full
        /// Reading or writing failed: try the same batch again later.
        case inputOutput
        /// The file is damaged: open the store again, it is set aside and begun anew.
        case corrupt
        /// Another process holds the file.
        case busy
        /// The folder or file cannot be used at all.
        case unusable
    }

    /// What the caller does next.
    public var kind: Kind
    /// The file or folder.
    public var file: String
    /// What the system said.
    public var detail: String

    /// What happened, where, and what to do.
    public var description: String {
        let remedy =
            switch kind {
            case .full: "free some space on that file system; the store goes on by itself"
            case .inputOutput: "check the disk and the permissions; the store tries again"
            case .corrupt: "the file is set aside and rebuilt from the directory"
            case .busy: "stop the other process that uses the file"
            case .unusable: "check that the folder exists and belongs to the daemon's user"
            }
        return "\(file): \(detail) (\(remedy))"
    }

    /// A failure from its parts.
    init(_ kind: Kind, file: String, detail: String) {
        self.kind = kind
        self.file = file
        self.detail = detail
    }

    /// What a fault of SQLite means for `file`.
    init(_ fault: SQLFault, file: String) {
        let kind: Kind =
            switch fault.code {
            case SQLITE_FULL: .full
            case SQLITE_IOERR, SQLITE_READONLY, SQLITE_PERM: .inputOutput
            case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
            case SQLITE_BUSY, SQLITE_LOCKED: .busy
            default: .unusable
            }
        self.init(kind, file: file, detail: fault.message)
    }
}
