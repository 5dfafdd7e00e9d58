import Accounts
import DirectorySync
import Testing

private func id(_ number: UInt64) -> EntryUUID {
    EntryUUID(high: number &* 0x9E37_79B9_7F4A_7C15, low: number)
}

@Suite("The comparison")
struct ComparisonTests {
    private func mark(_ dn: String, _ stamp: String) -> Comparison.Mark {
        Comparison.Mark(dnKey: dn, stamp: stamp)
    }

    @Test("new, renamed and changed entries are read again, the absent ones are candidates")
    func differences() {
        var comparison = Comparison()
        for number in 1...5 as ClosedRange<UInt64> {
            comparison.addStored(id(number), mark: mark("uid=\(number)", "s"))
        }
        comparison.addListed(id(1), mark: mark("uid=1", "s"))
        comparison.addListed(id(2), mark: mark("uid=other", "s"))
        comparison.addListed(id(3), mark: mark("uid=3", "t"))
        comparison.addListed(id(6), mark: mark("uid=6", "s"))
        comparison.addListed(id(6), mark: mark("uid=6", "s"))
        comparison.addListed(id(1), mark: mark("uid=1", "s"))
        let outcome = comparison.finish()
        #expect(outcome.toReread == [id(2), id(3), id(6)].sorted())
        #expect(outcome.missing == [id(4), id(5)].sorted())
        #expect(outcome.unchangedCount == 1)
    }

    @Test("nothing listed: everything is a candidate; nothing stored: everything is read")
    func extremes() {
        var empty = Comparison()
        empty.addStored(id(1), mark: mark("a", "b"))
        #expect(empty.finish().missing == [id(1)])
        var fresh = Comparison()
        fresh.addListed(id(1), mark: mark("a", "b"))
        #expect(fresh.finish().toReread == [id(1)])
        #expect(Comparison().finish().missing.isEmpty)
    }

    @Test("the border between DN and stamp counts")
    func marks() {
        #expect(mark("ab", "c") != mark("a", "bc"))
    }

    @Test("any two sets of entries are told apart as sets would", arguments: 0..<20)
    func property(_ round: Int) {
        var generator = SystemRandomNumberGenerator()
        let stored = Dictionary(
            uniqueKeysWithValues: (0..<200).shuffled().prefix(100).map { (UInt64($0), $0 % 3) })
        let listed = Dictionary(
            uniqueKeysWithValues: (0..<200).shuffled().prefix(100).map { number in
                (UInt64(number), number % (Bool.random(using: &generator) ? 3 : 2))
            })
        var comparison = Comparison()
        for (number, stamp) in stored {
            comparison.addStored(id(number), mark: mark("d", "\(stamp)"))
        }
        for (number, stamp) in listed {
            comparison.addListed(id(number), mark: mark("d", "\(stamp)"))
        }
        let outcome = comparison.finish()
        let missing = Set(stored.keys).subtracting(listed.keys)
        let differing = listed.filter { stored[$0.key] != $0.value }.keys
        #expect(outcome.missing == missing.map(id).sorted())
        #expect(outcome.toReread == differing.map(id).sorted())
        #expect(outcome.unchangedCount == listed.count - differing.count)
    }
}
