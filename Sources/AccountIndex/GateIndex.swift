// The account gate as PAM and the key helper use it: one mapping of one file, for one call.
public import Accounts
internal import CLibc

/// The gate part of an index, mapped as long as this value lives.
///
/// No daemon, no network, no descriptor kept, no lock; errno is kept. Everything said comes from the
/// one generation that was the newest at the start.
@safe
public struct GateIndex: ~Copyable {
    private let mapped: MappedIndex
    private let generation: UInt64

    /// Maps the file; throws if it is absent, not to be trusted or damaged.
    public init(path: IndexPath) throws(IndexFault) {
        (mapped, generation) = try MappedIndex.newest(path)
    }

    deinit {
        mapped.unmapKeepingError()
    }

    private var gate: GateView { GateView(view: mapped.view, generation: generation) }

    /// Decides whether an account may use a service now.
    ///
    /// `name` and `service` are borrowed; a name that no account can have is an unknown one. Throws
    /// if the file is damaged where the answer comes from: then nothing is known.
    public func decide(
        name: UnsafeRawBufferPointer, service: UnsafeRawBufferPointer, clock: GateClock
    ) throws(IndexFault) -> GateDecision {
        unsafe try gate.decide(name: name, service: service, clock: clock)
    }

    /// Calls `body` with every key of an account, a line of authorized_keys(5) without newline.
    ///
    /// Decides nothing: whether the account may log in is ``decide(name:service:clock:)``'s, and
    /// every line is to be checked with ``AuthorizedKey`` before it is used. Nothing for a name that
    /// is unknown or removed.
    public func forEachKey(
        name: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(IndexFault) {
        let keys = unsafe try gate.keys(name: name)
        var start = 0
        for index in 0..<keys.count where unsafe keys[index] == UInt8(ascii: "\n") {
            unsafe body(UnsafeRawBufferPointer(rebasing: keys[start..<index]))
            start = index &+ 1
        }
    }

    /// Whether keys may have options before them.
    public func allowsKeyOptions() throws(IndexFault) -> Bool {
        try gate.policy().allowsKeyOptions
    }

    /// What a person is told with a verdict, UTF-8, configured or built in; may be empty.
    public func text(for verdict: LoginVerdict) throws(IndexFault) -> UnsafeRawBufferPointer {
        unsafe try gate.policy().text(for: verdict) ?? verdict.builtInText.octets
    }

    /// Whether the mirror was last verified longer ago than half of what is allowed.
    public func halfStale(clock: GateClock) throws(IndexFault) -> Bool {
        try gate.halfStale(clock: clock)
    }

    /// When the directory last answered and the mirror was last verified.
    public func times() throws(IndexFault) -> GateTimes {
        try mapped.view.times()
    }
}

/// One generation of the gate part.
@safe
struct GateView {
    let view: IndexView
    let generation: UInt64

    func policy() throws(IndexFault) -> GatePolicy {
        try view.policy(generation: generation)
    }

    func decide(
        name: UnsafeRawBufferPointer, service: UnsafeRawBufferPointer, clock: GateClock
    ) throws(IndexFault) -> GateDecision {
        guard let item = unsafe try item(name) else { return unknown }
        let policy = try policy()
        guard !item.isRemoved else {
            return try decision(GateReason(.removed, "removed"), of: nil, policy)
        }
        let account = try view.gateAccount(item)
        let reason = unsafe try account.decide(
            name: name, service: service, policy: policy, times: view.times(), clock: clock)
        return try decision(reason, of: account, policy)
    }

    /// The keys of an account, each with a newline; none for a name that is unknown or removed.
    func keys(name: UnsafeRawBufferPointer) throws(IndexFault) -> UnsafeRawBufferPointer {
        guard let item = unsafe try item(name), !item.isRemoved else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe try view.keys(of: view.gateAccount(item))
    }

    func halfStale(clock: GateClock) throws(IndexFault) -> Bool {
        guard let limit = try policy().maxStaleness else { return false }
        guard let age = try view.times().age(clock) else { return true }
        return age > limit / 2
    }

    /// The account's item, which may say that it was removed; `nil` for a name that is none of ours.
    private func item(_ name: UnsafeRawBufferPointer) throws(IndexFault) -> AccountItem? {
        guard let start = name.baseAddress, name.count >= 1, name.count <= 256 else { return nil }
        let key = unsafe NameKey(start: start, count: name.count)
        let found = try view.findWithRemoved(key, in: .passwdByName, generation: generation)
        guard let found, found.kind != ItemKind.policy.rawValue else { return nil }
        guard found.kind == ItemKind.gateAccount.rawValue else { throw .corrupt }
        return found
    }

    private func decision(
        _ reason: GateReason, of account: GateAccount?, _ policy: GatePolicy
    ) throws(IndexFault) -> GateDecision {
        let configured = unsafe try policy.text(for: reason.verdict)
        return unsafe GateDecision(
            verdict: reason.verdict, text: configured ?? reason.verdict.builtInText.octets,
            source: reason.source, uid: account?.uid ?? 0, uuid: account?.uuid)
    }

    private var unknown: GateDecision {
        let nothing: StaticString = ""
        return unsafe GateDecision(
            verdict: .unknownUser, text: nothing.octets, source: nothing.octets, uid: 0, uuid: nil)
    }
}

/// The public part of an index, mapped as long as this value lives: for callers who may not read the
/// gate.
@safe
public struct PublicIndex: ~Copyable {
    private let mapped: MappedIndex
    private let generation: UInt64

    /// Maps the file; throws if it is absent, not to be trusted or damaged.
    public init(path: IndexPath) throws(IndexFault) {
        (mapped, generation) = try MappedIndex.newest(path)
    }

    deinit {
        mapped.unmapKeepingError()
    }

    /// Whether an account with this name is published.
    public func contains(name: UnsafeRawBufferPointer) throws(IndexFault) -> Bool {
        guard let start = name.baseAddress, name.count >= 1, name.count <= 256 else { return false }
        let person = unsafe try mapped.view.person(
            named: start, count: name.count, generation: generation)
        return person != nil
    }
}

extension MappedIndex {
    /// Maps a file and takes its newest generation; keeps errno.
    fileprivate static func newest(
        _ path: IndexPath
    ) throws(IndexFault) -> (MappedIndex, UInt64) {
        let saved = roster_errno()
        defer { roster_set_errno(saved) }
        let mapped = try path.map()
        do throws(IndexFault) {
            return (mapped, try mapped.view.generation())
        } catch {
            mapped.unmap()
            throw error
        }
    }

    fileprivate func unmapKeepingError() {
        let saved = roster_errno()
        unmap()
        roster_set_errno(saved)
    }
}

extension IndexPath {
    /// The gate part of this host's index.
    public static var gateOfThisHost: IndexPath {
        installed("/var/lib/roster/index/gate.1", .gate)
    }

    /// The public part of this host's index.
    public static var publicOfThisHost: IndexPath {
        installed("/var/lib/roster/index/public.1", .public)
    }

    private static func installed(_ file: StaticString, _ part: IndexPart) -> IndexPath {
        let state: StaticString = "/var/lib/roster"
        return unsafe IndexPath(
            file: UnsafeRawPointer(file.utf8Start).assumingMemoryBound(to: CChar.self),
            stateDirectory: UnsafeRawPointer(state.utf8Start).assumingMemoryBound(to: CChar.self),
            part: part)
    }
}
