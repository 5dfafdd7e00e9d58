// Searches: started at once, answered message by message.

internal import CLDAP

/// What a search asks for (RFC 4511 §4.5.1).
public struct LDAPSearch: Hashable, Sendable {
    /// How far below the base a search looks.
    public enum Scope: Int32, Sendable {
        /// The base alone.
        case base = 0
        /// Its children.
        case oneLevel = 1
        /// The base and everything below it.
        case subtree = 2
    }

    /// Where the search begins.
    public var base: String
    /// How far below the base it looks.
    public var scope: Scope
    /// Which entries, RFC 4515.
    public var filter: String
    /// Which attributes; empty: all user attributes.
    public var attributes: [String]
    /// Controls of the request.
    public var controls: [LDAPControl]

    /// A search from its parts.
    public init(
        base: String, scope: Scope, filter: String, attributes: [String],
        controls: [LDAPControl] = []
    ) {
        self.base = base
        self.scope = scope
        self.filter = filter
        self.attributes = attributes
        self.controls = controls
    }
}

/// A small entry with everything copied, for the few that are read one by one.
public struct LDAPEntry: Hashable, Sendable {
    /// Its distinguished name.
    public var dn: String
    /// Its values under the names in lower case, without options.
    public var attributes: [String: [[UInt8]]]

    /// An entry from its parts.
    public init(dn: String, attributes: [String: [[UInt8]]]) {
        self.dn = dn
        self.attributes = attributes
    }

    /// The values of an attribute (name in lower case) as text.
    public func texts(_ name: String) -> [String] {
        (attributes[name] ?? []).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension LDAPSession {
    /// Sends a search and comes back at once; its messages arrive by ``nextMessage(timeout:)``.
    ///
    /// Throws ``LDAPError`` with step `search`, for instance for a malformed filter.
    public func start(_ search: LDAPSearch) throws(LDAPError) -> LDAPMessageID {
        let strings = CStrings([search.base, search.filter] + search.attributes)
        let controls = CControls(search.controls)
        var id: CInt = 0
        let code = unsafe ldap_search_ext(
            handle.pointer, strings.pointers[0], search.scope.rawValue, strings.pointers[1],
            search.attributes.isEmpty ? nil : strings.pointers.advanced(by: 2), 0,
            controls.pointers, nil, nil, 0, &id)
        guard code == 0 else { throw handle.error(.search, code) }
        return LDAPMessageID(rawValue: id)
    }

    /// Tells the server that the answers to an operation are no longer wanted.
    ///
    /// Does not block.
    public func abandon(_ id: LDAPMessageID) {
        _ = unsafe ldap_abandon_ext(handle.pointer, id.rawValue, nil, nil)
    }

    /// All entries of a small search; `nil` where the base does not exist.
    ///
    /// At most `limit` entries are kept. Blocks at most `operationTimeout` between two messages.
    public func read(
        _ search: LDAPSearch, step: LDAPError.Step = .search, limit: Int = 1000
    ) throws(LDAPError) -> [LDAPEntry]? {
        let id = try start(search)
        var entries: [LDAPEntry] = []
        while true {
            let message = try answer(to: id, step: step)
            switch message.kind {
            case .entry:
                if entries.count < limit { entries.append(try message.copiedEntry()) }
            case .searchResult:
                let result = try message.result()
                if result.code == .noSuchObject { return nil }
                guard result.code == .success else {
                    throw LDAPError(
                        server: handle.server, step: step, code: result.code,
                        serverText: result.diagnostic)
                }
                return entries
            case .reference, .intermediate, .bindResult, .extendedResult, .other: continue
            }
        }
    }
}

extension LDAPMessage {
    /// The entry with everything copied; the values of an attribute's options are merged.
    public borrowing func copiedEntry() throws(LDAPError) -> LDAPEntry {
        var entry = LDAPEntry(dn: "", attributes: [:])
        var current = ""
        entry.dn = try readEntry { name in
            let text = unsafe name.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
            current = String(text.prefix { $0 != ";" }).lowercased()
            entry.attributes[current, default: []] += []
        } value: { value in
            let octets = unsafe value.withUnsafeBytes { unsafe Array($0) }
            entry.attributes[current]?.append(octets)
        }
        return entry
    }
}

/// A null-terminated array of C strings.
@safe private struct CStrings: ~Copyable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        unsafe pointers = .allocate(capacity: strings.count + 1)
        for (position, string) in strings.enumerated() {
            unsafe pointers[position] = ber_strdup(string)
        }
        unsafe pointers[strings.count] = nil
    }

    deinit {
        for position in 0..<count { unsafe ber_memfree(pointers[position]) }
        unsafe pointers.deallocate()
    }
}
