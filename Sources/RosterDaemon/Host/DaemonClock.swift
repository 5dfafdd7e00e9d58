// The daemon's clocks, as a parameter everywhere.

internal import AccountIndex
internal import Glibc

/// Wall clock and steady clock.
///
/// Tests put their own in place.
public struct DaemonClock: Sendable {
    /// Seconds since the epoch (CLOCK_REALTIME).
    public var now: @Sendable () -> Int64
    /// Time that never goes back and counts while suspended (CLOCK_BOOTTIME).
    public var uptime: @Sendable () -> Duration
    /// A number in 0 ..< 1, for jitter.
    public var random: @Sendable () -> Double

    /// The machine's clocks.
    public static let system = DaemonClock(
        now: { Int64(Self.read(CLOCK_REALTIME).tv_sec) },
        uptime: {
            let time = Self.read(CLOCK_BOOTTIME)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        },
        random: { Double.random(in: 0..<1) })

    private static func read(_ clock: CInt) -> timespec {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return time
    }

    /// Both clocks as the gate goes by them.
    func gate() -> GateClock {
        GateClock(now: now(), uptime: uptime().components.seconds, boot: Self.boot)
    }

    /// In a container the id that the service's own view of /proc shows may be another one than the
    /// container's programs see: the service manager hands over theirs.
    private static let boot =
        unsafe getenv("ROSTER_BOOT_ID").flatMap { GateClock.boot(id: unsafe String(cString: $0)) }
        ?? GateClock.thisBoot()
}
