// Held removals as the control socket shows them; both rooms call them HeldRemoval.

private import AccountStore

/// A held removal on its way from the store to the control socket.
struct HeldReport: Sendable {
    /// What is held.
    enum Kind {
        case person, group, members
    }

    var kind: Kind
    var name: String
    var count: Int
    var since: Int64
}

extension StoreReaderSlot {
    /// The held removals, the oldest first; none while the store is not open.
    func held() throws -> [HeldReport] {
        try (reader?.held() ?? []).map { held in
            let kind: HeldReport.Kind =
                switch held.kind {
                case .person: .person
                case .group: .group
                case .members: .members
                }
            return HeldReport(kind: kind, name: held.name, count: held.count, since: held.since)
        }
    }
}
