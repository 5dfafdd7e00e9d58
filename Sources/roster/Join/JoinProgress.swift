// How far a rehearsal is.

/// Shows how many entries were read: in place on a terminal, as a line every 10 s otherwise.
final class JoinProgress {
    private let talk: JoinTalk
    private var nextLine: Int64
    private var isShown = false

    init(_ talk: JoinTalk) {
        self.talk = talk
        nextLine = talk.environment.monotonicMilliseconds() + 2000
    }

    /// Shows the number; called a few times a second.
    func show(_ entries: Int) {
        let now = talk.environment.monotonicMilliseconds()
        if talk.environment.drawsProgress {
            talk.environment.writeError(
                "\rreading the directory: \(number(entries)) entries\u{1b}[K")
            isShown = true
        } else if now >= nextLine {
            nextLine = now + 10_000
            talk.environment.complain("reading the directory: \(number(entries)) entries")
        }
    }

    /// Takes the line away.
    func finish() {
        if isShown { talk.environment.writeError("\r\u{1b}[K") }
        isShown = false
    }
}
