// Durations in the forms that C wants them in.

internal import Glibc

extension Duration {
    /// For select(2)-like interfaces; negative durations are zero.
    var timeValue: timeval {
        let parts = max(self, .zero).components
        return timeval(
            tv_sec: Int(clamping: parts.seconds),
            tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
    }

    /// At least 1.
    var wholeSeconds: CInt {
        max(1, CInt(clamping: components.seconds))
    }

    /// From 0 to `Int32.max`, rounded up, so that a wait never ends before its deadline.
    var milliseconds: CInt {
        let parts = max(self, .zero).components
        let (whole, isTooLong) = parts.seconds.multipliedReportingOverflow(by: 1000)
        guard !isTooLong else { return .max }
        let part = (parts.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return CInt(clamping: whole + part)
    }
}

/// A moment by which something must be done.
struct Deadline {
    private let end: ContinuousClock.Instant

    /// The moment `duration` from now.
    init(in duration: Duration) {
        end = ContinuousClock.now.advanced(by: duration)
    }

    /// What is left; zero once the moment has passed.
    var remaining: Duration {
        max(.zero, ContinuousClock.now.duration(to: end))
    }
}
