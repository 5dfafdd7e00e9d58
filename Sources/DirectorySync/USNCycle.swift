// What a session by change numbers knows of the cycle it is in.

internal import Accounts
internal import LDAPClient

extension USNSession {
    /// One cycle: what it asked for and saw so far.
    struct Cycle {
        var begunAt: Duration
        var committed: Int64?
        var changed: Set<EntryUUID> = []
        var ours: Set<EntryUUID> = []
        /// Whether its entries came in several pages, which are no snapshot.
        var isPaged = false
        var entries = 0
        var unidentified = 0
        /// Entries of a listing without a uSNChanged that we may read.
        var unstamped = 0
        var emptyPages = 0
    }

    /// The search that an answer is awaited to.
    struct RunningStep {
        var step: Step
        var heardAt: Duration
        var isEmpty = true
    }

    /// What comes after the running search.
    enum Next {
        case nothing
        case step(Step)
        case listed
        case closed
    }
}

extension USNSession {
    /// Cycles in a row after which an entry that never becomes whole is an error.
    static let mostRounds = 20

    /// What a cycle left to the next one; no refresh ends and no cookie is made while there is any.
    struct Unfinished {
        /// Entries that changed or went while they were read, with their DNs: nothing of them was
        /// delivered, and no cycle moves the watermark before something was.
        private var unsettled: [EntryUUID: String] = [:]
        /// Cycles in a row that left some of these.
        private var rounds = 0
        /// Entries that the last cycle missed in several pages: gone, or renamed past one of them.
        private(set) var missed: Set<EntryUUID> = []

        /// The entry did not become whole.
        mutating func drop(_ entry: DirectoryEntry) {
            unsettled[entry.uuid] = entry.dn
        }

        /// The entry was delivered whole, or is gone.
        mutating func settle(_ uuid: EntryUUID) {
            unsettled[uuid] = nil
        }

        /// The entry was there.
        mutating func saw(_ uuid: EntryUUID) {
            missed.remove(uuid)
        }

        /// What is not ours any more for certain, after a cycle; keeps what is not certain yet.
        mutating func departed(in ended: Cycle) -> Set<EntryUUID> {
            let absent = ended.changed.subtracting(ended.ours)
            // What was renamed meanwhile changed by that, so that this cycle shows it.
            let gone = missed.subtracting(ended.changed)
            missed = ended.isPaged ? absent : []
            return ended.isPaged ? gone : gone.union(absent)
        }

        /// Whether everything that was seen was also delivered, after a cycle.
        ///
        /// Throws when an entry does not become whole in many cycles.
        mutating func isSettled() throws(SyncError) -> Bool {
            rounds = unsettled.isEmpty ? 0 : rounds + 1
            guard rounds >= USNSession.mostRounds, let dn = unsettled.values.min() else {
                return rounds == 0
            }
            throw SyncError(restless: dn, rounds)
        }
    }
}
