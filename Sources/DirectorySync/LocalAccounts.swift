// The accounts and groups of the host itself, which the directory never gets to replace.

internal import Accounts
internal import Glibc

/// What /etc/passwd, /etc/group, /etc/subuid and /etc/subgid hold, as far as the rules ask.
public struct LocalAccounts: Equatable, Sendable {
    /// Names in /etc/passwd.
    public var userNames: Set<String> = []
    /// Ids in /etc/passwd.
    public var userIDs: Set<UInt32> = []
    /// Names in /etc/group.
    public var groupNames: Set<String> = []
    /// Ids in /etc/group, and the primary gids of /etc/passwd.
    public var groupIDs: Set<UInt32> = []
    /// Ranges that local users may use in containers.
    public var subordinateUserIDs: [ClosedRange<UInt32>] = []
    /// The same for groups.
    public var subordinateGroupIDs: [ClosedRange<UInt32>] = []

    /// The files, below the folder that ``load(root:)`` is given.
    public static let files = ["passwd", "group", "subuid", "subgid"]

    /// No local account at all, for tests.
    public init() {}

    /// Takes the files as read; lines that make no sense count as far as they can be understood.
    public init(passwd: [UInt8], group: [UInt8], subuid: [UInt8] = [], subgid: [UInt8] = []) {
        for fields in Self.lines(passwd) {
            if let name = Self.name(fields) { userNames.insert(name) }
            if fields.count > 2, let id = Self.number(fields[2]) { userIDs.insert(id) }
            if fields.count > 3, let id = Self.number(fields[3]) { groupIDs.insert(id) }
        }
        for fields in Self.lines(group) {
            if let name = Self.name(fields) { groupNames.insert(name) }
            if fields.count > 2, let id = Self.number(fields[2]) { groupIDs.insert(id) }
        }
        subordinateUserIDs = Self.ranges(subuid)
        subordinateGroupIDs = Self.ranges(subgid)
    }

    /// Reads the files below `root`; blocks on the disk only.
    ///
    /// passwd and group must be there, because without them local accounts would lose their
    /// protection; subuid and subgid need not.
    public static func load(root: String = "/etc") throws(LocalAccountsError) -> LocalAccounts {
        LocalAccounts(
            passwd: try contents("\(root)/passwd", isOptional: false),
            group: try contents("\(root)/group", isOptional: false),
            subuid: try contents("\(root)/subuid", isOptional: true),
            subgid: try contents("\(root)/subgid", isOptional: true))
    }

    /// The lines as fields; comments and the entries of NIS (`+name`, `-name`) are no accounts.
    private static func lines(_ file: [UInt8]) -> [[ArraySlice<UInt8>]] {
        file.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard let first = line.first, !"#+-".utf8.contains(first) else { return nil }
            return line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        }
    }

    private static func name(_ fields: [ArraySlice<UInt8>]) -> String? {
        guard let name = fields.first, !name.isEmpty else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    /// As glibc reads ids: leading zeros are fine.
    private static func number(_ text: ArraySlice<UInt8>) -> UInt32? {
        guard text.first != UInt8(ascii: "+") else { return nil }
        return UInt32(String(decoding: text, as: UTF8.self))
    }

    private static func ranges(_ file: [UInt8]) -> [ClosedRange<UInt32>] {
        lines(file).compactMap { fields in
            guard fields.count > 2, let start = number(fields[1]), let count = number(fields[2]),
                count > 0
            else { return nil }
            let (end, overflow) = start.addingReportingOverflow(count - 1)
            return start...(overflow ? UInt32.max : end)
        }
    }

    private static func contents(
        _ path: String, isOptional: Bool
    ) throws(LocalAccountsError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            if isOptional && code == ENOENT { return [] }
            throw LocalAccountsError(path: path, code: code)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw LocalAccountsError(path: path, code: errno) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }
}

/// A file of local accounts that cannot be read.
public struct LocalAccountsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file.
    public var path: String
    /// errno.
    public var code: CInt

    /// What happened and what it means.
    public var description: String {
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        return "\(path): cannot be read: \(reason); without it local accounts cannot be protected"
    }
}
