// How many questions a user may ask: a bucket of tokens each, filled up slowly.

/// Counts the requests of users other than root; times are those of the steady clock.
struct RequestLimiter {
    /// How many requests a user may make at once.
    let burst: Double
    /// Seconds until one more may be made.
    let interval: Double
    /// The most users that are counted; beyond it the one who asked longest ago is forgotten.
    let users: Int

    /// What becomes of a request.
    enum Admission: Equatable, Sendable {
        case admitted
        case refused
        /// Refused, and none of the user was reported within the last minute.
        case refusedAndDue
    }

    private struct Bucket {
        var tokens: Double
        var at: Duration
        var reportedAt: Duration?
    }

    /// How often the refusals of a user are reported at most.
    static let reportInterval: Duration = .seconds(60)

    private var buckets: [UInt32: Bucket] = [:]

    /// A screen locker asks a few times in a minute; a program that guesses does not get far.
    init(burst: Double = 10, interval: Double = 3, users: Int = 1024) {
        self.burst = burst
        self.interval = interval
        self.users = users
    }

    /// Whether the user may make a request now, which is counted.
    mutating func admission(of uid: UInt32, at now: Duration) -> Admission {
        guard uid != 0 else { return .admitted }
        var bucket = buckets[uid] ?? Bucket(tokens: burst, at: now)
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at).inSeconds / interval)
        bucket.at = now
        let isAdmitted = bucket.tokens >= 1
        if isAdmitted { bucket.tokens -= 1 }
        let isReported = bucket.reportedAt.map { now - $0 < Self.reportInterval } ?? false
        if !isAdmitted, !isReported { bucket.reportedAt = now }
        buckets[uid] = bucket
        if buckets.count > users, let oldest = buckets.min(by: { $0.value.at < $1.value.at }) {
            buckets[oldest.key] = nil
        }
        if isAdmitted { return .admitted }
        return isReported ? .refused : .refusedAndDue
    }
}
