// index-tool: writes and changes indexes of made-up accounts, for tests and benchmarks.
internal import AccountIndex
internal import Accounts

#if canImport(Glibc)
    internal import Glibc
#endif

/// The made-up directory: user0 and up with uid 2000000 and up, group0 and up with gid 3000000.
struct Directory {
    var people: Int
    var groups: Int
    var membersPerGroup: Int

    func name(_ person: Int) -> String { "user\(person)" }

    /// The groups that hold a person: members are handed out in turn.
    func groupNumbers(of person: Int) -> [Int] {
        if groups == 0 || people == 0 { return [] }
        return (0..<groups).filter { contains(person, in: $0) }
    }

    private func contains(_ person: Int, in group: Int) -> Bool {
        let first = start(group)
        return (person - first + people) % people < min(membersPerGroup, people)
    }

    private func start(_ group: Int) -> Int { group * membersPerGroup % max(people, 1) }

    func members(of group: Int) -> [String] {
        (0..<min(membersPerGroup, people)).map { name((start(group) + $0) % people) }
    }

    func person(_ number: Int, shell: String = "/bin/bash", groups: [UInt32]) -> PublishedPerson {
        PublishedPerson(
            uuid: EntryUUID(high: 0x726f_7374_6572, low: UInt64(number)),
            passwd: PasswdFields(
                name: name(number), uid: UInt32(2_000_000 + number), gid: 2000,
                gecos: "Person Number \(number)", home: "/home/\(name(number))", shell: shell),
            groups: groups, state: .active)
    }

    func group(_ number: Int) -> PublishedKey {
        PublishedKey(name: "group\(number)", id: UInt32(3_000_000 + number))
    }
}

/// Why the tool gives up.
struct ToolError: Error, CustomStringConvertible {
    var description: String
}

@main
enum IndexTool {
    static let usage = """
        usage: index-tool generate DIR PEOPLE GROUPS [MEMBERS_PER_GROUP]   write a new index
               index-tool change DIR N              change the shell of N people, one by one
               index-tool churn DIR [SECONDS]       change, add, remove and rebuild without end
               index-tool add-member DIR GROUP USER add a member to a group
               index-tool remove DIR USER           remove a person
               index-tool add DIR USER UID          add a person
               index-tool set DIR USER SHELL        change a shell
               index-tool gate DIR USER FACT...     change what the gate knows of a person
               index-tool policy DIR RULE...        set the access policy
               index-tool verified DIR              the mirror is what the directory is
               index-tool decide DIR USER SERVICE   what the gate says
               index-tool rebuild DIR               write the same accounts into new files
               index-tool logins DIR [stale]        write a person for every verdict of the gate
               index-tool show DIR                  generation, counts, verification
        """

    static func main() {
        do {
            try run(CommandLine.arguments.dropFirst().map { $0 })
        } catch {
            print("index-tool: \(error)")
            exit(1)
        }
    }

    static func run(_ arguments: [String]) throws {
        guard arguments.count >= 2 else { throw ToolError(description: usage) }
        let directory = arguments[1]
        let rest = Array(arguments.dropFirst(2))
        switch (arguments[0], rest.count) {
        case ("generate", 2...3):
            try generate(directory, rest.map { Int($0) ?? 0 })
        case ("change", 1): try change(directory, Int(rest[0]) ?? 1)
        case ("churn", 0...1): try churn(directory, seconds: rest.first.flatMap { Int($0) })
        case ("add-member", 2): try addMember(directory, group: rest[0], user: rest[1])
        case ("remove", 1): try remove(directory, rest[0])
        case ("add", 2): try add(directory, rest[0], UInt32(rest[1]) ?? 0)
        case ("set", 2): try set(directory, rest[0], shell: rest[1])
        case ("gate", 1...): try gate(directory, rest[0], facts: rest.dropFirst())
        case ("policy", _): try policy(directory, rules: rest)
        case ("verified", 0): try verified(directory)
        case ("decide", 2): try decide(directory, rest[0], service: rest[1])
        case ("rebuild", 0): try rebuild(directory)
        case ("logins", 0): try logins(directory, stale: false)
        case ("logins", 1): try logins(directory, stale: rest[0] == "stale")
        case ("show", 0): try show(directory)
        default: throw ToolError(description: usage)
        }
    }

    static func generate(_ directory: String, _ numbers: [Int]) throws {
        let plan = Directory(
            people: numbers[0], groups: numbers[1],
            membersPerGroup: numbers.count > 2 ? numbers[2] : 20)
        var lists = [[UInt32]](repeating: [], count: plan.people)
        for group in 0..<plan.groups {
            for member in plan.memberNumbers(of: group) {
                lists[member].append(plan.group(group).id)
            }
        }
        let start = ContinuousClock.now
        let old = try IndexWriter.open(directory: directory)
        let generation = (old?.generation ?? 0) + 1
        var builder = try IndexBuilder(
            directory: directory, generation: generation, expectedPeople: plan.people,
            expectedGroups: plan.groups)
        builder.set(policy: AccessPolicy())
        for number in 0..<plan.people {
            try builder.add(person: plan.person(number, groups: lists[number]))
        }
        for group in 0..<plan.groups {
            try builder.add(group: plan.group(group), members: plan.members(of: group))
        }
        var writer = try builder.finish()
        writer.carryOver(IndexWriter.times(directory: directory))
        try writer.install()
        print("built in \(start.duration(to: .now)), \(writer.byteCount) bytes on disk")
    }

    /// Opens the writer of `directory`.
    static func open(_ directory: String) throws -> IndexWriter {
        guard let writer = try IndexWriter.open(directory: directory) else {
            throw ToolError(description: "no index in \(directory) that can be continued")
        }
        return writer
    }

    static func show(_ directory: String) throws {
        for part in [IndexPart.public, .gate] {
            let snapshot = try IndexSnapshot(directory: directory, part: part)
            try snapshot.verify()
            let counts = snapshot.counts
            print(
                "\(part) generation \(snapshot.generation) people \(counts.people)",
                "groups \(counts.groups) superseded \(snapshot.isSuperseded)")
        }
    }
}

extension Directory {
    /// The members of a group as numbers.
    func memberNumbers(of group: Int) -> [Int] {
        (0..<min(membersPerGroup, people)).map { (start(group) + $0) % people }
    }
}
