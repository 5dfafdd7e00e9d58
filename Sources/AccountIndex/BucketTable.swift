// A hash table of the base while it is being built.

#if !hasFeature(Embedded)
    /// A key's hash and where its items lie in the two files, as offsets in words.
    struct KeyPlace {
        var hash: UInt64
        var publicOffset: UInt32
        var gateOffset: UInt32
    }

    /// Buckets of seven slots; until they are sealed the eighth word counts the slots taken.
    struct BucketTable {
        private(set) var words: [UInt64]
        let buckets: Int

        /// Lays out the keys at about half of the slots; throws if they crowd in one place.
        init(_ keys: [KeyPlace], for part: IndexPart) throws(IndexError) {
            var buckets = max(1, (keys.count * 2 + 6) / 7)
            for _ in 0..<4 {
                if let words = Self.fill(keys, part, buckets) {
                    self.words = words
                    self.buckets = buckets
                    return
                }
                buckets *= 2
            }
            throw .unrepresentable("too many names or ids with one hash")
        }

        private static func fill(
            _ keys: [KeyPlace], _ part: IndexPart, _ buckets: Int
        ) -> [UInt64]? {
            var words = [UInt64](repeating: 0, count: buckets * 8)
            for key in keys {
                let offset = part == .public ? key.publicOffset : key.gateOffset
                var bucket = Int(((key.hash & 0xFFFF_FFFF) * UInt64(buckets)) >> 32)
                var probes = 1
                while words[bucket * 8 + 7] == 7 {
                    bucket = bucket + 1 == buckets ? 0 : bucket + 1
                    probes += 1
                    // A lookup of a key that is not there goes one bucket further.
                    if probes >= min(IndexLayout.maximumProbes, buckets) { return nil }
                }
                let slot = Int(words[bucket * 8 + 7])
                words[bucket * 8 + slot] = (key.hash >> 32) << 32 | UInt64(offset)
                words[bucket * 8 + 7] += 1
            }
            return words
        }

        /// Puts the checksums in; `place` is the table's byte offset.
        func seal(_ words: inout [UInt64], seed: IndexSeed, at place: Int) {
            unsafe words.withUnsafeMutableBytes { all in
                guard let base = all.baseAddress else { return }
                for bucket in 0..<buckets {
                    let start = unsafe base + bucket * IndexLayout.bucketBytes
                    let sum = unsafe seed.bucketChecksum(
                        start, place: place + bucket * IndexLayout.bucketBytes)
                    unsafe (start + 56).storeBytes(of: sum.littleEndian, as: UInt64.self)
                }
            }
        }
    }
#endif
