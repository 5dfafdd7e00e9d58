// What a session by change numbers knows of the cycle it is in.

internal import Accounts

extension USNSession {
    /// One cycle: what it asked for and saw so far.
    struct Cycle {
        var begunAt: Duration
        var committed: Int64?
        var changed: Set<EntryUUID> = []
        var ours: Set<EntryUUID> = []
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
