// The clocks of the gate, and what the header of an index keeps of them (DESIGN, "Time").
//
// Within one boot ages come from CLOCK_BOOTTIME; across boots "now" is the later of CLOCK_REALTIME
// and the newest time that was ever published with what has passed since at the least, so that a
// clock set back revives nothing.
internal import CLibc

/// A moment by the clocks of a host.
public struct GateClock: Equatable, Sendable {
    /// CLOCK_REALTIME in seconds since the epoch.
    public var now: Int64
    /// CLOCK_BOOTTIME in seconds.
    public var uptime: Int64
    /// Stands for this boot (a hash of /proc/sys/kernel/random/boot_id, 40 bits); 0: unknown, which is
    /// never the same boot as any other.
    public var boot: UInt64

    /// A moment from its parts.
    public init(now: Int64, uptime: Int64, boot: UInt64) {
        self.now = now
        self.uptime = uptime
        self.boot = boot
    }
}

extension GateClock {
    /// The clocks of this host now.
    ///
    /// Opens and closes one file of /proc; never blocks; keeps errno.
    public static func ofThisHost() -> GateClock {
        GateClock(now: seconds(CLOCK_REALTIME), uptime: seconds(CLOCK_BOOTTIME), boot: thisBoot())
    }

    /// What stands for the boot that this host is in; 0 if the kernel does not say.
    public static func thisBoot() -> UInt64 {
        let saved = roster_errno()
        defer { roster_set_errno(saved) }
        let path: StaticString = "/proc/sys/kernel/random/boot_id"
        let text = unsafe UnsafeRawPointer(path.utf8Start).assumingMemoryBound(to: CChar.self)
        let descriptor = unsafe roster_open(text, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0)
        guard descriptor >= 0 else { return 0 }
        defer { _ = close(descriptor) }
        var id: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
        let count = unsafe withUnsafeMutableBytes(of: &id) { room in
            unsafe read(descriptor, room.baseAddress, room.count)
        }
        guard count >= 32 else { return 0 }
        return tag(&id)
    }

    /// The tag of a boot's id as the kernel writes it, in 40 octets with zeros behind.
    private static func tag(_ id: inout (UInt64, UInt64, UInt64, UInt64, UInt64)) -> UInt64 {
        let seed = IndexSeed(first: 0x8F3C_7B1D_25A9_E641, second: 0x1BD1_1BDA_A9FC_1A22)
        let tag = unsafe withUnsafeBytes(of: &id) { text in
            guard let start = text.baseAddress else { return UInt64(0) }
            return unsafe seed.checksum(start, words: 5)
        }
        return tag & 0xFF_FFFF_FFFF
    }

    private static func seconds(_ clock: CInt) -> Int64 {
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return 0 }
        return Int64(time.tv_sec)
    }

    /// Seconds since `earlier` by the clock that nobody sets; `nil` unless both are of one boot.
    func elapsed(since earlier: GateClock) -> Int64? {
        guard boot != 0, boot == earlier.boot, uptime >= earlier.uptime else { return nil }
        return uptime.subtractingSaturated(earlier.uptime)
    }

    /// Seconds that have passed since `earlier` at the least, by the clock that nobody sets; never
    /// negative.
    ///
    /// What was noted in another boot lies before all of this one. Where a boot is unknown it may
    /// be the same: then only the uptime gained counts, else a healthy host would seem as old as it
    /// is up.
    func passed(since earlier: GateClock) -> Int64 {
        let isAnotherBoot = boot != 0 && earlier.boot != 0 && boot != earlier.boot
        return max(0, isAnotherBoot ? uptime : uptime.subtractingSaturated(earlier.uptime))
    }
}

/// When the directory last answered and when the mirror was last verified.
///
/// Times only go forward here, whatever the host's clock does: each is noted as ``now(_:)`` has it.
public struct GateTimes: Equatable, Sendable {
    /// When the directory last answered; `nil`: never.
    public private(set) var contact: GateClock?
    /// When the mirror was last known to be what the directory is; `nil`: never.
    public private(set) var verified: GateClock?

    /// Times as they were noted.
    public init(contact: GateClock? = nil, verified: GateClock? = nil) {
        self.contact = contact
        self.verified = verified
    }

    /// Seconds since the epoch: the later of the host's clock and of the newest time noted, with what
    /// has passed since at the least by the clock that nobody sets.
    public func now(_ clock: GateClock) -> Int64 {
        max(clock.now, max(Self.now(contact, clock), Self.now(verified, clock)))
    }

    private static func now(_ noted: GateClock?, _ clock: GateClock) -> Int64 {
        guard let noted else { return Int64.min }
        return noted.now.addingSaturated(clock.passed(since: noted))
    }

    /// How many seconds ago the mirror was verified; `nil`: never.
    public func age(_ clock: GateClock) -> Int64? {
        guard let verified else { return nil }
        if let elapsed = clock.elapsed(since: verified) { return elapsed }
        return now(clock).subtractingSaturated(verified.now)
    }

    /// The directory answered.
    public mutating func noteContact(_ clock: GateClock) {
        contact = GateClock(now: now(clock), uptime: clock.uptime, boot: clock.boot)
    }

    /// The mirror is what the directory is.
    public mutating func noteVerified(_ clock: GateClock) {
        verified = GateClock(now: now(clock), uptime: clock.uptime, boot: clock.boot)
    }

    /// Takes over what `other` knows, unless it is earlier.
    public mutating func merge(_ other: GateTimes) {
        contact = Self.later(contact, other.contact)
        verified = Self.later(verified, other.verified)
    }

    private static func later(_ one: GateClock?, _ other: GateClock?) -> GateClock? {
        guard let one else { return other }
        guard let other, other.now >= one.now else { return one }
        return other
    }
}

extension Int64 {
    /// The difference, or the limit that it would go beyond.
    func subtractingSaturated(_ other: Int64) -> Int64 {
        let (value, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? Int64.max : Int64.min) : value
    }

    /// The sum, or the limit that it would go beyond.
    func addingSaturated(_ other: Int64) -> Int64 {
        let (value, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? Int64.min : Int64.max) : value
    }
}

#if !hasFeature(Embedded)
    extension GateClock {
        /// What stands for the boot with this id, 32 hexadecimal digits with or without hyphens, as
        /// ``thisBoot()`` says it; `nil` for anything else.
        public static func boot(id: String) -> UInt64? {
            let digits = id.lowercased().filter { $0 != "-" }
            guard digits.utf8.count == 32, digits.allSatisfy(\.isHexDigit) else { return nil }
            var text = ""
            for (place, digit) in digits.enumerated() {
                if [8, 12, 16, 20].contains(place) { text.append("-") }
                text.append(digit)
            }
            let octets = Array((text + "\n").utf8)
            var id: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
            unsafe withUnsafeMutableBytes(of: &id) { unsafe $0.copyBytes(from: octets) }
            return tag(&id)
        }
    }
#endif
