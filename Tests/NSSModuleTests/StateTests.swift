// What the module makes of what lies in the state directory, and of what happens to it.
import AccountIndex
import Accounts
import CLibc
import Testing

@testable import NSSModule

struct StateTests {
    private let anna = person("anna", 70001)

    /// Mappings of index files in this process, by their path's beginning.
    private func mappings(_ test: TestService) throws -> Int {
        guard let file = unsafe fopen("/proc/self/maps", "r") else { return -1 }
        defer { _ = unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        var count = 0
        while unsafe fgets(&line, 4096, file) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.contains(test.directory + "/public.1"), text.contains(" r--s ") { count += 1 }
        }
        return count
    }

    @Test("without an index a configured host says unavailable, any other not found")
    func absent() throws {
        let test = try TestService()
        #expect(test.passwd(named: "anna") == .unavailable(ENOENT))
        #expect(test.service.startPasswd() == NSS_STATUS_UNAVAIL)
        #expect(test.nextPasswd() == .unavailable(ENOENT))
        unsafe unlink(test.state + "/roster.toml")
        #expect(test.passwd(named: "anna") == .notFound)
        #expect(test.service.startPasswd() == NSS_STATUS_NOTFOUND)
        _ = try test.build([anna])
        #expect(test.passwd(named: "anna") == anna.outcome)
    }

    @Test("changes are seen by the next lookup")
    func changes() throws {
        let test = try TestService()
        var writer = try test.build([anna])
        #expect(test.passwd(named: "anna") == anna.outcome)
        for step in 0..<100 {
            let now = person("anna", 70001, shell: "/bin/sh\(step)")
            _ = try writer.apply(
                PublicationChange(people: [PersonChange(was: anna.key, now: now)]))
            #expect(test.passwd(named: "anna") == now.outcome)
        }
    }

    @Test("a rebuilt index is seen by the next lookup, and old mappings are given back")
    func rebuilt() throws {
        let test = try TestService()
        for generation in 1...12 {
            let now = person("anna", 70001, shell: "/bin/sh\(generation)")
            _ = try test.build([now], generation: UInt64(generation))
            #expect(test.passwd(named: "anna") == now.outcome)
        }
        #expect(try mappings(test) == 1)
    }

    @Test("a new file is seen within two seconds even if the old one was not marked superseded")
    func unmarked() throws {
        let test = try TestService()
        _ = try test.build([anna])
        #expect(test.passwd(named: "anna") == anna.outcome)
        test.wipe()
        #expect(test.passwd(named: "anna") == anna.outcome)
        usleep(1_100_000)
        #expect(test.passwd(named: "anna") == anna.outcome)
        try #require(unsafe mkdir(test.directory, 0o755) == 0)
        let now = person("anna", 70001, shell: "/bin/zsh")
        _ = try test.build([now])
        usleep(1_100_000)
        #expect(test.passwd(named: "anna") == now.outcome)
        #expect(try mappings(test) == 1)
    }

    @Test("what is not a regular file, or could be written by others, is not read")
    func untrusted() throws {
        let test = try TestService()
        _ = try test.build([anna])
        let path = test.directory + "/public.1"
        unsafe chmod(path, 0o664)
        #expect(test.passwd(named: "anna") == .unavailable(EPERM))
        unsafe chmod(path, 0o646)
        #expect(test.passwd(named: "anna") == .unavailable(EPERM))
        unsafe chmod(path, 0o644)
        unsafe rename(path, path + ".new")
        unsafe symlink("public.1.new", path)
        #expect(test.passwd(named: "anna") == .unavailable(ELOOP))
        unsafe unlink(path)
        unsafe mkfifo(path, 0o644)
        #expect(test.passwd(named: "anna") == .unavailable(EPERM))
        unsafe unlink(path)
        unsafe mkdir(path, 0o755)
        #expect(test.passwd(named: "anna").status == NSS_STATUS_UNAVAIL)
        unsafe rmdir(path)
        unsafe rename(path + ".new", path)
        #expect(test.passwd(named: "anna") == anna.outcome)
    }

    @Test("when counters were left held by a fork, lookups still answer and leave nothing mapped")
    func exhausted() throws {
        let test = try TestService()
        for slot in 0..<8 {
            let place = unsafe test.memory + (4096 + slot * 4096 + 31 * 128)
            unsafe place.storeBytes(of: UInt64(1), as: UInt64.self)
        }
        for generation in 1...12 {
            let now = person("anna", 70001, shell: "/bin/sh\(generation)")
            _ = try test.build([now], generation: UInt64(generation))
            #expect(test.passwd(named: "anna") == now.outcome)
        }
        #expect(try mappings(test) <= 8)
    }
}
