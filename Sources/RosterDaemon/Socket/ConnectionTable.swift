// Which connections are open, and which one has to go when a further one comes.

/// The open connections of a socket, by user.
///
/// A client that has not sent its request yet makes room for a newer one of the same user, or, when
/// all places are taken, of any user; a client whose request is being answered keeps its place. So
/// silent clients never keep anybody out. Root has places of its own.
struct ConnectionTable<ID: Hashable> {
    /// What becomes of a new connection.
    enum Admission: Equatable {
        /// It is served.
        case admitted
        /// It is served; the named one, silent until now, is closed.
        case admittedInsteadOf(ID)
        /// Nobody can be closed for it.
        case refused
    }

    private struct Entry {
        let id: ID
        let uid: UInt32
        var isSilent: Bool
    }

    private let total: Int
    private let perUser: Int
    private let ofRoot: Int
    /// In the order of arrival; never more than `total + ofRoot`.
    private var entries: [Entry] = []

    /// A table with `total` places for all users but root, `perUser` for each of them, and `ofRoot`
    /// (as many as for any other if it is not given) for root.
    init(total: Int, perUser: Int, ofRoot: Int? = nil) {
        self.total = total
        self.perUser = perUser
        self.ofRoot = ofRoot ?? perUser
    }

    /// How many connections are open.
    var count: Int { entries.count }

    /// Takes a new connection in, if there is or can be made a place for it.
    mutating func admit(_ id: ID, uid: UInt32) -> Admission {
        let own = entries.count { $0.uid == uid }
        let others = entries.count { $0.uid != 0 }
        var admission = Admission.admitted
        if own >= (uid == 0 ? ofRoot : perUser) {
            guard let oldest = removeOldestSilent(where: { $0 == uid }) else { return .refused }
            admission = .admittedInsteadOf(oldest)
        } else if uid != 0, others >= total {
            guard let oldest = removeOldestSilent(where: { $0 != 0 }) else { return .refused }
            admission = .admittedInsteadOf(oldest)
        }
        entries.append(Entry(id: id, uid: uid, isSilent: true))
        return admission
    }

    /// Notes that the request is complete: the connection keeps its place from now on.
    mutating func requestArrived(_ id: ID) {
        guard let place = entries.firstIndex(where: { $0.id == id }) else { return }
        entries[place].isSilent = false
    }

    /// Frees the connection's place; without effect if it has none.
    mutating func remove(_ id: ID) {
        entries.removeAll { $0.id == id }
    }

    private mutating func removeOldestSilent(where isCandidate: (UInt32) -> Bool) -> ID? {
        guard let place = entries.firstIndex(where: { $0.isSilent && isCandidate($0.uid) }) else {
            return nil
        }
        return entries.remove(at: place).id
    }
}
