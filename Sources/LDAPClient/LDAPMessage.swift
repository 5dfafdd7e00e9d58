// One message of the server, decoded only as far as it is asked for.

internal import CLDAP

/// How an operation ended (RFC 4511 §4.1.9).
public struct LDAPResult: Hashable, Sendable {
    /// The code.
    public var code: LDAPResultCode
    /// The part of the DN that does exist, for ``LDAPResultCode/noSuchObject``.
    public var matchedDN: String
    /// The server's own words.
    public var diagnostic: String
    /// The controls of the result.
    public var controls: [LDAPControl]

    /// A result from its parts.
    public init(
        code: LDAPResultCode, matchedDN: String = "", diagnostic: String = "",
        controls: [LDAPControl] = []
    ) {
        self.code = code
        self.matchedDN = matchedDN
        self.diagnostic = diagnostic
        self.controls = controls
    }
}

/// A message of the server; freed with the value.
@safe public struct LDAPMessage: ~Copyable {
    /// What a message is.
    public enum Kind: Hashable, Sendable {
        /// An entry that a search found.
        case entry
        /// A pointer to another server; never followed.
        case reference
        /// News of a running operation (RFC 4511 §4.13).
        case intermediate
        /// The end of a search.
        case searchResult
        /// The end of a bind.
        case bindResult
        /// The end of an extended operation.
        case extendedResult
        /// Anything else: the end of a modification among it.
        case other
    }

    /// The operation that it belongs to.
    public let id: LDAPMessageID
    /// What it is.
    public let kind: Kind
    private let message: OpaquePointer
    private let handle: LDAPHandle

    /// Takes ownership of a message that libldap returned with `tag`.
    init(taking message: OpaquePointer, tag: CInt, handle: LDAPHandle) {
        unsafe self.message = unsafe message
        self.handle = handle
        id = LDAPMessageID(rawValue: unsafe ldap_msgid(message))
        kind =
            switch tag {
            case 0x64: .entry
            case 0x73: .reference
            case 0x79: .intermediate
            case 0x65: .searchResult
            case 0x61: .bindResult
            case 0x78: .extendedResult
            default: .other
            }
    }

    deinit {
        _ = unsafe ldap_msgfree(message)
    }

    /// An error that says which part of the message is malformed.
    public borrowing func undecodable(_ what: String) -> LDAPError {
        LDAPError(
            server: handle.server, step: .decode, code: .decodingError,
            diagnostic: "\(what) is malformed",
            remedy: "report this together with name and version of the directory server")
    }
}

// MARK: - Entries

extension LDAPMessage {
    /// Walks an entry: `attribute` with each name as sent, then `value` with each of its values.
    ///
    /// Nothing is copied on the way. Returns the DN (octets that are not UTF-8 replaced). Throws
    /// ``LDAPError`` with step `decode` when the message is malformed, possibly after calls.
    public borrowing func readEntry(
        attribute: (RawSpan) -> Void, value: (RawSpan) -> Void
    ) throws(LDAPError) -> String {
        var cursor: OpaquePointer?
        var dn = unsafe berval()
        defer { unsafe ber_free(cursor, 0) }
        guard unsafe ldap_get_dn_ber(handle.pointer, message, &cursor, &dn) == 0,
            unsafe cursor != nil
        else { throw undecodable("an entry's DN") }
        while true {
            var name = unsafe berval()
            var values: UnsafeMutablePointer<berval>?
            guard
                unsafe ldap_get_attribute_ber(handle.pointer, message, cursor, &name, &values) == 0
            else { throw undecodable("an entry's attribute") }
            guard unsafe name.bv_val != nil else { break }
            defer { unsafe ber_memfree(values) }
            attribute(unsafe name.octets.bytes)
            guard var next = unsafe values else { continue }
            while unsafe next.pointee.bv_val != nil {
                value(unsafe next.pointee.octets.bytes)
                unsafe next += 1
            }
        }
        return unsafe String(decoding: dn.octets, as: UTF8.self)
    }

    /// The value of a control of an entry or reference; `nil` if it is not there, empty if it has
    /// no value.
    public borrowing func entryControl(_ oid: String) throws(LDAPError) -> [UInt8]? {
        var controls: UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?
        defer { unsafe ldap_controls_free(controls) }
        guard unsafe ldap_get_entry_controls(handle.pointer, message, &controls) == 0 else {
            throw undecodable("an entry's control")
        }
        guard let controls = unsafe controls else { return nil }
        guard let found = unsafe ldap_control_find(oid, controls, nil) else { return nil }
        return unsafe Array(found.pointee.ldctl_value.octets)
    }
}

// MARK: - Intermediate messages and results

extension LDAPMessage {
    /// The identifier (empty if absent) and value of an intermediate message.
    public borrowing func intermediate() throws(LDAPError) -> (oid: String, value: [UInt8]) {
        var oid: UnsafeMutablePointer<CChar>?
        var value: UnsafeMutablePointer<berval>?
        defer {
            unsafe ldap_memfree(oid)
            unsafe ber_bvfree(value)
        }
        guard kind == .intermediate,
            unsafe ldap_parse_intermediate(handle.pointer, message, &oid, &value, nil, 0) == 0
        else { throw undecodable("an intermediate message") }
        let octets = unsafe value.map { unsafe Array($0.pointee.octets) } ?? []
        return (unsafe oid.map { unsafe String(cString: $0) } ?? "", octets)
    }

    /// How the operation ended.
    public borrowing func result() throws(LDAPError) -> LDAPResult {
        var code: CInt = 0
        var matched: UnsafeMutablePointer<CChar>?
        var text: UnsafeMutablePointer<CChar>?
        var controls: UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?
        defer {
            unsafe ldap_memfree(matched)
            unsafe ldap_memfree(text)
            unsafe ldap_controls_free(controls)
        }
        let parsed = unsafe ldap_parse_result(
            handle.pointer, message, &code, &matched, &text, nil, &controls, 0)
        guard parsed == 0 else { throw undecodable("a result") }
        return unsafe LDAPResult(
            code: LDAPResultCode(rawValue: code),
            matchedDN: matched.map { unsafe String(cString: $0) } ?? "",
            diagnostic: text.map { unsafe String(cString: $0) } ?? "",
            controls: Self.copy(controls))
    }

    /// The value of the answer to an extended operation; `nil` if it has none.
    public borrowing func extendedValue() throws(LDAPError) -> [UInt8]? {
        var value: UnsafeMutablePointer<berval>?
        defer { unsafe ber_bvfree(value) }
        guard kind == .extendedResult,
            unsafe ldap_parse_extended_result(handle.pointer, message, nil, &value, 0) == 0
        else { throw undecodable("an extended result") }
        return unsafe value.map { unsafe Array($0.pointee.octets) }
    }

    private static func copy(
        _ controls: UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?
    ) -> [LDAPControl] {
        var copies: [LDAPControl] = []
        guard var next = unsafe controls else { return [] }
        while let control = unsafe next.pointee {
            if let oid = unsafe control.pointee.ldctl_oid {
                let value = unsafe control.pointee.ldctl_value
                unsafe copies.append(
                    LDAPControl(
                        oid: String(cString: oid),
                        isCritical: control.pointee.ldctl_iscritical != 0,
                        value: value.bv_val == nil ? nil : Array(value.octets)))
            }
            unsafe next += 1
        }
        return copies
    }
}

extension berval {
    /// The octets, for as long as their owner lives.
    var octets: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: bv_val, count: bv_val == nil ? 0 : Int(bv_len))
    }
}
