// Takes typed values out of the configuration and collects everything that is wrong with it.

internal import Accounts

/// One table of the configuration and the key path that leads to it.
struct SettingsTable {
    /// The path with a trailing dot; empty for the whole document.
    var prefix: String
    /// Its keys.
    var values: [String: ConfigurationValue]
}

/// Reads tables key by key; problems are collected, not thrown.
struct SettingsReader {
    /// Everything found wrong so far.
    var problems: [SettingsProblem] = []
    /// The rule for names, once `[accounts]` is read.
    var names = AccountNameRule()
    /// Whether names become lower case, once `[accounts]` is read.
    var foldsNames = false

    /// Names as they are published: in lower case if `fold_names` says so.
    func folded(_ names: [String]) -> [String] {
        foldsNames ? names.map { $0.lowercased() } : names
    }

    mutating func report(_ key: String, _ problem: String, _ remedy: String) {
        problems.append(SettingsProblem(key: key, problem: problem, remedy: remedy))
    }

    /// The table below `name`; empty when it is absent or not a table.
    mutating func table(_ name: String, in outer: SettingsTable) -> SettingsTable {
        let prefix = outer.prefix + name + "."
        switch outer.values[name] {
        case nil: return SettingsTable(prefix: prefix, values: [:])
        case .table(let values): return SettingsTable(prefix: prefix, values: values)
        case .some(let other):
            wrongType(outer.prefix + name, other, "a table", "write [\(outer.prefix + name)]")
            return SettingsTable(prefix: prefix, values: [:])
        }
    }

    /// A string without control characters that is not empty.
    mutating func text(_ name: String, in table: SettingsTable) -> String? {
        guard let value = table.values[name] else { return nil }
        let key = table.prefix + name
        guard case .text(let text) = value else {
            wrongType(key, value, "a string", "write \(name) = \"...\"")
            return nil
        }
        return checked(text, key: key) ? text : nil
    }

    /// An array of such strings.
    mutating func texts(_ name: String, in table: SettingsTable) -> [String]? {
        guard let value = table.values[name] else { return nil }
        let key = table.prefix + name
        guard case .list(let items) = value else {
            wrongType(key, value, "an array of strings", "write \(name) = [\"...\"]")
            return nil
        }
        var texts: [String] = []
        for (position, item) in items.enumerated() {
            let itemKey = "\(key)[\(position)]"
            guard case .text(let text) = item else {
                wrongType(itemKey, item, "a string", "put it in quotes or take it out")
                continue
            }
            if checked(text, key: itemKey) { texts.append(text) }
        }
        return texts
    }

    /// A whole number in a range.
    mutating func integer(
        _ name: String, in table: SettingsTable, _ range: ClosedRange<Int>
    ) -> Int? {
        guard let value = table.values[name] else { return nil }
        let key = table.prefix + name
        guard case .integer(let number) = value else {
            let example = "write \(name) = \(range.lowerBound) without quotes"
            wrongType(key, value, "an integer", example)
            return nil
        }
        guard range.contains(number) else {
            report(
                key, "\(number) is out of range",
                "choose a number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    /// `true` or `false`.
    mutating func flag(_ name: String, in table: SettingsTable) -> Bool? {
        guard let value = table.values[name] else { return nil }
        guard case .flag(let flag) = value else {
            wrongType(table.prefix + name, value, "a boolean", "write true or false without quotes")
            return nil
        }
        return flag
    }

    /// A duration in a range.
    mutating func duration(
        _ name: String, in table: SettingsTable,
        _ range: ClosedRange<Duration> = .milliseconds(1) ... .seconds(3650 * 86400)
    ) -> Duration? {
        guard let value = table.values[name] else { return nil }
        let key = table.prefix + name
        let remedy = "write a number and a unit (ms, s, m, h, d), such as \"15m\""
        guard case .text(let text) = value else {
            wrongType(key, value, "a string with a unit", remedy)
            return nil
        }
        guard let duration = DurationText.parse(text) else {
            report(key, "\"\(text)\" is not a duration", remedy)
            return nil
        }
        guard range.contains(duration) else {
            let limits = [range.lowerBound, range.upperBound].map(DurationText.format)
            report(
                key, "\"\(text)\" is out of range",
                "choose a duration from \(limits[0]) to \(limits[1])")
            return nil
        }
        return duration
    }

    /// One of a few words.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, in table: SettingsTable
    ) -> Choice? where Choice.RawValue == String {
        guard let text = text(name, in: table) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        report(table.prefix + name, "\"\(text)\" is not known", "choose one of \(words)")
        return nil
    }

    /// Text for which `isValid` holds.
    mutating func text(
        _ name: String, in table: SettingsTable, remedy: String, where isValid: (String) -> Bool
    ) -> String? {
        guard let text = text(name, in: table) else { return nil }
        guard isValid(text) else {
            report(table.prefix + name, "\"\(text)\" is not valid", remedy)
            return nil
        }
        return text
    }

    /// Texts for each of which `isValid` holds.
    mutating func texts(
        _ name: String, in table: SettingsTable, remedy: String, where isValid: (String) -> Bool
    ) -> [String]? {
        guard let texts = texts(name, in: table) else { return nil }
        for text in texts where !isValid(text) {
            report(table.prefix + name, "\"\(text)\" is not valid", remedy)
        }
        return texts
    }

    private mutating func checked(_ text: String, key: String) -> Bool {
        if text.isEmpty {
            report(key, "is empty", "give it a value or take it out")
            return false
        }
        if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            report(key, "contains a control character", "take it out")
            return false
        }
        return true
    }

    private mutating func wrongType(
        _ key: String, _ value: ConfigurationValue, _ expected: String, _ remedy: String
    ) {
        report(key, "is \(value.typeName), not \(expected)", remedy)
    }
}
