// The module's functions over an index of the test's own.
import Accounts
import CLibc
import Testing

@testable import AccountIndex
@testable import NSSModule

/// A state directory, an index in it and a service over it; removed at the end.
@safe
final class TestService: @unchecked Sendable {  // constant addresses; the reader is made for it
    let state: String
    let memory: UnsafeMutableRawPointer
    private let texts: [UnsafeMutablePointer<CChar>]
    var directory: String { state + "/index" }

    init() throws {
        var template = Array("/tmp/roster-nss-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer {
            unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } != nil
        }
        try #require(made)
        state = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        unsafe memory = UnsafeMutableRawPointer.allocate(
            byteCount: Int(ROSTER_READER_BYTES), alignment: 4096)
        unsafe memset(memory, 0, Int(ROSTER_READER_BYTES))
        let paths = [state + "/index/public.1", state, state + "/roster.toml"]
        unsafe texts = paths.compactMap { unsafe strdup($0) }
        try #require(unsafe mkdir(directory, 0o755) == 0)
        _ = unsafe close(creat(state + "/roster.toml", 0o644))
    }

    var service: Service {
        unsafe Service(
            index: IndexReader(
                state: memory,
                path: IndexPath(file: texts[0], stateDirectory: texts[1], part: .public)),
            configuration: UnsafePointer(texts[2]))
    }

    /// Removes everything in the state directory but the configuration.
    func wipe() {
        for name in ["public.1", "gate.1", "public.1.new", "gate.1.new"] {
            unsafe unlink(directory + "/" + name)
        }
        unsafe rmdir(directory)
    }

    deinit {
        wipe()
        unsafe unlink(state + "/roster.toml")
        unsafe rmdir(state)
        unsafe texts.forEach { unsafe free($0) }
        unsafe memory.deallocate()
    }

    /// Builds and installs an index.
    func build(
        _ people: [PublishedPerson], _ groups: [(PublishedKey, [String])] = [],
        generation: UInt64 = 1
    ) throws -> IndexWriter {
        var builder = try IndexBuilder(directory: directory, generation: generation)
        builder.heads = 64
        builder.logBytes = 1 << 20
        for person in people { try builder.add(person: person) }
        for group in groups { try builder.add(group: group.0, members: group.1) }
        var writer = try builder.finish()
        try writer.install()
        return writer
    }
}

/// What a call of the module came to.
struct Outcome: Equatable {
    var status: nss_status
    var error: CInt
    /// The fields of the answer; empty without one.
    var fields: [String] = []

    static func found(_ fields: String...) -> Outcome {
        Outcome(status: NSS_STATUS_SUCCESS, error: 0, fields: fields)
    }
    static let notFound = Outcome(status: NSS_STATUS_NOTFOUND, error: ENOENT)
    static let tooSmall = Outcome(status: NSS_STATUS_TRYAGAIN, error: ERANGE)
    static func unavailable(_ error: CInt) -> Outcome {
        Outcome(status: NSS_STATUS_UNAVAIL, error: error)
    }
}

extension TestService {
    /// Calls with a buffer of exactly `size` bytes at `offset` from an aligned address, and checks
    /// that nothing around it is written and that a failure leaves the result alone.
    func call<Entry>(
        _ type: Entry.Type, size: Int, offset: Int = 0,
        _ body: (
            UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, UnsafeMutablePointer<CInt>
        )
            -> nss_status,
        fields: (Entry) -> [String]
    ) -> Outcome {
        let guardBytes = 64
        let whole = UnsafeMutableRawBufferPointer.allocate(
            byteCount: size + offset + 2 * guardBytes, alignment: 64)
        defer { unsafe whole.deallocate() }
        unsafe whole.initializeMemory(as: UInt8.self, repeating: 0xA5)
        let entry = UnsafeMutablePointer<Entry>.allocate(capacity: 1)
        defer { unsafe entry.deallocate() }
        unsafe memset(entry, 0x5A, MemoryLayout<Entry>.size)
        var error: CInt = 0
        guard let start = whole.baseAddress else { return .notFound }
        let buffer = unsafe (start + guardBytes + offset).assumingMemoryBound(to: CChar.self)
        let status = unsafe body(entry, buffer, &error)
        let before = unsafe whole[..<(guardBytes + offset)].allSatisfy { $0 == 0xA5 }
        let after = unsafe whole[(guardBytes + offset + size)...].allSatisfy { $0 == 0xA5 }
        #expect(before && after, "written outside of the buffer")
        if status == NSS_STATUS_SUCCESS {
            return Outcome(status: status, error: error, fields: unsafe fields(entry.pointee))
        }
        let result = unsafe UnsafeRawBufferPointer(start: entry, count: MemoryLayout<Entry>.size)
        let isUntouched = unsafe result.allSatisfy { $0 == 0x5A }
        #expect(isUntouched, "a failure changed the result")
        return Outcome(status: status, error: error)
    }

    func passwd(named name: String, size: Int = 1024, offset: Int = 0) -> Outcome {
        unsafe call(CLibc.passwd.self, size: size, offset: offset) {
            unsafe service.passwdByName(name, $0, $1, size, $2)
        } fields: {
            unsafe fields(of: $0)
        }
    }

    func passwd(uid: UInt32, size: Int = 1024) -> Outcome {
        unsafe call(CLibc.passwd.self, size: size) {
            unsafe service.passwdByUID(uid, $0, $1, size, $2)
        } fields: {
            unsafe fields(of: $0)
        }
    }

    func nextPasswd(size: Int = 1024) -> Outcome {
        unsafe call(CLibc.passwd.self, size: size) {
            unsafe service.nextPasswd($0, $1, size, $2)
        } fields: {
            unsafe fields(of: $0)
        }
    }

    func group(named name: String, size: Int = 1024, offset: Int = 0) -> Outcome {
        unsafe call(CLibc.group.self, size: size, offset: offset) {
            unsafe service.groupByName(name, $0, $1, size, $2)
        } fields: {
            unsafe fields(of: $0)
        }
    }

    func group(gid: UInt32, size: Int = 1024) -> Outcome {
        unsafe call(CLibc.group.self, size: size) {
            unsafe service.groupByGID(gid, $0, $1, size, $2)
        } fields: {
            unsafe fields(of: $0)
        }
    }

    func nextGroup(size: Int = 1024) -> Outcome {
        unsafe call(CLibc.group.self, size: size) {
            unsafe service.nextGroup($0, $1, size, $2)
        } fields: {
            unsafe fields(of: $0)
        }
    }

    /// The array after a call of initgroups_dyn that starts with `list` in an array of `size`.
    func groups(
        of name: String, skip: UInt32 = 0, list: [UInt32] = [], size: Int, limit: Int = -1
    ) -> (status: nss_status, list: [UInt32], size: Int) {
        var used = list.count
        var room = size
        var array = unsafe malloc(max(size, 1) * 4)?.assumingMemoryBound(to: gid_t.self)
        for (index, gid) in list.enumerated() { unsafe array?[index] = gid }
        var error: CInt = 0
        let status = unsafe service.groupsOfUser(name, skip, &used, &room, &array, limit, &error)
        defer { unsafe free(array) }
        return (status, (0..<used).compactMap { unsafe array?[$0] }, room)
    }
}

private func fields(of entry: passwd) -> [String] {
    unsafe [
        String(cString: entry.pw_name), String(cString: entry.pw_passwd), "\(entry.pw_uid)",
        "\(entry.pw_gid)", String(cString: entry.pw_gecos), String(cString: entry.pw_dir),
        String(cString: entry.pw_shell),
    ]
}

private func fields(of entry: group) -> [String] {
    var fields = unsafe [
        String(cString: entry.gr_name), String(cString: entry.gr_passwd), "\(entry.gr_gid)",
    ]
    var place = unsafe entry.gr_mem
    let isAligned = UInt(bitPattern: place) % 8 == 0
    #expect(isAligned)
    while let text = unsafe place?.pointee {
        unsafe fields.append(String(cString: text))
        unsafe place = place.map { unsafe $0 + 1 }
    }
    return fields
}

/// A made-up person.
func person(
    _ name: String, _ uid: UInt32, shell: String = "/bin/bash", groups: [UInt32] = []
) -> PublishedPerson {
    PublishedPerson(
        uuid: EntryUUID(high: 7, low: UInt64(uid)),
        passwd: PasswdFields(
            name: name, uid: uid, gid: 2000, gecos: "Person \(name)", home: "/home/\(name)",
            shell: shell), groups: groups, state: .active)
}

extension PublishedPerson {
    var key: PublishedKey { PublishedKey(name: passwd.name, id: passwd.uid) }

    /// What getpwnam answers for the person.
    var outcome: Outcome {
        .found(
            passwd.name, "*", "\(passwd.uid)", "\(passwd.gid)", passwd.gecos, passwd.home,
            passwd.shell)
    }
}

extension TestService {
    /// Unmaps what the reader keeps and forgets it, as a new process would begin.
    func unmapAll() {
        let number = unsafe memory.load(as: UInt64.self)
        if number > 0 {
            let slot = unsafe memory + (512 + (Int(number) - 1) * 320)
            unsafe slot.assumingMemoryBound(to: MappedIndex.self).pointee.unmap()
        }
        unsafe memset(memory, 0, Int(ROSTER_READER_BYTES))
    }
}
