import LDAPClient
import Testing

@Suite("Persistent search")
struct PersistentSearchTests {
    @Test("the request asks for every kind of change from now on, with notifications")
    func request() {
        let control = PersistentSearchControl().control
        #expect(control.isCritical && control.oid == "2.16.840.1.113730.3.4.3")
        #expect(
            control.value
                == [0x30, 0x09, 0x02, 0x01, 0x0F, 0x01, 0x01, 0xFF, 0x01, 0x01, 0xFF])
    }

    @Test(
        "a notification says what happened, whatever follows",
        arguments: [
            (1, .add), (2, .delete), (4, .modify), (8, .rename),
        ] as [(UInt8, EntryChangeNotification.Change)])
    func notification(_ number: UInt8, _ change: EntryChangeNotification.Change) throws {
        let short: [UInt8] = [0x30, 0x03, 0x0A, 0x01, number]
        #expect(try EntryChangeNotification(decoding: short).change == change)
        let long: [UInt8] = [0x30, 0x08, 0x0A, 0x01, number, 0x04, 0x03, 0x63, 0x6E, 0x3D]
        #expect(try EntryChangeNotification(decoding: long).change == change)
    }

    @Test(
        "what is not a notification is refused",
        arguments: [[], [0x30], [0x30, 0x03, 0x0A, 0x01, 3], [0x04, 0x01, 1]] as [[UInt8]])
    func refused(_ octets: [UInt8]) {
        #expect(throws: LDAPControlError.self) {
            try EntryChangeNotification(decoding: octets)
        }
    }
}
