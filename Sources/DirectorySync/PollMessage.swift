// The messages of an ordinary search, as polling sees them.

public import Accounts
public import LDAPClient

/// A message of a search by polling.
public enum PollMessage: Equatable, Sendable {
    /// An entry.
    case entry(DirectoryEntry)
    /// An entry that does not show its identity.
    case unidentified
    /// The end of the search.
    case done(code: LDAPResultCode, diagnostic: String)
    /// Nothing of ours.
    case other
}

extension PollMessage {
    /// Decodes a message; octets of any kind are safe.
    public init(
        _ message: borrowing LDAPMessage, entryID: EntryIDAttribute
    ) throws(LDAPError) {
        switch message.kind {
        case .entry:
            var entry = try DirectoryEntry(uuid: EntryUUID(high: 0, low: 0), decoding: message)
            guard let uuid = entryID.identity(in: entry.attributes) else {
                self = .unidentified
                return
            }
            entry.uuid = uuid
            self = .entry(entry)
        case .searchResult:
            let result = try message.result()
            self = .done(code: result.code, diagnostic: result.diagnostic)
        case .reference, .intermediate, .bindResult, .extendedResult, .other: self = .other
        }
    }
}

extension SearchPlan.Search {
    /// The search for what a session by polling asks for.
    public func asked(
        for request: PollSession.Request, entryID: EntryIDAttribute
    ) -> LDAPSearch {
        let condition =
            switch request {
            case .everything: filter
            case .changed(let time): "(&\(filter)(modifyTimestamp>=\(time)))"
            case .entries(let uuids):
                "(&\(filter)(|\(uuids.map { entryID.filter($0) }.joined())))"
            }
        return LDAPSearch(
            base: base, scope: .subtree, filter: condition, attributes: attributes)
    }
}
