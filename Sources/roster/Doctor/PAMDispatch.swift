// How libpam combines what the modules of a stack return: _pam_dispatch_aux of Linux-PAM 1.5.

/// A walk through a stack.
struct PAMWalk {
    /// What the application gets.
    let verdict: PAMCode
    /// The lines whose module was called.
    let called: [PAMLine]
}

/// The walk through `stack` when the module of each line returns what `answer` says.
///
/// Without a frozen chain, as authenticate and acct_mgmt are dispatched.
func walk(_ stack: [PAMLine], _ answer: (Int) -> PAMCode) -> PAMWalk {
    var walker = PAMWalker(stack: stack)
    var place = 0
    var before = 0
    while place < stack.count {
        let level = stack[place].level
        if before < level { walker.enter(level) }
        before = level
        if stack[place].content == .substack {
            place += 1
            continue
        }
        place = walker.step(place, answer)
    }
    return PAMWalk(verdict: walker.verdict, called: walker.called)
}

/// The state of a walk.
private struct PAMWalker {
    /// What the modules said so far, taken together.
    private enum Impression { case none, positive, negative }
    /// Impression and code at one place.
    private struct State {
        var impression = Impression.none
        var code = PAMCode.mustFail
    }

    let stack: [PAMLine]
    var called: [PAMLine] = []
    private var state = State()
    /// The state at the beginning of each substack, by depth.
    private var saved = [State()]

    init(stack: [PAMLine]) {
        self.stack = stack
    }

    /// What comes out in the end.
    var verdict: PAMCode {
        if state.code == .success, state.impression != .positive { return .mustFail }
        return state.code
    }

    /// Notes the state at the beginning of a substack.
    mutating func enter(_ level: Int) {
        while saved.count <= level { saved.append(state) }
        saved[level] = state
    }

    /// Does what a line says; returns the place of the next.
    mutating func step(_ place: Int, _ answer: (Int) -> PAMCode) -> Int {
        let line = stack[place]
        let code: PAMCode
        switch line.content {
        case .module:
            code = answer(place)
            called.append(line)
        case .missing: code = .moduleUnknown
        case .nothing, .substack: code = .mustFail
        }
        switch line.control[code] {
        case .reset:
            state = saved[line.level]
        case .ok:
            accept(code)
        case .done:
            accept(code)
            if state.impression == .positive { return end(of: line.level, after: place) }
        case .bad:
            refuse(code)
        case .die:
            refuse(code)
            return end(of: line.level, after: place)
        case .ignore:
            break
        case .jump(let count):
            return jump(over: count, from: place)
        }
        return place + 1
    }

    private mutating func accept(_ code: PAMCode) {
        switch state.impression {
        case .none: state = State(impression: .positive, code: code)
        case .positive where state.code == .success: state.code = code
        case .positive, .negative: break
        }
    }

    private mutating func refuse(_ code: PAMCode) {
        guard state.impression != .negative else { return }
        state = State(impression: .negative, code: code == .ignore ? .mustFail : code)
    }

    /// The first place after `place` that is less deep than `level`.
    private func end(of level: Int, after place: Int) -> Int {
        var next = place + 1
        while next < stack.count, stack[next].level >= level { next += 1 }
        return next
    }

    /// A substack that is jumped over counts as one module.
    private mutating func jump(over count: Int, from place: Int) -> Int {
        let level = stack[place].level
        var last = place
        var left = count
        while left > 0, last + 1 < stack.count, stack[last + 1].level >= level {
            repeat {
                last += 1
            } while last + 1 < stack.count && stack[last + 1].level > level
            left -= 1
        }
        if left > 0 { state = State(impression: .negative, code: .mustFail) }
        return last + 1
    }
}
