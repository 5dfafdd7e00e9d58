// Items as bytes; see IndexLayout for the fields.

#if !hasFeature(Embedded)
    internal import Accounts

    /// Appends items to a buffer that starts at a multiple of 8 bytes of the file.
    struct ItemEncoder {
        let seed: IndexSeed
        /// The items so far; always a multiple of 8 bytes between calls.
        var bytes: [UInt8] = []

        init(seed: IndexSeed) {
            self.seed = seed
        }

        /// Appends a person.
        mutating func append(person: PublishedPerson) throws(IndexError) {
            let fields = person.passwd
            let strings = (fields.gecos.utf8, fields.home.utf8, fields.shell.utf8)
            for text in [strings.0, strings.1, strings.2] {
                guard text.count <= 0xFFFF, !text.contains(0) else {
                    throw .unrepresentable("a field of \(fields.name) is too long or holds a NUL")
                }
            }
            let start = try begin(.person, name: fields.name)
            let lengths =
                UInt64(strings.0.count) | UInt64(strings.1.count) << 16
                | UInt64(strings.2.count) << 32
            let sum =
                fields.name.utf8.count + strings.0.count + strings.1.count + strings.2.count + 6
            set(start + 16, UInt64(fields.uid) | UInt64(fields.gid) << 32)
            set(start + 24, lengths)
            set(start + 40, UInt64(sum))
            bytes.append(UInt8(ascii: "*"))
            bytes.append(0)
            for text in [strings.0, strings.1, strings.2] {
                bytes.append(contentsOf: text)
                bytes.append(0)
            }
            finishCore(start, low: UInt32(truncatingIfNeeded: person.groups.count))
            appendGroups(person.groups)
            set32(start + 8, UInt32((bytes.count - start) / 8))
            seal(start, words: Int(get32(start + 36)))
        }

        /// Appends a gate account.
        mutating func append(gate person: PublishedPerson) throws(IndexError) {
            let start = try begin(.gateAccount, name: person.passwd.name)
            let state = person.state
            let login = person.login
            guard login.accessGroups.count <= IndexLayout.maximumSlots else {
                throw .unrepresentable("\(person.passwd.name) is in too many groups of the rules")
            }
            set(start + 16, UInt64(person.passwd.uid) | UInt64(person.passwd.gid) << 32)
            set(start + 24, UInt64(bitPattern: state.expiresAt ?? Int64.max))
            pad()
            append64(person.uuid.high)
            append64(person.uuid.low)
            if let confirmedAt = login.confirmedAt { append64(UInt64(bitPattern: confirmedAt)) }
            for slot in login.accessGroups { append32(slot) }
            var last = UInt64(flags(of: person))
            last |= UInt64(append(source: state.disabledBy ?? "")) << 8
            last |= UInt64(append(source: state.expiresBy)) << 16
            last |= UInt64(append(source: state.mustChangeBy ?? "")) << 24
            finishCore(start, low: UInt32(truncatingIfNeeded: login.accessGroups.count))
            if !login.keys.isEmpty { last |= UInt64(append(keys: login.keys)) << 32 }
            set(start + 40, last)
            set32(start + 8, UInt32((bytes.count - start) / 8))
            seal(start, words: Int(get32(start + 36)))
        }

        private func flags(of person: PublishedPerson) -> UInt8 {
            var flags: UInt8 = 0
            if person.state.isDisabled { flags |= GateFlags.disabled }
            if person.state.mustChangePassword { flags |= GateFlags.mustChangePassword }
            if person.login.isBlocked { flags |= GateFlags.blocked }
            if person.login.confirmedAt != nil { flags |= GateFlags.held }
            return flags
        }

        /// Appends what a log line will name, cut to 255 bytes; returns how many they are.
        private mutating func append(source: String) -> Int {
            let text = source.utf8.prefix(255)
            bytes.append(contentsOf: text)
            return text.count
        }

        /// Appends the keys with their checksum; returns how many bytes they are.
        ///
        /// What sshd could not read, or would read as two lines, and what is beyond the limit is
        /// left out: it should have been withheld.
        private mutating func append(keys: [String]) -> Int {
            let start = bytes.count
            append64(0)
            for key in keys {
                let text = key.utf8
                let size = bytes.count - start - 8 + text.count + 1
                guard !text.isEmpty, text.count <= AuthorizedKey.maximumLength,
                    size <= IndexLayout.maximumKeyBytes, !text.contains(where: { $0 < 0x20 })
                else { continue }
                bytes.append(contentsOf: text)
                bytes.append(UInt8(ascii: "\n"))
            }
            let size = bytes.count - start - 8
            if size == 0 {
                bytes.removeLast(8)
                return 0
            }
            pad()
            seal(start, words: (bytes.count - start) / 8)
            return size
        }

        /// Appends the item that says that a name and an id lead nowhere any more.
        mutating func append(removed kind: ItemKind, _ key: PublishedKey) throws(IndexError) {
            let start = try begin(kind, name: key.name)
            bytes[start + 13] = 1
            set(start + 16, UInt64(key.id))
            finishCore(start, low: 0)
            set32(start + 8, UInt32((bytes.count - start) / 8))
            seal(start, words: (bytes.count - start) / 8)
        }

        /// Appends a group whose members lie in `items`, given as offsets in words.
        mutating func append(
            group key: PublishedKey, items: [UInt32], memberCount: Int, memberBytes: Int
        ) throws(IndexError) {
            let start = try begin(.group, name: key.name)
            set(start + 16, UInt64(key.id) | UInt64(items.count) << 32)
            set(start + 24, UInt64(memberCount))
            set(start + 40, UInt64(memberBytes))
            pad()
            for item in items { append32(item) }
            finishCore(start, low: 0)
            set32(start + 8, UInt32((bytes.count - start) / 8))
            seal(start, words: (bytes.count - start) / 8)
        }

        /// Appends an item of member names, which are sorted and free of NUL.
        mutating func append(members: some Collection<[UInt8]>) {
            let start = bytes.count
            append64(0)
            append64(UInt64(ItemKind.members.rawValue) << 32 | UInt64(members.count) << 48)
            append64(0)
            for name in members {
                bytes.append(contentsOf: name)
                bytes.append(0)
            }
            set(start + 16, UInt64(bytes.count - start - 24))
            pad()
            set32(start + 8, UInt32((bytes.count - start) / 8))
            seal(start, words: (bytes.count - start) / 8)
        }

        /// Appends an entry of the log.
        mutating func append(
            entry table: IndexTable, next: UInt32, tag: UInt32, generation: UInt64, target: UInt32
        ) {
            let start = bytes.count
            append64(0)
            append64(5 | UInt64(ItemKind.entry.rawValue) << 32 | UInt64(table.rawValue) << 40)
            append64(UInt64(next) | UInt64(tag) << 32)
            append64(generation)
            append64(UInt64(target))
            seal(start, words: 5)
        }
    }

    // The parts of items.
    extension ItemEncoder {
        /// The fixed fields and the name with its NUL; returns where the item starts.
        mutating func begin(_ kind: ItemKind, name: String) throws(IndexError) -> Int {
            let text = name.utf8
            guard text.count >= 1, text.count <= 256, !text.contains(0),
                kind == .policy || text.first != UInt8(ascii: "/")
            else {
                throw .unrepresentable(
                    "the name \"\(name.prefix(64))\" is empty, long, or holds NUL or a slash")
            }
            let start = bytes.count
            append64(0)
            append64(UInt64(kind.rawValue) << 32 | UInt64(text.count) << 48)
            for _ in 0..<4 { append64(0) }
            bytes.append(contentsOf: text)
            bytes.append(0)
            return start
        }

        mutating func finishCore(_ start: Int, low: UInt32) {
            pad()
            set(start + 32, UInt64(low) | UInt64((bytes.count - start) / 8) << 32)
        }

        private mutating func appendGroups(_ groups: [UInt32]) {
            let start = bytes.count
            append64(0)
            for group in groups { append32(group) }
            pad()
            seal(start, words: (bytes.count - start) / 8)
        }

        /// Sets the checksum of the item or part at `start` over the words after the first.
        mutating func seal(_ start: Int, words: Int) {
            let sum = unsafe bytes.withUnsafeBytes { all in
                guard let base = all.baseAddress else { return UInt64(0) }
                return unsafe seed.checksum(base + (start + 8), words: words - 1)
            }
            set(start, sum)
        }

        mutating func pad() {
            while bytes.count & 7 != 0 { bytes.append(0) }
        }

        mutating func append64(_ value: UInt64) {
            unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
        }

        mutating func append32(_ value: UInt32) {
            unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
        }

        mutating func set(_ place: Int, _ value: UInt64) {
            unsafe bytes.withUnsafeMutableBytes {
                unsafe $0.storeBytes(of: value.littleEndian, toByteOffset: place, as: UInt64.self)
            }
        }

        mutating func set32(_ place: Int, _ value: UInt32) {
            unsafe bytes.withUnsafeMutableBytes {
                unsafe $0.storeBytes(of: value.littleEndian, toByteOffset: place, as: UInt32.self)
            }
        }

        private func get32(_ place: Int) -> UInt32 {
            unsafe bytes.withUnsafeBytes {
                unsafe UInt32(
                    littleEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt32.self))
            }
        }
    }
#endif
