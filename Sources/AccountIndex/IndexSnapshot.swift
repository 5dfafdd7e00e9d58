// Reading an index in ordinary Swift: the daemon, the command, tests.

#if !hasFeature(Embedded)
    public import Accounts
    internal import CLibc

    /// A person as the public part shows it.
    public struct IndexedPerson: Equatable, Sendable {
        /// The fields of passwd(5).
        public var passwd: PasswdFields
        /// The gids of all groups, ascending.
        public var groups: [UInt32]
    }

    /// A group as the public part shows it.
    public struct IndexedGroup: Equatable, Sendable {
        /// Name and gid.
        public var key: PublishedKey
        /// The names of the members in bytewise order.
        public var members: [String]
    }

    /// An account as the gate shows it.
    public struct IndexedGateAccount: Equatable, Sendable {
        /// Name and uid.
        public var key: PublishedKey
        /// The primary gid.
        public var gid: UInt32
        /// The identity of the entry.
        public var uuid: EntryUUID
        /// Disabled, expired, must change.
        public var state: AccountState
        /// Keys, groups of the rules, block, held removal; the password's stamp is not in the index.
        public var login: LoginFacts
    }

    /// One generation of one index file, opened for reading by the same rules as the modules'.
    ///
    /// Goes on showing that generation whatever is published later; open another for what is new.
    public struct IndexSnapshot: ~Copyable {
        private let mapped: MappedIndex
        /// The generation that this snapshot shows.
        public let generation: UInt64

        /// Opens the public or the gate file in `directory` (`/var/lib/roster/index`).
        public init(directory: String, part: IndexPart = .public) throws(IndexError) {
            let name = part == .public ? "/public.1" : "/gate.1"
            (mapped, generation) = try Self.open(directory + name, directory, part)
        }

        private static func open(
            _ path: String, _ directory: String, _ part: IndexPart
        ) throws(IndexError) -> (MappedIndex, UInt64) {
            let fileText = Array(path.utf8CString)
            let directoryText = Array((directory + "/..").utf8CString)
            let result = unsafe fileText.withUnsafeBufferPointer { file in
                unsafe directoryText.withUnsafeBufferPointer { directory in
                    unsafe Self.map(file.baseAddress, directory.baseAddress, part)
                }
            }
            switch result {
            case .success(let opened): return opened
            case .failure(let fault):
                throw .cannot(operation: "use the index", path: path, errno: fault.code)
            }
        }

        private static func map(
            _ file: UnsafePointer<CChar>?, _ directory: UnsafePointer<CChar>?, _ part: IndexPart
        ) -> Result<(MappedIndex, UInt64), IndexFault> {
            guard let file = unsafe file, let directory = unsafe directory else {
                return .failure(.corrupt)
            }
            do throws(IndexFault) {
                let path = unsafe IndexPath(file: file, stateDirectory: directory, part: part)
                let mapped = try path.map()
                do throws(IndexFault) {
                    return .success((mapped, try mapped.view.generation()))
                } catch {
                    mapped.unmap()
                    throw error
                }
            } catch {
                return .failure(error)
            }
        }

        deinit {
            mapped.unmap()
        }

        var view: IndexView { mapped.view }

        /// People and groups published now (not in this snapshot's generation).
        public var counts: (people: Int, groups: Int) {
            let people = (try? view.sealed(IndexLayout.people)) ?? 0
            let groups = (try? view.sealed(IndexLayout.groups)) ?? 0
            return (max(Int(people) - 1, 0), max(Int(groups) - 1, 0))
        }

        /// When the directory last answered, in seconds since the epoch; `nil`: never noted.
        public var lastContact: Int64? { times.contact?.now }

        /// When the mirror was last verified, in seconds since the epoch; `nil`: never noted.
        public var lastVerified: Int64? { times.verified?.now }

        /// Both with their clocks; none if the words are damaged.
        public var times: GateTimes { (try? view.times()) ?? GateTimes() }

        /// Whether both files were built together, as the public and the gate file must be.
        public func isPair(with other: borrowing IndexSnapshot) -> Bool {
            view.pairID == other.view.pairID
        }

        /// Whether a newer file lies in this one's place.
        public var isSuperseded: Bool { view.isSuperseded }

        /// Proves every item, bucket and entry; throws what is wrong.
        public func verify() throws(IndexError) {
            try proven("the base") { () throws(IndexFault) in try view.verifyBase() }
            if isSuperseded { return }
            _ = try proven("the changes") { () throws(IndexFault) in try view.deltaState() }
        }
    }

    // Lookups in the public part.
    extension IndexSnapshot {
        /// The person with this name; `nil` if there is none.
        public func person(named name: String) throws(IndexError) -> IndexedPerson? {
            guard let item = try find(name, .passwdByName) else { return nil }
            return try person(item)
        }

        /// The person with this uid; `nil` if there is none.
        public func person(uid: UInt32) throws(IndexError) -> IndexedPerson? {
            guard let item = try find(uid, .passwdByUID) else { return nil }
            return try person(item)
        }

        /// The group with this name; `nil` if there is none.
        public func group(named name: String) throws(IndexError) -> IndexedGroup? {
            guard let item = try find(name, .groupByName) else { return nil }
            return try group(item)
        }

        /// The group with this gid; `nil` if there is none.
        public func group(gid: UInt32) throws(IndexError) -> IndexedGroup? {
            guard let item = try find(gid, .groupByGID) else { return nil }
            return try group(item)
        }

        /// Calls `body` with every person.
        public func forEachPerson(_ body: (IndexedPerson) -> Void) throws(IndexError) {
            try forEach(.person) { (item) throws(IndexError) in body(try person(item)) }
        }

        /// Calls `body` with every group.
        public func forEachGroup(_ body: (IndexedGroup) -> Void) throws(IndexError) {
            try forEach(.group) { (item) throws(IndexError) in body(try group(item)) }
        }
    }

    // From items to values.
    extension IndexSnapshot {
        func find(_ name: String, _ table: IndexTable) throws(IndexError) -> AccountItem? {
            let bytes = Array(name.utf8)
            if bytes.isEmpty { return nil }
            return try unsafe bytes.withUnsafeBufferPointer { (all) throws(IndexError) in
                guard let start = UnsafeRawBufferPointer(all).baseAddress else { return nil }
                let key = unsafe NameKey(start: start, count: bytes.count)
                return try proven("the entry of \(name)") { () throws(IndexFault) in
                    try view.find(key, in: table, generation: generation)
                }
            }
        }

        func find(_ id: UInt32, _ table: IndexTable) throws(IndexError) -> AccountItem? {
            try proven("the entry of id \(id)") { () throws(IndexFault) in
                try view.find(IDKey(id: id), in: table, generation: generation)
            }
        }

        func forEach(
            _ kind: ItemKind, _ body: (AccountItem) throws(IndexError) -> Void
        ) throws(IndexError) {
            var position = view.enumerationStart(kind)
            while true {
                let next = try proven("an enumeration") { () throws(IndexFault) in
                    try view.next(kind, from: position, generation: generation)
                }
                guard let next else { return }
                try body(next.account)
                position = next.next
            }
        }

        private func person(_ item: AccountItem) throws(IndexError) -> IndexedPerson {
            let (answer, list) = try proven("a person") { () throws(IndexFault) in
                (try view.person(item), try view.groupList(of: item))
            }
            var place = unsafe answer.strings
            func text(_ count: Int) -> String {
                let bytes = unsafe UnsafeRawBufferPointer(start: place, count: count)
                unsafe place += count + 1
                return unsafe String(decoding: bytes, as: UTF8.self)
            }
            let name = text(answer.nameBytes)
            _ = text(1)
            let gecos = text(answer.gecosBytes)
            let home = text(answer.homeBytes)
            let known = answer.nameBytes + answer.gecosBytes + answer.homeBytes + 6
            let passwd = PasswdFields(
                name: name, uid: answer.uid, gid: answer.gid, gecos: gecos, home: home,
                shell: text(answer.stringBytes - known))
            return IndexedPerson(passwd: passwd, groups: (0..<list.count).map { list.gid(at: $0) })
        }

        private func group(_ item: AccountItem) throws(IndexError) -> IndexedGroup {
            var members: [String] = []
            let answer = try proven("a group") { () throws(IndexFault) in
                let answer = try view.group(item)
                for index in 0..<answer.itemCount {
                    let names = try view.members(index, of: answer).texts(limit: Int.max)
                    members += names.map { String(decoding: $0, as: UTF8.self) }
                }
                return answer
            }
            return IndexedGroup(
                key: PublishedKey(name: view.nameText(item), id: answer.gid), members: members)
        }
    }
#endif
