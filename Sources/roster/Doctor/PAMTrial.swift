// Tries a stack with a person, in every way that unknown modules leave open.

/// What a stack does with a person.
struct PAMTrial {
    /// Whether the person can get through.
    private(set) var canPass = false
    /// Whether the person can be refused.
    private(set) var canFail = false
    /// Whether pam_roster is asked, in at least one way.
    private(set) var asksRoster = false
    /// The unknown modules that were called.
    private(set) var unknown: Set<String> = []

    /// Whether the person gets through whatever unknown modules answer.
    var alwaysPasses: Bool { canPass && !canFail }

    /// The line that was called last when the person got through; `nil`: the person never does.
    private(set) var lastOnTheWayIn: PAMLine?

    /// More unknown lines than this are taken to answer all alike.
    private static let mostUnknown = 8

    /// Tries `stack`; `roster` is what pam_roster is taken to answer instead, if anything.
    ///
    /// `ignore` stands for a stack that does not heed pam_roster at all.
    init(_ whole: [PAMLine], _ modules: PAMModules, roster: PAMCode? = nil) {
        let stack = whole.map { line in
            var line = line
            if roster == .ignore, line.module == "pam_roster.so" { line.control = .allIgnored }
            return line
        }
        let answers = stack.map { line -> [PAMCode] in
            if let roster, line.module == "pam_roster.so" { return [roster] }
            return modules.answers(line)
        }
        let open = answers.indices.filter { answers[$0].count > 1 }
        let own = open.count <= Self.mostUnknown
        let ways = own ? 1 << open.count : 2
        for way in 0..<ways {
            let walked = walk(stack) { place in
                guard let bit = open.firstIndex(of: place) else { return answers[place][0] }
                return answers[place][way >> (own ? bit : 0) & 1]
            }
            note(walked, modules)
        }
    }

    private mutating func note(_ walked: PAMWalk, _ modules: PAMModules) {
        // A password that must be changed lets the person in to change it.
        let passes = walked.verdict == .success || walked.verdict == .newAuthtokReqd
        if passes, !canPass { lastOnTheWayIn = walked.called.last }
        canPass = canPass || passes
        canFail = canFail || !passes
        for line in walked.called {
            if line.module == "pam_roster.so" { asksRoster = true }
            if modules.isUnknown(line), let name = line.module { unknown.insert(name) }
        }
    }
}
