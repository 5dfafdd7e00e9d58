// One pass over the packed attributes of an entry, for the rules that look at a dozen of them.

internal import Accounts

/// Where the values of the known attributes of one entry lie.
struct AttributeValues {
    /// The packed form of ``AttributeList``.
    let packed: [UInt8]
    /// For each attribute of the entry that is known: its slot, the offset of its first value and
    /// the number of values; an attribute with options may occur again.
    private var found: [(slot: Int, offset: Int, count: Int)] = []

    /// Walks the attributes once; what is not in `slots` is passed over.
    ///
    /// Stops at anything that does not lie inside the packed form.
    init(_ attributes: AttributeList, slots: AttributeSlots) {
        packed = attributes.packed
        found.reserveCapacity(20)
        var offset = 0
        while offset < packed.count {
            let nameEnd = offset + 1 + Int(packed[offset])
            guard nameEnd + 4 <= packed.count else { return }
            let count = length(at: nameEnd)
            let start = nameEnd + 4
            let name = offset + 1..<nameEnd
            offset = start
            for _ in 0..<count {
                guard offset + 4 <= packed.count, length(at: offset) <= packed.count - offset - 4
                else {
                    return
                }
                offset += 4 + length(at: offset)
            }
            if count > 0, let slot = slots.slot(of: packed[name]) {
                found.append((slot, start, count))
            }
        }
    }

    /// Whether the entry has a value of the attribute.
    func has(_ slot: Int) -> Bool {
        found.contains { $0.slot == slot }
    }

    /// The first value; `nil` if there is none.
    func first(_ slot: Int) -> ArraySlice<UInt8>? {
        for one in found where one.slot == slot {
            return packed[one.offset + 4..<one.offset + 4 + length(at: one.offset)]
        }
        return nil
    }

    /// The number of values.
    func count(_ slot: Int) -> Int {
        found.reduce(0) { $1.slot == slot ? $0 + $1.count : $0 }
    }

    /// Calls `body` with each value.
    func forEach(_ slot: Int, _ body: (ArraySlice<UInt8>) -> Void) {
        for one in found where one.slot == slot {
            var offset = one.offset
            for _ in 0..<one.count {
                let size = length(at: offset)
                body(packed[offset + 4..<offset + 4 + size])
                offset += 4 + size
            }
        }
    }

    /// Whether a value makes `predicate` true.
    func contains(_ slot: Int, where predicate: (ArraySlice<UInt8>) -> Bool) -> Bool {
        var result = false
        forEach(slot) { if !result, predicate($0) { result = true } }
        return result
    }

    private func length(at offset: Int) -> Int {
        Int(packed[offset]) | Int(packed[offset + 1]) << 8 | Int(packed[offset + 2]) << 16
            | Int(packed[offset + 3]) << 24
    }
}

/// Numbers for the attributes that the rules look at, found by name without hashing strings.
struct AttributeSlots: Sendable {
    /// The names in lower case, by slot.
    private(set) var names: [[UInt8]] = []
    /// The slots whose names have this many octets and start with a letter of this residue.
    private var buckets = [[Int]](repeating: [], count: 256)

    /// The slot of an attribute, which is made if need be; the name in any case.
    mutating func add(_ name: String) -> Int {
        let lower = Array(name.lowercased().utf8)
        if let slot = names.firstIndex(of: lower) { return slot }
        names.append(lower)
        buckets[Self.bucket(lower)].append(names.count - 1)
        return names.count - 1
    }

    /// The slot of an attribute by its name in lower case; `nil` if no rule looks at it.
    func slot(of name: ArraySlice<UInt8>) -> Int? {
        buckets[Self.bucket(name)].first { names[$0].elementsEqual(name) }
    }

    private static func bucket(_ name: some RandomAccessCollection<UInt8>) -> Int {
        let first = Int(name.first ?? 0)
        let last = Int(name.last ?? 0)
        return (name.count &* 31 &+ first &* 7 &+ last) & 255
    }
}
