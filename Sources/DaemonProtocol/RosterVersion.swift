// The version of this build, in one place.

#if !hasFeature(Embedded)
    /// The version that `--version` of every program prints.
    public enum RosterVersion {
        /// Major, minor, patch.
        public static let current = "0.1.0"
    }
#endif
