// Damaged and hostile index files: never a crash, a hang, a reserved id or another account's data.
import Accounts
import CLibc
import Testing

@testable import AccountIndex
@testable import NSSModule

struct CorruptionTests {
    private let members = (0..<5).map { "user\($0)" }

    /// A small index with base and delta, and what it answers.
    private func populate(_ test: TestService) throws -> [String: Outcome] {
        let people = members.enumerated().map {
            person($1, UInt32(70000 + $0), groups: [3000, 3001])
        }
        let staff = PublishedKey(name: "staff", id: 3000)
        let other = PublishedKey(name: "other", id: 3001)
        var writer = try test.build(people, [(staff, members), (other, ["user1"])])
        let now = person("user1", 70001, shell: "/bin/zsh", groups: [3000])
        let neo = person("neo", 70009)
        _ = try writer.apply(
            PublicationChange(
                people: [
                    PersonChange(was: people[1].key, now: now),
                    PersonChange(was: people[2].key, now: nil), PersonChange(was: nil, now: neo),
                ],
                groups: [
                    GroupChange(
                        was: staff, now: staff, membersAdded: ["neo"], membersRemoved: ["user2"])
                ]))
        var expected: [String: Outcome] = [:]
        for person in [people[0], now, people[3], people[4], neo] {
            expected[person.passwd.name] = person.outcome
        }
        expected["staff"] = .found("staff", "*", "3000", "neo", "user0", "user1", "user3", "user4")
        expected["other"] = .found("other", "*", "3001", "user1")
        return expected
    }

    /// Makes every kind of call and reports what none of them may answer.
    private func check(_ test: TestService, _ expected: [String: Outcome]) -> [String] {
        var wrong: [String] = []
        func judge(_ name: String, _ outcome: Outcome, _ truth: Outcome) {
            if outcome.status == NSS_STATUS_UNAVAIL, outcome.error != ERANGE { return }
            if outcome != truth { wrong.append("\(name): \(outcome)") }
        }
        for name in ["neo", "user0", "user1", "user2", "user3", "user4", "absent"] {
            judge(name, test.passwd(named: name), expected[name] ?? .notFound)
        }
        for (uid, name) in [(70000, "user0"), (70001, "user1"), (70002, "-"), (70009, "neo")] {
            judge("\(uid)", test.passwd(uid: UInt32(uid)), expected[name] ?? .notFound)
        }
        for (gid, name) in [(3000, "staff"), (3001, "other"), (3002, "-")] {
            judge(name, test.group(named: name), expected[name] ?? .notFound)
            judge("\(gid)", test.group(gid: UInt32(gid)), expected[name] ?? .notFound)
        }
        let lists: [String: [UInt32]] = ["user0": [3000, 3001], "user1": [3000], "neo": []]
        for (name, list) in lists {
            let answer = test.groups(of: name, size: 8)
            if answer.status != NSS_STATUS_UNAVAIL, answer.list != list { wrong.append(name) }
        }
        for next in [{ test.nextPasswd() }, { test.nextGroup() }] {
            for _ in 0..<20 {
                let outcome = next()
                guard outcome.status == NSS_STATUS_SUCCESS else { break }
                judge("enumeration", outcome, expected[outcome.fields[0]] ?? .notFound)
            }
        }
        _ = test.service.endPasswd()
        _ = test.service.endGroup()
        return wrong
    }

    @Test("any one byte of an index changed: the truth or unavailable", arguments: 0..<8)
    func flipped(bit: Int) throws {
        let test = try TestService()
        let expected = try populate(test)
        #expect(check(test, expected) == [])
        let file = test.directory + "/public.1"
        let descriptor = unsafe roster_open(file, O_RDWR, 0)
        defer { _ = close(descriptor) }
        let used = try usedBytes(test)
        // Each byte once, with a bit that changes from place to place.
        for offset in stride(from: bit, to: used, by: 8) {
            var byte: UInt8 = 0
            try #require(unsafe pread(descriptor, &byte, 1, offset) == 1)
            var changed = byte ^ (1 << UInt8((offset / 8 + bit) % 8))
            unsafe pwrite(descriptor, &changed, 1, offset)
            unsafe memset(test.memory, 0, Int(ROSTER_READER_BYTES))
            let wrong = check(test, expected)
            #expect(wrong == [], "byte \(offset)")
            unsafe pwrite(descriptor, &byte, 1, offset)
            test.unmapAll()
            if !wrong.isEmpty { return }
        }
    }

    /// The bytes of the file up to the end of the used log.
    private func usedBytes(_ test: TestService) throws -> Int {
        let mapped = try test.service.index.path.map()
        defer { mapped.unmap() }
        return try mapped.view.logEnd() + 64
    }

    @Test("a file cut at any length is unavailable")
    func truncated() throws {
        let test = try TestService()
        _ = try populate(test)
        let file = test.directory + "/public.1"
        var status = stat()
        try #require(unsafe fstatat(AT_FDCWD, file, &status, 0) == 0)
        var length = Int(status.st_size) - 1
        while length >= 0 {
            unsafe truncate(file, length)
            let outcome = test.passwd(named: "user0")
            if outcome.status != NSS_STATUS_UNAVAIL || outcome.error == ERANGE {
                #expect(outcome == .unavailable(EBADMSG), "length \(length)")
                return
            }
            // Every length near the ends of things, then every 509th of the empty log.
            length -= length > 40000 ? 509 : 1
        }
    }

    @Test(
        "items that lie, under checksums that fit, never crash or name a reserved id",
        arguments: 0..<8)
    func lying(seed: Int) throws {
        let test = try TestService()
        _ = try populate(test)
        var random = Random(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1)
        let file = test.directory + "/public.1"
        let descriptor = unsafe roster_open(file, O_RDWR, 0)
        defer { _ = close(descriptor) }
        let items = try itemPlaces(test)
        for _ in 0..<150 {
            let (place, words) = items[random.below(items.count)]
            var old = [UInt64](repeating: 0, count: words)
            unsafe pread(descriptor, &old, words * 8, place)
            var new = old
            unsafe new.withUnsafeMutableBytes { bytes in
                for _ in 0...random.below(3) {
                    let value = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
                    unsafe bytes[8 + random.below(words * 8 - 8)] = UInt8(value)
                }
            }
            try reseal(&new, test)
            unsafe pwrite(descriptor, &new, words * 8, place)
            unsafe memset(test.memory, 0, Int(ROSTER_READER_BYTES))
            _ = check(test, [:]).filter { !isHarmless($0) }
            for name in ["neo", "user0", "user1", "user3"] {
                let outcome = test.passwd(named: name)
                let ids = outcome.fields.dropFirst(2).prefix(2).compactMap { UInt32($0) }
                #expect(ids.allSatisfy { !ReservedIDs.contains($0) })
            }
            test.unmapAll()
            unsafe pwrite(descriptor, &old, words * 8, place)
        }
    }

    private func isHarmless(_ text: String) -> Bool { !text.isEmpty }

    /// Byte offsets and sizes of all items, of base and log.
    private func itemPlaces(_ test: TestService) throws -> [(place: Int, words: Int)] {
        let mapped = try test.service.index.path.map()
        defer { mapped.unmap() }
        let view = mapped.view
        var places: [(place: Int, words: Int)] = []
        let end = try view.logEnd()
        for range in [view.people, view.groups, view.log.lowerBound..<end] {
            var place = range.lowerBound
            while place < range.upperBound {
                let item = try view.item(at: UInt32(place / 8))
                places.append((place, item.words))
                place += item.words * 8
            }
        }
        return places
    }

    /// Makes the checksums of an item fit what it now says, as far as it says something possible.
    private func reseal(_ words: inout [UInt64], _ test: TestService) throws {
        let mapped = try test.service.index.path.map()
        defer { mapped.unmap() }
        let kind = UInt8(truncatingIfNeeded: words[1] >> 32)
        var core = words.count
        if kind <= 2 || kind == 4, words.count > 4 { core = Int(words[4] >> 32) }
        guard core > 1, core <= words.count else { return }
        unsafe words.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let seed = mapped.view.seed
            let sum = unsafe seed.checksum(UnsafeRawPointer(base) + 8, words: core - 1)
            unsafe bytes.storeBytes(of: sum, as: UInt64.self)
            if core < bytes.count / 8 {
                let list = unsafe seed.checksum(
                    UnsafeRawPointer(base) + (core + 1) * 8, words: bytes.count / 8 - core - 1)
                unsafe bytes.storeBytes(of: list, toByteOffset: core * 8, as: UInt64.self)
            }
        }
    }
}

/// A generator whose failures can be repeated.
struct Random {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(limit))
    }
}
