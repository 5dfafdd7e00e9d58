// Whether an account may be used, as far as the directory says. Decided at check time, not at sync
// time: an expiry passes without any event.

#if !hasFeature(Embedded)
    /// What the directory says about an account beside its passwd fields, and by which attribute.
    ///
    /// The sources are what a log line and `roster explain` name: an attribute, or
    /// `attribute=value`; at most 255 octets.
    public struct AccountState: Hashable, Sendable {
        /// The rule of `[accounts] disabled`, or of a preset, that disables the account; `nil`: none.
        public var disabledBy: String?
        /// The account is expired from this moment on, in seconds since the epoch; `nil`: never.
        public var expiresAt: Int64?
        /// The attribute that ``expiresAt`` comes from; empty without one.
        public var expiresBy: String
        /// What wants a new password before anything else; `nil`: nothing.
        public var mustChangeBy: String?

        /// Whether the account is disabled.
        public var isDisabled: Bool { disabledBy != nil }
        /// Whether the directory wants a new password before anything else.
        public var mustChangePassword: Bool { mustChangeBy != nil }

        /// A state; the default is an account in order.
        public init(
            disabledBy: String? = nil, expiresAt: Int64? = nil, expiresBy: String = "",
            mustChangeBy: String? = nil
        ) {
            self.disabledBy = disabledBy
            self.expiresAt = expiresAt
            self.expiresBy = expiresBy
            self.mustChangeBy = mustChangeBy
        }

        /// An account in order.
        public static let active = AccountState()
    }
#endif
