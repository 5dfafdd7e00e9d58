// A full reading is what a comparison leads to that cannot be done or finds too much; where every
// comparison ends so, each must not cost the directory everything.

internal import DirectorySync

/// How soon comparisons may have everything read again: at once, and then with growing pauses until a
/// comparison came to a good end.
struct FullReadingPace: Equatable {
    private var pauses: Backoff
    private static let firstPause = Duration.seconds(20)

    /// When the next one may begin, by the steady clock.
    private(set) var nextAt = Duration.zero

    /// A pace at its beginning; `longest` is the longest pause.
    init(longest: Duration) {
        pauses = Backoff(first: Self.firstPause, limit: longest)
    }

    /// Begins a full reading if one may begin now.
    ///
    /// The next one may after a pause of at most `limit`; `random`, from 0 to 1, spreads hosts.
    mutating func begin(now: Duration, limit: Duration, random: Double) -> Bool {
        guard now >= nextAt else { return false }
        nextAt = now + min(pauses.next(random: random), limit)
        return true
    }

    /// A comparison came to a good end.
    mutating func reset() {
        pauses.reset()
        nextAt = .zero
    }
}
