// A mapped index file whose header was checked: the numbers that lookups start from.

/// One hash table of the base.
struct TableRange {
    /// Byte offset of the first bucket.
    var offset: Int
    /// Buckets; 0 for a table that the file does not have.
    var buckets: UInt64
}

/// A checked view of one mapped file; valid as long as the mapping is.
///
/// The header's numbers are copied, so that nothing that a lookup relies on can change under it.
/// Owns nothing. Whatever the file holds, no function here reads outside of it or traps.
@safe
public struct IndexView {
    let base: UnsafeRawPointer
    let byteCount: Int
    let part: IndexPart
    let seed: IndexSeed
    let pairID: UInt64
    let baseGeneration: UInt64
    let basePeople: UInt64
    let baseGroups: UInt64
    let passwdByName: TableRange
    let passwdByUID: TableRange
    let groupByName: TableRange
    let groupByGID: TableRange
    let people: Range<Int>
    let groups: Range<Int>
    let headsOffset: Int
    let headMask: UInt64
    let log: Range<Int>

    /// Checks the header of the mapping; throws ``IndexFault/corrupt`` for anything odd.
    ///
    /// `base` must be aligned to a page and `byteCount` bytes long.
    init(base: UnsafeRawPointer, byteCount: Int, part: IndexPart) throws(IndexFault) {
        typealias Layout = IndexLayout
        guard byteCount >= Layout.headerBytes, byteCount <= Layout.maximumFileBytes,
            byteCount & 7 == 0
        else { throw .corrupt }
        let header = unsafe HeaderFields(base: base)
        guard header.word(0) == Layout.magic,
            header.word(8) == UInt64(Layout.version) | UInt64(part.rawValue) << 32,
            header.word(16) == UInt64(byteCount)
        else { throw .corrupt }
        let seed = IndexSeed(first: header.word(24), second: header.word(32))
        let sum = unsafe seed.checksum(base, words: Layout.headerChecksum / 8)
        guard sum == header.word(Layout.headerChecksum) else { throw .corrupt }

        unsafe self.base = base
        self.byteCount = byteCount
        self.part = part
        self.seed = seed
        pairID = header.word(40)
        baseGeneration = header.word(48)
        basePeople = header.word(56)
        baseGroups = header.word(64)
        passwdByName = try header.table(72, in: byteCount)
        passwdByUID = try header.table(88, in: byteCount)
        groupByName = try header.table(104, in: byteCount)
        groupByGID = try header.table(120, in: byteCount)
        people = try header.range(136, in: byteCount)
        groups = try header.range(152, in: byteCount)
        let heads = header.word(176)
        guard heads > 0, heads & (heads &- 1) == 0, heads <= 1 << 24 else { throw .corrupt }
        let headsRange = try header.range(start: header.word(168), count: heads &* 8, in: byteCount)
        headsOffset = headsRange.lowerBound
        headMask = heads &- 1
        log = try header.range(184, in: byteCount)
        guard log.upperBound == byteCount, passwdByName.buckets > 0, passwdByUID.buckets > 0
        else { throw .corrupt }
    }

    /// The table for keys of this kind.
    @inline(__always)
    func range(of table: IndexTable) -> TableRange {
        switch table {
        case .passwdByName: passwdByName
        case .passwdByUID: passwdByUID
        case .groupByName: groupByName
        case .groupByGID: groupByGID
        }
    }

    /// A live word of the header.
    @inline(__always)
    func live(_ place: Int) -> AtomicWord {
        unsafe AtomicWord(base + place)
    }

    /// The value of a sealed live word; 0 if it was never stored.
    @inline(__always)
    func sealed(_ place: Int) throws(IndexFault) -> UInt64 {
        let word = live(place).load()
        if word == 0 { return 0 }
        guard let value = seed.unseal(word, at: place) else { throw .corrupt }
        return value
    }

    /// The newest generation that may be read.
    @inline(__always)
    public func generation() throws(IndexFault) -> UInt64 {
        let generation = try sealed(IndexLayout.generation)
        guard generation >= baseGeneration, generation > 0 else { throw .corrupt }
        return generation
    }

    /// Whether the daemon says that a newer file lies in this one's place.
    @inline(__always)
    var isSuperseded: Bool {
        live(IndexLayout.superseded).load() != 0
    }

    // Fields at byte offsets that the caller has checked.

    @inline(__always)
    func word(_ place: Int) -> UInt64 {
        unsafe UInt64(littleEndian: (base + place).load(as: UInt64.self))
    }

    @inline(__always)
    func half(_ place: Int) -> UInt32 {
        unsafe UInt32(littleEndian: (base + place).load(as: UInt32.self))
    }
}

/// Reads the header's fields; every place is inside the header's page.
@safe
private struct HeaderFields {
    let base: UnsafeRawPointer

    func word(_ place: Int) -> UInt64 {
        unsafe UInt64(littleEndian: (base + place).load(as: UInt64.self))
    }

    func table(_ place: Int, in byteCount: Int) throws(IndexFault) -> TableRange {
        let buckets = word(place + 8)
        guard buckets <= 1 << 32, word(place) & 63 == 0 else { throw .corrupt }
        let bytes = buckets &* UInt64(IndexLayout.bucketBytes)
        let range = try range(start: word(place), count: bytes, in: byteCount)
        return TableRange(offset: range.lowerBound, buckets: buckets)
    }

    func range(_ place: Int, in byteCount: Int) throws(IndexFault) -> Range<Int> {
        let start = word(place)
        let end = word(place + 8)
        guard end >= start else { throw .corrupt }
        return try range(start: start, count: end &- start, in: byteCount)
    }

    func range(start: UInt64, count: UInt64, in byteCount: Int) throws(IndexFault) -> Range<Int> {
        guard start <= UInt64(byteCount), count <= UInt64(byteCount) &- start, start & 7 == 0,
            start >= UInt64(IndexLayout.headerBytes)
        else { throw .corrupt }
        let first = Int(start)
        return unsafe Range(uncheckedBounds: (first, first &+ Int(count)))
    }
}
