// Hashes that find and checksums that prove, both keyed by the file's random seed.

/// The two words of a file's seed.
struct IndexSeed: Equatable {
    var first: UInt64
    var second: UInt64

    init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }

    /// Both halves of the 128-bit product, folded.
    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// The hash of a name of at least one byte.
    @inline(__always)
    func hash(_ name: UnsafeRawPointer, _ count: Int) -> UInt64 {
        var low: UInt64
        var high: UInt64 = 0
        var state = second
        var start = unsafe name
        var left = count
        while left > 16 {
            state = unsafe Self.fold(Self.word(start) ^ first, Self.word(start + 8) ^ state)
            unsafe start += 16
            left &-= 16
        }
        if left >= 8 {
            low = unsafe Self.word(start)
            high = unsafe Self.word(start + (left &- 8))
        } else if left >= 4 {
            low = unsafe UInt64(start.loadUnaligned(as: UInt32.self))
            high = unsafe UInt64((start + (left &- 4)).loadUnaligned(as: UInt32.self))
        } else {
            low = unsafe UInt64(start.load(as: UInt8.self))
            low |= unsafe UInt64((start + (left / 2)).load(as: UInt8.self)) << 8
            low |= unsafe UInt64((start + (left &- 1)).load(as: UInt8.self)) << 16
        }
        let mixed = Self.fold(low ^ first, high ^ state)
        return Self.fold(mixed ^ 0x9E37_79B9_7F4A_7C15, UInt64(count) ^ first)
    }

    #if !hasFeature(Embedded)
        /// The hash of a name; `nil` for an empty one.
        func hash(_ name: String) -> UInt64? {
            let bytes = Array(name.utf8)
            return unsafe bytes.withUnsafeBytes { all in
                guard let start = all.baseAddress, all.count > 0 else { return nil }
                return unsafe hash(start, all.count)
            }
        }
    #endif

    /// The hash of a uid or gid.
    @inline(__always)
    func hash(_ id: UInt32) -> UInt64 {
        let mixed = Self.fold(UInt64(id) ^ first, 0xD6E8_FEB8_6659_FD93 ^ second)
        return Self.fold(mixed ^ 0x9E37_79B9_7F4A_7C15, first)
    }

    @inline(__always)
    private static func word(_ place: UnsafeRawPointer) -> UInt64 {
        unsafe UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
    }

    /// The checksum of `count` aligned words.
    ///
    /// Every step is a bijection of the running value and of the word, so a change of one word, and
    /// with it of any single byte, is always noticed; four lanes keep the multiplier busy.
    @inline(__always)
    func checksum(_ start: UnsafeRawPointer, words count: Int) -> UInt64 {
        var lanes = (first, second, first ^ UInt64(truncatingIfNeeded: count), ~second)
        var place = unsafe start
        var left = count
        while left >= 4 {
            lanes.0 = unsafe Self.step(lanes.0, Self.word(place))
            lanes.1 = unsafe Self.step(lanes.1, Self.word(place + 8))
            lanes.2 = unsafe Self.step(lanes.2, Self.word(place + 16))
            lanes.3 = unsafe Self.step(lanes.3, Self.word(place + 24))
            unsafe place += 32
            left &-= 4
        }
        while left > 0 {
            lanes.0 = unsafe Self.step(lanes.0, Self.word(place))
            unsafe place += 8
            left &-= 1
        }
        var sum = Self.step(lanes.0, lanes.1)
        sum = Self.step(sum, lanes.2)
        return Self.step(sum, lanes.3)
    }

    @inline(__always)
    private static func step(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        let product = (lane ^ word) &* 0x9FB2_1C65_1E98_DF25
        return product ^ (product >> 32)
    }

    /// The checksum of a bucket's seven slots; `place` is the byte offset of the bucket.
    ///
    /// A sum of products with odd factors: independent multiplications, and a change of one slot
    /// always changes it.
    @inline(__always)
    func bucketChecksum(_ bucket: UnsafeRawPointer, place: Int) -> UInt64 {
        var sum = second ^ (UInt64(truncatingIfNeeded: place) &* 0x9E37_79B9_7F4A_7C15)
        sum = unsafe sum &+ Self.word(bucket) &* 0x9FB2_1C65_1E98_DF25
        sum = unsafe sum &+ Self.word(bucket + 8) &* 0xC2B2_AE3D_27D4_EB4F
        sum = unsafe sum &+ Self.word(bucket + 16) &* 0x1656_67B1_9E37_79F9
        sum = unsafe sum &+ Self.word(bucket + 24) &* 0x85EB_CA77_C2B2_AE63
        sum = unsafe sum &+ Self.word(bucket + 32) &* 0xD6E8_FEB8_6659_FD93
        sum = unsafe sum &+ Self.word(bucket + 40) &* 0xFF51_AFD7_ED55_8CCD
        sum = unsafe sum &+ Self.word(bucket + 48) &* 0xC4CE_B9FE_1A85_EC53
        return sum
    }

    /// A sealed word: `value` (1 to 2⁴⁰ - 1) with its check for the byte offset `place`.
    @inline(__always)
    func seal(_ value: UInt64, at place: Int) -> UInt64 {
        let mixed = Self.step(Self.step(first, value), UInt64(truncatingIfNeeded: place) ^ second)
        return (mixed >> 40 | 1) << 40 | value
    }

    /// The value of a sealed word; `nil` unless its check fits.
    @inline(__always)
    func unseal(_ word: UInt64, at place: Int) -> UInt64? {
        let value = word & 0xFF_FFFF_FFFF
        return seal(value, at: place) == word ? value : nil
    }
}
