// The tables of store.sqlite and their migrations.
//
// | table       | a row is                                                                        |
// |-------------|---------------------------------------------------------------------------------|
// | entries     | an entry of the directory after the local rules; `presence` has a bit per search |
// | members     | a group: `refs`, the ascending ReferenceHash numbers of its members (64 bits)     |
// | refs        | a member as written: `groups`, the ascending entries.pk that list it (32 bits)    |
// | published   | a person or group the host sees; `groups`, the closure of a person (32 bits)      |
// | blocked     | an entry that another entry, or the re-use rule, keeps from being published       |
// | held        | a person or group whose removal is held, with what stays published                |
// | heldMembers | a member whose removal from a group is held (it is still in `members`)            |
// | removals    | removals that passed, for the brake's ten minutes                                 |
// | freedIDs    | the last removed owner of a uidNumber (copy of journal.sqlite)                    |
// | freedNames  | the last removed owner of a uid (copy of journal.sqlite)                          |
// | released    | re-uses that may happen (copy of journal.sqlite)                                  |
// | accessGroups | a group that an access rule names (copy of journal.sqlite)                       |
// | accessMembers | who was in a group of a deny rule when it vanished (copy of journal.sqlite)     |
// | localBlocks | a name that `roster deny` blocks (copy of journal.sqlite)                         |
// | cookies     | the position in each search's stream of changes                                   |
// | outbox      | journal entries, kept until journal.sqlite has them for certain                   |
// | meta        | single values                                                                     |

internal import GRDB

/// The schema of store.sqlite.
enum Schema {
    /// `PRAGMA user_version`: a store with a higher one was written by a newer program.
    static let version: Int64 = 1

    /// The migrations in their order; a published one is never edited.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("entries") { database in
            try database.execute(sql: entries)
            for index in firstIndices { try database.execute(sql: index.create) }
        }
        migrator.registerMigration("published") { database in
            try database.execute(sql: published)
        }
        migrator.registerMigration("identity") { database in
            try database.execute(sql: identity)
        }
        migrator.registerMigration("primaryGroups") { database in
            try database.execute(sql: "ALTER TABLE entries ADD COLUMN primaryHash INTEGER")
            try database.execute(sql: primaryIndex.create)
        }
        return migrator
    }

    /// An index, and how it comes and goes.
    typealias Index = (drop: String, create: String)

    /// The indices of `entries`; a first load makes them after its end, beside the building of the
    /// published index, which does without them.
    static let indices = firstIndices + [primaryIndex]

    private static let firstIndices =
        conflictIndices + [
            (
                "DROP INDEX IF EXISTS entriesByUUID",
                "CREATE UNIQUE INDEX IF NOT EXISTS entriesByUUID ON entries(uuid)"
            ),
            (
                "DROP INDEX IF EXISTS entriesByDN",
                "CREATE INDEX IF NOT EXISTS entriesByDN ON entries(dnHash)"
            ),
        ]

    /// People by the number of their primary group (``ReferenceHash``), where groups do not list them.
    private static let primaryIndex: Index = (
        "DROP INDEX IF EXISTS entriesByPrimary",
        "CREATE INDEX IF NOT EXISTS entriesByPrimary ON entries(primaryHash) WHERE primaryHash NOT NULL"
    )

    /// The indices by which the end of a first load finds conflicts, if there can be any.
    static let conflictIndices: [Index] = [
        (
            "DROP INDEX IF EXISTS entriesByName",
            "CREATE INDEX IF NOT EXISTS entriesByName ON entries(nameHash) WHERE nameHash IS NOT NULL"
        ),
        (
            "DROP INDEX IF EXISTS entriesByID",
            "CREATE INDEX IF NOT EXISTS entriesByID ON entries(id) WHERE id IS NOT NULL"
        ),
    ]

    private static let entries = """
        CREATE TABLE entries (
            pk INTEGER PRIMARY KEY, uuid BLOB NOT NULL, kind INTEGER NOT NULL,
            dnHash INTEGER NOT NULL, createdAt INTEGER NOT NULL, presence INTEGER NOT NULL,
            generation INTEGER NOT NULL, confirmedAt INTEGER NOT NULL,
            name TEXT, nameHash INTEGER, id INTEGER, gid INTEGER, gecos TEXT, home TEXT, shell TEXT,
            expiresAt INTEGER, login BLOB, withheld TEXT, notes TEXT,
            dn TEXT NOT NULL, dnKey TEXT NOT NULL, stamp TEXT NOT NULL
        );
        -- Half of all octets, needed only when a local rule changed: apart, so that scans of entries
        -- need not read past them.
        CREATE TABLE sources (pk INTEGER PRIMARY KEY, attributes BLOB NOT NULL);
        CREATE TRIGGER sourcesGo AFTER DELETE ON entries BEGIN
            DELETE FROM sources WHERE pk = OLD.pk;
        END;
        CREATE TABLE members (pk INTEGER PRIMARY KEY, refs BLOB NOT NULL);
        CREATE TABLE refs (hash INTEGER PRIMARY KEY, groups BLOB NOT NULL);
        CREATE TABLE cookies (
            search INTEGER PRIMARY KEY, bytes BLOB NOT NULL, digest BLOB NOT NULL
        );
        CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
        """

    private static let published = """
        CREATE TABLE published (
            pk INTEGER PRIMARY KEY, kind INTEGER NOT NULL, groups BLOB NOT NULL
        );
        CREATE TABLE blocked (
            pk INTEGER PRIMARY KEY, rule INTEGER NOT NULL, reason TEXT NOT NULL,
            coexists INTEGER NOT NULL
        );
        CREATE TABLE held (
            pk INTEGER PRIMARY KEY, kind INTEGER NOT NULL, since INTEGER NOT NULL,
            confirmedAt INTEGER NOT NULL, name TEXT, nameHash INTEGER, id INTEGER, gid INTEGER,
            gecos TEXT, home TEXT, shell TEXT, expiresAt INTEGER, login BLOB
        );
        CREATE INDEX heldByName ON held(nameHash);
        CREATE INDEX heldByID ON held(id);
        CREATE TABLE heldMembers (
            pk INTEGER NOT NULL, hash INTEGER NOT NULL, since INTEGER NOT NULL,
            confirmedAt INTEGER NOT NULL, PRIMARY KEY (pk, hash)
        ) WITHOUT ROWID;
        CREATE TABLE removals (at INTEGER NOT NULL, kind INTEGER NOT NULL, count INTEGER NOT NULL);
        """

    /// The tables of what the directory cannot give again; journal.sqlite has them too.
    static let freed = """
        CREATE TABLE freedIDs (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, uuid BLOB NOT NULL, at INTEGER NOT NULL
        );
        CREATE TABLE freedNames (
            name TEXT PRIMARY KEY, id INTEGER NOT NULL, uuid BLOB NOT NULL, at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE released (
            name TEXT NOT NULL, id INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (name, id)
        ) WITHOUT ROWID;
        """

    /// What access rules mean, and whom the administrator blocked; journal.sqlite has it too.
    static let access = """
        CREATE TABLE accessGroups (
            slot INTEGER PRIMARY KEY, name TEXT NOT NULL, uuid BLOB NOT NULL,
            firstSeen INTEGER NOT NULL, isBound INTEGER NOT NULL, gid INTEGER,
            UNIQUE (name, uuid)
        );
        CREATE TABLE accessMembers (
            slot INTEGER NOT NULL, uuid BLOB NOT NULL, PRIMARY KEY (slot, uuid)
        ) WITHOUT ROWID;
        CREATE TABLE localBlocks (
            name TEXT PRIMARY KEY, uuid BLOB, at INTEGER NOT NULL, byUID INTEGER NOT NULL
        ) WITHOUT ROWID;
        """

    /// The columns of a journal entry, in `outbox` as in `journal`.
    static let journalColumns = """
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, happenedAt INTEGER, what INTEGER NOT NULL,
        kind INTEGER NOT NULL, uuid BLOB NOT NULL, name TEXT NOT NULL, id INTEGER NOT NULL,
        oldName TEXT, oldID INTEGER
        """

    /// Their names, in the order in which ``JournalRow`` reads them.
    static let journalNames = "seq, at, happenedAt, what, kind, uuid, name, id, oldName, oldID"

    private static let identity = freed + access + "CREATE TABLE outbox (\(journalColumns));"
}
