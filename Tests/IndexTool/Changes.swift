// The changes that index-tool makes.
internal import AccountIndex
internal import Accounts

extension IndexTool {
    /// Publishes `person` changed by `edit`.
    static func publish(
        _ writer: inout IndexWriter, _ directory: String, _ name: String,
        _ edit: (inout PublishedPerson) -> Void
    ) throws -> PublicationResult {
        let was = try current(directory, name)
        var now = was
        edit(&now)
        let key = PublishedKey(name: name, id: was.passwd.uid)
        return try writer.apply(
            PublicationChange(people: [PersonChange(was: key, now: now)]))
    }

    /// A person as published.
    static func current(_ directory: String, _ name: String) throws -> PublishedPerson {
        let main = try IndexSnapshot(directory: directory)
        let gate = try IndexSnapshot(directory: directory, part: .gate)
        guard let person = try main.person(named: name),
            let account = try gate.gateAccount(named: name)
        else { throw ToolError(description: "no person \(name)") }
        return PublishedPerson(
            uuid: account.uuid, passwd: person.passwd, groups: person.groups, state: account.state,
            login: account.login)
    }

    static func change(_ directory: String, _ count: Int) throws {
        var writer = try open(directory)
        let people = writer.peopleCount
        var times: [Double] = []
        var bytes = 0
        for step in 0..<count {
            let number = Int.random(in: 0..<max(people, 1))
            let plan = Directory(people: people, groups: 0, membersPerGroup: 0)
            let person = plan.person(number, shell: "/bin/sh\(step)\(number)", groups: [])
            let key = PublishedKey(name: person.passwd.name, id: person.passwd.uid)
            let change = PublicationChange(people: [PersonChange(was: key, now: person)])
            let start = ContinuousClock.now
            bytes += try writer.apply(change).bytesWritten
            times.append(start.duration(to: .now) / .microseconds(1))
            if writer.shouldRebuild { try rebuild(directory, &writer) }
        }
        times.sort()
        let last = times.count - 1
        print(
            "publications \(count) bytes \(bytes / max(count, 1)) median_us \(times[last / 2])",
            "p99_us \(times[last * 99 / 100])")
    }

    static func set(_ directory: String, _ name: String, shell: String) throws {
        var writer = try open(directory)
        print(try publish(&writer, directory, name) { $0.passwd.shell = shell })
    }

    static func add(_ directory: String, _ name: String, _ uid: UInt32) throws {
        var writer = try open(directory)
        let person = PublishedPerson(
            uuid: EntryUUID(high: 1, low: UInt64(uid)),
            passwd: PasswdFields(
                name: name, uid: uid, gid: 2000, gecos: name, home: "/home/\(name)",
                shell: "/bin/bash"), groups: [], state: .active)
        print(try writer.apply(PublicationChange(people: [PersonChange(was: nil, now: person)])))
    }

    static func remove(_ directory: String, _ name: String) throws {
        var writer = try open(directory)
        let person = try current(directory, name)
        let change = PersonChange(was: PublishedKey(name: name, id: person.passwd.uid), now: nil)
        print(try writer.apply(PublicationChange(people: [change])))
    }

    static func addMember(_ directory: String, group: String, user: String) throws {
        var writer = try open(directory)
        let (key, person) = try keys(directory, group, user)
        var now = person
        now.groups = Array(Set(person.groups + [key.id])).sorted()
        let start = ContinuousClock.now
        let result = try writer.apply(
            PublicationChange(
                people: [
                    PersonChange(was: PublishedKey(name: user, id: person.passwd.uid), now: now)
                ],
                groups: [
                    GroupChange(was: key, now: key, membersAdded: [user], membersRemoved: [])
                ]))
        let time = start.duration(to: .now) / .microseconds(1)
        print("bytes \(result.bytesWritten) us \(time) generation \(result.generation)")
    }

    private static func keys(
        _ directory: String, _ group: String, _ user: String
    ) throws -> (PublishedKey, PublishedPerson) {
        let snapshot = try IndexSnapshot(directory: directory)
        guard let found = try snapshot.group(named: group) else {
            throw ToolError(description: "no group \(group)")
        }
        return (found.key, try current(directory, user))
    }

    static func rebuild(_ directory: String) throws {
        var writer = try open(directory)
        try rebuild(directory, &writer)
    }

    /// Copies what is published into a new pair and installs it.
    static func rebuild(_ directory: String, _ writer: inout IndexWriter) throws {
        let main = try IndexSnapshot(directory: directory)
        let gate = try IndexSnapshot(directory: directory, part: .gate)
        var builder = try IndexBuilder(directory: directory, generation: writer.generation + 1)
        var people: [PublishedPerson] = []
        var groups: [IndexedGroup] = []
        try main.forEachPerson { person in
            people.append(
                PublishedPerson(
                    uuid: EntryUUID(high: 0, low: 0), passwd: person.passwd, groups: person.groups,
                    state: .active))
        }
        try main.forEachGroup { groups.append($0) }
        for person in people {
            var person = person
            if let account = try gate.gateAccount(named: person.passwd.name) {
                person.uuid = account.uuid
                person.state = account.state
                person.login = account.login
            }
            try builder.add(person: person)
        }
        for group in groups { try builder.add(group: group.key, members: group.members) }
        if let policy = try gate.accessPolicy() { builder.set(policy: policy) }
        var next = try builder.finish()
        next.carryOver(writer.times)
        try next.install()
        writer = next
    }

    /// Shells count up in step: in every generation all of user0 to user4 have the same shell.
    static func churn(_ directory: String, seconds: Int?) throws {
        var writer = try open(directory)
        let end = ContinuousClock.now + .seconds(seconds ?? 1 << 30)
        var step = 0
        while ContinuousClock.now < end {
            step += 1
            var people: [PersonChange] = []
            for number in 0..<min(5, writer.peopleCount) {
                var person = try current(directory, "user\(number)")
                person.passwd.shell = "/bin/sh\(step)"
                let key = PublishedKey(name: person.passwd.name, id: person.passwd.uid)
                people.append(PersonChange(was: key, now: person))
            }
            let guest = Directory(people: 0, groups: 0, membersPerGroup: 0).person(
                90_000_000, shell: "/bin/sh\(step)", groups: [])
            let key = PublishedKey(name: guest.passwd.name, id: guest.passwd.uid)
            let isIn = step % 2 == 0
            people.append(PersonChange(was: isIn ? key : nil, now: isIn ? nil : guest))
            _ = try writer.apply(PublicationChange(people: people))
            if step % 50 == 0 || writer.shouldRebuild { try rebuild(directory, &writer) }
        }
        print("steps \(step) generation \(writer.generation)")
    }
}
