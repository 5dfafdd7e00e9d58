// What a session by change numbers asks for, as searches.

internal import Accounts
public import LDAPClient

extension USNSession {
    /// What to search for.
    public enum Request: Hashable, Sendable {
        /// The change number that the server committed last.
        case committed
        /// All entries.
        case everything
        /// The identities of whatever changed from this number on, in the whole tree, also of what was
        /// deleted.
        case changed(since: Int64)
        /// The entries of the plan that changed from this number on.
        case ours(since: Int64)
        /// Further values of one entry.
        case values(RangedEntry.Request)
    }

    /// One search: a page of it.
    public struct Step: Hashable, Sendable {
        /// What to search for.
        public var request: Request
        /// Where the page begins; empty: at the beginning.
        public var page: [UInt8] = []
    }
}

extension USNSession.Request {
    /// Whether it asks for further values of one entry.
    var isValues: Bool {
        if case .values = self { true } else { false }
    }
}

/// Where a search by change numbers goes on, as it is stored.
enum USNCookie {
    private static let prefix = "usn:"

    /// The octets for a change number of the server with this invocationId.
    static func octets(_ number: Int64, _ invocationID: [UInt8]) -> [UInt8] {
        Array("\(prefix)\(hexadecimal(invocationID)):\(number)".utf8)
    }

    /// The change number; `nil` for anything that was not written by ``octets(_:_:)`` for this very
    /// server.
    static func number(_ octets: [UInt8], _ invocationID: [UInt8]) -> Int64? {
        let head = Array("\(prefix)\(hexadecimal(invocationID)):".utf8)
        guard octets.starts(with: head) else { return nil }
        return UpdateSequenceNumber.value(octets.dropFirst(head.count))
    }

    private static func hexadecimal(_ octets: [UInt8]) -> String {
        EntryUUID(octets: octets)?.description ?? "none"
    }
}

extension SearchPlan.Search {
    /// Entries of one page; a domain controller sends 1000 at most.
    private static let pageSize = 500

    /// The controls for one page of entries, each member of a group by the object that it is; the
    /// server has a limit for one answer.
    public static func page(from cookie: [UInt8] = []) -> [LDAPControl] {
        [
            PagedResultsControl(size: pageSize, cookie: cookie).control(isCritical: true),
            .extendedDN,
        ]
    }

    /// The search for what a session by change numbers asks for.
    ///
    /// `context` is the top of the tree that holds the base: what was deleted or moved away lies
    /// elsewhere in it.
    public func asked(
        for step: USNSession.Step, in context: String, entryID: EntryIDAttribute
    ) -> LDAPSearch {
        let paged = Self.page(from: step.page)
        switch step.request {
        case .committed:
            return LDAPSearch(
                base: "", scope: .base, filter: "(objectClass=*)",
                attributes: ["highestCommittedUSN"])
        case .everything:
            return LDAPSearch(
                base: base, scope: .subtree, filter: filter, attributes: attributes,
                controls: paged)
        case .changed(let number):
            return LDAPSearch(
                base: context, scope: .subtree,
                filter: "(&(uSNChanged>=\(number))(!(objectClass=computer)))",
                attributes: [entryID.name], controls: paged + [.showDeleted])
        case .ours(let number):
            return LDAPSearch(
                base: base, scope: .subtree, filter: "(&\(filter)(uSNChanged>=\(number)))",
                attributes: attributes, controls: paged)
        case .values(let request):
            return request.search(entryID: entryID)
        }
    }
}

extension RangedEntry.Request {
    /// The search for it.
    public func search(entryID: EntryIDAttribute) -> LDAPSearch {
        LDAPSearch(
            base: dn, scope: .base, filter: "(objectClass=*)",
            attributes: [entryID.name, "uSNChanged", attribute], controls: [.extendedDN])
    }
}
