// setXXent, getXXent, endXXent: the position is one atomic word, and the word pins a slot.

/// The two maps that can be enumerated; each has its own position.
public enum EnumeratedMap: Sendable {
    /// passwd.
    case people
    /// group.
    case groups

    var kind: ItemKind { self == .people ? .person : .group }
}

/// A position: bits 0–31 offset, 32–59 generation counted from the base's, 60–63 slot plus one.
///
/// 0: no enumeration has begun; 15 in the place of the slot: it has ended.
struct EnumerationWord {
    let bits: UInt64

    static var ended: UInt64 { 15 << 60 }

    init(_ bits: UInt64) {
        self.bits = bits
    }

    init?(slot: Int, generation: UInt64, position: UInt32) {
        guard generation < 1 << 28 else { return nil }
        bits = UInt64(slot &+ 1) << 60 | generation << 32 | UInt64(position)
    }

    /// The pinned slot; -1 for none.
    var slot: Int { isEnded ? -1 : Int(bits >> 60) &- 1 }
    var isEnded: Bool { bits >> 60 == 15 }
    var position: UInt32 { UInt32(truncatingIfNeeded: bits) }
    var generation: UInt64 { bits >> 32 & 0xFFF_FFFF }
    /// The same enumeration elsewhere.
    func moved(to position: UInt32) -> UInt64 { bits & ~0xFFFF_FFFF | UInt64(position) }
}

extension IndexReader {
    /// Starts an enumeration from the beginning, pinned to the newest generation.
    public func startEnumeration(_ map: EnumeratedMap) throws(IndexFault) {
        while true {
            if let hold = holdCurrent() {
                defer { release(hold) }
                let view = view(hold)
                let generation = try view.generation() &- view.baseGeneration
                guard
                    let word = EnumerationWord(
                        slot: hold.slot, generation: generation,
                        position: view.enumerationStart(map.kind))
                else { throw .exhausted }
                enumeration(map).storeInOrder(word.bits)
                return
            }
            if let unkept = try openFirst() {
                unkept.unmap()
                throw .exhausted
            }
        }
    }

    /// Ends an enumeration and lets its mapping go.
    public func endEnumeration(_ map: EnumeratedMap) {
        if enumeration(map).load() == 0 { return }
        enumeration(map).storeInOrder(0)
        reclaim()
    }

    /// Runs `body` with the next item and moves on if it does not throw; `nil` at the end.
    ///
    /// Starts an enumeration where none has begun. When two threads take turns, each item goes to one
    /// of them.
    func nextEnumerated<Answer, Failure: Error>(
        _ map: EnumeratedMap, fault: (IndexFault) -> Failure,
        _ body: (borrowing IndexView, AccountItem) throws(Failure) -> Answer
    ) throws(Failure) -> Answer? {
        while true {
            let word = EnumerationWord(enumeration(map).load())
            if word.isEnded { return nil }
            let slot = word.slot
            guard slot >= 0, slot < 8 else {
                do throws(IndexFault) { try startEnumeration(map) } catch { throw fault(error) }
                continue
            }
            let hold = hold(slot)
            defer { release(hold) }
            // The slot is safe only if the word pinned it after the counter was raised.
            guard enumeration(map).loadInOrder() == word.bits else { continue }
            let view = view(hold)
            let found: (account: AccountItem, next: UInt32)?
            do throws(IndexFault) {
                found = try view.next(
                    map.kind, from: word.position,
                    generation: view.baseGeneration &+ word.generation)
            } catch { throw fault(error) }
            guard let found else {
                if enumeration(map).replace(word.bits, by: EnumerationWord.ended) { return nil }
                continue
            }
            let answer = try body(view, found.account)
            if enumeration(map).replace(word.bits, by: word.moved(to: found.next)) {
                return answer
            }
        }
    }
}
