// All people or all groups of one generation, one after the other.

extension IndexView {
    /// Where an enumeration of `kind` starts: an offset in words.
    func enumerationStart(_ kind: ItemKind) -> UInt32 {
        UInt32(truncatingIfNeeded: range(of: kind).lowerBound / 8)
    }

    /// The next item of `kind` at or after `position`, and where to go on; `nil` at the end.
    ///
    /// First the base without what the delta knows better, then the delta's newest items. `kind` is
    /// person, group or gate account.
    func next(
        _ kind: ItemKind, from position: UInt32, generation: UInt64
    ) throws(IndexFault) -> (account: AccountItem, next: UInt32)? {
        let base = range(of: kind)
        var place = Int(position) &* 8
        if place < log.lowerBound {
            guard place >= base.lowerBound else { throw .corrupt }
            while place < base.upperBound {
                let item = try item(at: UInt32(truncatingIfNeeded: place / 8))
                place &+= item.words &* 8
                guard item.kind == kind.rawValue, !item.isRemoved else { continue }
                let account = try account(item)
                if try isCurrent(account, generation: generation) {
                    return (account, UInt32(truncatingIfNeeded: place / 8))
                }
            }
            place = log.lowerBound
        }
        return try nextInLog(kind, from: place, generation: generation)
    }

    private func range(of kind: ItemKind) -> Range<Int> {
        kind == .group ? groups : people
    }

    /// Whether the delta says nothing about this item of the base.
    private func isCurrent(
        _ account: AccountItem, generation: UInt64
    ) throws(IndexFault) -> Bool {
        if generation == baseGeneration { return true }
        guard case .unknown = try newest(account, generation: generation) else { return false }
        return true
    }

    /// What the delta knows under an item's name.
    private func newest(
        _ account: AccountItem, generation: UInt64
    ) throws(IndexFault) -> DeltaAnswer {
        guard account.nameCount > 0 else { throw .corrupt }
        let key = unsafe NameKey(start: name(of: account), count: account.nameCount)
        let table: IndexTable =
            account.kind == ItemKind.group.rawValue ? .groupByName : .passwdByName
        return try findInDelta(key, hash: key.hash(seed), in: table, generation: generation)
    }

    private func nextInLog(
        _ kind: ItemKind, from start: Int, generation: UInt64
    ) throws(IndexFault) -> (account: AccountItem, next: UInt32)? {
        let table: IndexTable = kind == .group ? .groupByName : .passwdByName
        let end = try logEnd()
        var place = start
        while place < end {
            let offset = UInt32(truncatingIfNeeded: place / 8)
            let item = try item(at: offset)
            place &+= item.words &* 8
            guard item.kind == ItemKind.entry.rawValue else { continue }
            let entry = try entry(at: offset)
            if entry.generation > generation { return nil }
            guard entry.table == table.rawValue else { continue }
            let account = try account(at: entry.target)
            guard !account.isRemoved, account.kind == kind.rawValue,
                case .known(_, offset) = try newest(account, generation: generation)
            else { continue }
            return (account, UInt32(truncatingIfNeeded: place / 8))
        }
        return nil
    }

    /// Where the used part of the log ends, in bytes.
    func logEnd() throws(IndexFault) -> Int {
        let used = try sealed(IndexLayout.logUsed)
        if used == 0 { return log.lowerBound }
        guard used <= UInt64(log.upperBound / 8), used >= UInt64(log.lowerBound / 8) else {
            throw .corrupt
        }
        return Int(used) &* 8
    }
}
