// Whether the stacks of PAM let the right people in: tried with several, not only looked at.
internal import Accounts
internal import Settings

/// The services that people log in by.
private let services = ["sshd", "login", "sudo", "su", "cron"]
private let rosterModule = "pam_roster.so"

/// Checks the stacks of Debian's login programs.
func checkPAM(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.pam)
    let reader = PAMReader(host)
    let here = services.filter { reader.hasFile($0) }
    if here.isEmpty { result.couldNotSee("no stack of \(services.joined(separator: ", "))") }
    let examination = PAMExamination(host: host, reader: reader)
    for service in here {
        examination.broken(service, &result)
        if examination.isSpoilt(service) { continue }
        examination.account(service, &result)
        if service != "cron" { examination.auth(service, &result) }
    }
    examination.module(here, &result)
    examination.unknown(here, &result)
    examination.homes(here, &result)
    if let file = ["/etc/nologin", "/run/nologin"].first(where: { host.state($0) != nil }) {
        result.found(
            .pamNologin, "\(file) is there, so nobody but root may log in", fix: "rm \(file)")
    }
    return result
}

/// Looks at single services.
private struct PAMExamination {
    let host: DoctorHost
    let reader: PAMReader
    private let directoryIDs: ClosedRange<UInt32>

    init(host: DoctorHost, reader: PAMReader) {
        self.host = host
        self.reader = reader
        directoryIDs = host.usableSettings?.accounts.ids ?? 1000...60000
    }

    private func modules(
        _ service: String, _ kind: PAMKind, _ person: PAMPerson, _ refusedWith: PAMCode
    ) -> PAMModules {
        let ids: ClosedRange<UInt32> =
            person == .root ? 0...0 : person == .local ? 1000...1000 : directoryIDs
        return PAMModules(
            service: service, kind: kind, person: person, refusedWith: refusedWith, uids: ids,
            isInstalled: { host.hasModule($0) },
            saysNothing: { path in
                (host.read(path).text ?? "").split(whereSeparator: \.isNewline).allSatisfy {
                    $0.drop(while: \.isWhitespace).first ?? "#" == "#"
                }
            })
    }

    private func trial(
        _ service: String, _ kind: PAMKind, _ person: PAMPerson, roster: PAMCode? = nil,
        refusedWith: PAMCode = .permDenied
    ) -> PAMTrial {
        PAMTrial(
            reader.stack(service, kind), modules(service, kind, person, refusedWith),
            roster: roster)
    }

    private func names(_ service: String, _ kind: PAMKind) -> Bool {
        reader.stack(service, kind).contains { $0.module == rosterModule }
    }

    /// How roster comes into the stacks.
    private var enabling: String {
        host.state("/usr/share/pam-configs/roster") != nil
            ? "pam-auth-update --enable roster"
            : "reinstall the package and run: pam-auth-update --enable roster"
    }

    private func place(_ service: String, _ kind: PAMKind) -> String {
        let line = reader.stack(service, kind).first { $0.module == rosterModule }
        return line.map { "/etc/pam.d/\($0.source)" } ?? "/etc/pam.d/\(service)"
    }

    /// Whether nobody gets in, because libpam cannot read the service at all.
    func isSpoilt(_ service: String) -> Bool {
        reader.stack(service, .account).contains(where: \.spoilsService)
    }

    func broken(_ service: String, _ result: inout CheckResult) {
        for kind in PAMKind.allCases {
            for line in reader.stack(service, kind) {
                guard let fault = line.fault else { continue }
                result.found(
                    .pamBroken,
                    "/etc/pam.d/\(line.source): \(fault), which PAM takes for a refusal (\(service))",
                    fix: "correct the line, or write the stacks anew: pam-auth-update --force")
            }
        }
    }

    func account(_ service: String, _ result: inout CheckResult) {
        locals(service, .account, &result)
        guard names(service, .account) else {
            guard host.isJoined else { return }
            result.found(
                .pamNotInAccount,
                "\(service) does not ask pam_roster whether people of the directory may log in: "
                    + "disabled ones get in", fix: enabling)
            return
        }
        refused(service, &result)
        admitted(service, &result)
    }

    /// That nobody gets in whom pam_roster refuses, with whichever code.
    private func refused(_ service: String, _ result: inout CheckResult) {
        let tried = PAMModules.refusals.map { code, whom in
            (trial: trial(service, .account, .refused, refusedWith: code), whom: whom)
        }
        let always = tried.filter(\.trial.alwaysPasses)
        let some = always.isEmpty ? tried.filter(\.trial.canPass) : always
        guard let first = some.first?.trial else {
            result.isFine("\(service): whom the directory disabled is refused")
            return
        }
        let whom =
            some.count == tried.count
            ? ", whatever the reason" : ": \(some.map(\.whom).joined(separator: ", "))"
        let fix = first.asksRoster ? heeding(service) : reaching(service)
        guard always.isEmpty else {
            let way = first.lastOnTheWayIn.map {
                ", by the line of \($0.module ?? "?") in /etc/pam.d/\($0.source)"
            }
            result.found(
                .pamRefusedGetsIn,
                "\(service) lets in whom pam_roster refuses\(whom)\(way ?? "")", fix: fix)
            return
        }
        let names = some.reduce(into: Set<String>()) { $0.formUnion($1.trial.unknown) }
        result.found(
            .pamRefusedMayGetIn,
            "\(service) lets in whom pam_roster refuses if "
                + "\(names.sorted().joined(separator: ", ")) says so\(whom)", fix: fix)
    }

    /// What to do where the account phase ends before pam_roster is asked.
    private func reaching(_ service: String) -> String {
        "let no line before pam_roster in \(place(service, .account)) end the account phase "
            + "(sufficient, done); Debian's own lines: pam-auth-update --force"
    }

    /// What to do where pam_roster is asked and not heeded.
    private func heeding(_ service: String) -> String {
        "in \(place(service, .account)) write: account [default=bad success=ok "
            + "new_authtok_reqd=ok user_unknown=ignore] pam_roster.so, and let no line before it "
            + "end the account phase; Debian's own lines: pam-auth-update --force"
    }

    private func admitted(_ service: String, _ result: inout CheckResult) {
        if trial(service, .account, .admitted).canPass {
            result.isFine("\(service): people of the directory are admitted")
            return
        }
        result.found(
            .pamAdmittedRefused,
            "\(service) refuses people whom the directory admits, after the password or key",
            fix: "look at the account lines of /etc/pam.d/\(service), or write the stacks anew: "
                + "pam-auth-update --force")
    }

    /// That local people and root get in with pam_roster as they do without it.
    private func locals(
        _ service: String, _ kind: PAMKind, _ result: inout CheckResult
    ) {
        guard names(service, kind) else { return }
        let fix =
            "before the line of pam_roster in \(place(service, kind)) write: "
            + "\(kind.rawValue) [success=1 default=ignore] pam_localuser.so"
        for person in [PAMPerson.local, .root] {
            // Who is refused whatever pam_roster says is not refused because of it.
            let others = [PAMCode.ignore, .success].map {
                trial(service, kind, person, roster: $0)
            }
            guard others.contains(where: \.canPass) else { continue }
            let who = person == .root ? "root" : "local users"
            if !trial(service, kind, person, roster: .userUnknown).canPass {
                result.found(
                    person == .root ? .pamRootRefused : .pamLocalRefused,
                    "\(service) refuses \(who) because of pam_roster (\(kind.rawValue))", fix: fix)
            } else if !trial(service, kind, person, roster: .moduleUnknown).canPass {
                result.found(
                    .pamLocalNeedsModule,
                    "\(service) would refuse \(who) if the file of pam_roster were missing "
                        + "(\(kind.rawValue))", fix: fix)
            } else {
                let whom = person == .root ? "root does" : "local users do"
                result.isFine("\(service): \(whom) not depend on pam_roster (\(kind.rawValue))")
            }
        }
    }

    func auth(_ service: String, _ result: inout CheckResult) {
        locals(service, .auth, &result)
        if trial(service, .auth, .wrongPassword).alwaysPasses {
            result.found(
                .pamWrongPasswordGetsIn, "\(service) takes any password of people of the directory",
                fix: "look at the auth lines of /etc/pam.d/\(service), or write the stacks anew: "
                    + "pam-auth-update --force")
        }
        guard host.isJoined else { return }
        let admitted = trial(service, .auth, .admitted)
        if admitted.asksRoster, admitted.canPass {
            result.isFine("\(service): passwords are checked by pam_roster")
        } else {
            result.found(
                .pamNoPasswords,
                "\(service) never asks pam_roster for passwords, so people of the directory cannot "
                    + "use theirs", fix: enabling)
        }
    }

    func module(_ services: [String], _ result: inout CheckResult) {
        let isNamed = services.contains { names($0, .account) || names($0, .auth) }
        let path = host.library("security/\(rosterModule)")
        if let path {
            result.isFine(path)
        } else if isNamed || host.isJoined {
            result.found(
                .pamModule, "the module \(rosterModule) is in no folder of PAM",
                fix: "reinstall the package: apt-get install --reinstall roster")
        }
    }

    func unknown(_ services: [String], _ result: inout CheckResult) {
        var decided: [String: Set<String>] = [:]
        for service in services {
            for person in [PAMPerson.admitted, .refused, .local, .root] {
                let tried = trial(service, .account, person)
                guard tried.canPass, tried.canFail else { continue }
                for name in tried.unknown { decided[name, default: []].insert(service) }
            }
        }
        for (name, services) in decided.sorted(by: { $0.key < $1.key }) {
            result.found(
                .pamUnknownModule,
                "\(name) decides on logins too (\(services.sorted().joined(separator: ", "))), "
                    + "and what it says is not known here",
                fix: "read its manual: man \(name.prefix { $0 != "." })")
        }
    }

    func homes(_ services: [String], _ result: inout CheckResult) {
        let makers = ["pam_mkhomedir.so", "pam_oddjob_mkhomedir.so"]
        let isMade = services.contains { service in
            reader.stack(service, .session).contains { makers.contains($0.module ?? "") }
        }
        guard !isMade, host.isJoined else { return }
        let missing = host.index().people.filter { host.state($0.home) == nil }
        guard let one = missing.first else { return }
        result.found(
            .pamNoMkhomedir,
            "nothing makes home folders, and \(one.home) for one does not exist",
            fix:
                "pam-auth-update --enable roster-mkhomedir, unless homes are mounted"
        )
    }
}

extension DoctorHost {
    /// Whether the file of a PAM module is there.
    func hasModule(_ path: String) -> Bool {
        path.hasPrefix("/") ? state(path) != nil : library("security/\(path)") != nil
    }
}
