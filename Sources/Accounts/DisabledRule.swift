// What marks a person as disabled or expired (directories.md lists what each directory does).

#if !hasFeature(Embedded)
    /// One rule by which an entry counts as disabled.
    public struct DisabledRule: Hashable, Sendable {
        /// When the rule holds, looked at for each value of the attribute.
        public enum Condition: Hashable, Sendable {
            /// The value is this one, without regard to the case of ASCII letters.
            case equals(String)
            /// There is any value.
            case present
            /// The value is a number with one of these bits; anything but a number counts as well.
            case anyBit(UInt32)
        }

        /// The attribute as configured.
        public var attribute: String
        /// When the rule holds.
        public var condition: Condition

        /// A rule from its parts.
        public init(attribute: String, condition: Condition) {
            self.attribute = attribute
            self.condition = condition
        }

        /// Reads `attribute=value`; a value of `*` means any.
        ///
        /// `nil` unless the attribute is an attribute description and the value is not empty.
        public init?(text: String) {
            guard let equals = text.firstIndex(of: "=") else { return nil }
            let attribute = String(text[..<equals])
            let value = String(text[text.index(after: equals)...])
            guard AttributeName.isValid(attribute), !value.isEmpty else { return nil }
            self.init(attribute: attribute, condition: value == "*" ? .present : .equals(value))
        }

        /// The rules for the directories we know; all of them apply unless `"none"` is configured.
        ///
        /// pwdAccountLockedTime counts with this one moment only: any other time is a lock-out by
        /// failed binds, which the directory enforces and ends by itself.
        public static let presets: [DisabledPreset] = [
            DisabledPreset(
                name: "ppolicy",
                rules: [
                    equals("pwdAccountLockedTime", "000001010000Z"),
                    equals("pwdAccountLockedTime", "00000101000000Z"),
                ]),
            DisabledPreset(name: "389ds", rules: [equals("nsAccountLock", "true")]),
            DisabledPreset(
                name: "ad",
                rules: [DisabledRule(attribute: "userAccountControl", condition: .anyBit(2))],
                expiry: [ExpiryRule(attribute: "accountExpires", unit: .fileTime)]),
            DisabledPreset(name: "adlds", rules: [equals("msDS-UserAccountDisabled", "TRUE")]),
            DisabledPreset(
                name: "edirectory", rules: [equals("loginDisabled", "TRUE")],
                expiry: [ExpiryRule(attribute: "loginExpirationTime", unit: .generalizedTime)]),
            DisabledPreset(
                name: "shadow", rules: [],
                expiry: [ExpiryRule(attribute: "shadowExpire", unit: .days)]),
            DisabledPreset(
                name: "opendj", rules: [equals("ds-pwp-account-disabled", "TRUE")],
                expiry: [
                    ExpiryRule(attribute: "ds-pwp-account-expiration-time", unit: .generalizedTime)
                ]),
        ]

        private static func equals(_ attribute: String, _ value: String) -> DisabledRule {
            DisabledRule(attribute: attribute, condition: .equals(value))
        }
    }

    /// The rules for one kind of directory, under the name that `[accounts] disabled` may list.
    public struct DisabledPreset: Hashable, Sendable {
        /// The name in the configuration.
        public var name: String
        /// What makes a person disabled.
        public var rules: [DisabledRule]
        /// What makes a person expire.
        public var expiry: [ExpiryRule] = []
    }

    /// An attribute that says from when on a person is expired.
    public struct ExpiryRule: Hashable, Sendable {
        /// How the attribute writes the time.
        public enum Unit: Hashable, Sendable {
            /// Days since the epoch as shadow(5) has them: -1 is never, 0 is expired.
            case days
            /// 100 ns since 1601; 0 and 2⁶³-1 are never.
            case fileTime
            /// RFC 4517 §3.3.13.
            case generalizedTime
        }

        /// The attribute.
        public var attribute: String
        /// How it writes the time.
        public var unit: Unit

        /// A rule from its parts.
        public init(attribute: String, unit: Unit) {
            self.attribute = attribute
            self.unit = unit
        }
    }

    /// Names of attributes as the configuration may write them.
    public enum AttributeName {
        /// Whether `name` is an attribute description without options (RFC 4512 §2.5): a letter,
        /// then letters, digits and hyphens; or a numeric OID.
        public static func isValid(_ name: String) -> Bool {
            guard let first = name.utf8.first, name.utf8.count <= 255 else { return false }
            let letters = name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x2D }
            if isLetter(first) { return letters }
            let dot = UInt8(ascii: ".")
            let arcs = name.utf8.split(separator: dot, omittingEmptySubsequences: false)
            return arcs.count >= 2 && arcs.allSatisfy { !$0.isEmpty && $0.allSatisfy(isDigit) }
        }

        private static func isLetter(_ character: UInt8) -> Bool {
            (0x61...0x7A).contains(character | 0x20) && character < 0x80
        }

        private static func isDigit(_ character: UInt8) -> Bool {
            (0x30...0x39).contains(character)
        }
    }
#endif
