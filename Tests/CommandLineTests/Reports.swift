import DaemonProtocol

/// Reports as the daemon could send them, some with what no terminal should be given.
enum Reports {
    static let now = ScriptedWorld.now

    static var inSync: StatusReport {
        var report = StatusReport(
            state: .inSync, since: now - 480, pid: 4711, version: "0.1.0", startedAt: now - 90_000)
        report.serverURI = "ldaps://ldap.example.com"
        report.strategy = "syncrepl"
        report.promise =
            "changes within milliseconds; deletions within milliseconds, verified every 1 h"
        report.lastContactAt = now - 3
        report.lastVerifiedAt = now - 3
        report.nextComparisonAt = now + 3000
        report.counts = .init(people: 12_345, groups: 50, memberships: 40_000)
        report.publicationDelay = .init(
            changes: 1000, medianMilliseconds: 1.25, p99Milliseconds: 7.96)
        report.generation = 1_234_567
        report.indexOctets = 20_500_000
        report.storeOctets = 61_000_000
        report.publications = 815
        report.rebuilds = 1
        report.cookies = ["rid=000,csn=20261121090830.000000Z#000000#000#000000"]
        return report
    }

    static var troubled: StatusReport {
        var report = inSync
        report.state = .stale
        report.strategy = "poll"
        report.promise = "changes within 30 s; deletions within 5 min"
        report.advice = "load the overlay syncprov on the database (RFC 4533)"
        report.lastError = "ldaps://ldap.example.com: connection refused\u{1b}[2J"
        report.counts.withheld = 3
        report.held = .init(people: 40, groups: 1)
        report.publicationDelay = nil
        report.journalLost = true
        report.storeSetAside = true
        report.cookies = nil
        return report
    }

    static var guarded: StatusReport {
        var report = inSync
        report.blocked = [
            BlockedName(name: "eve", since: now - 60, byUID: 0),
            BlockedName(name: "mallory\u{1b}", since: now - 90_000, byUID: 1000),
        ]
        report.accessProblems = ["access: the directory shows no group linux; it admits nobody"]
        return report
    }

    static var admitted: ExplainReport {
        var report = ExplainReport(
            name: "ada", service: "sshd", verdict: "accepted", admitted: true,
            rule: "[access.sshd]",
            offline: .init(
                allowed: true, maxAgeSeconds: 86_400, madeAt: now - 600, changeSeen: true),
            freshness: .init(
                lastContactAt: now - 3, lastVerifiedAt: now - 300, ageSeconds: 300,
                maxStalenessSeconds: 604_800))
        report.decidedBy = "allow_groups=linux"
        var entry = ExplainReport.Entry(
            dn: "uid=ada,ou=people,dc=example,dc=com", uuid: "9c4a6c9e-5a3e-103f-8d5e-1f0f2c1b7a11")
        entry.groups = [NamedID(name: "devs", id: 3000), NamedID(name: nil, id: 2000)]
        entry.accessGroups = ["linux"]
        report.entry = entry
        report.keys = [
            .init(type: "ssh-ed25519", comment: "ada@laptop\u{9b}1m", options: false),
            .init(type: "ssh-rsa", comment: "", options: true),
        ]
        return report
    }

    static var refused: ExplainReport {
        var report = ExplainReport(
            name: "bob", service: nil, verdict: "not_allowed", admitted: false, rule: "[access]",
            offline: .init(allowed: true, maxAgeSeconds: 86_400),
            freshness: .init(maxStalenessSeconds: nil))
        report.decidedBy = "allow_groups"
        report.text = "Your account is not among those that may use this host."
        var entry = ExplainReport.Entry(
            dn: "uid=bob,dc=example,dc=com\n", uuid: "9c4a6c9e-5a3e-103f-8d5e-1f0f2c1b7a12")
        entry.disabledBy = "employeeType=left"
        entry.expiresAt = now - 60
        entry.expiresBy = "shadowExpire"
        entry.mustChangeBy = "pwdReset"
        entry.blocked = true
        entry.heldSince = now - 3600
        entry.confirmedAt = now - 3700
        report.entry = entry
        report.notes = ["sshPublicKey: value 2 is withheld: it has options"]
        return report
    }

    static var local: ExplainReport {
        var report = ExplainReport(
            name: "root", service: nil, verdict: "unknown_user", admitted: false,
            rule: "[access]",
            offline: .init(allowed: false, maxAgeSeconds: 86_400), freshness: .init())
        report.local = true
        return report
    }

    static var loading: StatusReport {
        var report = StatusReport(
            state: .loading, since: now - 20, pid: 1, version: "0.1.0", startedAt: now - 20)
        report.load = .init(entries: 40_000, expected: 100_000, startedAt: now - 20)
        return report
    }

    static let ada = AccountReport(
        name: "ada", uid: 2001, gid: 2000, gecos: "Ada \u{202e}Lovelace", home: "/home/ada",
        shell: "/bin/bash",
        groups: [
            NamedID(name: nil, id: 2000), NamedID(name: "devs", id: 3000),
            NamedID(name: "ops", id: 3001),
        ])

    static var adaForRoot: AccountReport {
        var report = ada
        report.details = .init(
            uuid: "9c4a6c9e-5a3e-103f-8d5e-1f0f2c1b7a11",
            dn: "uid=ada,ou=people,dc=example,dc=com\n",
            notes: ["loginShell: /bin/zsh is not installed, replaced by /usr/sbin/nologin"],
            disabled: true, expiresAt: now + 864_000, mustChangePassword: true,
            heldSince: now - 600)
        return report
    }

    static let withheldBob = AccountReport(
        name: "bob", uid: 2002, gid: 2000, gecos: "", home: "/home/bob", shell: "/bin/sh",
        groups: [NamedID(name: "staff", id: 2000)], published: false,
        details: .init(
            uuid: "9c4a6c9e-5a3e-103f-8d5e-1f0f2c1b7a12", dn: "uid=bob,dc=example,dc=com",
            withheld: "uidNumber: 2002 belonged to alice until 2026-11-01"))

    static let devs = GroupReport(name: "devs", gid: 3000, members: ["ada", "grace\u{9b}31m"])

    static let check = CheckReport(
        errors: ["[accounts] disabled: the directory's schema has no attribute nsAccountLok"],
        warnings: ["[directory] compare_interval: 30 s is short for 100,000 entries"],
        withheld: [
            WithheldEntry(
                kind: .person, uuid: "9c4a6c9e-5a3e-103f-8d5e-1f0f2c1b7a12",
                dn: "uid=bob,dc=example,dc=com", name: "bob",
                reason: "uidNumber: 2002 belonged to alice until 2026-11-01", canAllow: true),
            WithheldEntry(
                kind: .person, uuid: "9c4a6c9e-5a3e-103f-8d5e-1f0f2c1b7a14",
                dn: "uid=x\\;reboot,dc=example,dc=com", name: "x;reboot",
                reason: "uidNumber: 2003 belonged to dave until 2026-11-01", canAllow: true),
            WithheldEntry(
                kind: .group, uuid: "9c4a6c9e-5a3e-103f-8d5e-1f0f2c1b7a13",
                dn: "cn=sudo\u{7},dc=example,dc=com", name: nil,
                reason: "cn: control character"),
        ],
        held: [
            HeldRemoval(kind: .person, name: "carol", since: now - 3600),
            HeldRemoval(kind: .membership, name: "ada", group: "devs", since: now - 60),
        ],
        notes: [
            EntryNote(
                kind: .person, name: "ada", dn: "uid=ada,dc=example,dc=com",
                text: "uidNumber: lies in a range of /etc/subuid")
        ])

    static let history = HistoryReport(
        changes: [
            .init(
                effectiveAt: now - 5, directoryAt: now - 5, kind: .person, name: "ada",
                what: "disabled"),
            .init(
                effectiveAt: now - 90, directoryAt: nil, kind: .membership, name: "carol\u{1b}",
                what: "joined devs"),
            .init(
                effectiveAt: now - 99_999, directoryAt: now - 100_000, kind: .group, name: "devs",
                what: "appeared"),
        ], truncated: true, journalLost: true)
}
