// Stands in for the result of LDAPMessage.swift, which needs libldap.

/// The controls of a result.
public struct LDAPResult: Hashable, Sendable {
    /// All of them.
    public var controls: [LDAPControl]
}
