// Items of a file: bounds and checksums first, then their fields.

/// An item whose extent lies inside the file; its content is not yet proven.
struct IndexItem {
    /// Byte offset.
    let place: Int
    /// Words, at least 3.
    let words: Int
    let kind: UInt8
    let flags: UInt8
    let count: Int

    /// Whether the item only says that its keys no longer lead anywhere.
    var isRemoved: Bool { flags & 1 != 0 }
}

/// A person, group, gate account or policy whose core was proven by its checksum.
///
/// The numbers are copies: they stay what was checked even if the file is altered meanwhile.
@safe
struct AccountItem {
    let place: Int
    let words: Int
    let coreWords: Int
    let kind: UInt8
    let isRemoved: Bool
    /// Bytes of the name, without NUL.
    let nameCount: Int
    /// uid or gid.
    let id: UInt32
    /// Primary gid or number of member items.
    let second: UInt32
    /// Lengths of strings, number of members, or expiry.
    let wide: UInt64
    /// Number of groups of a person, of slots of a gate account.
    let groupCount: Int
    /// Bytes of all strings of a person, of all member names of a group; flags and lengths of a gate
    /// account.
    let last: UInt64
}

extension IndexView {
    /// The item at an offset (in words) from the file.
    @inline(__always)
    func item(at offset: UInt32) throws(IndexFault) -> IndexItem {
        let place = Int(offset) &* 8
        guard place >= IndexLayout.headerBytes, place <= byteCount &- 24 else { throw .corrupt }
        let prefix = word(place &+ 8)
        let words = Int(prefix & 0xFFFF_FFFF)
        guard words >= 3, words <= (byteCount &- place) / 8 else { throw .corrupt }
        return IndexItem(
            place: place, words: words,
            kind: UInt8(truncatingIfNeeded: prefix >> 32),
            flags: UInt8(truncatingIfNeeded: prefix >> 40),
            count: Int(prefix >> 48))
    }

    /// The account item at an offset, its core proven.
    @inline(__always)
    func account(at offset: UInt32) throws(IndexFault) -> AccountItem {
        try account(item(at: offset))
    }

    /// An item as account, its core proven.
    @inline(__always)
    func account(_ item: IndexItem) throws(IndexFault) -> AccountItem {
        let place = item.place
        guard item.words >= 7 else { throw .corrupt }
        let counts = word(place &+ 32)
        let coreWords = Int(counts >> 32)
        guard coreWords >= 7, coreWords <= item.words,
            item.count < (coreWords &- 6) &* 8,
            unsafe seed.checksum(base + (place &+ 8), words: coreWords &- 1) == word(place)
        else { throw .corrupt }
        let ids = word(place &+ 16)
        return AccountItem(
            place: place, words: item.words, coreWords: coreWords, kind: item.kind,
            isRemoved: item.isRemoved, nameCount: item.count,
            id: UInt32(truncatingIfNeeded: ids), second: UInt32(truncatingIfNeeded: ids >> 32),
            wide: word(place &+ 24), groupCount: Int(counts & 0xFFFF_FFFF),
            last: word(place &+ 40))
    }

    /// Where the bytes of an account's name begin; `nameCount` and one more are inside the item.
    @inline(__always)
    func name(of account: AccountItem) -> UnsafeRawPointer {
        unsafe base + (account.place &+ IndexLayout.nameOffset)
    }
}

/// An entry of the log, proven.
struct LogEntry {
    let table: UInt8
    let next: UInt32
    let tag: UInt32
    let generation: UInt64
    let target: UInt32
}

extension IndexView {
    /// The entry at an offset (in words); throws unless a proven entry lies there inside the log.
    @inline(__always)
    func entry(at offset: UInt32) throws(IndexFault) -> LogEntry {
        let place = Int(offset) &* 8
        guard place >= log.lowerBound, place <= log.upperBound &- IndexLayout.entryBytes else {
            throw .corrupt
        }
        let prefix = word(place &+ 8)
        guard prefix & 0xFF_FFFF_FFFF == 5 | UInt64(ItemKind.entry.rawValue) << 32,
            unsafe seed.checksum(base + (place &+ 8), words: 4) == word(place)
        else { throw .corrupt }
        let chain = word(place &+ 16)
        return LogEntry(
            table: UInt8(truncatingIfNeeded: prefix >> 40),
            next: UInt32(truncatingIfNeeded: chain), tag: UInt32(truncatingIfNeeded: chain >> 32),
            generation: word(place &+ 24), target: half(place &+ 32))
    }
}
