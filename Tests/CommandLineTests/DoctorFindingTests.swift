import ArgumentParser
import DaemonProtocol
import LDAPClient
import Settings
import Testing

@testable import roster

/// A healthy host with one thing spoilt, and what must be found then.
struct SpoiltHost: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var expected: [FindingID]
    let spoil: @Sendable (inout ScriptedHost) -> Void

    init(
        _ description: String, _ expected: FindingID...,
        spoil: @escaping @Sendable (inout ScriptedHost) -> Void
    ) {
        testDescription = description
        self.expected = expected
        self.spoil = spoil
    }

    /// One line of a file replaced.
    init(
        _ file: String, _ old: String, _ new: String, _ expected: FindingID...
    ) {
        testDescription = "\(file): \(new)"
        self.expected = expected
        spoil = { host in
            let text = host.files[file] ?? ""
            let changed = text.replacing(old, with: new)
            host.files[file] = changed
            if changed == text { Issue.record("\(file) has no \(old)") }
        }
    }
}

@Suite struct DoctorFindingTests {
    @Test("nothing is found on a healthy host, and the command is content")
    func healthy() throws {
        let host = ScriptedHost()
        #expect(try host.report().findings == [])
        #expect(DoctorCommand.parseOrNil([])?.examine(host.seen).status == .done)
        for check in try host.report().checks { #expect(check.unseen == []) }
    }

    private static let nss = "/etc/nsswitch.conf"
    static let nameSwitch: [SpoiltHost] = [
        SpoiltHost(nss, "files roster systemd", "files systemd", .nssMissing, .nssMissing),
        SpoiltHost(nss, "passwd:         files roster", "passwd: files # roster", .nssMissing),
        SpoiltHost(nss, "group:          files roster", "group: roster files", .nssBeforeFiles),
        SpoiltHost(
            nss, "group:          files roster", "group: files [NOTFOUND=return] roster", .nssCutOff
        ),
        SpoiltHost(
            nss, "group:          files roster", "group: files [!UNAVAIL=return] roster",
            .nssCutOff),
        SpoiltHost(
            nss, "group:          files roster", "group: files sss [UNAVAIL=return] roster",
            .nssCutOff, .nssBeside),
        SpoiltHost(nss, "passwd:         files", "passwd: compat", .nssBeside),
        SpoiltHost(nss, "passwd:         files", "passwd: files ldap", .nssBeside),
        SpoiltHost(
            nss, "group:          files roster", "group: files [SUCCESS=continue] roster",
            .nssLocalLost),
        SpoiltHost(nss, "passwd:         files roster", "passwd: roster", .nssLocalLost),
        SpoiltHost(nss, "hosts:", "initgroups: files\nhosts:", .nssInitgroups),
        SpoiltHost(nss, "shadow:         files", "shadow: files roster", .nssShadow),
        SpoiltHost("without the module's file", .nssModule) {
            $0.files["/usr/lib/x86_64-linux-gnu/libnss_roster.so.2"] = nil
        },
        SpoiltHost("with a module that anybody may change", .nssModule) {
            $0.states["/usr/lib/x86_64-linux-gnu/libnss_roster.so.2"] = FileState(
                kind: .file, owner: 0, group: 0, mode: 0o666)
        },
        SpoiltHost("with nscd", .nscdRunning) { $0.running.insert("nscd") },
        SpoiltHost("with unscd at rest", .nscdInstalled) {
            $0.files["/usr/sbin/unscd"] = ""
        },
    ]

    private static let account = "/etc/pam.d/common-account"
    private static let auth = "/etc/pam.d/common-auth"
    private static let rosterLine =
        "account\t[default=bad success=ok new_authtok_reqd=ok user_unknown=ignore]\tpam_roster.so"
    private static let localLine = "account\t[success=1 default=ignore]\tpam_localuser.so\n"
    static let pam: [SpoiltHost] = [
        SpoiltHost(
            account, localLine + rosterLine, "", .pamNotInAccount, .pamNotInAccount,
            .pamNotInAccount, .pamNotInAccount, .pamNotInAccount),
        SpoiltHost(
            "/etc/pam.d/sshd", "@include common-account",
            "account sufficient pam_unix.so\n@include common-account", .pamRefusedGetsIn),
        SpoiltHost(
            "/etc/pam.d/login", "@include common-account",
            "account sufficient pam_permit.so\n@include common-account", .pamRefusedGetsIn),
        SpoiltHost(
            "/etc/pam.d/cron", "@include common-account",
            "account required pam_permit.so\naccount optional pam_roster.so", .pamRefusedGetsIn),
        SpoiltHost(
            "/etc/pam.d/sudo", "@include common-account",
            "account sufficient pam_wheel.so\n@include common-account", .pamRefusedMayGetIn,
            .pamUnknownModule),
        SpoiltHost(
            "/etc/pam.d/cron", "@include common-account",
            "account sufficient pam_succeed_if.so uid < 1000 quiet\n@include common-account"),
        SpoiltHost(
            "/etc/pam.d/cron", "@include common-account",
            "account sufficient pam_succeed_if.so uid >= 500 quiet\n@include common-account",
            .pamRefusedGetsIn),
        SpoiltHost(
            "/etc/pam.d/sshd", "# account  required     pam_access.so",
            "account required pam_access.so"),
        SpoiltHost("sshd with pam_access and rules", .pamUnknownModule) {
            $0.files["/etc/pam.d/sshd"]?.replace("# account ", with: "account ")
            $0.files["/etc/security/access.conf"] = "-:ALL EXCEPT root:ALL\n"
        },
        SpoiltHost(
            account, localLine, "", .pamLocalNeedsModule, .pamLocalNeedsModule,
            .pamLocalNeedsModule, .pamLocalNeedsModule, .pamLocalNeedsModule,
            .pamLocalNeedsModule, .pamLocalNeedsModule, .pamLocalNeedsModule,
            .pamLocalNeedsModule, .pamLocalNeedsModule),
        SpoiltHost(
            "/etc/pam.d/cron", "@include common-account",
            "account required pam_unix.so\naccount required pam_roster.so", .pamLocalRefused,
            .pamRootRefused),
        SpoiltHost(
            "/etc/pam.d/login", "@include common-auth", "auth required pam_roster.so",
            .pamLocalRefused, .pamRootRefused),
        SpoiltHost(
            "/etc/pam.d/su", "@include common-account",
            "account requisite pam_localuser.so\n@include common-account", .pamAdmittedRefused),
        SpoiltHost(
            auth, "auth\t[success=1 default=ignore]\tpam_roster.so use_first_pass\n",
            "auth [success=1 default=ignore] pam_cap.so\n", .pamNoPasswords, .pamNoPasswords,
            .pamNoPasswords, .pamNoPasswords),
        SpoiltHost(
            "/etc/pam.d/sudo", "@include common-auth", "auth required pam_permit.so",
            .pamWrongPasswordGetsIn, .pamNoPasswords),
        SpoiltHost(
            "/etc/pam.d/su", "auth       sufficient pam_rootok.so", "auth suficient pam_rootok.so",
            .pamBroken, .pamNoPasswords),
        SpoiltHost(
            "/etc/pam.d/cron", "@include common-account", "@include common-acount", .pamBroken),
        SpoiltHost("while nobody may log in", .pamNologin) { $0.files["/run/nologin"] = "" },
        SpoiltHost(
            "without the file of pam_roster", .pamAdmittedRefused, .pamNoPasswords,
            .pamAdmittedRefused, .pamNoPasswords, .pamAdmittedRefused, .pamNoPasswords,
            .pamAdmittedRefused, .pamNoPasswords, .pamAdmittedRefused, .pamModule
        ) {
            $0.files["/usr/lib/x86_64-linux-gnu/security/pam_roster.so"] = nil
        },
        SpoiltHost("where nobody makes home folders", .pamNoMkhomedir) {
            $0.files["/etc/pam.d/common-session"] = "session required pam_unix.so\n"
            $0.states["/home/ada"] = nil
        },
        SpoiltHost("where home folders are there already") {
            $0.files["/etc/pam.d/common-session"] = "session required pam_unix.so\n"
        },
    ]

    @Test("a spoilt host shows exactly what is spoilt", arguments: nameSwitch + pam)
    func spoilt(host spoilt: SpoiltHost) throws {
        try expect(spoilt)
    }

    @Test(
        "no line that is advised for people or groups is without the local files",
        arguments: nameSwitch + [
            SpoiltHost(nss, "passwd:         files", "passwd: compat"),
            SpoiltHost(nss, "passwd:         files roster systemd", "passwd: compat"),
            SpoiltHost(nss, "group:          files roster", "group: roster compat nis"),
            SpoiltHost(nss, "group:          files roster", "group: sss"),
        ])
    func localFilesStay(host spoilt: SpoiltHost) throws {
        var host = ScriptedHost()
        spoilt.spoil(&host)
        for finding in checkNameSwitch(host.seen).findings {
            for database in ["passwd: ", "group: "] {
                guard let line = finding.fix.ranges(of: database).last else { continue }
                #expect(finding.fix[line.upperBound...].hasPrefix("files roster"))
            }
        }
    }

    @Test(
        "the advised line lacks the service that is too much, and that one only",
        arguments: [
            (
                "files roster nis nisplus",
                "if it serves the same people, in /etc/nsswitch.conf write: "
                    + "passwd: files roster nisplus"
            ),
            (
                "compat roster",
                "replace compat by files: in /etc/nsswitch.conf write: passwd: files roster"
            ),
        ])
    func advisedLine(_ services: String, _ fix: String) throws {
        var host = ScriptedHost()
        host.files[Self.nss] = "passwd: \(services)\ngroup: files roster\n"
        #expect(checkNameSwitch(host.seen).findings.map(\.fix) == [fix])
    }

    @Test("of those whom pam_roster refuses, the ones that get in are named")
    func refusedByCode() throws {
        var host = ScriptedHost()
        host.files[Self.account]?.replace(
            "default=bad", with: "authinfo_unavail=ignore default=bad")
        let report = try host.report()
        #expect(report.findings.map(\.id) == Array(repeating: .pamRefusedGetsIn, count: 5))
        #expect(
            report.findings.first?.text
                == "sshd lets in whom pam_roster refuses: everybody while the mirror is too old "
                + "(authinfo_unavail), by the line of pam_roster.so in /etc/pam.d/common-account:5")
        #expect(report.findings.first?.fix.contains("[default=bad success=ok ") == true)
    }

    private func expect(_ spoilt: SpoiltHost) throws {
        var host = ScriptedHost()
        spoilt.spoil(&host)
        let report = try host.report()
        #expect(report.findings.map(\.id) == spoilt.expected)
        for finding in report.findings { #expect(!finding.fix.isEmpty && !finding.text.isEmpty) }
    }
}

extension DoctorCommand {
    /// The command with these arguments.
    static func parseOrNil(_ arguments: [String]) -> DoctorCommand? {
        try? parse(arguments)
    }
}
