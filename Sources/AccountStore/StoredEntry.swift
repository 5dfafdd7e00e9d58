// The rows of `entries`, and what the host sees of one.

internal import Accounts
internal import GRDB

/// The key of an entry inside one store (entries.pk).
typealias EntryKey = UInt32

/// What an entry is, as a number.
enum EntryKind: Int64 {
    case other = 0
    case person = 1
    case group = 2
}

/// What the host sees of an entry, or would see; for a group name and id only.
struct Record: Equatable {
    var kind: EntryKind
    var fields: PasswdFields
    var state: AccountState = .active
    var login = LoginAttributes()
    /// Whether the person is in the primary group because it is that, not because it lists them.
    var isMemberByPrimary = false

    /// Whether the group shows the person among its members: passwd(5) says who has it as primary
    /// group, and a list of everybody would come with each file of theirs that is shown.
    func isListed(in group: PublishedKey) -> Bool {
        !(isMemberByPrimary && group.id == fields.gid)
    }

    var name: String { fields.name }
    var id: UInt32 { fields.uid }
    var key: PublishedKey { PublishedKey(name: name, id: id) }

    /// Whether `other` would be found under the same two keys.
    func hasKeys(of other: Record) -> Bool {
        kind == other.kind && id == other.id && name == other.name
    }

    /// A group's record.
    static func group(name: String, gid: UInt32) -> Record {
        let fields = PasswdFields(name: name, uid: gid, gid: 0, gecos: "", home: "", shell: "")
        return Record(kind: .group, fields: fields)
    }

    /// Reads the columns name, id, gid, gecos, home, shell, expiresAt, login.
    init(kind: EntryKind, row: SQLRow, from first: Int32) {
        self.kind = kind
        fields = PasswdFields(
            name: row.text(first + 0), uid: UInt32(truncatingIfNeeded: row.int(first + 1)),
            gid: UInt32(truncatingIfNeeded: row.int(first + 2)), gecos: row.text(first + 3),
            home: row.text(first + 4), shell: row.text(first + 5))
        if !row.isNull(first + 6) { state.expiresAt = row.int(first + 6) }
        guard !row.isNull(first + 7) else { return }
        let packed = PackedLogin(octets: row.octets(first + 7))
        packed.unpack(into: &state, &login)
    }

    /// Reads the columns of a published person, ``StoreSnapshot/personColumns``.
    init(person row: SQLRow, from first: Int32) {
        self.init(kind: .person, row: row, from: first)
        isMemberByPrimary = !row.isNull(first + 8)
    }

    init(
        kind: EntryKind, fields: PasswdFields, state: AccountState = .active,
        login: LoginAttributes = LoginAttributes()
    ) {
        self.kind = kind
        self.fields = fields
        self.state = state
        self.login = login
    }
}

/// What the judgement of an entry depends on.
struct Facts {
    var kind: EntryKind
    var dnHash: Int64
    var createdAt: Int64
    /// A bit for each search that shows the entry; 0: gone.
    var presence: Int64
    /// The identity of the directory that showed the entry last, counted up.
    var generation: Int64
    /// When the directory last showed the entry.
    var confirmedAt: Int64
    /// When the directory says that it last changed; `nil`: it does not say.
    var happenedAt: Int64?
    /// What would be published if nothing else stood against it.
    var claim: Record?
    /// The state of a person, also of a withheld one.
    var state: AccountState?
    /// Keys and the mark of the password, likewise.
    var login = LoginAttributes()
    /// The name of a group, also of one that is not published.
    var groupName: String?
    /// The number of a person's primary group as it lists them all; `nil`: no such.
    var primaryHash: Int64?
    /// Whether the local rules withhold the entry.
    var isWithheld = false

    /// What an evaluated entry says.
    init(_ entry: EvaluatedEntry, hash: ReferenceHash) {
        kind = .other
        dnHash = hash.dn(entry.linkKey)
        createdAt = entry.createdAt
        presence = 0
        generation = 0
        confirmedAt = 0
        happenedAt = ChangeTime.seconds(ofStamp: entry.stamp)
        switch entry.content {
        case .person(let person):
            kind = .person
            state = person.state
            login = person.login
            primaryHash = person.primaryGroup.map(hash.primaryGroup)
            isWithheld = person.withheld != nil
            if person.withheld == nil {
                claim = Record(
                    kind: .person, fields: person.passwd, state: person.state, login: person.login)
                claim?.isMemberByPrimary = primaryHash != nil
            }
        case .group(let group):
            kind = .group
            groupName = group.name
            isWithheld = group.withheld != nil
            if group.withheld == nil, let name = group.name, let gid = group.gid {
                claim = .group(name: name, gid: gid)
            }
        case .other: break
        }
    }

    /// The columns that ``init(row:)`` reads, of a table named `e`.
    static let columns = """
        e.kind, e.dnHash, e.createdAt, e.presence, e.generation, e.confirmedAt, e.withheld, \
        e.name, e.id, e.gid, e.gecos, e.home, e.shell, e.expiresAt, e.login, e.primaryHash
        """
    /// How many columns these are.
    static let width: Int32 = 16

    /// Reads a row that begins with ``columns``.
    init(row: SQLRow) {
        kind = EntryKind(rawValue: row.int(0)) ?? .other
        dnHash = row.int(1)
        createdAt = row.int(2)
        presence = row.int(3)
        generation = row.int(4)
        confirmedAt = row.int(5)
        isWithheld = !row.isNull(6)
        guard kind != .other else { return }
        if !row.isNull(15) { primaryHash = row.int(15) }
        var record = Record(kind: kind, row: row, from: 7)
        record.isMemberByPrimary = primaryHash != nil
        if kind == .person {
            state = record.state
            login = record.login
        } else if !row.isNull(7) {
            groupName = record.name
        }
        if !isWithheld && !row.isNull(7) && !row.isNull(8) { claim = record }
    }
}

/// Writes rows of `entries`.
struct EntryWriter {
    private let insertion: SQLStatement
    private let update: SQLStatement
    private let sourceInsertion: SQLStatement
    private let sourceUpdate: SQLStatement
    private let hash: ReferenceHash

    init(_ database: Database, hash: ReferenceHash) throws(SQLFault) {
        let columns = """
            uuid, kind, dnHash, createdAt, presence, generation, confirmedAt, name, nameHash, id, \
            gid, gecos, home, shell, expiresAt, login, withheld, notes, dn, dnKey, stamp, \
            primaryHash
            """
        let marks = (1...22).map { "?\($0)" }.joined(separator: ",")
        insertion = try database.sql("INSERT INTO entries (\(columns)) VALUES (\(marks))")
        update = try database.sql("UPDATE entries SET (\(columns)) = (\(marks)) WHERE pk = ?23")
        sourceInsertion = try database.sql(
            "INSERT INTO sources (pk, attributes) VALUES (last_insert_rowid(), ?1)")
        sourceUpdate = try database.sql("UPDATE sources SET attributes = ?1 WHERE pk = ?2")
        self.hash = hash
    }

    /// Writes `entry` under `key`; `nil`: as a new row.
    func write(_ entry: EvaluatedEntry, facts: Facts, at key: EntryKey?) throws(SQLFault) {
        let statement = key == nil ? insertion : update
        statement.bind(1, entry.entry.uuid.octets)
        statement.bind(2, facts.kind.rawValue)
        statement.bind(3, facts.dnHash)
        statement.bind(4, facts.createdAt)
        statement.bind(5, facts.presence)
        statement.bind(6, facts.generation)
        statement.bind(7, facts.confirmedAt)
        bind(entry.content, to: statement)
        statement.bind(19, entry.entry.dn)
        statement.bind(20, entry.dnKey)
        statement.bind(21, entry.stamp)
        if let primary = facts.primaryHash {
            statement.bind(22, primary)
        } else {
            statement.bindNull(22)
        }
        if let key { statement.bind(23, Int64(key)) }
        try statement.finish()
        let source = key == nil ? sourceInsertion : sourceUpdate
        source.bind(1, entry.entry.attributes.packed)
        if let key { source.bind(2, Int64(key)) }
        try source.finish()
    }

    /// Binds the columns name to notes.
    private func bind(_ content: EntryContent, to statement: SQLStatement) {
        for parameter in Int32(8)...18 { statement.bindNull(parameter) }
        switch content {
        case .person(let person):
            bind(name: person.passwd.name, id: person.passwd.uid, to: statement)
            statement.bind(11, Int64(person.passwd.gid))
            statement.bind(12, person.passwd.gecos)
            statement.bind(13, person.passwd.home)
            statement.bind(14, person.passwd.shell)
            if let expiresAt = person.state.expiresAt { statement.bind(15, expiresAt) }
            if let packed = PackedLogin(person.state, person.login) {
                statement.bind(16, packed.octets)
            }
            bind(withheld: person.withheld, notes: person.notes, to: statement)
        case .group(let group):
            bind(name: group.name, id: group.gid, to: statement)
            bind(withheld: group.withheld, notes: group.notes, to: statement)
        case .other: break
        }
    }

    private func bind(name: String?, id: UInt32?, to statement: SQLStatement) {
        if let name {
            statement.bind(8, name)
            statement.bind(9, hash.name(name))
        }
        if let id { statement.bind(10, Int64(id)) }
    }

    private func bind(withheld: String?, notes: [String], to statement: SQLStatement) {
        statement.bind(17, withheld)
        if !notes.isEmpty { statement.bind(18, notes.joined(separator: Self.noteSeparator)) }
    }

    /// Stands between two notes in one column.
    static let noteSeparator = "\u{1f}"
}
