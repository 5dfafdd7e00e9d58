// Which names a directory may give to people and groups.

#if !hasFeature(Embedded)
    /// The rule for names of directory accounts and groups: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}`, and
    /// not digits alone, which every tool that takes a name or an id would read as an id.
    ///
    /// A configuration can allow a few characters more after the first one, and longer names. Names
    /// are compared byte for byte everywhere, never folded.
    public struct AccountNameRule: Hashable, Sendable {
        /// The longest name in octets without a setting; utmp and many tools hold no more.
        public static let usualLength = 32
        /// The longest name in octets with any setting; the modules look up no longer one.
        public static let longest = 256
        /// What a configuration may allow besides: nothing that a path or a list of names gives a
        /// meaning to.
        ///
        /// The space is for groups of Active Directory alone, see ``allowsPerson(_:)``.
        public static let possibleExtras = Array("@+$ ".utf8)

        /// Characters allowed besides, but not as the first one; a space not as the last one either.
        public var extraCharacters: [UInt8] = []
        /// The longest name in octets.
        public var maximumLength = usualLength

        /// The rule without a setting.
        public init() {}

        /// Whether `name` is allowed.
        @inlinable public func allows(_ name: some Collection<UInt8>) -> Bool {
            guard !name.isEmpty, name.count <= maximumLength else { return false }
            var isFirst = true
            var hasOtherThanDigit = false
            var last: UInt8 = 0
            for character in name {
                switch character {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): break
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "_"):
                    hasOtherThanDigit = true
                case UInt8(ascii: "."), UInt8(ascii: "-"):
                    guard !isFirst else { return false }
                    hasOtherThanDigit = true
                default:
                    guard !isFirst, extraCharacters.contains(character) else { return false }
                    hasOtherThanDigit = true
                }
                isFirst = false
                last = character
            }
            return hasOtherThanDigit && last != UInt8(ascii: " ")
        }

        /// Whether a person may have the name: as ``allows(_:)``, but never with a space, at which
        /// crontab(5), sshd_config(5) and many scripts cut it.
        public func allowsPerson(_ name: some Collection<UInt8>) -> Bool {
            allows(name) && !name.contains(UInt8(ascii: " "))
        }
    }
#endif
