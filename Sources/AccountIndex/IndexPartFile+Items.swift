// Which items a change really writes.

#if !hasFeature(Embedded)
    internal import Accounts

    extension ItemKind {
        var nameTable: IndexTable { self == .group ? .groupByName : .passwdByName }
        var idTable: IndexTable { self == .group ? .groupByGID : .passwdByUID }
    }

    extension IndexPartFile {
        /// The item under a name, counting what this publication has appended so far.
        func find(_ kind: ItemKind, named name: String) throws(IndexError) -> AccountItem? {
            let bytes = Array(name.utf8)
            guard !bytes.isEmpty else { return nil }
            return try unsafe bytes.withUnsafeBufferPointer { (all) throws(IndexError) in
                guard let start = UnsafeRawBufferPointer(all).baseAddress else { return nil }
                let key = unsafe NameKey(start: start, count: bytes.count)
                return try proven("the entry of \(name)") { () throws(IndexFault) in
                    try view.find(key, in: kind.nameTable, generation: pending)
                }
            }
        }

        /// The item under an id.
        func find(_ kind: ItemKind, id: UInt32) throws(IndexError) -> AccountItem? {
            try proven("the entry of id \(id)") { () throws(IndexFault) in
                try view.find(IDKey(id: id), in: kind.idTable, generation: pending)
            }
        }

        /// The item that is found under the name and has the id.
        func current(_ kind: ItemKind, _ key: PublishedKey) throws(IndexError) -> AccountItem? {
            guard let item = try find(kind, named: key.name), item.id == key.id else { return nil }
            return item
        }

        /// Takes away the keys of an item that `now` does not keep; if it is found.
        mutating func retire(
            _ kind: ItemKind, _ was: PublishedKey, now: PublishedKey?
        ) throws(IndexError) {
            guard let item = try current(kind, was) else { return }
            var keys: [LogKey] = []
            if now?.name != was.name {
                keys.append(nameKey(kind, was.name))
                count(kind, by: -1)
            }
            if now?.id != was.id, try find(kind, id: was.id)?.place == item.place {
                keys.append(idKey(kind, was.id))
            }
            try remove(kind, was, keys)
        }

        private mutating func count(_ kind: ItemKind, by difference: Int) {
            if kind == .group { groups += difference } else { people += difference }
        }

        private mutating func remove(
            _ kind: ItemKind, _ key: PublishedKey, _ keys: [LogKey]
        ) throws(IndexError) {
            if keys.isEmpty { return }
            var encoder = ItemEncoder(seed: view.seed)
            try encoder.append(removed: kind, key)
            try append(encoder, target: 0, keys: keys)
        }

        /// Appends an item unless the same one is found under both keys.
        mutating func publish(
            _ kind: ItemKind, _ key: PublishedKey, _ item: ItemEncoder
        ) throws(IndexError) {
            let old = try current(kind, key)
            if let old, isSame(old, item.bytes), try find(kind, id: key.id)?.place == old.place {
                return
            }
            try releaseKeys(kind, key)
            if try find(kind, named: key.name) == nil { count(kind, by: 1) }
            try append(item, target: 0, keys: [nameKey(kind, key.name), idKey(kind, key.id)])
        }

        /// Appends a group and the member items made for it.
        mutating func publishGroup(
            _ key: PublishedKey, _ edit: MemberEdit, _ members: ItemEncoder
        ) throws(IndexError) {
            if !edit.isChanged, let old = try current(.group, key), !old.isRemoved,
                try find(.group, id: key.id)?.place == old.place
            {
                return
            }
            // What is written first must be the member items: their offsets are already known.
            var encoder = members
            let target = encoder.bytes.count
            try encoder.append(
                group: key, items: edit.items, memberCount: edit.memberCount,
                memberBytes: edit.memberBytes)
            let stale = try staleKeys(.group, key)
            if try find(.group, named: key.name) == nil { count(.group, by: 1) }
            try append(
                encoder, target: target,
                keys: [nameKey(.group, key.name), idKey(.group, key.id)])
            for (key, keys) in stale { try removeStale(.group, key, keys) }
        }

        /// Appends the access policy unless it is the same as before.
        mutating func publish(_ policy: AccessPolicy) throws(IndexError) {
            let name = ItemEncoder.policyName
            var item = ItemEncoder(seed: view.seed)
            try item.append(policy: policy)
            if let old = try find(.policy, named: name), isSame(old, item.bytes) { return }
            try append(item, target: 0, keys: [nameKey(.policy, name)])
        }

        /// Takes away keys that would go on leading to an item whose other key is taken over.
        private mutating func releaseKeys(
            _ kind: ItemKind, _ key: PublishedKey
        ) throws(IndexError) {
            for (key, keys) in try staleKeys(kind, key) { try removeStale(kind, key, keys) }
        }

        private mutating func removeStale(
            _ kind: ItemKind, _ key: PublishedKey, _ keys: [LogKey]
        ) throws(IndexError) {
            if keys.contains(where: { $0.table == kind.nameTable }) { count(kind, by: -1) }
            try remove(kind, key, keys)
        }

        private func staleKeys(
            _ kind: ItemKind, _ key: PublishedKey
        ) throws(IndexError) -> [(PublishedKey, [LogKey])] {
            var stale: [(PublishedKey, [LogKey])] = []
            if let old = try find(kind, named: key.name), old.id != key.id,
                try find(kind, id: old.id)?.place == old.place
            {
                stale.append((PublishedKey(name: key.name, id: old.id), [idKey(kind, old.id)]))
            }
            if let old = try find(kind, id: key.id) {
                let name = view.nameText(old)
                if name != key.name, try find(kind, named: name)?.place == old.place {
                    stale.append((PublishedKey(name: name, id: key.id), [nameKey(kind, name)]))
                }
            }
            return stale
        }

        private func nameKey(_ kind: ItemKind, _ name: String) -> LogKey {
            let hash = view.seed.hash(name) ?? 0
            return LogKey(table: kind.nameTable, hash: hash)
        }

        private func idKey(_ kind: ItemKind, _ id: UInt32) -> LogKey {
            LogKey(table: kind.idTable, hash: view.seed.hash(id))
        }

        private func isSame(_ item: AccountItem, _ bytes: [UInt8]) -> Bool {
            let old = unsafe UnsafeRawBufferPointer(
                start: view.base + item.place, count: item.words * 8)
            return unsafe old.elementsEqual(bytes)
        }
    }

    extension IndexView {
        /// The name of an account as text.
        func nameText(_ account: AccountItem) -> String {
            unsafe String(
                decoding: UnsafeRawBufferPointer(
                    start: name(of: account), count: account.nameCount),
                as: UTF8.self)
        }
    }
#endif
