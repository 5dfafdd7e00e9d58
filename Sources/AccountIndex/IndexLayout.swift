// The index files: what lies where.
//
// `public.1` (0644) answers passwd, group and initgroups; `gate.1` (0640) says who may log in. Both
// have this one format; the number is its version. Numbers are little-endian. An *offset* in a field
// counts 8-byte words from the start of the file, so 32 bits reach 32 GiB.
//
//     header | base: items, hash tables | delta: heads, log (sparse)
//
// The *base* is written completely, fsynced and renamed into place; it never changes. The *delta*
// takes the changes since: it is append-only and preallocated, so the file never changes its size
// and a mapping of it never faults. One publication appends items and *entries* to the log, stores
// the heads of the hash chains that the entries belong to, and at last stores the new generation
// into the header: one 8-byte store makes everything visible at once. A reader loads the generation
// first and ignores newer entries, so a lookup or an enumeration sees exactly one generation. When
// the delta is half full a new file is built beside, renamed over this one, and the old file's
// *superseded* word is set.
//
// Header, 4096 bytes. Everything before the checksum never changes:
//
//     offset size
//          0    8  magic "RSTRIDX1"
//          8    4  version, 1
//         12    4  part: 1 public, 2 gate
//         16    8  size of the file in bytes
//         24   16  seed of hashes and checksums, random per pair of files
//         40    8  identity of the pair, random: both files carry the same
//         48    8  generation of the base
//         56   16  people and groups in the base
//         72   64  four tables: byte offset, number of buckets (passwd by name, passwd by uid, group
//                  by name, group by gid; the gate has the first two)
//        136   32  byte ranges of the base that hold all people, all groups
//        168   16  byte offset and number (a power of two) of the heads
//        184   16  byte range of the log; its end is the end of the file
//        200    8  checksum of bytes 0 to 199
//       1024    8  generation (sealed)     \  the live words, written with single 8-byte stores
//       1032    8  superseded: 0 or 1       > while readers look
//       1088   16  intent (sealed), end of the used log as offset (sealed)
//       1152   24  directory last contacted: seconds since the epoch, CLOCK_BOOTTIME in seconds plus
//                  one, boot (sealed each; stored in the order uptime, time, boot and read the other
//                  way round, so that a reader never sees a new time with an old uptime)
//       1176   24  mirror last verified, likewise
//       1216   16  people and groups now, plus one (sealed)
//
// A *sealed* word holds a value in its low 40 bits and in its high 24 bits a check over value, place
// and seed; 0 stands for "never stored".
//
// Bucket of a table, 64 bytes (a cache line), found by the low half of the key's hash; the next one
// is looked at only when all slots are taken:
//
//          0   56  seven slots: record offset (32 bits), tag = high half of the hash (32 bits); 0 free
//         56    8  checksum of the slots and the bucket's place
//
// Head of a chain in the delta: a sealed word with the offset of the newest entry.
//
// Items lie one behind the other and all begin alike:
//
//          0    8  checksum from byte 8 on (of a person up to the groups, of a gate account up to the
//                  keys)
//          8    4  size of the item in words
//         12    1  kind: 1 person, 2 group, 3 members, 4 gate account, 5 entry, 6 access policy
//         13    1  flags: 1 = removed (holds only the keys); of an entry: its table
//         14    2  bytes of the name (of members: their number)
//
// Person, group, gate account and policy go on with the same fields, so one piece of code checks all:
//
//         16    4  uid or gid; policy: number of rules
//         20    4  person, gate: primary gid; group: number of member items; policy: flags, 1 = the
//                  mirror may become too old, 2 = keys may have options
//         24    8  person: 3 × 16 bits bytes of gecos, home, shell; group: number of members;
//                  gate: expires at, seconds since the epoch, signed; 2⁶³ - 1 never; policy: how old
//                  the mirror may be in seconds
//         32    4  person: number of groups; gate: number of access-group slots; policy: number of
//                  texts
//         36    4  words that the checksum covers, counted from the start of the item
//         40    8  person: bytes of all strings; group: bytes of all member names with their NULs;
//                  gate: from the low end 8 bits flags (1 disabled, 2 must change, 4 blocked, 8 held),
//                  3 × 8 bits bytes of the texts "disabled by", "expires by", "must change by",
//                  32 bits bytes of the keys
//         48       name, NUL; person: "*", gecos, home, shell too, each with NUL; padded to a word
//
// A person then has, outside the checksum above, 8 bytes checksum of the groups and the gids, 4 bytes
// each; a group has one offset (4 bytes) of a member item each.
//
// A gate account goes on with its UUID (16), if held when it was last confirmed (8, seconds since the
// epoch), its slots (4 each) and the three texts, padded to a word; then, if it has keys, outside the
// checksum above, 8 bytes checksum of the keys and the keys, each with a newline. A removed gate
// account in the base or under its name in the delta is what refuses a login between its phases.
//
// The policy is found under the name "/policy", which is no account's. Its texts are given as offset
// in bytes from the start of the item (4) and bytes (4). It goes on with
//
//         56       rules of 48 bytes, the first for all services without one of their own:
//                     0  8  name of the service
//                     8  8  offset and number of the groups that are denied
//                    16  8  offset and number of the groups that are allowed
//                    24  8  names that are allowed, each with NUL
//                    32  8  what refuses those who are not allowed, for the log
//                    40  4  flags: 1 restricted by group, 2 by name
//                  texts of 16 bytes: verdict (4), 4 bytes 0, text (8)
//                  groups of 16 bytes: slot (4), gid or 0 (4), what decides, for the log (8)
//                  the octets of all texts, padded to a word
//
// Members (at most 256 names, sorted bytewise; over all items of a group too):
//
//         16    8  bytes of the names
//         24       names, each with its NUL
//
// Entry in the log, 40 bytes, after the item it leads to:
//
//         16    4  offset of the next older entry of this chain; 0 none
//         20    4  tag
//         24    8  generation that it belongs to
//         32    4  offset of the item
//
// Publication order: gate before public, so that a name is never public without its gate record.
// Intent is stored before the first head and equals the generation again after the last step; a
// writer that finds them different, or the two files at different generations, rebuilds.

/// The numbers of the format; see the head of this file.
enum IndexLayout {
    /// "RSTRIDX1" read as a little-endian number.
    static var magic: UInt64 { 0x3158_4449_5254_5352 }
    static var version: UInt32 { 1 }
    static var headerBytes: Int { 4096 }
    static var headerChecksum: Int { 200 }
    static var bucketBytes: Int { 64 }
    static var slotsPerBucket: Int { 7 }
    static var nameOffset: Int { 48 }
    static var memberNamesOffset: Int { 24 }
    static var entryBytes: Int { 40 }
    /// Names in one item of members at most.
    static var membersPerItem: Int { 256 }
    /// Buckets that a lookup looks at, at most; the builder chooses another seed before it is reached.
    static var maximumProbes: Int { 64 }
    /// Entries of one chain that a lookup looks at, at most.
    static var maximumChain: Int { 65536 }
    /// Rules of a policy, groups of one list of a rule, and slots of an account, at most.
    static var maximumRules: Int { 1024 }
    static var maximumSlots: Int { 4096 }
    /// Bytes of a policy at most: every decision goes through all of them.
    static var maximumPolicyBytes: Int { 1 << 22 }
    /// Bytes of all keys of an account at most.
    static var maximumKeyBytes: Int { 1 << 18 }
    static var policyRulesOffset: Int { 56 }
    static var ruleBytes: Int { 48 }
    static var policyTextBytes: Int { 16 }
    static var ruleGroupBytes: Int { 16 }
    /// What no account's name holds.
    static var policyName: StaticString { "/policy" }
    /// No file is larger: 32 bits count words.
    static var maximumFileBytes: Int { 1 << 35 }

    // Live words, byte offsets.
    static var generation: Int { 1024 }
    static var superseded: Int { 1032 }
    static var intent: Int { 1088 }
    static var logUsed: Int { 1096 }
    static var lastContact: Int { 1152 }
    static var lastVerified: Int { 1176 }
    /// Where the uptime and the boot of a time lie behind it.
    static var uptimeOfTime: Int { 8 }
    static var bootOfTime: Int { 16 }
    static var people: Int { 1216 }
    static var groups: Int { 1224 }
}

/// The two files of an index.
public enum IndexPart: UInt32, Sendable {
    /// passwd, group, initgroups; for everybody.
    case `public` = 1
    /// Who may log in; for root and the key helper.
    case gate = 2
}

/// The hash tables of a file.
enum IndexTable: UInt8 {
    case passwdByName = 0
    case passwdByUID = 1
    case groupByName = 2
    case groupByGID = 3
}

/// What an item is.
enum ItemKind: UInt8 {
    case person = 1
    case group = 2
    case members = 3
    case gateAccount = 4
    case entry = 5
    case policy = 6
}

/// Why a file cannot be used, as the error number that a caller gets; never `ERANGE`.
public struct IndexFault: Error, Equatable, Sendable {
    /// A number of errno(3).
    public let code: CInt

    /// A fault from its error number.
    public init(code: CInt) {
        self.code = code
    }

    /// The content contradicts itself (`EBADMSG`).
    public static var corrupt: IndexFault { IndexFault(code: 74) }
    /// The file is not what may be read here: kind, owner or mode (`EPERM`).
    public static var untrusted: IndexFault { IndexFault(code: 1) }
    /// There is no room to keep a mapping (`ENOMEM`).
    public static var exhausted: IndexFault { IndexFault(code: 12) }
}
