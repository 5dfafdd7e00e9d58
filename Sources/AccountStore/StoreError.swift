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
        /// The file is damaged and cannot be begun anew without losing what keeps somebody out.
        case unreadable
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
            case .corrupt: Self.successor(of: file)
            case .unreadable:
                "blocks of roster deny would be lost: the host goes on as it is, without changes; "
                    + "put a copy back, or delete the file to go on with what can be read"
            case .busy: "stop the other process that uses the file"
            case .unusable: "check that the folder exists and belongs to the daemon's user"
            }
        return "\(file): \(detail) (\(remedy))"
    }

    /// What becomes of a damaged file.
    private static func successor(of file: String) -> String {
        if file.hasSuffix("journal.sqlite") {
            return "the file is set aside and begun anew with what can be read of it"
        }
        return file.hasSuffix("verifiers.sqlite")
            ? "the file is begun anew" : "the file is set aside and rebuilt from the directory"
    }

    /// A failure from its parts.
    init(_ kind: Kind, file: String, detail: String) {
        self.kind = kind
        self.file = file
        self.detail = detail
    }

    /// What any error means for `file`, unless it says itself which file it is about.
    init(any error: any Error, file: String) {
        if let error = error as? StoreError {
            self = error
        } else {
            self.init(SQLFault(error), file: file)
        }
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
