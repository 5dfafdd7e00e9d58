// An index with one person for every verdict of the gate, for the tests of login.
internal import AccountIndex
internal import Accounts

extension IndexTool {
    /// Writes the index; with `stale` one that was never verified and must have been.
    ///
    /// `outsider` is in no group that may log in, `guest` in one that may not; all but `outsider`
    /// are in the one that may. `removed` was published before. Homes lie below /tmp/home.
    static func logins(_ directory: String, stale: Bool) throws {
        let old = try IndexWriter.open(directory: directory)
        var builder = try IndexBuilder(
            directory: directory, generation: (old?.generation ?? 0) + 1)
        var policy = AccessPolicy(maxStaleness: stale ? 60 : nil)
        policy.groups = [
            AccessGroup(slot: 1, name: "staff", gid: nil),
            AccessGroup(slot: 2, name: "guests", gid: nil),
        ]
        policy.general.allowGroups = [1]
        policy.general.denyGroups = [2]
        builder.set(policy: policy)
        let states: [(String, AccountState, [UInt32])] = [
            ("active", .active, [1]),
            ("disabled", AccountState(disabledBy: "nsAccountLock=TRUE"), [1]),
            ("expired", AccountState(expiresAt: 1, expiresBy: "shadowExpire"), [1]),
            ("mustchange", AccountState(mustChangeBy: "pwdReset"), [1]),
            ("guest", .active, [1, 2]), ("outsider", .active, []), ("blocked", .active, [1]),
        ]
        for (number, (name, state, slots)) in states.enumerated() {
            var login = LoginFacts()
            login.accessGroups = slots
            login.isBlocked = name == "blocked"
            try builder.add(
                person: PublishedPerson(
                    uuid: EntryUUID(high: 9, low: UInt64(number)),
                    passwd: PasswdFields(
                        name: name, uid: UInt32(2_000_001 + number), gid: 2000, gecos: name,
                        home: "/tmp/home/\(name)", shell: "/bin/sh"),
                    groups: [], state: state, login: login))
        }
        builder.add(removed: "removed")
        var writer = try builder.finish()
        try writer.install()
    }
}
