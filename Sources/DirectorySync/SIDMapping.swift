// Uids and gids out of security identifiers, the same ones that SSSD's ldap_id_mapping gives.
//
// The window is cut into slices. A domain has the slice that the MurmurHash3 of its identifier names,
// and an account the number of its relative identifier (RID) in there. RIDs beyond one slice have
// further slices: those from N times the slice size on have the one that the hash of "DOMAIN-FIRST"
// names, FIRST being the first of them, or the next slice where that is the domain's own.
// Source: src/lib/idmap/sss_idmap.c of SSSD 2.8, with the helpers that its LDAP provider asks for.

/// Maps the identifiers of a domain to ids.
struct SIDMapping: Equatable, Sendable {
    /// The ids that slices are cut from; the last one is never reached.
    let window: ClosedRange<UInt32>
    /// How many ids a slice has.
    let sliceSize: UInt32

    /// How many further slices SSSD lays out at once when it meets a domain
    /// (ldap_idmap_helper_table_size).
    private static let helpers: UInt32 = 10

    /// Why an identifier has no id.
    enum Failure: Error, Equatable {
        /// The window has no room for a slice.
        case noSlices
        /// Two slices of the domain fall together: SSSD's answer depends on which it met first.
        case ambiguous
    }

    /// The id of an account or group of a domain.
    func id(domain: String, relative: UInt32) throws(Failure) -> UInt32 {
        guard sliceSize > 0 else { throw .noSlices }
        let slices = (window.upperBound - window.lowerBound) / sliceSize
        guard slices > 0 else { throw .noSlices }
        let own = MurmurHash3.hash(domain) % slices
        var slice = own
        if relative >= sliceSize {
            slice = try furtherSlice(relative / sliceSize, of: domain, own: own, slices)
        }
        return window.lowerBound + slice * sliceSize + relative % sliceSize
    }

    private func furtherSlice(
        _ number: UInt32, of domain: String, own: UInt32, _ slices: UInt32
    ) throws(Failure) -> UInt32 {
        func place(_ number: UInt32) -> UInt32 {
            let hash = MurmurHash3.hash("\(domain)-\(UInt64(number) * UInt64(sliceSize))") % slices
            return hash == own ? (hash + 1) % slices : hash
        }
        let slice = place(number)
        guard slice != own else { throw .noSlices }
        let last = min(Self.helpers, UInt32.max / sliceSize)
        for other in stride(from: 1, through: last, by: 1) where other != number {
            guard place(other) != slice else { throw .ambiguous }
        }
        return slice
    }
}

/// MurmurHash3 (Austin Appleby, public domain), 32 bits, with the seed of SSSD.
enum MurmurHash3 {
    /// The hash of a text's octets.
    static func hash(_ text: String, seed: UInt32 = 0xDEAD_BEEF) -> UInt32 {
        hash(Array(text.utf8), seed: seed)
    }

    /// The hash of octets.
    static func hash(_ octets: [UInt8], seed: UInt32) -> UInt32 {
        var hash = seed
        var block: UInt32 = 0
        for (place, octet) in octets.enumerated() {
            block |= UInt32(octet) << UInt32(8 * (place & 3))
            guard place & 3 == 3 else { continue }
            hash ^= scrambled(block)
            hash = (hash << 13 | hash >> 19) &* 5 &+ 0xE654_6B64
            block = 0
        }
        hash ^= scrambled(block)
        hash ^= UInt32(truncatingIfNeeded: octets.count)
        hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
        hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
        return hash ^ hash >> 16
    }

    private static func scrambled(_ block: UInt32) -> UInt32 {
        let product = block &* 0xCC9E_2D51
        return (product << 15 | product >> 17) &* 0x1B87_3593
    }
}
