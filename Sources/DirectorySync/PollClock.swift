// What the server's clock shows, learned from the change stamps that come by.

internal import Accounts

/// A moment by both clocks of this host.
public struct PollMoment: Hashable, Sendable {
    /// By a clock that does not jump.
    public var uptime: Duration
    /// Seconds since the epoch, as this host believes.
    public var time: Int64

    /// A moment from its parts.
    public init(uptime: Duration, time: Int64) {
        self.uptime = uptime
        self.time = time
    }
}

/// The least that the server's clock can show, in seconds since the epoch.
///
/// A stamp that was received at a moment was written before it. So the server's clock was at least
/// as far then, and every change made after a search began has a stamp no older than what is known
/// of the clock at that beginning: from there the next search goes on.
///
/// Stamps ahead of this host's own clock are passed over: one entry of the year 2100 must not hide
/// all that changes before it. Where the server's clock is ahead, that lets searches look back further
/// than they need; where this host's is far behind, everything is listed every time.
struct ServerClock: Equatable, Sendable {
    /// Milliseconds that the server's clock is ahead of the clock that does not jump.
    private var offset: Int64?

    /// Takes in a stamp that was seen now.
    mutating func note(_ stamp: Int64, now: PollMoment) {
        guard stamp <= now.time else { return }
        let candidate = stamp &* 1000 &- now.uptime.inMilliseconds
        offset = max(offset ?? candidate, candidate)
    }

    /// What the clock showed at least at a moment; `nil`: no stamp was seen yet.
    func time(at uptime: Duration) -> Int64? {
        offset.map { offset in
            let milliseconds = offset &+ uptime.inMilliseconds
            return (milliseconds - (milliseconds < 0 ? 999 : 0)) / 1000
        }
    }
}

/// Where a search by polling goes on, as it is stored.
enum PollCookie {
    private static let prefix = "modifyTimestamp="

    /// The octets for a moment in seconds since the epoch.
    static func octets(_ time: Int64) -> [UInt8] {
        Array((prefix + DirectoryNumbers.text(ofTime: time)).utf8)
    }

    /// The moment; `nil` for anything that was not written by ``octets(_:)``.
    static func time(_ octets: [UInt8]) -> Int64? {
        guard octets.starts(with: prefix.utf8) else { return nil }
        return DirectoryNumbers.generalizedTime(octets.dropFirst(prefix.utf8.count))
    }
}

/// What was seen lately, so that what is seen again unchanged need not be stored again.
struct RecentEntries: Sendable {
    /// Above this nothing more is kept: what comes again is then stored again, to no effect.
    ///
    /// Some 6 MB, for a minute or two after so many changes.
    static let most = 100_000

    private var marks: [EntryUUID: (mark: UInt64, stamp: Int64)] = [:]

    /// Takes an entry in; whether it was seen before with the same content.
    ///
    /// The content counts and not the stamp: two changes within one second have the same.
    mutating func note(_ entry: DirectoryEntry, stamp: Int64) -> Bool {
        let known = marks[entry.uuid]
        guard known != nil || marks.count < Self.most else { return false }
        var hash = FNV128()
        hash.combine(entry.dn)
        for octet in entry.attributes.packed { hash.combine(octet) }
        let mark = hash.high ^ hash.low
        marks[entry.uuid] = (mark, stamp)
        return known?.mark == mark
    }

    /// Forgets what no search will show again unchanged.
    mutating func forget(before time: Int64) {
        marks = marks.filter { $0.value.stamp >= time }
    }

    /// Forgets an entry.
    mutating func forget(_ uuid: EntryUUID) {
        marks[uuid] = nil
    }
}

extension Duration {
    /// Whole milliseconds.
    var inMilliseconds: Int64 {
        components.seconds &* 1000 &+ components.attoseconds / 1_000_000_000_000_000
    }
}
