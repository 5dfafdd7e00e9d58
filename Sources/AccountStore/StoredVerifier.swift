// What is kept of a person's password for the time without the directory.

public import Accounts

/// A moment by both clocks, so that an age holds within one boot and across boots.
public struct VerifierMoment: Equatable, Sendable {
    /// Seconds since the epoch.
    public var at: Int64
    /// Seconds since the boot, the time suspended included (CLOCK_BOOTTIME).
    public var uptime: Int64
    /// Names the boot: anything that another boot does not have; 0: unknown.
    public var boot: UInt64

    /// A moment from its parts.
    public init(at: Int64, uptime: Int64, boot: UInt64) {
        self.at = at
        self.uptime = uptime
        self.boot = boot
    }

    /// Seconds from an earlier moment until this one; 0 where the clocks say less.
    ///
    /// Within one boot by the steady clock; else by the wall clock, which may have been set: `newest`
    /// is the latest time that is known to have been, and this moment is not before it. Nor is it
    /// earlier than what this boot alone has lasted beyond the earlier moment.
    public func seconds(since earlier: VerifierMoment, newest: Int64) -> Int64 {
        let isLater = uptime >= earlier.uptime
        let isKnown = boot != 0 && earlier.boot != 0
        if isKnown, boot == earlier.boot, isLater { return uptime.less(earlier.uptime) }
        // Where the boot may be the same one, only the difference is sure to have passed.
        let atLeast = isKnown || !isLater ? uptime : uptime.less(earlier.uptime)
        return max(0, max(max(at, newest).less(earlier.at), atLeast))
    }
}

extension Int64 {
    /// The difference, or the limit that it would go beyond.
    fileprivate func less(_ other: Int64) -> Int64 {
        let (value, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : value
    }
}

/// A verifier and what has to be true for it to be used.
public struct StoredVerifier: Equatable, Sendable {
    /// The person's entry.
    public var uuid: EntryUUID
    /// The person's name.
    public var name: String
    /// The verifier, in the form of whoever made it.
    public var verifier: [UInt8]
    /// ``LoginFacts/passwordStamp`` when the directory accepted the password.
    public var stamp: String
    /// When the directory accepted the password last.
    public var acceptedAt: VerifierMoment
    /// Wrong passwords that were held against the verifier since the last right one.
    public var failures: Int
    /// When the last of them was; `nil`: there is none.
    public var lastFailure: VerifierMoment?
    /// Whether the directory wanted a new password when it accepted this one last.
    public var mustChange: Bool
    /// When the directory refused the account, whatever the password; seconds since the epoch.
    ///
    /// `nil`: not since it accepted the password. Otherwise the verifier is not to be used.
    public var refusedAt: Int64?

    /// A verifier nobody has failed at.
    public init(
        uuid: EntryUUID, name: String, verifier: [UInt8], stamp: String, acceptedAt: VerifierMoment,
        mustChange: Bool = false
    ) {
        self.uuid = uuid
        self.name = name
        self.verifier = verifier
        self.stamp = stamp
        self.acceptedAt = acceptedAt
        failures = 0
        self.mustChange = mustChange
    }
}

extension StoredVerifier {
    init?(_ row: SQLRow) {
        guard let uuid = EntryUUID(octets: row.octets(0)) else { return nil }
        self.init(
            uuid: uuid, name: row.text(1), verifier: row.octets(2), stamp: row.text(3),
            acceptedAt: VerifierMoment(row, from: 4), mustChange: row.int(11) != 0)
        failures = Int(clamping: row.int(7))
        if failures > 0 { lastFailure = VerifierMoment(row, from: 8) }
        if !row.isNull(12) { refusedAt = row.int(12) }
    }
}

extension VerifierMoment {
    fileprivate init(_ row: SQLRow, from column: Int32) {
        self.init(
            at: row.int(column), uptime: row.int(column + 1),
            boot: UInt64(bitPattern: row.int(column + 2)))
    }

    /// The three columns of a moment.
    var values: [SQLValue] {
        [.int(at), .int(uptime), .int(Int64(bitPattern: boot))]
    }
}
