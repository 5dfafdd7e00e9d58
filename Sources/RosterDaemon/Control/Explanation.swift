// roster explain: the decision of the gate itself, and everything that went into it.

internal import AccountIndex
internal import AccountStore
internal import Accounts
internal import CLibc
internal import DaemonProtocol
internal import Settings

extension DaemonControl {
    /// Whether a person could use a service now, and why; `nil`: there is no such person.
    ///
    /// Of others than oneself only root is told anything, also whether they exist.
    func explain(
        _ given: String, _ service: String?, _ peer: PeerCredentials
    ) throws -> ExplainReport? {
        let isLocal = try isLocal(given)
        let name = isLocal ? given : context.settings.accounts.folded(given)
        let people = try reader().people(named: name)
        let person = people.first { $0.published != nil } ?? people.first
        let isAdministrator = peer.uid == 0 || peer.uid == geteuid()
        guard isAdministrator || person?.published?.passwd.uid == peer.uid else {
            throw ControlFailure.notPermitted
        }
        var report = try decision(on: name, service: service)
        let isKnown = person != nil || isLocal || report.verdict == LoginVerdict.removed.label
        guard isKnown else {
            if try reader().summary().isLoading {
                throw ControlFailure(
                    kind: .busy, message: "the directory is being read for the first time",
                    remedy: "Ask again when roster wait has returned")
            }
            return nil
        }
        report.local = isLocal
        if let person { try add(person, to: &report) }
        return report
    }

    /// What PAM would be told, from the published index.
    private func decision(on name: String, service: String?) throws -> ExplainReport {
        let settings = context.settings
        let own = service.flatMap { settings.access.table(for: $0) }
        var report = ExplainReport(
            name: name, service: service, verdict: LoginVerdict.undecidable.label,
            admitted: false, rule: own.map { "[access.\($0)]" } ?? "[access]",
            offline: ExplainReport.Offline(
                allowed: settings.login.isOfflineAllowed,
                maxAgeSeconds: settings.login.offlineMaxAge.components.seconds),
            freshness: ExplainReport.Freshness(
                maxStalenessSeconds: settings.login.maxStaleness?.components.seconds))
        do {
            try withGate { gate in
                let clock = context.clock.gate()
                let times = try gate.times()
                report.freshness.lastContactAt = times.contact?.now
                report.freshness.lastVerifiedAt = times.verified?.now
                report.freshness.ageSeconds = times.age(clock)
                try Self.decide(&report, gate, clock)
            }
        } catch {
            report.decidedBy = "the index cannot be used: \(error)"
        }
        return report
    }

    private static func decide(
        _ report: inout ExplainReport, _ gate: borrowing GateIndex, _ clock: GateClock
    ) throws {
        let name = Array(report.name.utf8)
        let service = Array((report.service ?? "").utf8)
        let decision = try unsafe name.withUnsafeBytes { name in
            try unsafe service.withUnsafeBytes { service in
                unsafe try gate.decide(name: name, service: service, clock: clock)
            }
        }
        report.verdict = decision.verdict.label
        report.admitted = [.accepted, .mustChangePassword].contains(decision.verdict)
        report.decidedBy = unsafe Self.text(decision.source)
        report.text = unsafe Self.text(decision.text)
    }

    private static func text(_ octets: UnsafeRawBufferPointer) -> String? {
        unsafe octets.isEmpty ? nil : unsafe String(decoding: octets, as: UTF8.self)
    }

    /// Maps the gate part for one look at it.
    func withGate(_ body: (borrowing GateIndex) throws -> Void) throws {
        let state = context.paths.state
        try unsafe (state + "/index/gate.1").withCString { file in
            try unsafe state.withCString { state in
                let path = unsafe IndexPath(file: file, stateDirectory: state, part: .gate)
                try body(try GateIndex(path: path))
            }
        }
    }

    private func isLocal(_ name: String) throws -> Bool {
        let path = context.paths.etc + "/passwd"
        return try unsafe path.withCString { path in
            let name = Array(name.utf8)
            return try unsafe name.withUnsafeBytes {
                try unsafe LocalPasswd.contains(name: $0, path: path)
            }
        }
    }

    private func add(_ person: PersonDetails, to report: inout ExplainReport) throws {
        let reader = try reader()
        var entry = ExplainReport.Entry(dn: person.dn, uuid: person.uuid.description)
        entry.withheld = person.withheld
        entry.heldSince = person.heldSince
        report.notes = try reader.findings().first { $0.uuid == person.uuid }?.notes ?? []
        report.offline.madeAt = context.offlineVerifier(person.uuid)
        if let published = person.published {
            let (state, login) = (published.state, published.login)
            entry.disabledBy = state.disabledBy
            entry.expiresAt = state.expiresAt
            entry.expiresBy = state.expiresBy.isEmpty ? nil : state.expiresBy
            entry.mustChangeBy = state.mustChangeBy
            entry.blocked = login.isBlocked
            entry.confirmedAt = login.confirmedAt
            entry.groups = person.groups.map { NamedID(name: $0.name, id: $0.id) }
            let bindings = try reader.access().bindings
            entry.accessGroups = bindings.filter { login.accessGroups.contains($0.slot) }
                .map(\.name)
            report.keys = login.keys.map(ExplainReport.Key.init(line:))
            report.offline.changeSeen = !login.passwordStamp.isEmpty
        }
        report.entry = entry
    }
}

extension ExplainReport.Key {
    /// What a line of authorized_keys(5) says beside the key.
    fileprivate init(line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        let isBlob = { (word: Substring) in word.hasPrefix("AAAA") }
        let place = words.indices.first { $0 > 0 && isBlob(words[$0]) } ?? min(1, words.count)
        let type = place > 0 ? String(words[place - 1]) : ""
        self.init(
            type: type, comment: words.dropFirst(place + 1).joined(separator: " "),
            options: place > 1)
    }
}

extension LoginVerdict {
    /// The verdict as the log and `--json` have it.
    var label: String {
        switch self {
        case .accepted: "accepted"
        case .mustChangePassword: "must_change_password"
        case .unknownUser: "unknown_user"
        case .removed: "removed"
        case .blocked: "blocked"
        case .disabled: "disabled"
        case .expired: "expired"
        case .denied: "denied"
        case .notAllowed: "not_allowed"
        case .stale: "stale"
        case .wrongPassword: "wrong_password"
        case .locked: "locked"
        case .passwordExpired: "password_expired"
        case .newPasswordRefused: "new_password_refused"
        case .changeNotPermitted: "change_not_permitted"
        case .undecidable: "undecidable"
        }
    }
}
