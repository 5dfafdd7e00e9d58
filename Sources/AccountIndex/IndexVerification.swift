// Walking everything: what a writer checks before it continues a file, and what a doctor checks.

#if !hasFeature(Embedded)
    /// What a delta has come to.
    struct DeltaState {
        var generation: UInt64
        var logEnd: Int
        var entryCount: Int
        var people: Int
        var groups: Int
    }

    extension IndexView {
        /// Proves the whole delta; throws if it is torn or damaged anywhere.
        ///
        /// Costs in proportion to the changes since the file was built.
        func deltaState() throws(IndexFault) -> DeltaState {
            let generation = try generation()
            guard try sealed(IndexLayout.intent) == generation, !isSuperseded else {
                throw .corrupt
            }
            let end = try logEnd()
            var place = log.lowerBound
            var entryCount = 0
            while place < end {
                let offset = UInt32(truncatingIfNeeded: place / 8)
                let item = try item(at: offset)
                if item.kind == ItemKind.entry.rawValue {
                    let entry = try entry(at: offset)
                    guard entry.generation <= generation, entry.next < offset else {
                        throw .corrupt
                    }
                    entryCount += 1
                } else {
                    try verify(item)
                }
                place += item.words * 8
            }
            guard place == end else { throw .corrupt }
            for index in 0...Int(headMask) {
                let place = headsOffset + index * 8
                let head = live(place).load()
                if head == 0 { continue }
                guard let offset = seed.unseal(head, at: place), offset < UInt64(end / 8) else {
                    throw .corrupt
                }
                _ = try entry(at: UInt32(truncatingIfNeeded: offset))
            }
            let people = try sealed(IndexLayout.people)
            let groups = try sealed(IndexLayout.groups)
            guard people > 0, groups > 0 else { throw .corrupt }
            return DeltaState(
                generation: generation, logEnd: end, entryCount: entryCount,
                people: Int(people) - 1,
                groups: Int(groups) - 1)
        }

        /// Proves one item, whatever it is.
        func verify(_ item: IndexItem) throws(IndexFault) {
            switch ItemKind(rawValue: item.kind) {
            case .person:
                let account = try account(item)
                if !account.isRemoved {
                    _ = try person(account)
                    _ = try groupList(of: account)
                }
            case .group:
                let account = try account(item)
                if !account.isRemoved { try verifyMembers(of: group(account)) }
            case .gateAccount:
                let account = try account(item)
                if !account.isRemoved { _ = unsafe try keys(of: gateAccount(account)) }
            case .policy:
                try verify(policy(account(item)))
            case .members:
                guard
                    unsafe seed.checksum(base + (item.place + 8), words: item.words - 1)
                        == word(item.place)
                else { throw .corrupt }
            case .entry:
                _ = try entry(at: UInt32(truncatingIfNeeded: item.place / 8))
            case nil:
                throw .corrupt
            }
        }

        private func verifyMembers(of group: GroupAnswer) throws(IndexFault) {
            var count = 0
            var bytes = 0
            for index in 0..<group.itemCount {
                let names = try members(index, of: group)
                count += names.count
                bytes += names.byteCount
            }
            guard count == group.memberCount, bytes == group.memberBytes else { throw .corrupt }
        }

        /// Proves the base: every item and every bucket.
        ///
        /// Costs in proportion to the file.
        func verifyBase() throws(IndexFault) {
            for range in [people, groups] {
                var place = range.lowerBound
                while place < range.upperBound {
                    let item = try item(at: UInt32(truncatingIfNeeded: place / 8))
                    try verify(item)
                    place += item.words * 8
                }
                guard place == range.upperBound else { throw .corrupt }
            }
            for table in [passwdByName, passwdByUID, groupByName, groupByGID] {
                for bucket in 0..<Int(table.buckets) {
                    let place = table.offset + bucket * IndexLayout.bucketBytes
                    guard
                        unsafe seed.bucketChecksum(base + place, place: place)
                            == word(place + 56)
                    else { throw .corrupt }
                }
            }
        }
    }
#endif
