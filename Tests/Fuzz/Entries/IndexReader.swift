// sources: Sources/Accounts/*.swift Sources/AccountIndex/*.swift

internal import CLibc

/// Takes the place of the real one, so that the builder chooses the same seed in every run and a
/// failing input fails again.
struct SystemRandomNumberGenerator: RandomNumberGenerator {
    private var state: UInt64 = 0x5EED

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}

/// An index file with a base and changes, as octets, and what it says.
struct Specimen {
    var octets: [UInt8] = []
    /// Byte offsets and words of all items.
    var items: [(place: Int, words: Int)] = []
    /// Byte offsets of the buckets of all tables.
    var buckets: [Int] = []
    /// Byte offsets of the sealed words in use.
    var sealed: [Int] = []
    var used = 0
}

private let specimen = makeSpecimen()

private func fuzzPerson(_ name: String, _ uid: UInt32, _ groups: [UInt32]) -> PublishedPerson {
    PublishedPerson(
        uuid: EntryUUID(high: 7, low: UInt64(uid)),
        passwd: PasswdFields(
            name: name, uid: uid, gid: 2000, gecos: "Person \(name)", home: "/home/\(name)",
            shell: "/bin/sh"), groups: groups, state: .active)
}

private func makeSpecimen() -> Specimen {
    do {
        var template = Array("/tmp/roster-fuzz-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "a folder for the index")
        let path = template.dropLast().map { UInt8(bitPattern: $0) }
        let folder = String(decoding: path, as: UTF8.self)
        defer {
            for name in ["/public.1", "/gate.1"] { unlink(folder + name) }
            rmdir(folder)
        }
        try writeIndex(folder)
        let snapshot = try IndexSnapshot(directory: folder)
        let answers = try (snapshot.person(uid: 70009), snapshot.person(uid: 70002))
        precondition(answers.0?.passwd.name == "neo" && answers.1 == nil, "a populated delta")
        return try survey(folder)
    } catch {
        preconditionFailure("the specimen: \(error)")
    }
}

private func writeIndex(_ folder: String) throws {
    let names = (0..<5).map { "user\($0)" }
    let people = names.enumerated().map { fuzzPerson($1, UInt32(70000 + $0), [3000, 3001]) }
    let staff = PublishedKey(name: "staff", id: 3000)
    var builder = try IndexBuilder(directory: folder, generation: 1)
    builder.heads = 16
    builder.logBytes = 1 << 14
    for person in people { try builder.add(person: person) }
    try builder.add(group: staff, members: names)
    try builder.add(group: PublishedKey(name: "other", id: 3001), members: ["user1"])
    var writer = try builder.finish()
    _ = try writer.apply(
        PublicationChange(
            people: [
                PersonChange(was: people[1].key, now: fuzzPerson("user1", 70001, [3000])),
                PersonChange(was: people[2].key, now: nil),
                PersonChange(was: nil, now: fuzzPerson("neo", 70009, [])),
            ],
            groups: [
                GroupChange(
                    was: staff, now: staff, membersAdded: ["neo"], membersRemoved: ["user2"])
            ]))
    try writer.install()
}

extension PublishedPerson {
    var key: PublishedKey { PublishedKey(name: passwd.name, id: passwd.uid) }
}

private func survey(_ folder: String) throws -> Specimen {
    var specimen = Specimen()
    let mapped = try (folder + "/public.1").withCString { file in
        try folder.withCString {
            try IndexPath(file: file, stateDirectory: $0, part: .public).map()
        }
    }
    defer { mapped.unmap() }
    let view = mapped.view
    specimen.octets = Array(UnsafeRawBufferPointer(start: view.base, count: view.byteCount))
    specimen.used = try view.logEnd()
    for range in [view.people, view.groups, view.log.lowerBound..<specimen.used] {
        var place = range.lowerBound
        while place < range.upperBound {
            let item = try view.item(at: UInt32(place / 8))
            specimen.items.append((place, item.words))
            place += item.words * 8
        }
    }
    for table in [view.passwdByName, view.passwdByUID, view.groupByName, view.groupByGID] {
        for bucket in 0..<Int(table.buckets) {
            specimen.buckets.append(table.offset + bucket * IndexLayout.bucketBytes)
        }
    }
    specimen.sealed = [
        IndexLayout.generation, IndexLayout.logUsed, IndexLayout.intent, IndexLayout.people,
        IndexLayout.groups,
    ]
    for head in 0...Int(view.headMask) { specimen.sealed.append(view.headsOffset + head * 8) }
    return specimen
}

/// A mutated copy of the specimen on the heap, where the sanitizer sees every octet beyond it.
private struct Patient: ~Copyable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    let seed: IndexSeed
    /// Whether a checksum was made to fit: then the file may lie, but still not reach out of itself.
    var isForged = false

    init() {
        byteCount = specimen.octets.count
        base = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
        let buffer = UnsafeMutableRawBufferPointer(start: base, count: byteCount)
        buffer.copyBytes(from: specimen.octets)
        seed = IndexSeed(
            first: base.load(fromByteOffset: 24, as: UInt64.self),
            second: base.load(fromByteOffset: 32, as: UInt64.self))
    }

    deinit { base.deallocate() }

    /// One change: what, two octets where, and a value.
    mutating func apply(_ change: ArraySlice<UInt8>) {
        let what = change[change.startIndex]
        let number = Int(change[change.startIndex + 1]) | Int(change[change.startIndex + 2]) << 8
        let value = change[change.startIndex + 3]
        switch what % 6 {
        case 0: store(load(number % specimen.used) ^ (1 << (value & 7)), at: number % specimen.used)
        case 1: store(value, at: number % specimen.used)
        case 2: forgeItem(number, what / 6, value)
        case 3: forgeBucket(number, what / 6, value)
        case 4: forgeWord(number, what / 6, value)
        default: forgeHeader(number, value)
        }
    }

    private func load(_ place: Int) -> UInt8 { base.load(fromByteOffset: place, as: UInt8.self) }

    private func store(_ value: UInt8, at place: Int) {
        base.storeBytes(of: value, toByteOffset: place, as: UInt8.self)
    }

    /// Changes an octet of an item and makes its checksums fit, as far as its sizes are possible.
    private mutating func forgeItem(_ number: Int, _ offset: UInt8, _ value: UInt8) {
        let (place, words) = specimen.items[number % specimen.items.count]
        let octet = number / specimen.items.count + Int(offset)
        store(value, at: place + 8 + octet % (words * 8 - 8))
        isForged = true
        let kind = load(place + 12)
        var core = words
        if kind <= 2 || kind == 4, words > 4 {
            core = Int(base.load(fromByteOffset: place + 36, as: UInt32.self))
        }
        guard core > 1, core <= words else { return }
        let sum = seed.checksum(base + place + 8, words: core - 1)
        base.storeBytes(of: sum, toByteOffset: place, as: UInt64.self)
        if core < words {
            let list = seed.checksum(base + place + (core + 1) * 8, words: words - core - 1)
            base.storeBytes(of: list, toByteOffset: place + core * 8, as: UInt64.self)
        }
    }

    private mutating func forgeBucket(_ number: Int, _ octet: UInt8, _ value: UInt8) {
        let place = specimen.buckets[number % specimen.buckets.count]
        store(value, at: place + Int(octet) % 56)
        let sum = seed.bucketChecksum(base + place, place: place)
        base.storeBytes(of: sum, toByteOffset: place + 56, as: UInt64.self)
        isForged = true
    }

    private mutating func forgeWord(_ number: Int, _ shift: UInt8, _ value: UInt8) {
        let place = specimen.sealed[number % specimen.sealed.count]
        let word = (UInt64(value) << UInt64(shift % 5 * 8)) | UInt64(number / specimen.sealed.count)
        base.storeBytes(of: seed.seal(word, at: place), toByteOffset: place, as: UInt64.self)
        isForged = true
    }

    private mutating func forgeHeader(_ number: Int, _ value: UInt8) {
        store(value, at: 40 + number % (IndexLayout.headerChecksum - 40))
        let sum = seed.checksum(base, words: IndexLayout.headerChecksum / 8)
        base.storeBytes(of: sum, toByteOffset: IndexLayout.headerChecksum, as: UInt64.self)
        isForged = true
    }
}

/// Changes a small index as the input says, four octets a change, and makes every kind of lookup:
/// nothing is read outside of the file, no reserved id comes out, and nobody gets another's record.
func fuzz(_ octets: [UInt8]) {
    var patient = Patient()
    var rest = octets.prefix(400)
    while rest.count >= 4 {
        patient.apply(rest.prefix(4))
        rest = rest.dropFirst(4)
    }
    guard
        let view = try? IndexView(base: patient.base, byteCount: patient.byteCount, part: .public),
        let generation = try? view.generation()
    else { return }
    let asker = Asker(view: view, generation: generation, isForged: patient.isForged)
    for name in ["neo", "user0", "user1", "user2", "user3", "user4", "absent", "a"] {
        asker.askPerson(name)
    }
    for uid in (70000..<70010) as Range<UInt32> { asker.askPerson(uid) }
    for name in ["staff", "other", "absent"] { asker.askGroup(name) }
    for gid in [2000, 3000, 3001, 0] as [UInt32] { asker.askGroup(gid) }
    asker.enumerate()
    _ = try? view.verifyBase()
    _ = try? view.deltaState()
}

/// Makes the lookups and looks at their answers.
private struct Asker {
    let view: IndexView
    let generation: UInt64
    let isForged: Bool

    func askPerson(_ name: String) {
        var name = name
        name.withUTF8 { text in
            guard let start = UnsafeRawBufferPointer(text).baseAddress else { return }
            let count = text.count
            let found = try? view.person(named: start, count: count, generation: generation)
            if let answer = found {
                judge(answer)
                let isSame =
                    answer.nameBytes == count && memcmp(answer.strings, start, count) == 0
                precondition(isSame, "another person's record")
            }
            let list = try? view.groupList(named: start, count: text.count, generation: generation)
            guard let list else { return }
            for index in 0..<list.count { judge(list.gid(at: index)) }
        }
    }

    func askPerson(_ uid: UInt32) {
        guard let answer = try? view.person(uid: uid, generation: generation) else { return }
        judge(answer)
        precondition(answer.uid == uid, "the record of another uid")
    }

    func askGroup(_ name: String) {
        var name = name
        name.withUTF8 { text in
            guard let start = UnsafeRawBufferPointer(text).baseAddress else { return }
            let found = try? view.group(named: start, count: text.count, generation: generation)
            guard let answer = found else { return }
            judge(answer)
            precondition(answer.nameBytes == text.count, "a name of another length")
            precondition(memcmp(answer.name, start, text.count) == 0, "another group's record")
        }
    }

    func askGroup(_ gid: UInt32) {
        guard let answer = try? view.group(gid: gid, generation: generation) else { return }
        judge(answer)
        precondition(answer.gid == gid, "the record of another gid")
    }

    func enumerate() {
        for kind in [ItemKind.person, .group] {
            var position = view.enumerationStart(kind)
            while let next = try? view.next(kind, from: position, generation: generation) {
                precondition(next.next > position, "an enumeration that does not end")
                position = next.next
                if kind == .person, let answer = try? view.person(next.account) { judge(answer) }
                if kind == .group, let answer = try? view.group(next.account) { judge(answer) }
            }
        }
    }

    private func judge(_ id: UInt32) {
        precondition(!ReservedIDs.contains(id), "a reserved id")
    }

    /// Reads every octet of the answer.
    private func judge(_ answer: PersonAnswer) {
        judge(answer.uid)
        judge(answer.gid)
        let strings = UnsafeRawBufferPointer(start: answer.strings, count: answer.stringBytes)
        let zeros = strings.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
        precondition(isForged || zeros == 5, "strings without their ends")
    }

    private func judge(_ answer: GroupAnswer) {
        judge(answer.gid)
        precondition(
            isForged || strlen(answer.name.assumingMemoryBound(to: CChar.self)) == answer.nameBytes)
        var octets = 0
        for index in 0..<answer.itemCount {
            guard let names = try? view.members(index, of: answer) else { return }
            let text = UnsafeRawBufferPointer(start: names.start, count: names.byteCount)
            octets += text.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
        }
        precondition(isForged || octets == answer.memberCount, "another number of members")
    }
}
