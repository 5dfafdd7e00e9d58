// How other threads speak to the sync thread: they leave a command and wake it.

internal import Accounts
internal import Synchronization

/// What the sync thread is asked to do between two messages of the directory.
enum EngineCommand: Sendable {
    /// Compare every entry with the directory.
    case compare(reply: @Sendable (CommandOutcome) -> Void)
    /// Read everything again, without a cookie.
    case fullSync(reply: @Sendable (CommandOutcome) -> Void)
    /// Apply the removals that the brake holds.
    case acceptRemovals(reply: @Sendable (CommandOutcome) -> Void)
    /// Take back the block of a name, and publish the person of this name although name or id
    /// belonged to somebody else.
    case allow(name: String, byUID: UInt32, reply: @Sendable (CommandOutcome) -> Void)
    /// Block a name.
    case deny(name: String, byUID: UInt32, reply: @Sendable (CommandOutcome) -> Void)
    /// Accept what the directory shows under a name of an access rule.
    case confirm(name: String, reply: @Sendable (CommandOutcome) -> Void)
    /// A comparison came to its end on its own thread.
    case comparisonEnded(ComparisonReport)
    /// A new base index lies ready beside the old one, or could not be built.
    case rebuildEnded(RebuildReport)
    /// Whether the preferred server answers again.
    case preferredServerAnswers(Bool)
    /// The server's schema was read: what of the configuration it does not know; `nil`: it could not
    /// be read.
    case schemaRead([String]?)
}

extension EngineCommand {
    /// How the one who asked is answered; `nil`: nobody waits.
    var reply: (@Sendable (CommandOutcome) -> Void)? {
        switch self {
        case .compare(let reply), .fullSync(let reply), .acceptRemovals(let reply),
            .allow(_, _, let reply), .deny(_, _, let reply), .confirm(_, let reply):
            reply
        case .comparisonEnded, .rebuildEnded, .preferredServerAnswers, .schemaRead: nil
        }
    }
}

/// What became of a command, for the one who asked.
enum CommandOutcome: Sendable {
    /// Done: a sentence that says what, and how many things it was about.
    case done(String, count: Int)
    /// Refused or failed; what is wrong and what to do.
    case failed(String, remedy: String)
}

/// Commands waiting for the sync thread, and the wish that it stop.
final class Mailbox: Sendable {
    /// Readable when there is something to take.
    let wakeup = Wakeup()
    private let state = Mutex<(commands: [EngineCommand], isStopping: Bool)>(([], false))

    /// Leaves a command.
    ///
    /// Does not block.
    func post(_ command: EngineCommand) {
        state.withLock { $0.commands.append(command) }
        wakeup.signal()
    }

    /// Asks the sync thread to end as soon as it can.
    func stop() {
        state.withLock { $0.isStopping = true }
        wakeup.signal()
    }

    /// Whether the sync thread is to end.
    var isStopping: Bool {
        state.withLock { $0.isStopping }
    }

    /// Blocks until something was left or the daemon is to stop, at most `time`.
    func wait(atMost time: Duration) {
        WaitSet([wakeup.descriptor]).wait(atMost: time)
        wakeup.drain()
    }

    /// Answers everything that was left with a refusal.
    func refuseAll(_ reason: String) {
        for command in takeAll() {
            command.reply?(.failed(reason, remedy: "try again when it runs again"))
        }
    }

    /// Takes everything that was left so far, oldest first.
    func takeAll() -> [EngineCommand] {
        wakeup.drain()
        return state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }
}
