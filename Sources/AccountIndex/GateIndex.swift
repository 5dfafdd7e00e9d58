// The account gate: one decision from one mapping of the gate part, as PAM and the key helper take it.
internal import Accounts
internal import CLibc

/// The clocks that a decision goes by (DESIGN, "Time").
///
/// Within one boot ages come from CLOCK_BOOTTIME; across boots "now" is the later of CLOCK_REALTIME
/// and the newest time that was ever published, so that a clock set back revives nothing.
public struct GateClock: Equatable, Sendable {
    /// CLOCK_REALTIME in seconds since the epoch.
    public var now: Int64
    /// CLOCK_BOOTTIME in seconds.
    public var uptime: Int64
    /// Stands for this boot (a hash of /proc/sys/kernel/random/boot_id, 40 bits); 0: unknown, which is
    /// never the same boot as any other.
    public var boot: UInt64

    /// Clocks from their parts.
    public init(now: Int64, uptime: Int64, boot: UInt64) {
        self.now = now
        self.uptime = uptime
        self.boot = boot
    }
}
