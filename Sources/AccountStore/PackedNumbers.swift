// Ascending lists of numbers as the store keeps them: little-endian, without separators.

/// Packs and unpacks ascending lists of numbers, and compares them in one pass.
enum PackedNumbers {
    /// The octets of `numbers`.
    static func pack<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(numbers.count * Number.bitWidth / 8)
        for number in numbers {
            for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
                octets.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
            }
        }
        return octets
    }

    /// The numbers in `octets`; a broken last one is left out.
    static func unpack<Number: FixedWidthInteger>(
        _ octets: [UInt8], as type: Number.Type
    ) -> [Number] {
        let width = Number.bitWidth / 8
        var numbers: [Number] = []
        numbers.reserveCapacity(octets.count / width)
        var offset = 0
        while offset + width <= octets.count {
            var number: Number = 0
            for place in 0..<width {
                number |= Number(truncatingIfNeeded: octets[offset + place]) << Number(8 * place)
            }
            numbers.append(number)
            offset += width
        }
        return numbers
    }

    /// What `new` has more and less than `old`; both ascending, each number once.
    static func difference<Number: Comparable>(
        from old: [Number], to new: [Number]
    ) -> (added: [Number], removed: [Number]) {
        var added: [Number] = []
        var removed: [Number] = []
        var (left, right) = (0, 0)
        while left < old.count || right < new.count {
            if right == new.count || (left < old.count && old[left] < new[right]) {
                removed.append(old[left])
                left += 1
            } else if left == old.count || new[right] < old[left] {
                added.append(new[right])
                right += 1
            } else {
                left += 1
                right += 1
            }
        }
        return (added, removed)
    }

    /// `numbers` in ascending order, each once.
    static func sorted<Number: Comparable>(_ numbers: [Number]) -> [Number] {
        var result = numbers
        result.sort()
        var kept = 0
        for position in result.indices where kept == 0 || result[position] != result[kept - 1] {
            result[kept] = result[position]
            kept += 1
        }
        result.removeLast(result.count - kept)
        return result
    }
}
