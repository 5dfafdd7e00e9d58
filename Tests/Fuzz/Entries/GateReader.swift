// sources: Sources/Accounts/*.swift Sources/AccountIndex/*.swift

internal import CLibc

/// Takes the place of the real one, so that a failing input fails again.
struct SystemRandomNumberGenerator: RandomNumberGenerator {
    private var state: UInt64 = 0x5EED

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}

/// A gate with a base and changes, as octets, and where its parts lie.
private struct Specimen {
    var octets: [UInt8] = []
    var items: [(place: Int, words: Int)] = []
    var sealed: [Int] = []
    var used = 0
}

private let specimen = makeSpecimen()
private let names = ["in", "out", "off", "old", "must", "nobody", "/policy"]
private let clock = GateClock(now: 1_000_100, uptime: 3700, boot: 1)

private func account(
    _ name: String, _ uid: UInt32, _ edit: (inout PublishedPerson) -> Void
) -> PublishedPerson {
    var person = PublishedPerson(
        uuid: EntryUUID(high: 7, low: UInt64(uid)),
        passwd: PasswdFields(
            name: name, uid: uid, gid: 2000, gecos: "", home: "/home/\(name)", shell: "/bin/sh"),
        groups: [], state: .active)
    edit(&person)
    return person
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
        return try survey(folder)
    } catch {
        preconditionFailure("the specimen: \(error)")
    }
}

private func writeIndex(_ folder: String) throws {
    var policy = AccessPolicy(maxStaleness: 1000)
    policy.general.allowGroups = [1]
    policy.general.denyGroups = [2]
    policy.general.allowUsers = ["must", "other"]
    policy.services["sudo"] = policy.general
    policy.groups = [AccessGroup(slot: 1, name: "staff", gid: 3001)]
    policy.texts = [.disabled: "Disabled here."]
    var builder = try IndexBuilder(directory: folder, generation: 1)
    builder.heads = 16
    builder.logBytes = 1 << 13
    builder.set(policy: policy)
    builder.add(removed: "old")
    let out = account("out", 70001) { $0.login.accessGroups = [1, 2] }
    try builder.add(
        person: account("in", 70000) {
            $0.login.accessGroups = [1]
            $0.login.keys = ["ssh-one", "ssh-two"]
        })
    try builder.add(person: out)
    try builder.add(person: account("off", 70002) { $0.state.disabledBy = "lock=1" })
    var writer = try builder.finish()
    writer.noteVerified(at: GateClock(now: 1_000_000, uptime: 3600, boot: 1))
    let must = account("must", 70003) {
        $0.state = AccountState(expiresAt: 2_000_000, expiresBy: "e", mustChangeBy: "m")
        $0.login.confirmedAt = 1_000_000
        $0.login.keys = ["ssh-must"]
    }
    _ = try writer.apply(
        PublicationChange(
            people: [
                PersonChange(was: nil, now: must),
                PersonChange(was: PublishedKey(name: "out", id: 70001), now: out),
            ], policy: policy))
    try writer.install()
}

private func survey(_ folder: String) throws -> Specimen {
    var specimen = Specimen()
    let mapped = try (folder + "/gate.1").withCString { file in
        try folder.withCString {
            try IndexPath(file: file, stateDirectory: $0, part: .gate).map()
        }
    }
    defer { mapped.unmap() }
    let view = mapped.view
    specimen.octets = Array(UnsafeRawBufferPointer(start: view.base, count: view.byteCount))
    specimen.used = try view.logEnd()
    for range in [view.people, view.log.lowerBound..<specimen.used] {
        var place = range.lowerBound
        while place < range.upperBound {
            let item = try view.item(at: UInt32(place / 8))
            specimen.items.append((place, item.words))
            place += item.words * 8
        }
    }
    specimen.sealed = [IndexLayout.generation, IndexLayout.logUsed]
    for time in [IndexLayout.lastContact, IndexLayout.lastVerified] {
        specimen.sealed += [
            time, time + IndexLayout.uptimeOfTime, time + IndexLayout.bootOfTime,
        ]
    }
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
        UnsafeMutableRawBufferPointer(start: base, count: byteCount).copyBytes(
            from: specimen.octets)
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
        switch what % 4 {
        case 0:
            let place = number % specimen.used
            store(base.load(fromByteOffset: place, as: UInt8.self) ^ (1 << (value & 7)), at: place)
        case 1: forgeWord(number, what / 4, value)
        default: forgeItem(number, what / 4, value)
        }
    }

    private func store(_ value: UInt8, at place: Int) {
        base.storeBytes(of: value, toByteOffset: place, as: UInt8.self)
    }

    /// Changes an octet of an item and makes its checksums fit, as far as its sizes are possible.
    private mutating func forgeItem(_ number: Int, _ offset: UInt8, _ value: UInt8) {
        let (place, words) = specimen.items[number % specimen.items.count]
        let octet = number / specimen.items.count + Int(offset)
        store(value, at: place + 8 + octet % (words * 8 - 8))
        isForged = true
        var core = words
        if base.load(fromByteOffset: place + 12, as: UInt8.self) != 5, words > 4 {
            core = Int(base.load(fromByteOffset: place + 36, as: UInt32.self))
        }
        guard core > 1, core <= words else { return }
        let sum = seed.checksum(base + place + 8, words: core - 1)
        base.storeBytes(of: sum, toByteOffset: place, as: UInt64.self)
        if core < words {
            let keys = seed.checksum(base + place + (core + 1) * 8, words: words - core - 1)
            base.storeBytes(of: keys, toByteOffset: place + core * 8, as: UInt64.self)
        }
    }

    private mutating func forgeWord(_ number: Int, _ shift: UInt8, _ value: UInt8) {
        let place = specimen.sealed[number % specimen.sealed.count]
        let word = (UInt64(value) << UInt64(shift % 5 * 8)) | UInt64(number / specimen.sealed.count)
        base.storeBytes(of: seed.seal(word, at: place), toByteOffset: place, as: UInt64.self)
        isForged = true
    }
}

/// Changes a small gate as the input says, four octets a change, and asks about everybody: nothing is
/// read outside of the file, no reserved uid comes out, and a file that does not lie admits nobody
/// whom it refused before.
func fuzz(_ octets: [UInt8]) {
    var patient = Patient()
    var rest = octets.prefix(400)
    while rest.count >= 4 {
        patient.apply(rest.prefix(4))
        rest = rest.dropFirst(4)
    }
    guard
        let view = try? IndexView(base: patient.base, byteCount: patient.byteCount, part: .gate),
        let generation = try? view.generation()
    else { return }
    let gate = GateView(view: view, generation: generation)
    for name in names { ask(gate, name, isForged: patient.isForged) }
    _ = try? gate.halfStale(clock: clock)
    for kind in [ItemKind.gateAccount] {
        var position = view.enumerationStart(kind)
        while let next = try? view.next(kind, from: position, generation: generation) {
            precondition(next.next > position, "an enumeration that does not end")
            position = next.next
        }
    }
    _ = try? view.verifyBase()
    _ = try? view.deltaState()
}

private func ask(_ gate: GateView, _ name: String, isForged: Bool) {
    for service in ["sshd", "sudo", ""] {
        Array(name.utf8).withUnsafeBytes { name in
            Array(service.utf8).withUnsafeBytes { service in
                guard let found = try? gate.decide(name: name, service: service, clock: clock)
                else { return }
                read(found.text)
                read(found.source)
                precondition(found.uid == 0 || !ReservedIDs.contains(found.uid), "a reserved uid")
                let mayBeIn = name.elementsEqual("in".utf8) || name.elementsEqual("must".utf8)
                if !mayBeIn, !isForged {
                    precondition(found.verdict != .accepted, "nobody who was refused")
                }
            }
        }
    }
    Array(name.utf8).withUnsafeBytes { name in
        if let keys = try? gate.keys(name: name) { read(keys) }
    }
}

/// Reads every octet.
private func read(_ octets: UnsafeRawBufferPointer) {
    var sum: UInt8 = 0
    for octet in octets { sum ^= octet }
    precondition(octets.count < 1 << 22 || sum == 0, "no text is as long as that")
}
