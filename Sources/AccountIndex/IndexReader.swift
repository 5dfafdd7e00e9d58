// The mapping that a process keeps between calls: found without a system call, replaced when a newer
// file lies in its place, and never unmapped while another thread reads.
//
// State, ROSTER_READER_BYTES of memory that was zero at the start:
//
//     offset size
//          0    8  current: number of the slot in use, plus one; 0 none
//         64    8  coarse second in which the path was looked at last
//        128   16  enumerations of people and of groups (IndexReader+Enumeration)
//        192   64  states of the 8 slots: free, busy, live
//        256   64  for each slot, whether a look after "superseded" failed
//        512 8×320 the slots: view, device, inode
//       4096 8×4096 readers of each slot: 32 counters, a pair of cache lines each, one per processor
//
// A reader adds itself to a counter of the current slot and looks whether the slot is still current;
// then it is. Who replaces the slot first makes another one current, then unmaps the old one only if
// no counter and no enumeration holds it, otherwise whoever replaces next tries again. Nothing is
// ever waited for. A fork while another thread reads leaves counters held for ever in the child: that
// slot is lost there, and when none is left a lookup maps, answers and unmaps.
internal import CLibc

/// Access to the state above; a value of addresses, to be made anew in every call.
@safe
public struct IndexReader: @unchecked Sendable {  // the state is only touched by atomic protocol
    private let state: UnsafeMutableRawPointer
    let path: IndexPath

    private static var slotCount: Int { 8 }
    private static var counterCount: Int { 32 }
    private static var free: UInt64 { 0 }
    private static var busy: UInt64 { 1 }
    private static var live: UInt64 { 2 }

    /// A reader over `state`: ROSTER_READER_BYTES, aligned to 64, zero at first, outliving all use.
    public init(state: UnsafeMutableRawPointer, path: IndexPath) {
        unsafe self.state = state
        self.path = path
    }

    @inline(__always)
    private var current: AtomicWord { unsafe AtomicWord(state) }

    @inline(__always)
    private var lastLook: AtomicWord { unsafe AtomicWord(state + 64) }

    /// The word of an enumeration.
    func enumeration(_ map: EnumeratedMap) -> AtomicWord {
        unsafe AtomicWord(state + (map == .people ? 128 : 136))
    }

    private func slotState(_ slot: Int) -> AtomicWord {
        unsafe AtomicWord(state + (192 &+ slot &* 8))
    }

    private func actedOnSuperseded(_ slot: Int) -> AtomicWord {
        unsafe AtomicWord(state + (256 &+ slot &* 8))
    }

    @inline(__always)
    private func slot(_ slot: Int) -> UnsafeMutablePointer<MappedIndex> {
        unsafe (state + (512 &+ slot &* 320)).assumingMemoryBound(to: MappedIndex.self)
    }

    @inline(__always)
    private func counter(_ slot: Int, _ stripe: Int) -> AtomicWord {
        unsafe AtomicWord(state + (4096 &+ slot &* 4096 &+ stripe &* 128))
    }

    /// The counter line of the processor this thread runs on.
    @inline(__always)
    private static func stripe() -> Int {
        let processor = roster_processor()
        if processor >= 0 { return Int(processor) & (counterCount &- 1) }
        let spread = UInt64(roster_thread_word()) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: spread >> 59)
    }
}

/// A slot that this call has made sure not to lose, until it is released.
struct SlotHold {
    let slot: Int
    let stripe: Int
}

// Reading.
extension IndexReader {
    /// Runs `body` with the current view and its newest generation.
    ///
    /// Allocates nothing and, when a mapping is there, makes no system call, except one stat of the
    /// path per second. Throws what `fault` makes of the reason when there is no usable file. Keeps
    /// errno.
    @inline(__always)
    public func read<Answer, Failure: Error>(
        fault: (IndexFault) -> Failure,
        _ body: (borrowing IndexView, UInt64) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        while true {
            if let hold = holdCurrent() {
                defer { release(hold) }
                let mapped = unsafe slot(hold.slot)
                let generation: UInt64
                do throws(IndexFault) {
                    generation = try unsafe mapped.pointee.view.generation()
                } catch { throw fault(error) }
                return try unsafe body(mapped.pointee.view, generation)
            }
            let unkept: MappedIndex?
            do throws(IndexFault) {
                unkept = try openFirst()
            } catch { throw fault(error) }
            if let unkept { return try readOnce(unkept, fault: fault, body) }
        }
    }

    /// Answers from a mapping for which there is no slot, and unmaps it.
    @inline(never)
    private func readOnce<Answer, Failure: Error>(
        _ mapped: MappedIndex, fault: (IndexFault) -> Failure,
        _ body: (borrowing IndexView, UInt64) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        defer {
            let saved = roster_errno()
            mapped.unmap()
            roster_set_errno(saved)
        }
        let generation: UInt64
        do throws(IndexFault) {
            generation = try mapped.view.generation()
        } catch { throw fault(error) }
        return try body(mapped.view, generation)
    }

    /// Holds the current slot, replaced by a newer file's where that is known; `nil`: there is none.
    @inline(__always)
    func holdCurrent() -> SlotHold? {
        let stripe = Self.stripe()
        while true {
            let number = current.load()
            if number == 0 || number > UInt64(Self.slotCount) { return nil }
            let hold = SlotHold(slot: Int(number) &- 1, stripe: stripe)
            counter(hold.slot, stripe).add(1)
            guard current.loadInOrder() == number else {
                release(hold)
                continue
            }
            if !isDue(hold.slot) || !replaceIfNewer(hold.slot) { return hold }
            release(hold)
            reclaim()
        }
    }

    /// Holds a given slot; the caller must then find a reason for which it was not free before.
    @inline(__always)
    func hold(_ slot: Int) -> SlotHold {
        let hold = SlotHold(slot: slot, stripe: Self.stripe())
        counter(slot, hold.stripe).add(1)
        return hold
    }

    /// Ends a hold.
    @inline(__always)
    func release(_ hold: SlotHold) {
        counter(hold.slot, hold.stripe).subtract(1)
    }

    /// The view of a held slot.
    @inline(__always)
    func view(_ hold: SlotHold) -> IndexView {
        unsafe slot(hold.slot).pointee.view
    }
}

// Replacing.
extension IndexReader {
    /// Whether the path is to be looked at: the file is superseded, or a second has passed.
    @inline(__always)
    private func isDue(_ number: Int) -> Bool {
        if unsafe slot(number).pointee.view.isSuperseded {
            if actedOnSuperseded(number).load() == 0 { return true }
        }
        return roster_coarse_seconds() != lastLook.load()
    }

    /// Looks at the path and takes a newer file there; whether another slot is current now.
    ///
    /// Every thread that finds the file superseded looks for itself, until one look has failed: who
    /// went on with the old file while another thread maps the new one would miss what is already
    /// published. Otherwise one thread a second looks. Any error keeps what there is.
    @inline(never)
    private func replaceIfNewer(_ number: Int) -> Bool {
        let saved = roster_errno()
        defer { roster_set_errno(saved) }
        let acted = actedOnSuperseded(number)
        let isFirst = unsafe slot(number).pointee.view.isSuperseded && acted.load() == 0
        let last = lastLook.load()
        let now = roster_coarse_seconds()
        let isTime = now != last && lastLook.replace(last, by: now)
        guard isFirst || isTime else { return false }
        if takeNewer(number) { return true }
        if isFirst { acted.store(1) }
        reclaim()
        return false
    }

    /// Maps what lies at the path now, unless that is the file of this slot, and makes it current.
    private func takeNewer(_ number: Int) -> Bool {
        let mine = unsafe slot(number)
        guard let there = path.identity(),
            unsafe there.inode != mine.pointee.inode || there.device != mine.pointee.device
        else { return false }
        do throws(IndexFault) {
            let mapped = try path.map()
            if !install(mapped, insteadOf: UInt64(number &+ 1)) {
                mapped.unmap()
                // No slot is left: rather map in every call than go on with what is out of date.
                _ = current.replace(UInt64(number &+ 1), by: 0)
            }
            return true
        } catch {
            return false
        }
    }

    /// Maps the file when there is no current slot; the mapping itself when no slot is free.
    @inline(never)
    func openFirst() throws(IndexFault) -> MappedIndex? {
        let saved = roster_errno()
        defer { roster_set_errno(saved) }
        let mapped = try path.map()
        lastLook.store(roster_coarse_seconds())
        return install(mapped, insteadOf: 0) ? nil : mapped
    }

    /// Makes a mapping current in a free slot, or drops it if another thread was first; `false`, and
    /// nothing done, if no slot is free.
    private func install(_ mapped: MappedIndex, insteadOf number: UInt64) -> Bool {
        guard let free = takeFreeSlot() else { return false }
        unsafe slot(free).pointee = mapped
        actedOnSuperseded(free).store(0)
        guard current.replace(number, by: UInt64(free &+ 1)) else {
            mapped.unmap()
            slotState(free).store(Self.free)
            return true
        }
        slotState(free).store(Self.live)
        return true
    }

    private func takeFreeSlot() -> Int? {
        for _ in 0..<2 {
            for slot in 0..<Self.slotCount where slotState(slot).replace(Self.free, by: Self.busy) {
                return slot
            }
            reclaim()
        }
        return nil
    }

    /// Unmaps what is neither current nor in use.
    func reclaim() {
        for slot in 0..<Self.slotCount
        where slotState(slot).load() == Self.live && current.load() != UInt64(slot &+ 1) {
            guard slotState(slot).replace(Self.live, by: Self.busy) else { continue }
            // Not current, so only who already holds it can still read it or make an enumeration
            // depend on it. The second look at the counters finds who began by an enumeration's word
            // that has been cleared since.
            if current.loadInOrder() != UInt64(slot &+ 1), isUnread(slot),
                !isPinned(slot), isUnread(slot)
            {
                unsafe self.slot(slot).pointee.unmap()
                slotState(slot).store(Self.free)
            } else {
                slotState(slot).store(Self.live)
            }
        }
    }

    private func isUnread(_ slot: Int) -> Bool {
        for stripe in 0..<Self.counterCount where counter(slot, stripe).loadInOrder() != 0 {
            return false
        }
        return true
    }

    private func isPinned(_ slot: Int) -> Bool {
        EnumerationWord(enumeration(.people).loadInOrder()).slot == slot
            || EnumerationWord(enumeration(.groups).loadInOrder()).slot == slot
    }
}
