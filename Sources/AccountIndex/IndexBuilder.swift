// A complete new pair of files, written beside the one in use.

#if !hasFeature(Embedded)
    public import Accounts
    internal import CLibc

    /// Builds both files from nothing.
    ///
    /// People and groups are streamed to the files as they are added; only a hash and an offset of
    /// each is kept in memory. May run on another thread while the old writer goes on; what changed
    /// meanwhile is applied to the writer that `finish()` returns before it is installed. Dropped
    /// before that, it leaves nothing behind.
    public struct IndexBuilder: ~Copyable {
        private let directory: String
        private let generation: UInt64
        private let seed: IndexSeed
        private let pairID: UInt64
        private var publicFile: IndexOutput
        private var gateFile: IndexOutput
        private var names: [KeyPlace] = []
        private var uids: [KeyPlace] = []
        private var groupNames: [KeyPlace] = []
        private var gids: [KeyPlace] = []
        private var groupsStart = 0
        private var peopleEnd = 0
        private var policy: AccessPolicy?
        private var removed: [String] = []
        /// For tests: a smaller delta.
        var heads = IndexWriter.headCount
        /// For tests: a smaller delta.
        var logBytes: Int?

        /// Starts two files in `directory`, which must exist.
        ///
        /// `generation` must be larger than any published before; `gateGroup` is the group that may
        /// read the gate beside root. The expected numbers only save copying.
        public init(
            directory: String, generation: UInt64, expectedPeople: Int = 0, expectedGroups: Int = 0,
            gateGroup: UInt32? = nil
        ) throws(IndexError) {
            var random = SystemRandomNumberGenerator()
            let seed = IndexSeed(first: random.next() | 1, second: random.next() | 1)
            let newPublic = try IndexOutput(
                path: directory + "/public.1.new", part: .public, seed: seed, group: nil)
            let newGate = try IndexOutput(
                path: directory + "/gate.1.new", part: .gate, seed: seed, group: gateGroup)
            self.directory = directory
            self.generation = max(generation, 1)
            self.seed = seed
            pairID = random.next() | 1
            publicFile = newPublic
            gateFile = newGate
            names.reserveCapacity(expectedPeople)
            uids.reserveCapacity(expectedPeople)
            groupNames.reserveCapacity(expectedGroups)
            gids.reserveCapacity(expectedGroups)
        }

        /// Adds a person; each name and uid once.
        public mutating func add(person: PublishedPerson) throws(IndexError) {
            let publicOffset = try publicFile.nextOffset()
            let gateOffset = try gateFile.nextOffset()
            let start = publicFile.encoder.bytes.count
            try publicFile.encoder.append(person: person)
            let nameHash = hash(at: start, count: person.passwd.name.utf8.count)
            try gateFile.encoder.append(gate: person)
            names.append(
                KeyPlace(hash: nameHash, publicOffset: publicOffset, gateOffset: gateOffset))
            uids.append(
                KeyPlace(
                    hash: seed.hash(person.passwd.uid), publicOffset: publicOffset,
                    gateOffset: gateOffset))
            peopleEnd = publicFile.end
            try publicFile.flushIfLarge()
            try gateFile.flushIfLarge()
        }

        /// Adds a group with the names of its members, each once and all of them published people.
        ///
        /// In bytewise order they are taken as they come, otherwise they are sorted first.
        public mutating func add(
            group key: PublishedKey, members: some Collection<String>
        ) throws(IndexError) {
            if groupNames.isEmpty { groupsStart = publicFile.end }
            var names = members.map { Array($0.utf8) }
            if !isAscending(names) { names = sortedNames(names) }
            var items: [UInt32] = []
            var memberBytes = 0
            for piece in memberPieces(names, of: IndexLayout.membersPerItem * 3 / 4) {
                guard !piece.contains(where: { $0.isEmpty || $0.count > 256 || $0.contains(0) })
                else { throw .unrepresentable("a member of \(key.name) has no usable name") }
                memberBytes += piece.reduce(0) { $0 + $1.count + 1 }
                items.append(try publicFile.nextOffset())
                publicFile.encoder.append(members: piece)
                try publicFile.flushIfLarge()
            }
            let offset = try publicFile.nextOffset()
            let start = publicFile.encoder.bytes.count
            try publicFile.encoder.append(
                group: key, items: items, memberCount: names.count, memberBytes: memberBytes)
            let nameHash = hash(at: start, count: key.name.utf8.count)
            groupNames.append(KeyPlace(hash: nameHash, publicOffset: offset, gateOffset: 0))
            gids.append(KeyPlace(hash: seed.hash(key.id), publicOffset: offset, gateOffset: 0))
            try publicFile.flushIfLarge()
        }

        /// Sets the access policy; without one the gate refuses everybody.
        public mutating func set(policy: AccessPolicy) {
            self.policy = policy
        }

        /// Adds the name of a person who was removed a moment ago and may be between the phases of a
        /// login; without effect for the name of a person who is there.
        public mutating func add(removed name: String) {
            removed.append(name)
        }

        /// Appends what only the gate has; returns where it is found.
        private mutating func finishGate() throws(IndexError) -> [KeyPlace] {
            var places: [KeyPlace] = []
            var known: Set<UInt64> = []
            for name in removed {
                if let hash = seed.hash(name) { known.insert(hash) }
            }
            if !known.isEmpty {
                for place in names { known.remove(place.hash) }
            }
            for name in removed {
                guard let hash = seed.hash(name), known.remove(hash) != nil else { continue }
                let offset = try gateFile.nextOffset()
                try gateFile.encoder.append(
                    removed: .gateAccount, PublishedKey(name: name, id: 0))
                places.append(KeyPlace(hash: hash, publicOffset: 0, gateOffset: offset))
                try gateFile.flushIfLarge()
            }
            if let policy, let hash = seed.hash(ItemEncoder.policyName) {
                let offset = try gateFile.nextOffset()
                try gateFile.encoder.append(policy: policy)
                places.append(KeyPlace(hash: hash, publicOffset: 0, gateOffset: offset))
            }
            return places
        }

        private func hash(at start: Int, count: Int) -> UInt64 {
            unsafe publicFile.encoder.bytes.withUnsafeBytes { all in
                guard let base = all.baseAddress else { return 0 }
                return unsafe seed.hash(base + (start + IndexLayout.nameOffset), count)
            }
        }

        /// Completes both files and makes them durable; they are published by ``IndexWriter/install()``.
        public consuming func finish() throws(IndexError) -> IndexWriter {
            let start = IndexLayout.headerBytes
            let gateOnly = try finishGate()
            let publicEnd = publicFile.end
            let gateEnd = gateFile.end
            var plan = HeaderPlan(
                pairID: pairID, generation: generation, people: names.count,
                groups: groupNames.count, heads: heads,
                logBytes: logBytes ?? IndexWriter.logBytes(base: publicEnd))
            plan.peopleRange = start..<max(start, peopleEnd)
            plan.groupsRange = groupNames.isEmpty ? start..<start : groupsStart..<publicEnd
            for keys in [names, uids, groupNames, gids] {
                plan.tables.append(
                    try publicFile.append(table: try BucketTable(keys, for: .public)))
            }
            try publicFile.complete(plan)
            plan.tables = []
            plan.peopleRange = start..<gateEnd
            plan.groupsRange = start..<start
            names += gateOnly
            for keys in [names, uids] {
                plan.tables.append(try gateFile.append(table: try BucketTable(keys, for: .gate)))
            }
            try gateFile.complete(plan)
            return try IndexWriter.unpublished(in: directory)
        }
    }

    /// Whether every name is larger than the one before.
    func isAscending(_ names: [[UInt8]]) -> Bool {
        zip(names, names.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
    }

    /// The names in bytewise order, each once.
    func sortedNames(_ names: [[UInt8]]) -> [[UInt8]] {
        var sorted: [[UInt8]] = []
        for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) where name != sorted.last
        {
            sorted.append(name)
        }
        return sorted
    }

    /// The names cut into even pieces of at most `size`.
    func memberPieces(_ names: [[UInt8]], of size: Int) -> [ArraySlice<[UInt8]>] {
        let count = (names.count + size - 1) / size
        return (0..<count).map { piece in
            names[names.count * piece / count..<names.count * (piece + 1) / count]
        }
    }
#endif
