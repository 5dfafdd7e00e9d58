// Security identifiers of Windows (MS-DTYP 2.4.2): what Active Directory knows accounts by.

/// An objectSid: who issued it, and the number of the account or group there.
struct SecurityIdentifier: Equatable {
    /// The authority that issued the whole; 5 is Windows.
    let authority: UInt64
    /// The numbers below it, 1 to 15; the last one is the relative identifier.
    let numbers: [UInt32]

    /// Reads the octets of an attribute (MS-DTYP 2.4.2.2): revision 1, the count of numbers, six
    /// octets of authority, most significant first, and the numbers, least significant first.
    ///
    /// `nil` for anything else, also for octets that are left over.
    init?(octets: ArraySlice<UInt8>) {
        let octets = Array(octets)
        guard octets.count >= 12, octets[0] == 1, (1...15).contains(octets[1]),
            octets.count == 8 + 4 * Int(octets[1])
        else { return nil }
        authority = octets[2..<8].reduce(0) { $0 << 8 | UInt64($1) }
        numbers = stride(from: 8, to: octets.count, by: 4).map { place in
            octets[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    /// The number of the account or group within its domain (RID).
    var relative: UInt32 { numbers.last ?? 0 }

    /// The identifier of the domain, such as `S-1-5-21-1-2-3`.
    var domain: String { text(numbers.dropLast()) }

    /// Whether this is an account or group of a domain: `S-1-5-21-a-b-c-RID`.
    var isOfDomain: Bool { authority == 5 && numbers.count == 5 && numbers[0] == 21 }

    /// Whether this is one of the groups that every Windows machine has, `S-1-5-32-RID`.
    var isBuiltIn: Bool { authority == 5 && numbers.count == 2 && numbers[0] == 32 }

    private func text(_ numbers: ArraySlice<UInt32>) -> String {
        numbers.reduce("S-1-\(authority)") { "\($0)-\($1)" }
    }
}

extension SecurityIdentifier: CustomStringConvertible {
    /// The usual form, `S-1-5-21-...`.
    var description: String { text(numbers[...]) }
}
