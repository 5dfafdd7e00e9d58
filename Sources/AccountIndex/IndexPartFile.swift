// One file of a published pair, open for appending to its delta.

#if !hasFeature(Embedded)
    internal import Accounts
    internal import CLibc

    /// A key under which an appended item is found.
    struct LogKey {
        var table: IndexTable
        var hash: UInt64
    }

    /// A file of an index that this process continues.
    ///
    /// The whole file is mapped for reading; only the header page and the heads are mapped for
    /// writing, and the log is written by pwrite, so that a full disk is an error and no signal.
    @safe
    struct IndexPartFile: ~Copyable {
        let path: String
        private let descriptor: CInt
        private let mapped: Mappings
        /// The generation that readers see.
        private(set) var generation: UInt64
        /// Byte offset at which the log goes on.
        private(set) var logEnd: Int
        /// Entries in the log.
        private(set) var entryCount: Int
        /// People and groups now.
        var people: Int
        var groups: Int
        /// Bytes written since the last commit.
        private(set) var bytesWritten = 0
        /// Whether intent was stored and commit was not.
        private(set) var isOpen = false

        /// Opens the file; `nil` if there is none or it cannot be continued.
        init?(path: String, part: IndexPart) throws(IndexError) {
            let flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
            let descriptor = unsafe roster_open(path, flags, 0)
            guard descriptor >= 0 else {
                let code = roster_errno()
                if code == ENOENT || code == ELOOP { return nil }
                throw .last("open", path)
            }
            guard let mapped = try Self.map(descriptor, path, part) else {
                _ = close(descriptor)
                return nil
            }
            guard let state = try? mapped.view.deltaState() else {
                mapped.unmap()
                _ = close(descriptor)
                return nil
            }
            self.path = path
            self.descriptor = descriptor
            self.mapped = mapped
            generation = state.generation
            logEnd = state.logEnd
            entryCount = state.entryCount
            people = state.people
            groups = state.groups
        }

        /// The checked view of the whole file.
        var view: IndexView { mapped.view }

        @safe
        private struct Mappings {
            var view: IndexView
            var header: UnsafeMutableRawPointer
            var heads: UnsafeMutableRawPointer

            func unmap() {
                unsafe munmap(UnsafeMutableRawPointer(mutating: view.base), view.byteCount)
                unsafe munmap(header, IndexLayout.headerBytes)
                unsafe munmap(heads, Int(view.headMask + 1) * 8)
            }
        }

        /// Maps the file three times; `nil` if it is not a usable index.
        private static func map(
            _ descriptor: CInt, _ path: String, _ part: IndexPart
        ) throws(IndexError) -> Mappings? {
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0 else { throw .last("look at", path) }
            guard roster_is_regular(status.st_mode) != 0, status.st_mode & 0o022 == 0,
                status.st_size >= IndexLayout.headerBytes,
                status.st_size <= IndexLayout.maximumFileBytes
            else { return nil }
            let all = try unsafe map(descriptor, path, PROT_READ, 0, status.st_size)
            guard let view = try? unsafe IndexView(base: all, byteCount: status.st_size, part: part)
            else {
                _ = unsafe munmap(all, status.st_size)
                return nil
            }
            let writable = PROT_READ | PROT_WRITE
            let header = try unsafe map(descriptor, path, writable, 0, IndexLayout.headerBytes)
            let heads = try unsafe map(
                descriptor, path, writable, view.headsOffset, Int(view.headMask + 1) * 8)
            return unsafe Mappings(view: view, header: header, heads: heads)
        }

        private static func map(
            _ descriptor: CInt, _ path: String, _ access: CInt, _ offset: Int, _ size: Int
        ) throws(IndexError) -> UnsafeMutableRawPointer {
            let memory = unsafe mmap(nil, size, access, MAP_SHARED, descriptor, offset)
            guard let memory = unsafe memory, Int(bitPattern: memory) != -1 else {
                throw .last("map", path)
            }
            return unsafe memory
        }

        deinit {
            mapped.unmap()
            close(descriptor)
        }
    }

    // Appending.
    extension IndexPartFile {
        /// The generation under which items are appended now.
        var pending: UInt64 { generation + 1 }

        /// Appends items and lets the keys lead to the last of them, the offset of which is given
        /// relative to the first byte; readers see nothing of it before `commit`.
        mutating func append(
            _ items: ItemEncoder, target: Int, keys: [LogKey]
        ) throws(IndexError) {
            if !isOpen {
                store(pending, at: IndexLayout.intent)
                isOpen = true
            }
            var encoder = items
            let room = view.log.upperBound - logEnd
            guard encoder.bytes.count + keys.count * IndexLayout.entryBytes <= room else {
                throw .full
            }
            let targetOffset = UInt32((logEnd + target) / 8)
            var newHeads: [(place: Int, offset: UInt32)] = []
            for key in keys {
                let place = view.headPlace(key.hash, key.table)
                var next = try head(place)
                for earlier in newHeads where earlier.place == place { next = earlier.offset }
                newHeads.append((place, UInt32((logEnd + encoder.bytes.count) / 8)))
                encoder.append(
                    entry: key.table, next: next, tag: UInt32(key.hash >> 32), generation: pending,
                    target: targetOffset)
            }
            try unsafe encoder.bytes.withUnsafeBufferPointer { (all) throws(IndexError) in
                try unsafe writeAll(UnsafeRawBufferPointer(all), to: descriptor, at: logEnd, path)
            }
            logEnd += encoder.bytes.count
            bytesWritten += encoder.bytes.count
            entryCount += keys.count
            for head in newHeads {
                let word = view.seed.seal(UInt64(head.offset), at: head.place)
                unsafe AtomicWord(mapped.heads + (head.place - view.headsOffset)).store(word)
                bytesWritten += 8
            }
        }

        private func head(_ place: Int) throws(IndexError) -> UInt32 {
            let word = view.live(place).load()
            if word == 0 { return 0 }
            guard let offset = view.seed.unseal(word, at: place), offset <= UInt64(UInt32.max)
            else {
                throw .damaged("a chain of changes")
            }
            return UInt32(offset)
        }

        /// Stores everything that must be there before the new generation is visible.
        mutating func prepareCommit() {
            if !isOpen { store(pending, at: IndexLayout.intent) }
            isOpen = true
            store(UInt64(logEnd / 8), at: IndexLayout.logUsed)
            store(UInt64(people + 1), at: IndexLayout.people)
            store(UInt64(groups + 1), at: IndexLayout.groups)
        }

        /// Makes the appended items visible, all at once; returns the bytes written for it.
        mutating func commit() -> Int {
            generation += 1
            store(generation, at: IndexLayout.generation)
            isOpen = false
            defer { bytesWritten = 0 }
            return bytesWritten
        }

        /// Stores a sealed live word.
        mutating func store(_ value: UInt64, at place: Int) {
            unsafe AtomicWord(mapped.header + place).store(view.seed.seal(value, at: place))
            bytesWritten += 8
        }

        /// Stores a time with its uptime plus one and its boot, if they differ; see the layout.
        mutating func store(_ time: Int64, uptime: Int64, boot: UInt64, at place: Int) {
            let words = [
                (IndexLayout.uptimeOfTime, UInt64(uptime)), (0, UInt64(time)),
                (IndexLayout.bootOfTime, boot & 0xFF_FFFF_FFFF),
            ]
            for (offset, value) in words {
                let word = view.seed.seal(value, at: place + offset)
                if view.live(place + offset).load() != word {
                    unsafe AtomicWord(mapped.header + place + offset).store(word)
                }
            }
        }

        /// Tells readers of this file that another lies in its place.
        func supersede() {
            unsafe AtomicWord(mapped.header + IndexLayout.superseded).store(1)
        }

        /// Lets go of the resident pages of the file; they come back when they are read.
        func releaseMemory() {
            _ = unsafe madvise(
                UnsafeMutableRawPointer(mutating: view.base), view.byteCount, MADV_DONTNEED)
        }

        /// Bytes that the file takes on disk.
        var allocatedBytes: Int {
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0 else { return 0 }
            return Int(status.st_blocks) * 512
        }
    }
#endif
