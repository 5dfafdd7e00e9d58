// What a phase makes of the daemon's reply, or of there being none.
internal import Accounts
internal import DaemonProtocol

/// A verdict and who came to it.
struct DaemonAnswer {
    let verdict: LoginVerdict
    /// For the log.
    let source: StaticString

    /// What a password gets that no directory shall see: nothing in log, code or delay tells it
    /// from a wrong one.
    static let refusedHere = DaemonAnswer(verdict: .wrongPassword, source: "directory")
}

extension Phase {
    /// Asks the daemon about an account of ours, and tells the person what it has to say.
    ///
    /// Without an answer the verdict is ``LoginVerdict/undecidable``. A daemon that no longer knows
    /// the name says of an account of ours that it was removed.
    func ask(_ request: LoginRequest) -> DaemonAnswer {
        do throws(DaemonFailure) {
            return try host.daemon.ask(request) { reply in
                let verdict = reply.verdict == .unknownUser ? .removed : reply.verdict
                let style: MessageStyle = verdict == .accepted ? .information : .error
                unsafe reply.forEachMessage { unsafe tell(style, $0) }
                return DaemonAnswer(
                    verdict: verdict, source: reply.isOffline ? "verifier" : "directory")
            }
        } catch {
            return DaemonAnswer(verdict: .undecidable, source: error.word)
        }
    }
}
