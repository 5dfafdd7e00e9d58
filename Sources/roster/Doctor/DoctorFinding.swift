// What roster doctor finds: every finding has an id that stays, a severity and a fix.

/// How much a finding matters.
enum Severity: String, Encodable, Sendable, CaseIterable {
    /// Somebody cannot log in who may, or can who must not.
    case error
    /// It works now, or for most, and will not for long, or not for all.
    case warning
    /// Worth to know; nothing need be done.
    case note
}

/// What a finding is about; the order is that of the report.
enum DoctorArea: String, Encodable, Sendable, CaseIterable {
    case configuration, nsswitch, caches, pam, sshd, tls, clock, files, index, sync, units,
        processes
    case user

    /// The heading of the report for people.
    var heading: String {
        switch self {
        case .configuration: "Configuration"
        case .nsswitch: "Name lookups (nsswitch.conf)"
        case .caches: "Caches of name lookups"
        case .pam: "Logins (PAM)"
        case .sshd: "sshd"
        case .tls: "Certificates of the directory"
        case .clock: "Clock"
        case .files: "Owners and modes of files"
        case .index: "Published index"
        case .sync: "Mirror"
        case .units: "systemd units"
        case .processes: "Running processes"
        case .user: "This person"
        }
    }
}

/// The stable name of a finding, documented in roster(8).
enum FindingID: String, Encodable, Sendable, CaseIterable {
    case notJoined = "not-joined"
    case configInvalid = "config-invalid"
    case configDirectory = "config-directory"

    case nssMissing = "nss-missing"
    case nssBeforeFiles = "nss-before-files"
    case nssCutOff = "nss-cut-off"
    case nssLocalLost = "nss-local-lost"
    case nssInitgroups = "nss-initgroups"
    case nssShadow = "nss-shadow"
    case nssBeside = "nss-beside"
    case nssModule = "nss-module"

    case nscdRunning = "nscd-running"
    case nscdInstalled = "nscd-installed"

    case pamModule = "pam-module"
    case pamBroken = "pam-broken"
    case pamNotInAccount = "pam-not-in-account"
    case pamRefusedGetsIn = "pam-refused-gets-in"
    case pamRefusedMayGetIn = "pam-refused-may-get-in"
    case pamAdmittedRefused = "pam-admitted-refused"
    case pamLocalRefused = "pam-local-refused"
    case pamRootRefused = "pam-root-refused"
    case pamLocalNeedsModule = "pam-local-needs-module"
    case pamWrongPasswordGetsIn = "pam-wrong-password-gets-in"
    case pamNoPasswords = "pam-no-passwords"
    case pamUnknownModule = "pam-unknown-module"
    case pamNologin = "pam-nologin"
    case pamNoMkhomedir = "pam-no-mkhomedir"

    case sshdBroken = "sshd-broken"
    case sshdNoPAM = "sshd-no-pam"
    case sshdNoKeys = "sshd-no-keys"
    case sshdOtherKeys = "sshd-other-keys"
    case sshdKeysArguments = "sshd-keys-arguments"
    case sshdKeysUser = "sshd-keys-user"
    case sshdKeysProgram = "sshd-keys-program"
    case sshdUnknownGroup = "sshd-unknown-group"
    case sshdUnknownUser = "sshd-unknown-user"
    case sshdNoPasswords = "sshd-no-passwords"
    case sshdNoDropIns = "sshd-no-drop-ins"

    case tlsFails = "tls-fails"
    case tlsUnreachable = "tls-unreachable"
    case tlsExpires = "tls-expires"
    case tlsCAFile = "tls-ca-file"
    case tlsCAExpired = "tls-ca-expired"

    case clockBehind = "clock-behind"
    case clockUnsynchronised = "clock-unsynchronised"

    case filesConfiguration = "files-configuration"
    case filesSecret = "files-secret"
    case filesState = "files-state"
    case filesIndex = "files-index"
    case filesGate = "files-gate"
    case filesStore = "files-store"
    case filesSocket = "files-socket"

    case indexAbsent = "index-absent"
    case indexDamaged = "index-damaged"
    case indexDisagrees = "index-disagrees"

    case daemonAway = "daemon-away"
    case daemonVersion = "daemon-version"
    case mirrorTooOld = "mirror-too-old"
    case mirrorAging = "mirror-aging"
    case mirrorNotInSync = "mirror-not-in-sync"
    case mirrorHeld = "mirror-held"
    case mirrorWithheld = "mirror-withheld"
    case mirrorRebuilt = "mirror-rebuilt"
    case mirrorPolled = "mirror-polled"
    case mirrorLateDeletions = "mirror-late-deletions"
    case accessRules = "access-rules"

    case unitMissing = "unit-missing"
    case unitMasked = "unit-masked"
    case unitDisabled = "unit-disabled"
    case unitFailed = "unit-failed"
    case unitInactive = "unit-inactive"

    case oldModule = "old-module"

    case userUnknown = "user-unknown"
    case userNotSeen = "user-not-seen"
    case userRefused = "user-refused"
    case userLocal = "user-local"
    case userNotForSSHD = "user-not-for-sshd"
    case userShell = "user-shell"
    case userHome = "user-home"
}

extension FindingID {
    /// How much a finding of this name matters, always.
    var severity: Severity {
        switch self {
        case .notJoined, .nssBeside, .nscdInstalled, .pamUnknownModule, .pamNoMkhomedir,
            .sshdNoPasswords, .sshdNoDropIns, .sshdUnknownUser, .clockUnsynchronised, .oldModule,
            .mirrorWithheld, .mirrorPolled, .mirrorLateDeletions, .userLocal, .userHome:
            .note
        case .configDirectory, .nssShadow, .nscdRunning, .pamRefusedMayGetIn, .pamLocalNeedsModule,
            .pamNoPasswords, .pamNologin, .sshdNoKeys, .sshdOtherKeys, .sshdUnknownGroup,
            .tlsUnreachable, .tlsExpires, .daemonVersion, .mirrorAging, .mirrorNotInSync,
            .mirrorHeld, .mirrorRebuilt, .accessRules, .unitMissing, .unitDisabled, .unitInactive:
            .warning
        case .configInvalid, .nssMissing, .nssBeforeFiles, .nssCutOff, .nssLocalLost,
            .nssInitgroups, .nssModule, .pamModule, .pamBroken, .pamNotInAccount,
            .pamRefusedGetsIn, .pamAdmittedRefused, .pamLocalRefused, .pamRootRefused,
            .pamWrongPasswordGetsIn, .sshdBroken, .sshdNoPAM, .sshdKeysArguments, .sshdKeysUser,
            .sshdKeysProgram, .tlsFails, .tlsCAFile, .tlsCAExpired, .clockBehind,
            .filesConfiguration, .filesSecret, .filesState, .filesIndex, .filesGate, .filesStore,
            .filesSocket, .indexAbsent, .indexDamaged, .indexDisagrees, .daemonAway,
            .mirrorTooOld, .unitMasked, .unitFailed, .userUnknown, .userNotSeen, .userRefused,
            .userNotForSSHD,
            .userShell:
            .error
        }
    }
}

/// One thing that keeps people from logging in, endangers them, or is worth to know.
struct Finding: Encodable, Equatable, Sendable {
    /// Its stable name.
    let id: FindingID
    /// How much it matters; follows from the name.
    let severity: Severity
    /// What it is about.
    let area: DoctorArea
    /// What is so, one sentence without full stop.
    let text: String
    /// What to do: a command, or a line to write and where.
    let fix: String
}

/// What one check has to say.
struct CheckResult: Encodable, Equatable, Sendable {
    /// What was looked at.
    let area: DoctorArea
    /// What is wrong.
    private(set) var findings: [Finding] = []
    /// What was looked at and is in order, in a few words each.
    private(set) var fine: [String] = []
    /// What could not be seen, and why.
    private(set) var unseen: [String] = []

    init(_ area: DoctorArea) {
        self.area = area
    }

    /// Notes a finding; the same sentence is noted once.
    mutating func found(_ id: FindingID, _ text: String, fix: String) {
        let finding = Finding(
            id: id, severity: id.severity, area: area, text: printable(text), fix: printable(fix))
        if !findings.contains(finding) { findings.append(finding) }
    }

    /// Notes that something is in order.
    mutating func isFine(_ text: String) {
        fine.append(printable(text))
    }

    /// Notes that something could not be seen.
    mutating func couldNotSee(_ text: String) {
        let text = printable(text)
        if !unseen.contains(text) { unseen.append(text) }
    }
}
