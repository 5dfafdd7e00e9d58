// Publishing changes into a pair of files.

#if !hasFeature(Embedded)
    public import Accounts
    internal import CLibc

    /// What one publication did.
    public struct PublicationResult: Equatable, Sendable {
        /// The newest generation; unchanged if nothing was published.
        public var generation: UInt64
        /// Bytes written to both files; 0 if nothing was published.
        public var bytesWritten: Int
    }

    /// The writing end of an index: one per state directory, used by one thread at a time.
    ///
    /// Blocks only on the disk. After a thrown error readers go on seeing the last complete
    /// generation; the writer must then be dropped and the index built anew.
    public struct IndexWriter: ~Copyable, @unchecked Sendable {  // unique, so never shared
        private let directory: String
        private var publicFile: IndexPartFile
        private var gateFile: IndexPartFile
        private var isInstalled: Bool
        private var hasFailed = false
        /// Whether the pair holds exactly what the changes so far say: it was built from nothing.
        ///
        /// A change that names its records and keeps its keys is then written without a look at what
        /// it replaces, so that it costs the same at any size. What was merely opened may lack a
        /// change.
        private let isExact: Bool
        /// For tests: called before each step that a crash could separate from the next.
        var beforeStep: ((String) throws(IndexError) -> Void)?

        /// Heads of chains in a delta.
        static var headCount: Int { 32768 }

        /// Bytes of a log: enough that a full one is worth the rebuild.
        static func logBytes(base: Int) -> Int {
            (max(32 << 20, base / 2) + 4095) & ~4095
        }

        /// Opens the pair in `directory` to continue it.
        ///
        /// `nil` if it is absent, torn, damaged, of another version or no pair: then build a new one.
        /// Throws only what building would not cure, such as missing rights. Proves the whole delta.
        public static func open(directory: String) throws(IndexError) -> IndexWriter? {
            try pair(in: directory, suffix: "", isNew: false)
        }

        /// Opens what a builder has just written.
        static func unpublished(in directory: String) throws(IndexError) -> IndexWriter {
            guard let writer = try pair(in: directory, suffix: ".new", isNew: true) else {
                throw .damaged("what was just written to \(directory) does not read back")
            }
            return writer
        }

        private static func pair(
            in directory: String, suffix: String, isNew: Bool
        ) throws(IndexError) -> IndexWriter? {
            let gate = try IndexPartFile(path: directory + "/gate.1" + suffix, part: .gate)
            guard let gate else { return nil }
            let main = try IndexPartFile(path: directory + "/public.1" + suffix, part: .public)
            guard let main else { return nil }
            guard gate.view.pairID == main.view.pairID, gate.generation == main.generation else {
                return nil
            }
            return IndexWriter(
                directory: directory, publicFile: main, gateFile: gate, isNew: isNew)
        }

        private init(
            directory: String, publicFile: consuming IndexPartFile,
            gateFile: consuming IndexPartFile, isNew: Bool
        ) {
            self.directory = directory
            self.publicFile = publicFile
            self.gateFile = gateFile
            isInstalled = !isNew
            isExact = isNew
        }

        /// The generation that readers see.
        public var generation: UInt64 { publicFile.generation }

        /// People published now.
        public var peopleCount: Int { publicFile.people }

        /// Groups published now.
        public var groupCount: Int { publicFile.groups }

        /// Bytes that both files take on disk.
        public var byteCount: Int { publicFile.allocatedBytes + gateFile.allocatedBytes }

        /// Whether a delta is half full: a new pair should be built beside, without haste.
        public var shouldRebuild: Bool {
            hasFailed || Self.isHalfFull(publicFile) || Self.isHalfFull(gateFile)
        }

        private static func isHalfFull(_ file: borrowing IndexPartFile) -> Bool {
            let log = file.view.log
            return file.entryCount > headCount || file.logEnd - log.lowerBound > log.count / 2
                || file.generation - file.view.baseGeneration > 1 << 27
        }

        /// Lets go of the pages that writing made resident.
        public mutating func releaseMemory() {
            publicFile.releaseMemory()
            gateFile.releaseMemory()
        }

        /// When the directory last answered and the mirror was last verified, as far as the files say.
        public var times: GateTimes {
            var times = (try? publicFile.view.times()) ?? GateTimes()
            if let gate = try? gateFile.view.times() { times.merge(gate) }
            return times
        }

        /// The times in the index of `directory`, also of one that cannot be continued.
        ///
        /// They are what keeps the newest published time from ever going back when a new pair is
        /// built from nothing.
        public static func times(directory: String) -> GateTimes {
            var times = GateTimes()
            for part in [IndexPart.gate, .public] {
                guard let snapshot = try? IndexSnapshot(directory: directory, part: part) else {
                    continue
                }
                times.merge(snapshot.times)
            }
            return times
        }

        /// Notes that the directory answered; no publication.
        public mutating func noteContact(at clock: GateClock) {
            var times = times
            times.noteContact(clock)
            store(times)
        }

        /// Notes that the mirror is what the directory is; no publication.
        public mutating func noteVerified(at clock: GateClock) {
            var times = times
            times.noteVerified(clock)
            store(times)
        }

        /// Takes over the times of another pair, unless they are earlier; no publication.
        public mutating func carryOver(_ other: GateTimes) {
            var times = times
            times.merge(other)
            store(times)
        }

        private mutating func store(_ times: GateTimes) {
            store(times.contact, at: IndexLayout.lastContact)
            store(times.verified, at: IndexLayout.lastVerified)
        }

        private mutating func store(_ time: GateClock?, at place: Int) {
            guard let time, time.now > 0, time.now < 1 << 40 else { return }
            let uptime = time.uptime >= 0 && time.uptime < 1 << 40 - 1 ? time.uptime + 1 : 0
            gateFile.store(time.now, uptime: uptime, boot: time.boot, at: place)
            publicFile.store(time.now, uptime: uptime, boot: time.boot, at: place)
        }
    }

    // Publishing.
    extension IndexWriter {
        /// Publishes a change in one generation; identical records are not written, and a change
        /// without effect publishes nothing, unless it says itself which records differ.
        ///
        /// Applying a change that the index already contains is harmless.
        public mutating func apply(
            _ change: PublicationChange
        ) throws(IndexError) -> PublicationResult {
            guard !hasFailed else { throw .damaged("an earlier change could not be completed") }
            // Until this ends well the pair counts as torn.
            hasFailed = true
            let groups = try change.groups.map { (group) throws(IndexError) in
                try resolve(group)
            }
            for person in change.people { try retire(person) }
            for group in change.groups { try retire(group) }
            if let policy = change.policy {
                try beforeStep?("policy")
                try gateFile.publish(policy)
            }
            for person in change.people { try publish(person) }
            for (group, item) in zip(change.groups, groups) { try publish(group, item) }
            let result = try commit()
            hasFailed = false
            return result
        }

        private mutating func commit() throws(IndexError) -> PublicationResult {
            guard gateFile.isOpen || publicFile.isOpen else {
                return PublicationResult(generation: generation, bytesWritten: 0)
            }
            try beforeStep?("prepare")
            gateFile.prepareCommit()
            try beforeStep?("prepare public")
            publicFile.prepareCommit()
            try beforeStep?("gate generation")
            let gateBytes = gateFile.commit()
            try beforeStep?("public generation")
            let publicBytes = publicFile.commit()
            return PublicationResult(
                generation: generation, bytesWritten: gateBytes + publicBytes)
        }

        /// Takes away the keys under which a person is not found any more.
        private mutating func retire(_ change: PersonChange) throws(IndexError) {
            guard let was = change.was, recordsToReplace(change) == nil else { return }
            let now = change.now.map { PublishedKey(name: $0.passwd.name, id: $0.passwd.uid) }
            try beforeStep?("retire person in gate")
            try gateFile.retire(.gateAccount, was, now: now)
            try beforeStep?("retire person")
            try publicFile.retire(.person, was, now: now)
        }

        private mutating func publish(_ change: PersonChange) throws(IndexError) {
            guard let person = change.now else { return }
            let key = PublishedKey(name: person.passwd.name, id: person.passwd.uid)
            let records = recordsToReplace(change)
            if records?.contains(.gate) ?? true {
                var gate = ItemEncoder(seed: gateFile.view.seed)
                try gate.append(gate: person)
                try beforeStep?("gate account")
                try gateFile.publish(.gateAccount, key, gate, isReplacement: records != nil)
            }
            if records?.contains(.passwd) ?? true {
                var item = ItemEncoder(seed: publicFile.view.seed)
                try item.append(person: person)
                try beforeStep?("person")
                try publicFile.publish(.person, key, item, isReplacement: records != nil)
            }
        }

        /// The records to write without a look at what they replace; `nil`: look at all of them.
        private func recordsToReplace(_ change: PersonChange) -> PersonRecords? {
            isExact && change.keepsKeys ? change.records : nil
        }

        private mutating func retire(_ change: GroupChange) throws(IndexError) {
            guard let was = change.was else { return }
            try beforeStep?("retire group")
            try publicFile.retire(.group, was, now: change.now)
        }

        /// The group's item as it is, before anything of the change is written.
        private func resolve(_ change: GroupChange) throws(IndexError) -> AccountItem? {
            for key in [change.was, change.now] {
                if let key, let item = try publicFile.current(.group, key) { return item }
            }
            return nil
        }

        private mutating func publish(
            _ change: GroupChange, _ current: AccountItem?
        ) throws(IndexError) {
            guard let key = change.now else { return }
            let view = publicFile.view
            var edit = MemberEdit()
            if let current {
                let group = try proven("a group") { () throws(IndexFault) in
                    try view.group(current)
                }
                edit = MemberEdit(group, in: view)
            }
            var removed = change.membersRemoved
            // A new group under the keys of one that went in the same change has its own members.
            if change.was == nil { removed += try edit.others(than: change.membersAdded, in: view) }
            var encoder = ItemEncoder(seed: view.seed)
            let start = publicFile.logEnd
            try edit.apply(added: change.membersAdded, removed: removed, in: view) {
                (names) throws(IndexError) in
                let offset = (start + encoder.bytes.count) / 8
                guard let offset = UInt32(exactly: offset) else { throw .full }
                encoder.append(members: names)
                return offset
            }
            try beforeStep?("group")
            try publicFile.publishGroup(key, edit, encoder)
        }

        /// Renames an unpublished pair into place, gate first, and tells readers of the old one.
        public mutating func install() throws(IndexError) {
            guard !isInstalled else { return }
            for name in ["gate.1", "public.1"] {
                let path = directory + "/" + name
                let old = unsafe roster_open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0)
                defer { if old >= 0 { _ = close(old) } }
                try beforeStep?("rename \(name)")
                try Self.rename(path + ".new", into: path)
                try beforeStep?("supersede \(name)")
                Self.supersede(old)
            }
            isInstalled = true
            let folder = unsafe roster_open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
            defer { if folder >= 0 { _ = close(folder) } }
            guard folder >= 0, fsync(folder) == 0 else { throw .last("make durable", directory) }
        }

        /// Renames a file; a directory that is in its place is removed, or renamed if it is not empty.
        private static func rename(_ new: String, into path: String) throws(IndexError) {
            for number in 0..<100 {
                if unsafe CLibc.rename(new, path) == 0 { return }
                guard roster_errno() == EISDIR else { break }
                if unsafe rmdir(path) == 0 { continue }
                _ = unsafe CLibc.rename(path, "\(path).aside-\(number)")
            }
            throw .last("rename into place", path)
        }

        /// Sets the superseded word of a file that may be anything.
        private static func supersede(_ descriptor: CInt) {
            var status = stat()
            guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0,
                roster_is_regular(status.st_mode) != 0, status.st_size >= IndexLayout.headerBytes
            else { return }
            let size = IndexLayout.headerBytes
            let access = PROT_READ | PROT_WRITE
            let page = unsafe mmap(nil, size, access, MAP_SHARED, descriptor, 0)
            guard let page = unsafe page, Int(bitPattern: page) != -1 else { return }
            if unsafe AtomicWord(page).load() == IndexLayout.magic.littleEndian {
                unsafe AtomicWord(page + IndexLayout.superseded).store(1)
            }
            _ = unsafe munmap(page, size)
        }
    }
#endif
