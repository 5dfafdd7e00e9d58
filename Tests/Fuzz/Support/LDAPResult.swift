// Stands in for the result of LDAPMessage.swift, which needs libldap.

/// What a result carries beside its code.
public struct LDAPResult: Hashable, Sendable {
    /// The server's own words.
    public var diagnostic: String
    /// All controls.
    public var controls: [LDAPControl]
}
