// The administrator's spelling of a name, and the one that the host knows.

internal import AccountStore
internal import Accounts

extension AccountPolicy {
    /// A name as it would be published: with A to Z in lower case if `fold_names` says so.
    func folded(_ name: String) -> String {
        guard foldsNames else { return name }
        let octets = name.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return String(decoding: octets, as: UTF8.self)
    }

    /// What has to be blocked besides, so that blocks in other spellings hold for those published.
    ///
    /// Such were given before names were folded, for people whom the directory did not show.
    func missingBlocks(among blocks: [LocalBlock]) -> [StoreChange] {
        let known = Set(blocks.map(\.name))
        return blocks.compactMap { block in
            let name = folded(block.name)
            return known.contains(name) ? nil : .block(name: name, byUID: block.byUID)
        }
    }

    /// The releases of a name in each spelling in which it is blocked.
    func releases(
        of name: String, among blocks: [LocalBlock], byUID uid: UInt32
    ) -> [StoreChange] {
        let others = blocks.map(\.name).filter { $0 != name && folded($0) == name }
        return ([name] + others).map { .unblock(name: $0, byUID: uid) }
    }
}
