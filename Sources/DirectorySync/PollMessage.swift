// The messages of an ordinary search, as polling sees them.

public import Accounts
public import LDAPClient

/// A message of a search by polling.
public enum PollMessage: Equatable, Sendable {
    /// An entry.
    case entry(DirectoryEntry)
    /// An entry of whose values some are still to be asked for.
    case partial(DirectoryEntry, [AttributeRange])
    /// An entry that does not show its identity.
    case unidentified
    /// The root DSE of an AD server: the change number that it committed last.
    case committed(Int64)
    /// The end of the search, or of a page when there is where to go on.
    case done(code: LDAPResultCode, diagnostic: String, nextPage: [UInt8] = [])
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
            var ranges: [AttributeRange] = []
            var entry = try DirectoryEntry(
                uuid: EntryUUID(high: 0, low: 0), decoding: message, ranges: &ranges)
            guard let uuid = entryID.identity(in: entry.attributes) else {
                let number = entry.attributes.firstValue(of: "highestcommittedusn")
                    .flatMap { UpdateSequenceNumber.value($0) }
                self = number.map { .committed($0) } ?? .unidentified
                return
            }
            entry.uuid = uuid
            self = ranges.isEmpty ? .entry(entry) : .partial(entry, ranges)
        case .searchResult:
            let result = try message.result()
            self = .done(
                code: result.code, diagnostic: result.diagnostic,
                nextPage: try Self.nextPage(of: result, message))
        case .reference, .intermediate, .bindResult, .extendedResult, .other: self = .other
        }
    }

    /// Where the next page begins; empty: there is none.
    ///
    /// `message` is the one with the result. Throws when the control of the pages makes no sense.
    public static func nextPage(
        of result: LDAPResult, _ message: borrowing LDAPMessage
    ) throws(LDAPError) -> [UInt8] {
        guard let control = result.controls.first(where: { $0.oid == PagedResultsControl.oid })
        else { return [] }
        do throws(LDAPControlError) {
            return try PagedResultsControl(decoding: control.value ?? []).cookie
        } catch {
            throw message.undecodable("\(error)")
        }
    }
}

extension DirectoryEntry {
    /// Takes an entry from a message of a search, with the ranges of those attributes of which only
    /// a part came.
    ///
    /// Throws ``LDAPError`` with step `decode` when the message is malformed.
    init(
        uuid: EntryUUID, decoding message: borrowing LDAPMessage, ranges: inout [AttributeRange]
    ) throws(LDAPError) {
        var attributes = AttributeList()
        attributes.reserveCapacity(512)
        var found: [AttributeRange] = []
        var fault: LDAPControlError?
        let dn = try message.readEntry { name in
            attributes.startAttribute(name)
            do throws(LDAPControlError) {
                let range = try unsafe name.withUnsafeBytes { octets throws(LDAPControlError) in
                    try unsafe AttributeRange(attribute: octets)
                }
                if let range { found.append(range) }
            } catch {
                fault = error
            }
        } value: { value in
            attributes.appendValue(value)
        }
        if let fault { throw message.undecodable("\(fault)") }
        ranges = found
        self.init(uuid: uuid, dn: dn, attributes: attributes)
        takeObjectOutOfDN()
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
