// An entry that arrives in parts: a domain controller sends at most some 1500 values of an attribute
// at a time. Until all of them are there the entry is nobody's to see: who has half of a group's
// members would take it for the whole.

public import Accounts
public import LDAPClient

/// An entry of which values are still to be read, range after range.
public struct RangedEntry: Equatable, Sendable {
    /// What of an attribute is to be read next.
    public struct Request: Hashable, Sendable {
        /// The entry.
        public var dn: String
        /// The attribute with the range, as it is asked for.
        public var attribute: String
    }

    /// The most octets that one entry may have; with members of 250 octets, their
    /// identities among them, 250,000.
    static let mostOctets = 64 << 20

    /// The entry so far.
    public private(set) var entry: DirectoryEntry
    private var open: [AttributeRange]
    private let stamp: [UInt8]?
    private var answer = Answer.none

    private enum Answer { case none, part, another }

    /// How far an entry is after an answer.
    public enum Progress: Equatable, Sendable {
        /// There are more values to ask for.
        case partial
        /// All values are there.
        case whole
        /// It changed meanwhile or is another one: what was read does not belong together.
        case outdated
    }

    /// An entry with those ranges in which its attributes came; throws when they are not the first.
    public init(_ entry: DirectoryEntry, _ ranges: [AttributeRange]) throws(SyncError) {
        guard ranges.allSatisfy({ $0.first == 0 }) else {
            throw SyncError(incomplete: entry.dn, "its values do not begin with the first")
        }
        self.entry = entry
        open = ranges.filter { $0.last != nil }
        stamp = entry.attributes.firstValue(of: "usnchanged").map { Array($0) }
    }

    /// What to read next; `nil`: the entry is whole.
    public var next: Request? {
        open.first?.next.map { Request(dn: entry.dn, attribute: $0) }
    }

    /// Takes in what was read.
    ///
    /// Throws when the server does not send what was asked for: asking on would never end.
    public mutating func receive(
        _ part: DirectoryEntry, _ ranges: [AttributeRange]
    ) throws(SyncError) {
        guard part.uuid == entry.uuid,
            part.attributes.firstValue(of: "usnchanged").map({ Array($0) }) == stamp
        else {
            answer = .another
            return
        }
        guard answer == .none, let asked = open.first, let last = asked.last else { return }
        guard let range = ranges.first(where: { $0.attribute == asked.attribute }),
            range.first == last + 1
        else { throw noProgress }
        let values = part.attributes.values(of: asked.attribute)
        guard !values.isEmpty || range.last == nil else { throw noProgress }
        entry.attributes.startAttribute(asked.attribute.utf8)
        for value in values { entry.attributes.appendValue(value) }
        guard entry.attributes.packed.count <= Self.mostOctets else {
            throw SyncError(tooLarge: entry.dn, octets: Self.mostOctets)
        }
        answer = .part
        if range.last == nil { open.removeFirst() } else { open[0] = range }
    }

    /// The answer came to its successful end; throws when it had nothing in it.
    public mutating func answerEnded() throws(SyncError) -> Progress {
        defer { answer = .none }
        switch answer {
        case .none: throw noProgress
        case .another: return .outdated
        case .part: return open.isEmpty ? .whole : .partial
        }
    }

    private var noProgress: SyncError {
        SyncError(
            incomplete: entry.dn,
            "the server does not send the values after \(open.first?.last ?? 0) that were asked for"
        )
    }
}
