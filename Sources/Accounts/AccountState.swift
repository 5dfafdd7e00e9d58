// Whether an account may be used, as far as the directory says. Decided at check time, not at sync
// time: an expiry passes without any event.

/// What the directory says about an account beside its passwd fields.
public struct AccountState: Hashable, Sendable {
    /// Disabled by a rule of `[accounts] disabled`, or by a preset.
    public var isDisabled: Bool
    /// The account is expired from this moment on, in seconds since the epoch; `nil`: never.
    public var expiresAt: Int64?
    /// The directory wants a new password before anything else.
    public var mustChangePassword: Bool

    /// A state; the default is an account in order.
    public init(
        isDisabled: Bool = false, expiresAt: Int64? = nil, mustChangePassword: Bool = false
    ) {
        self.isDisabled = isDisabled
        self.expiresAt = expiresAt
        self.mustChangePassword = mustChangePassword
    }

    /// An account in order.
    public static let active = AccountState()
}
