// Numbers and times as directories write them.

/// Reads what stands in an attribute; strict, because a lenient reader makes two of one.
enum DirectoryNumbers {
    /// A decimal number without sign, blanks and leading zeros; `nil` otherwise or if it does not fit.
    static func decimal(_ text: some Collection<UInt8>) -> UInt32? {
        guard let first = text.first, text.count <= 10 else { return nil }
        if first == UInt8(ascii: "0") { return text.count == 1 ? 0 : nil }
        var number: UInt64 = 0
        for character in text {
            guard (0x30...0x39).contains(character) else { return nil }
            number = number * 10 + UInt64(character - 0x30)
        }
        return UInt32(exactly: number)
    }

    /// A whole number that may be negative; `nil` for anything else or if it does not fit.
    static func integer(_ text: ArraySlice<UInt8>) -> Int64? {
        guard let first = text.first, first != UInt8(ascii: "+") else { return nil }
        return Int64(String(decoding: text, as: UTF8.self))
    }

    /// A number of 32 bits with or without sign, as Active Directory writes flags; `nil` otherwise.
    static func bits(_ text: ArraySlice<UInt8>) -> UInt32? {
        integer(text).flatMap { number in
            Int32(exactly: number).map(UInt32.init(bitPattern:)) ?? UInt32(exactly: number)
        }
    }

    /// A GeneralizedTime (RFC 4517 §3.3.13) in seconds since the epoch; fractions are cut off.
    ///
    /// `nil` for anything else: a date without year, month, day and hour, or without time zone.
    static func generalizedTime(_ text: some Collection<UInt8>) -> Int64? {
        let bytes = Array(text)
        let digits = bytes.prefix { (0x30...0x39).contains($0) }
        guard [10, 12, 14].contains(digits.count) else { return nil }
        func number(_ range: Range<Int>) -> Int64 {
            guard range.upperBound <= digits.count else { return 0 }
            return digits[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        let month = number(4..<6)
        let day = number(6..<8)
        guard (1...12).contains(month), (1...31).contains(day), number(8..<10) < 24,
            number(10..<12) < 60, number(12..<14) <= 60,
            let zone = zone(bytes[digits.count...])
        else { return nil }
        let days = daysSinceEpoch(year: number(0..<4), month: month, day: day)
        let seconds = number(8..<10) * 3600 + number(10..<12) * 60 + number(12..<14)
        return days * 86400 + seconds - zone
    }

    /// `[.fraction]` and `Z` or an offset from UTC, which is given in seconds.
    private static func zone(_ text: ArraySlice<UInt8>) -> Int64? {
        var rest = text
        if rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: ",") {
            let fraction = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard !fraction.isEmpty else { return nil }
            rest = rest[fraction.endIndex...]
        }
        guard let sign = rest.first else { return nil }
        let digits = rest.dropFirst()
        if sign == UInt8(ascii: "Z") { return digits.isEmpty ? 0 : nil }
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"),
            [2, 4].contains(digits.count),
            digits.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        let number = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
        let (hours, minutes) = digits.count == 2 ? (number, 0) : (number / 100, number % 100)
        guard hours < 24, minutes < 60 else { return nil }
        return (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }

    /// Days from 1970-01-01 in the Gregorian calendar, which is taken to hold for all years.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// A GeneralizedTime in UTC of whole seconds since the epoch, from year 0 to 9999.
    static func text(ofTime seconds: Int64) -> String {
        let seconds = min(max(seconds, -62_167_219_200), 253_402_300_799)
        let day = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let second = seconds - day * 86400
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let parts = [
            (year, 4), (month, 2), (dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, 2),
            (second / 3600, 2), (second / 60 % 60, 2), (second % 60, 2),
        ]
        return parts.map { number, width in
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }.joined() + "Z"
    }
}
