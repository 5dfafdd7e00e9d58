// What the published index still knows of blocks, for a store that lost both its records of them.

internal import AccountIndex
internal import AccountStore
internal import Accounts

extension IndexPublisher {
    /// The blocks of people whom the published index shows; `nil`: it cannot be read to its end.
    ///
    /// Reads all of it. When and by whom somebody was blocked is not in it.
    static func blocksInForce(_ context: EngineContext) -> [LocalBlock]? {
        let directory = context.paths.state + "/index"
        let now = context.clock.now()
        do throws(IndexError) {
            let people = try IndexSnapshot(directory: directory)
            let gate = try IndexSnapshot(directory: directory, part: .gate)
            try people.verify()
            try gate.verify()
            var names: [String] = []
            try people.forEachPerson { names.append($0.passwd.name) }
            var blocks: [LocalBlock] = []
            for name in names {
                guard let account = try gate.gateAccount(named: name) else { continue }
                guard account.login.isBlocked else { continue }
                blocks.append(LocalBlock(name: name, uuid: account.uuid, at: now, byUID: 0))
            }
            return blocks
        } catch {
            return nil
        }
    }
}
