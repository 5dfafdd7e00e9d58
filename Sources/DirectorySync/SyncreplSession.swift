// One content synchronisation search as a value: messages in, instructions out.
//
// Stages (RFC 4533 §3.3, §3.4):
//
//     refresh ──refreshDelete/refreshPresent with refreshDone, or a result──▶ persist ──result──▶ over
//
// What may be swept. Three things can be true at the end of a refresh:
//
// 1. No cookie was sent. Whatever the server calls the phase (slapd marks an initial load as a delete
//    phase), everything it has was sent: what was neither sent nor named is gone. Sound.
// 2. A cookie was sent and a present phase ended (refreshPresent). What was neither sent nor named as
//    present is gone, except that entries sent in a delete phase after it exist too. Sound.
// 3. A cookie was sent and only a delete phase ended. If the server understood the cookie, exactly
//    what it named is gone. If it did not (slapd takes a garbled cookie for none and still ends with
//    refreshDelete), it sent everything and named nothing. The two look alike but for the cookie at
//    the end: present and empty in the second case. Sweeping would be wrong in the first case, not
//    sweeping in the second. So an empty cookie is trusted for neither: the session asks for a
//    restart without a cookie, which is case 1. That cannot loop: case 1 asks for nothing. A cookie
//    that is absent (not empty) after nothing at all was sent is slapd's way to say that nothing
//    changed; absent after content it is as doubtful as an empty one.
//
// slapd takes a cookie of its own form without a CSN (`rid=000`) for none too, and then ends with a
// good cookie, so that nothing shows the difference: such a cookie is not sent in the first place.

internal import Accounts
internal import LDAPClient

/// A content synchronisation search (RFC 4533), in refreshAndPersist or refreshOnly mode.
///
/// Feed it every message of the search in order and carry out what it answers. One search base is
/// one session; presence is kept per session. Nothing here waits, and nothing knows the time.
public struct SyncreplSession: Sendable {
    /// Where the search is.
    public enum Stage: Hashable, Sendable {
        /// The server brings us up to date.
        case refresh
        /// The server sends what changes.
        case persist
        /// A result came; no further message is expected.
        case over
    }

    /// Where the search is.
    public private(set) var stage = Stage.refresh
    /// Entries and identities received in the refresh, for a display of progress.
    public private(set) var refreshedCount = 0

    /// The cookie that the request must carry: the one given, unless it says nothing.
    public let cookieToSend: [UInt8]?

    private var collector = PresenceCollector()
    /// Whether a present phase ended, or is running.
    private var presentPhase = PhaseState.none
    private var containers: ContainerWatch
    private let family: ServerFamily

    private enum PhaseState {
        case none, running, ended
    }

    /// A session at its beginning.
    ///
    /// - Parameters:
    ///   - storedCookie: the cookie stored last; see ``cookieToSend``.
    ///   - containers: the containers stored so far.
    ///   - family: which program the server is, for remedies.
    public init(
        storedCookie: [UInt8]?, containers: ContainerWatch = ContainerWatch(),
        family: ServerFamily = .openLDAP
    ) {
        self.family = family
        cookieToSend = storedCookie.flatMap { Self.saysSomething($0) ? $0 : nil }
        self.containers = containers
    }

    /// Whether the request carried no cookie, so that everything is sent.
    public var isFullLoad: Bool {
        cookieToSend == nil
    }

    /// Whether a cookie holds a state: not empty, and not slapd's form without a CSN.
    private static func saysSomething(_ cookie: [UInt8]) -> Bool {
        guard cookie.starts(with: "rid=".utf8) else { return !cookie.isEmpty }
        let mark = Array("csn=".utf8)
        return cookie.indices.contains { position in
            let rest = cookie[position...]
            return rest.starts(with: mark) && rest.count > mark.count
        }
    }

    /// Takes in a message and says what to do.
    ///
    /// Throws ``SyncError`` when the search ended for a reason that a restart does not mend, or the
    /// server broke the protocol; the session is over then and nothing is swept.
    public mutating func receive(_ message: SyncMessage) throws(SyncError) -> [SyncChange] {
        do throws(SyncError) {
            guard stage != .over else { throw SyncError(violation: "a message after the result") }
            switch message {
            case .entry(let state, let uuid, let cookie, let entry):
                return try receiveEntry(state, uuid, cookie, entry)
            case .info(let info): return try receiveInfo(info)
            case .done(let code, let control, let diagnostic):
                return try receiveResult(code, control, diagnostic)
            case .reference, .other: return []
            case .malformed(let what): throw SyncError(violation: what)
            }
        } catch {
            stage = .over
            throw error
        }
    }

    // MARK: Entries

    private mutating func receiveEntry(
        _ state: SyncStateControl.State, _ uuid: EntryUUID, _ cookie: [UInt8]?,
        _ entry: DirectoryEntry
    ) throws(SyncError) -> [SyncChange] {
        var changes: [SyncChange] = []
        switch state {
        case .present: notePresent(uuid)
        case .add, .modify:
            noteSighting(uuid)
            changes.append(.upsert(entry))
        case .delete:
            noteDeletion(uuid)
            changes.append(.delete(uuid))
        }
        let reason = containers.receive(state, entry)
        if stage == .persist {
            if let reason { changes.append(.compareNow(reason: reason)) }
            appendCookie(cookie, to: &changes)
        }
        return changes
    }

    private mutating func noteSighting(_ uuid: EntryUUID) {
        guard stage == .refresh else { return }
        refreshedCount += 1
        collector.insert(uuid)
    }

    private mutating func notePresent(_ uuid: EntryUUID) {
        guard stage == .refresh else { return }
        noteSighting(uuid)
        if presentPhase == .none { presentPhase = .running }
    }

    private mutating func noteDeletion(_ uuid: EntryUUID) {
        guard stage == .refresh else { return }
        refreshedCount += 1
        collector.remove(uuid)
    }

    // MARK: Intermediate messages

    private mutating func receiveInfo(_ info: SyncInfoMessage) throws(SyncError) -> [SyncChange] {
        switch info {
        case .newCookie(let cookie):
            // Within a refresh a cookie is worth nothing until the sweep: see receiveEntry.
            guard stage == .persist else { return [] }
            var changes: [SyncChange] = [.changedOutside]
            appendCookie(cookie, to: &changes)
            return changes
        case .idSet(let cookie, let deletes, let uuids):
            return receiveSet(cookie, deletes, uuids)
        case .refreshPresent(let cookie, let isDone):
            try requireRefresh("refreshPresent")
            presentPhase = .ended
            return isDone ? endRefresh(cookie) : []
        case .refreshDelete(let cookie, let isDone):
            try requireRefresh("refreshDelete")
            return isDone ? endRefresh(cookie) : []
        }
    }

    private mutating func receiveSet(
        _ cookie: [UInt8]?, _ deletes: Bool, _ uuids: [SyncUUID]
    ) -> [SyncChange] {
        var changes: [SyncChange] = []
        for uuid in uuids.lazy.map(EntryUUID.init) {
            if deletes {
                noteDeletion(uuid)
                if stage == .persist, let reason = containers.remove(uuid) {
                    changes.append(.compareNow(reason: reason))
                }
                changes.append(.delete(uuid))
            } else {
                notePresent(uuid)
            }
        }
        if !deletes, uuids.isEmpty, presentPhase == .none, stage == .refresh {
            presentPhase = .running
        }
        if stage == .persist { appendCookie(cookie, to: &changes) }
        return changes
    }

    private func requireRefresh(_ what: String) throws(SyncError) {
        guard stage == .refresh else {
            throw SyncError(violation: "\(what) in the persist stage")
        }
    }

    // MARK: Ends

    private mutating func endRefresh(_ cookie: [UInt8]?) -> [SyncChange] {
        stage = .persist
        let isAccepted = cookie.map { !$0.isEmpty } ?? (refreshedCount == 0)
        var changes: [SyncChange] = []
        if isFullLoad {
            let present = collector.take()
            changes.append(.refreshEnded(RefreshOutcome(isComplete: true, present: present)))
        } else if presentPhase == .ended {
            let present = collector.take()
            changes.append(.refreshEnded(RefreshOutcome(isComplete: false, present: present)))
        } else if !isAccepted {
            stage = .over
            return [.restart(.withoutCookie(reason: "the server did not accept the cookie"))]
        } else if presentPhase == .running {
            stage = .over
            let reason = "the server named present entries but did not end the present phase"
            return [.restart(.withoutCookie(reason: reason))]
        } else {
            _ = collector.take()
            changes.append(.refreshEnded(RefreshOutcome(isComplete: false, present: nil)))
        }
        appendCookie(cookie, to: &changes)
        return changes
    }

    private mutating func receiveResult(
        _ code: LDAPResultCode, _ control: SyncDoneControl?, _ diagnostic: String
    ) throws(SyncError) -> [SyncChange] {
        let wasRefresh = stage == .refresh
        stage = .over
        switch code {
        case .success where wasRefresh:
            guard let control else {
                throw SyncError(violation: "the search ended without the sync done control")
            }
            if !control.refreshDeletes { presentPhase = .ended }
            let changes = endRefresh(control.cookie)
            stage = .over
            return changes
        case .success, .canceled:
            return [.restart(.withStoredCookie(reason: "the server ended the search"))]
        case .syncRefreshRequired:
            return try refreshRequired(control?.cookie, diagnostic, wasRefresh: wasRefresh)
        case .unwillingToPerform where wasRefresh && !isFullLoad:
            return [.restart(.withoutCookie(reason: "cookie refused: \(diagnostic)"))]
        default:
            throw SyncError(
                code: code, diagnostic: diagnostic, family: family, after: refreshedCount)
        }
    }

    private func refreshRequired(
        _ cookie: [UInt8]?, _ diagnostic: String, wasRefresh: Bool
    ) throws(SyncError) -> [SyncChange] {
        let reason = "the server demands a refresh: \(diagnostic)"
        if let cookie, !cookie.isEmpty { return [.restart(.withCookie(cookie, reason: reason))] }
        guard !(wasRefresh && isFullLoad) else {
            throw SyncError(code: .syncRefreshRequired, diagnostic: diagnostic)
        }
        return [.restart(.withoutCookie(reason: reason))]
    }

    /// A cookie follows the changes that it covers; an empty one means nothing.
    private func appendCookie(_ cookie: [UInt8]?, to changes: inout [SyncChange]) {
        if let cookie, !cookie.isEmpty { changes.append(.newCookie(cookie)) }
    }
}
