import Accounts

@testable import DirectorySync

/// Entries and rules that the tests of the rules start from.
enum Fixture {
    static let base = "dc=example,dc=com"

    static let local = LocalAccounts(
        passwd: Array(
            """
            root:x:0:0:root:/root:/bin/bash
            admin1:x:1001:1009:Local:/home/admin1:/bin/bash
            +nis::::::
            broken
            """.utf8),
        group: Array("root:x:0:\nsudo:x:27:admin1\nlocals:x:1002:\n".utf8),
        subuid: Array("admin1:20000:10\n".utf8), subgid: Array("admin1:21000:10\n".utf8))

    static func rules(
        _ policy: AccountPolicy = AccountPolicy(), peopleBase: String = base,
        groupsBase: String = base
    ) -> EntryRules {
        EntryRules(
            policy: policy, scope: SearchScope(peopleBase: peopleBase, groupsBase: groupsBase),
            local: local, shells: InstalledShells(["/bin/bash", "/bin/sh", "/bin/zsh"]))
    }

    /// Jane as Entra's connector writes her, with some attributes replaced or (empty) taken out.
    static func jane(
        dn: String = "cn=jane.doe,ou=people,dc=example,dc=com",
        _ changes: [String: [[UInt8]]] = [:]
    ) -> DirectoryEntry {
        var attributes: [(String, [[UInt8]])] = [
            ("objectClass", ["inetOrgPerson", "posixAccount", "shadowAccount"].map(bytes)),
            ("cn", ["jane.doe", "Jane Doe"].map(bytes)), ("sn", [bytes("Doe")]),
            ("mail", [bytes("Jane.Doe@example.com")]), ("uid", [bytes("jane.doe")]),
            ("uidNumber", [bytes("10001")]), ("gidNumber", [bytes("10000")]),
            ("homeDirectory", [bytes("/home/jane.doe")]),
            ("entryCSN", [bytes("20261121090502.123456Z#000000#000#000000")]),
            ("createTimestamp", [bytes("20260102030405Z")]),
        ]
        for (name, values) in changes.sorted(by: { $0.key < $1.key }) {
            attributes.removeAll { $0.0.lowercased() == name.lowercased() }
            if !values.isEmpty { attributes.append((name, values)) }
        }
        return entry(dn: dn, attributes)
    }

    static func jane(
        dn: String = "cn=jane.doe,ou=people,dc=example,dc=com", texts: [String: [String]]
    ) -> DirectoryEntry {
        jane(dn: dn, texts.mapValues { $0.map(bytes) })
    }

    /// An RFC 2307 group, with some attributes replaced or taken out.
    static func group(
        dn: String = "cn=linux,ou=groups,dc=example,dc=com", _ changes: [String: [String]] = [:]
    ) -> DirectoryEntry {
        var attributes: [String: [String]] = [
            "objectClass": ["posixGroup"], "cn": ["linux"], "gidNumber": ["20500"],
        ]
        attributes.merge(changes) { $1 }
        let sorted = attributes.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
        return entry(dn: dn, sorted.map { ($0.key, $0.value.map(bytes)) })
    }

    static func entry(dn: String, _ attributes: [(String, [[UInt8]])]) -> DirectoryEntry {
        var list = AttributeList()
        for (name, values) in attributes {
            list.startAttribute(name.utf8)
            for value in values { list.appendValue(value) }
        }
        return DirectoryEntry(uuid: EntryUUID(high: 1, low: 2), dn: dn, attributes: list)
    }

    static func bytes(_ text: String) -> [UInt8] {
        Array(text.utf8)
    }
}

extension EvaluatedEntry {
    var person: PersonCandidate? {
        if case .person(let person) = content { person } else { nil }
    }

    var group: GroupCandidate? {
        if case .group(let group) = content { group } else { nil }
    }
}
