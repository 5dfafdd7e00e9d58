import Testing

@testable import DirectorySync

// The expected numbers are answers of SSSD's own library, libsss_idmap 2.8.2 of Debian 12, called
// through Python's ctypes as SSSD's LDAP provider calls it: sss_idmap_init, sss_idmap_ctx_set_lower,
// _upper, _rangesize, sss_idmap_ctx_set_extra_slice_init(10), sss_idmap_calculate_range with slice
// -1, sss_idmap_add_auto_domain_ex, then sss_idmap_sid_to_unix, in a new context for each number.
@Suite("Ids from security identifiers")
struct SIDMappingTests {
    private static let domain = "S-1-5-21-3623811015-3361044348-30300820"

    @Test(
        "with the usual slices they are SSSD's",
        arguments: [
            (
                domain, 674_000_500, 674_000_513, 674_001_103, 674_199_999, 1_787_200_000,
                67_800_001, 494_199_999, 1_021_600_000, 396_600_000, 1_851_341_823, 1_237_767_295
            ),
            (
                "S-1-5-21-1-2-3", 686_200_500, 686_200_513, 686_201_103, 686_399_999, 832_600_000,
                313_800_001, 560_199_999, 1_754_000_000, 1_544_400_000, 131_541_823, 1_032_967_295
            ),
            (
                "S-1-5-21-4294967295-4294967295-4294967295", 1_246_200_500, 1_246_200_513,
                1_246_201_103, 1_246_399_999, 1_969_000_000, 799_800_001, 376_599_999, 940_600_000,
                49_600_000, 767_541_823, 1_452_567_295
            ),
            (
                "S-1-5-21-0-0-0", 1_017_000_500, 1_017_000_513, 1_017_001_103, 1_017_199_999,
                867_600_000, 932_200_001, 1_687_999_999, 795_400_000, 1_578_200_000, 605_741_823,
                1_988_567_295
            ),
            (
                "S-1-5-21-1004336348-1177238915-682003330", 266_800_500, 266_800_513, 266_801_103,
                266_999_999, 1_304_600_000, 1_948_600_001, 1_605_999_999, 1_265_400_000,
                1_045_600_000, 1_547_941_823, 1_553_567_295
            ),
        ]
            as [(
                String, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32,
                UInt32,
                UInt32
            )])
    func usual(
        _ vector: (
            String, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32,
            UInt32
        )
    ) throws {
        let mapping = SIDMapping(window: 200_000...2_000_200_000, sliceSize: 200_000)
        let relatives: [UInt32] = [
            500, 513, 1103, 199_999, 200_000, 400_001, 1_999_999, 2_000_000, 2_200_000,
            1_073_741_823, 4_294_967_295,
        ]
        let expected = [
            vector.1, vector.2, vector.3, vector.4, vector.5, vector.6, vector.7, vector.8,
            vector.9, vector.10, vector.11,
        ]
        let found = try relatives.map { try mapping.id(domain: vector.0, relative: $0) }
        #expect(found == expected)
    }

    @Test(
        "with other windows and slices too",
        arguments: [
            (100_000, 900_000, 100_000, [500: 200_500, 65536: 265_536, 100_000: 600_000]),
            (
                1_000_000, 1_999_999_999, 65536,
                [
                    500: 443_171_892, 65536: 264_913_472, 99999: 264_947_935,
                    250_000: 1_035_735_760, 999_999: 1_838_908_543, 1_999_999: 1_822_082_751,
                ]
            ),
            (
                200_000, 2_147_483_647, 1_000_000,
                [500: 347_200_500, 999_999: 348_199_999, 1_000_000: 80_200_000]
            ),
        ] as [(UInt32, UInt32, UInt32, [UInt32: UInt32])])
    func others(low: UInt32, high: UInt32, size: UInt32, ids: [UInt32: UInt32]) throws {
        let mapping = SIDMapping(window: low...high, sliceSize: size)
        for (relative, id) in ids {
            #expect(try mapping.id(domain: Self.domain, relative: relative) == id, "\(relative)")
        }
    }

    @Test("a further slice that falls on the domain's own is the next one")
    func onItsOwn() throws {
        let mapping = SIDMapping(window: 200_000...2_000_200_000, sliceSize: 200_000)
        let domain = "S-1-5-21-2512224928-767697107-1306689003"
        #expect(try mapping.id(domain: domain, relative: 1000) == 1_706_001_000)
        #expect(try mapping.id(domain: domain, relative: 600_005) == 1_706_200_005)
    }

    @Test("of two further slices that fall together neither is used: SSSD gives the first it meets")
    func together() throws {
        let mapping = SIDMapping(window: 200_000...2_000_200_000, sliceSize: 200_000)
        let domain = "S-1-5-21-652768597-4008365026-2100080514"
        for relative in [UInt32(1_400_007), 2_000_007] {
            #expect(throws: SIDMapping.Failure.ambiguous) {
                try mapping.id(domain: domain, relative: relative)
            }
        }
        #expect(try mapping.id(domain: domain, relative: 1000) != 0)
    }

    @Test("a window without room for a slice gives no ids, and a single slice none beyond it")
    func noRoom() {
        for window in [UInt32(1000)...60000, 200_000...399_999] {
            let mapping = SIDMapping(window: window, sliceSize: 200_000)
            #expect(throws: SIDMapping.Failure.noSlices) {
                try mapping.id(domain: Self.domain, relative: 500)
            }
        }
        let single = SIDMapping(window: 200_000...400_000, sliceSize: 200_000)
        #expect((try? single.id(domain: Self.domain, relative: 500)) == 200_500)
        #expect(throws: SIDMapping.Failure.noSlices) {
            try single.id(domain: Self.domain, relative: 200_000)
        }
    }

    @Test("the hash is MurmurHash3 as published")
    func murmur() {
        // SMHasher's verification of MurmurHash3_x86_32: hashes of 0, 0 1, ... with seed 256 - N.
        let all = (0..<256).flatMap { count in
            let hash = MurmurHash3.hash(
                (0..<count).map { UInt8($0) }, seed: UInt32(256 - count))
            return (0..<4).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt32($0))) }
        }
        #expect(MurmurHash3.hash(all, seed: 0) == 0xB0F5_7EE3)
    }
}

@Suite("Security identifiers")
struct SecurityIdentifierTests {
    /// S-1-5-21-1-2-3-RID.
    static func octets(_ relative: UInt32) -> [UInt8] {
        [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]
            + (0..<4).map { UInt8(truncatingIfNeeded: relative >> (8 * UInt32($0))) }
    }

    @Test("an account of a domain")
    func account() throws {
        let sid = try #require(SecurityIdentifier(octets: Self.octets(0x0102_0304)[...]))
        #expect(sid.description == "S-1-5-21-1-2-3-16909060")
        #expect(sid.domain == "S-1-5-21-1-2-3")
        #expect(sid.relative == 16_909_060)
        #expect(sid.isOfDomain && !sid.isBuiltIn)
    }

    @Test("a group that every machine has, and one of an authority of its own")
    func others() throws {
        let builtIn = try #require(
            SecurityIdentifier(octets: [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0]))
        #expect(builtIn.description == "S-1-5-32-544" && builtIn.isBuiltIn && !builtIn.isOfDomain)
        let instance = try #require(
            SecurityIdentifier(octets: [1, 1, 0xFF, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF]))
        #expect(instance.description == "S-1-280375465082881-4294967295" && !instance.isOfDomain)
    }

    @Test("every truncation, every surplus and every wrong count is no identifier")
    func hostile() {
        let good = Self.octets(500)
        for count in 0..<good.count {
            #expect(SecurityIdentifier(octets: good[..<count]) == nil)
        }
        #expect(SecurityIdentifier(octets: (good + [0])[...]) == nil)
        for count in UInt8.min...UInt8.max where count != 5 {
            var octets = good
            octets[1] = count
            #expect(SecurityIdentifier(octets: octets[...]) == nil)
        }
        for revision in UInt8.min...UInt8.max where revision != 1 {
            var octets = good
            octets[0] = revision
            #expect(SecurityIdentifier(octets: octets[...]) == nil)
        }
        let longest = [1, 255, 0, 0, 0, 0, 0, 5] + [UInt8](repeating: 0, count: 4 * 255)
        #expect(SecurityIdentifier(octets: longest[...]) == nil)
        #expect(SecurityIdentifier(octets: ([9] + good).dropFirst()) != nil)
    }
}
