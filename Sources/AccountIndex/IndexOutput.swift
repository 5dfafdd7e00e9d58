// A new index file while it is being written: buffered, then completed by tables and header.

#if !hasFeature(Embedded)
    internal import CLibc

    /// A file of an index under its temporary name; removed unless it is completed.
    @safe
    struct IndexOutput: ~Copyable {
        let path: String
        let part: IndexPart
        let descriptor: CInt
        var encoder: ItemEncoder
        /// Bytes written before what `encoder` holds.
        private var flushed: Int
        private var isComplete = false

        /// Creates the file anew, with the mode of its part.
        init(
            path: String, part: IndexPart, seed: IndexSeed, group: UInt32?
        ) throws(IndexError) {
            descriptor = try Self.create(path, mode: part == .public ? 0o644 : 0o640, group: group)
            self.path = path
            self.part = part
            encoder = ItemEncoder(seed: seed)
            encoder.bytes.reserveCapacity(Self.bufferBytes + 65536)
            flushed = IndexLayout.headerBytes
        }

        private static func create(
            _ path: String, mode: mode_t, group: UInt32?
        ) throws(IndexError) -> CInt {
            if unsafe unlink(path) != 0, roster_errno() != ENOENT {
                throw .last("remove the unfinished index", path)
            }
            let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
            let descriptor = unsafe roster_open(path, flags, 0o600)
            guard descriptor >= 0 else { throw .last("create", path) }
            if let group, fchown(descriptor, uid_t.max, group) != 0 {
                let error = IndexError.last("give to group \(group)", path)
                _ = close(descriptor)
                throw error
            }
            guard fchmod(descriptor, mode) == 0 else {
                let error = IndexError.last("set the mode of", path)
                _ = close(descriptor)
                throw error
            }
            return descriptor
        }

        private static var bufferBytes: Int { 1 << 19 }

        deinit {
            _ = close(descriptor)
            if !isComplete { _ = unsafe unlink(path) }
        }

        /// Byte offset in the file at which the next item will begin.
        var end: Int { flushed + encoder.bytes.count }

        /// The offset in words at which the next item will begin.
        func nextOffset() throws(IndexError) -> UInt32 {
            guard let offset = UInt32(exactly: end / 8) else {
                throw .unrepresentable("more than 32 GiB of accounts")
            }
            return offset
        }

        /// Writes the buffer out when it is large.
        mutating func flushIfLarge() throws(IndexError) {
            if encoder.bytes.count >= Self.bufferBytes { try flush() }
        }

        mutating func flush() throws(IndexError) {
            try write(encoder.bytes)
            encoder.bytes.removeAll(keepingCapacity: true)
        }

        private mutating func write(_ bytes: [UInt8]) throws(IndexError) {
            try unsafe bytes.withUnsafeBufferPointer { (all) throws(IndexError) in
                try unsafe writeAll(UnsafeRawBufferPointer(all), to: descriptor, at: flushed, path)
            }
            flushed += bytes.count
        }

        /// Appends zeros up to a multiple of `alignment`.
        mutating func align(to alignment: Int) {
            while end % alignment != 0 { encoder.append64(0) }
        }

        /// Writes a table of buckets and returns where it lies.
        mutating func append(table: BucketTable) throws(IndexError) -> TableRange {
            align(to: IndexLayout.bucketBytes)
            try flush()
            let place = flushed
            var words = table.words
            table.seal(&words, seed: encoder.seed, at: place)
            try unsafe words.withUnsafeBufferPointer { (all) throws(IndexError) in
                try unsafe writeAll(UnsafeRawBufferPointer(all), to: descriptor, at: place, path)
            }
            flushed += words.count * 8
            return TableRange(offset: place, buckets: UInt64(table.buckets))
        }

        /// Writes heads and header, gives the file its final size and makes it durable.
        mutating func complete(_ plan: HeaderPlan) throws(IndexError) {
            align(to: 4096)
            try flush()
            let heads = flushed
            try write([UInt8](repeating: 0, count: plan.heads * 8))
            let log = flushed
            let size = log + plan.logBytes
            guard size <= IndexLayout.maximumFileBytes else {
                throw .unrepresentable("more than 32 GiB of accounts")
            }
            guard ftruncate(descriptor, size) == 0 else { throw .last("enlarge", path) }
            let header = plan.header(part: part, seed: encoder.seed, heads: heads, log: log..<size)
            try unsafe header.withUnsafeBufferPointer { (all) throws(IndexError) in
                try unsafe writeAll(UnsafeRawBufferPointer(all), to: descriptor, at: 0, path)
            }
            guard fsync(descriptor) == 0 else { throw .last("make durable", path) }
            isComplete = true
        }
    }

    /// Writes all bytes at an offset, or throws.
    func writeAll(
        _ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: Int, _ path: String
    ) throws(IndexError) {
        var done = 0
        while done < bytes.count {
            let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = unsafe pwrite(descriptor, part.baseAddress, part.count, offset + done)
            if written < 0 && roster_errno() == EINTR { continue }
            guard written > 0 else { throw .last("write", path) }
            done += written
        }
    }

    /// The numbers of a header.
    struct HeaderPlan {
        var pairID: UInt64
        var generation: UInt64
        var people: Int
        var groups: Int
        var tables: [TableRange] = []
        var peopleRange = 0..<0
        var groupsRange = 0..<0
        var heads: Int
        var logBytes: Int

        /// The header page.
        func header(part: IndexPart, seed: IndexSeed, heads: Int, log: Range<Int>) -> [UInt64] {
            var page = [UInt64](repeating: 0, count: IndexLayout.headerBytes / 8)
            page[0] = IndexLayout.magic
            page[1] = UInt64(IndexLayout.version) | UInt64(part.rawValue) << 32
            page[2] = UInt64(log.upperBound)
            page[3] = seed.first
            page[4] = seed.second
            page[5] = pairID
            page[6] = generation
            page[7] = UInt64(people)
            page[8] = UInt64(groups)
            for (index, table) in tables.prefix(4).enumerated() {
                page[9 + index * 2] = UInt64(table.offset)
                page[10 + index * 2] = table.buckets
            }
            for index in tables.count..<4 { page[9 + index * 2] = UInt64(IndexLayout.headerBytes) }
            let places = [peopleRange, groupsRange].flatMap { [$0.lowerBound, $0.upperBound] }
            for (index, place) in (places + [heads, self.heads]).enumerated() {
                page[17 + index] = UInt64(place)
            }
            page[23] = UInt64(log.lowerBound)
            page[24] = UInt64(log.upperBound)
            for index in page.indices { page[index] = page[index].littleEndian }
            let sum = unsafe page.withUnsafeBytes { all in
                guard let base = all.baseAddress else { return UInt64(0) }
                return unsafe seed.checksum(base, words: IndexLayout.headerChecksum / 8)
            }
            page[IndexLayout.headerChecksum / 8] = sum.littleEndian
            let live = [
                (IndexLayout.generation, generation), (IndexLayout.intent, generation),
                (IndexLayout.logUsed, UInt64(log.lowerBound / 8)),
                (IndexLayout.people, UInt64(people + 1)), (IndexLayout.groups, UInt64(groups + 1)),
            ]
            for (place, value) in live {
                page[place / 8] = seed.seal(value, at: place).littleEndian
            }
            return page
        }
    }
#endif
