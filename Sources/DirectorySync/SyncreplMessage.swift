// The messages of a content synchronisation (RFC 4533) as values, and how they come out of LDAP.

public import Accounts
public import LDAPClient

/// A message of a content synchronisation.
public enum SyncMessage: Equatable, Sendable {
    /// An entry: what happened to it, and its content unless it went or only is present.
    case entry(state: SyncStateControl.State, uuid: EntryUUID, cookie: [UInt8]?, DirectoryEntry)
    /// An entry or intermediate message without what RFC 4533 demands; the text says what.
    case malformed(String)
    /// A pointer to another server.
    case reference
    /// News that concern no single entry.
    case info(SyncInfoMessage)
    /// The end of the search.
    case done(code: LDAPResultCode, SyncDoneControl?, diagnostic: String)
    /// An intermediate message that is none of ours.
    case other
}

extension SyncMessage {
    /// Decodes a message of the synchronisation search; octets of any kind are safe.
    public init(_ message: borrowing LDAPMessage) throws(LDAPError) {
        switch message.kind {
        case .entry: self = try Self.entry(message)
        case .reference: self = .reference
        case .intermediate: self = try Self.info(message)
        case .searchResult: self = try Self.done(message)
        case .bindResult, .extendedResult, .other: self = .other
        }
    }

    private static func entry(_ message: borrowing LDAPMessage) throws(LDAPError) -> SyncMessage {
        guard let value = try message.entryControl(SyncStateControl.oid) else {
            return .malformed("an entry came without the sync state control")
        }
        let state: SyncStateControl
        do {
            state = try SyncStateControl(decoding: value)
        } catch {
            return .malformed(error.description)
        }
        let uuid = EntryUUID(state.uuid)
        let entry = try DirectoryEntry(uuid: uuid, decoding: message)
        return .entry(state: state.state, uuid: uuid, cookie: state.cookie, entry)
    }

    private static func info(_ message: borrowing LDAPMessage) throws(LDAPError) -> SyncMessage {
        let (oid, value) = try message.intermediate()
        guard oid == SyncInfoMessage.oid else { return .other }
        do {
            return .info(try SyncInfoMessage(decoding: value))
        } catch {
            return .malformed(error.description)
        }
    }

    private static func done(_ message: borrowing LDAPMessage) throws(LDAPError) -> SyncMessage {
        let result = try message.result()
        let control = result.controls.first { $0.oid == SyncDoneControl.oid }
        do {
            let done = try control?.value.map { value throws(LDAPControlError) in
                try SyncDoneControl(decoding: value)
            }
            return .done(code: result.code, done, diagnostic: result.diagnostic)
        } catch {
            return .malformed(error.description)
        }
    }
}

extension EntryUUID {
    /// The identity that a sync control carries.
    public init(_ uuid: SyncUUID) {
        self.init(high: uuid.high, low: uuid.low)
    }
}

extension DirectoryEntry {
    /// Takes an entry from a message of a search, packing its attributes without further copies.
    ///
    /// Throws ``LDAPError`` with step `decode` when the message is malformed.
    public init(uuid: EntryUUID, decoding message: borrowing LDAPMessage) throws(LDAPError) {
        var attributes = AttributeList()
        attributes.reserveCapacity(512)
        let dn = try message.readEntry { name in
            attributes.startAttribute(name)
        } value: { value in
            attributes.appendValue(value)
        }
        self.init(uuid: uuid, dn: dn, attributes: attributes)
    }
}
