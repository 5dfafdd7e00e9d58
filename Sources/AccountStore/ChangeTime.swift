// Times as change stamps and messages write them, without a calendar library.

/// Reads the time out of a change stamp and writes dates.
enum ChangeTime {
    /// The seconds since the epoch in an entryCSN (`20261102101500.000000Z#...`) or a generalized
    /// time (`20261102101500Z`); `nil` for anything else.
    static func seconds(ofStamp stamp: String) -> Int64? {
        var digits: [Int64] = []
        for character in stamp.utf8.prefix(14) {
            guard character >= UInt8(ascii: "0"), character <= UInt8(ascii: "9") else { return nil }
            digits.append(Int64(character - UInt8(ascii: "0")))
        }
        guard digits.count == 14 else { return nil }
        func number(_ range: Range<Int>) -> Int64 {
            digits[range].reduce(0) { $0 * 10 + $1 }
        }
        let month = number(4..<6)
        let day = number(6..<8)
        guard (1...12).contains(month), (1...31).contains(day) else { return nil }
        let time = number(8..<10) * 3600 + number(10..<12) * 60 + number(12..<14)
        return days(year: number(0..<4), month: month, day: day) * 86_400 + time
    }

    /// The date of a moment in UTC, as `2026-11-02`.
    static func date(_ seconds: Int64) -> String {
        // The inverse of the calculation below (Hinnant, "chrono-compatible low-level date
        // algorithms": years begin in March, eras have 400 years).
        let clamped = min(max(seconds, 0), 253_402_300_799)
        let shifted = clamped / 86_400 + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(year)-\(twoDigits(month))-\(twoDigits(day))"
    }

    private static func twoDigits(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
