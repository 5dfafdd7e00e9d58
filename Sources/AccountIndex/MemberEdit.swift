// Adding and removing members: only the items that hold the names concerned are written anew.

#if !hasFeature(Embedded)
    /// The members of a group as items, while they are changed.
    struct MemberEdit {
        /// Offsets in words of the items, in the order of the names.
        private(set) var items: [UInt32] = []
        private(set) var memberCount = 0
        private(set) var memberBytes = 0
        private(set) var isChanged = false

        /// A group without members.
        init() {}

        /// The members of a published group.
        init(_ group: GroupAnswer, in view: IndexView) {
            items = (0..<group.itemCount).map { view.half(group.directory + $0 * 4) }
            memberCount = group.memberCount
            memberBytes = group.memberBytes
        }

        /// Applies changes; `write` appends an item of names and returns its offset.
        mutating func apply(
            added: [String], removed: [String], in view: IndexView,
            write: (ArraySlice<[UInt8]>) throws(IndexError) -> UInt32
        ) throws(IndexError) {
            var wanted: [[UInt8]: Bool] = [:]
            for name in removed { wanted[Array(name.utf8)] = false }
            for name in added { wanted[Array(name.utf8)] = true }
            let names = sortedNames(Array(wanted.keys))
            var result: [UInt32] = []
            var untouched = 0
            var index = 0
            while index < names.count {
                let item = try place(of: names[index], from: untouched, in: view)
                let next = item + 1 < items.count ? try firstName(item + 1, in: view) : nil
                var end = index + 1
                while end < names.count,
                    next.map({ names[end].lexicographicallyPrecedes($0) }) ?? true
                {
                    end += 1
                }
                result += items[untouched..<item]
                let old = item < items.count ? try self.names(item, in: view) : []
                let new = merge(old, names[index..<end], wanted)
                if new == old {
                    if item < items.count { result.append(items[item]) }
                } else {
                    result += try replace(old, by: new, write: write)
                }
                untouched = min(item + 1, items.count)
                index = end
            }
            result += items[untouched...]
            items = result
        }

        /// The members that are not among `names`.
        func others(
            than names: [String], in view: IndexView
        ) throws(IndexError) -> [String] {
            let wanted = Set(names.map { Array($0.utf8) })
            var others: [String] = []
            for item in items.indices {
                for name in try self.names(item, in: view) where !wanted.contains(name) {
                    others.append(String(decoding: name, as: UTF8.self))
                }
            }
            return others
        }

        private mutating func replace(
            _ old: [[UInt8]], by new: [[UInt8]],
            write: (ArraySlice<[UInt8]>) throws(IndexError) -> UInt32
        ) throws(IndexError) -> [UInt32] {
            isChanged = true
            memberCount += new.count - old.count
            memberBytes += new.reduce(0) { $0 + $1.count + 1 } - old.reduce(0) { $0 + $1.count + 1 }
            let limit = IndexLayout.membersPerItem
            let size = new.count <= limit ? limit : limit * 3 / 4
            var written: [UInt32] = []
            for piece in memberPieces(new, of: size) { written.append(try write(piece)) }
            return written
        }

        private func merge(
            _ old: [[UInt8]], _ names: ArraySlice<[UInt8]>, _ wanted: [[UInt8]: Bool]
        ) -> [[UInt8]] {
            var new = old.filter { wanted[$0] != false }
            let known = Set(old)
            new += names.filter { wanted[$0] == true && !known.contains($0) }
            return isAscending(new) ? new : sortedNames(new)
        }

        /// The item that a name belongs to: the last one that does not begin after it.
        private func place(
            of name: [UInt8], from first: Int, in view: IndexView
        ) throws(IndexError) -> Int {
            var low = first
            var high = items.count
            while low < high {
                let middle = (low + high) / 2
                if name.lexicographicallyPrecedes(try firstName(middle, in: view)) {
                    high = middle
                } else {
                    low = middle + 1
                }
            }
            return max(low - 1, first)
        }

        private func firstName(_ index: Int, in view: IndexView) throws(IndexError) -> [UInt8] {
            let names = try memberNames(index, in: view)
            return names.texts(limit: 1).first ?? []
        }

        private func names(_ index: Int, in view: IndexView) throws(IndexError) -> [[UInt8]] {
            try memberNames(index, in: view).texts(limit: Int.max)
        }

        private func memberNames(
            _ index: Int, in view: IndexView
        ) throws(IndexError) -> MemberNames {
            let offset = items[index]
            return try proven("the members of a group") { () throws(IndexFault) in
                try view.members(view.item(at: offset))
            }
        }
    }

    extension MemberNames {
        /// The names as bytes, at most `limit` of them.
        func texts(limit: Int) -> [[UInt8]] {
            var texts: [[UInt8]] = []
            var text: [UInt8] = []
            for index in 0..<byteCount {
                let byte = unsafe (start + index).load(as: UInt8.self)
                if byte != 0 {
                    text.append(byte)
                    continue
                }
                texts.append(text)
                if texts.count >= limit { return texts }
                text.removeAll(keepingCapacity: true)
            }
            return texts
        }
    }
#endif
