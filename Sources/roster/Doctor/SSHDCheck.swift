// Whether sshd asks PAM and roster, by what sshd itself says of its configuration: sshd -T.

/// Where things of sshd are.
private enum SSHD {
    static let program = "/usr/sbin/sshd"
    /// Whom sshd is asked about when nobody is named: few Match blocks mean this user.
    static let anybody = "nobody"
    static let dropIn = "/etc/ssh/sshd_config.d/50-roster.conf"
    /// For what is not of roster: sshd reads it first, and the first value counts.
    static let localDropIn = "/etc/ssh/sshd_config.d/10-local.conf"
    static let helper = "/usr/lib/roster/authorized-keys"
    static let helperUser = "roster-keys"
    static let lines =
        "AuthorizedKeysCommand \(helper) %u and AuthorizedKeysCommandUser \(helperUser)"
}

/// The effective configuration: `keyword value` a line, keywords in lower case.
struct SSHDConfiguration {
    private let lines: [(key: String, value: String)]

    /// Reads what sshd -T printed.
    init(_ text: String) {
        lines = text.split(whereSeparator: \.isNewline).map { line in
            let sides = line.split(separator: " ", maxSplits: 1)
            return (
                sides.first?.lowercased() ?? "", sides.count > 1 ? String(sides[1]) : ""
            )
        }
    }

    /// The first value; `nil` if the keyword is not there.
    subscript(_ key: String) -> String? {
        lines.first { $0.key == key }?.value
    }

    /// All words of all values.
    func words(_ key: String) -> [String] {
        lines.filter { $0.key == key }.flatMap { $0.value.split(separator: " ").map(String.init) }
    }
}

/// Checks sshd; `user` is somebody whose Match blocks are applied.
func checkSSHD(_ host: DoctorHost, user: String?) -> CheckResult {
    var result = CheckResult(.sshd)
    guard host.state(SSHD.program) != nil else {
        result.isFine("there is no sshd on this host")
        return result
    }
    guard host.isRoot else {
        result.couldNotSee("sshd's configuration: only root may have sshd print it")
        return result
    }
    // Without a whole connection to judge, -T dies of Match LocalPort and others.
    let connection =
        "user=\(user ?? SSHD.anybody),host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22"
    guard let said = host.run([SSHD.program, "-T", "-C", connection]) else {
        result.couldNotSee("sshd's configuration: \(SSHD.program) cannot be run")
        return result
    }
    guard said.status == 0 else {
        notUsable(said, host, &result)
        return result
    }
    let configuration = SSHDConfiguration(said.output)
    login(configuration, &result)
    if host.isJoined { keys(configuration, host, &result) }
    names(configuration, host, &result)
    dropIns(host, &result)
    if let user, host.account(user) != nil { person(user, configuration, host, &result) }
    return result
}

private func notUsable(
    _ said: ProgramOutput, _ host: DoctorHost, _ result: inout CheckResult
) {
    let text = said.errors.isEmpty ? said.output : said.errors
    let line = text.split(whereSeparator: \.isNewline).last.map(String.init) ?? "no reason"
    if line.contains("privilege separation directory") || line.contains("no hostkeys") {
        result.couldNotSee("sshd's configuration, because sshd is not started: \(line)")
        return
    }
    if host.run([SSHD.program, "-t"])?.status == 0 {
        result.couldNotSee("sshd's configuration: sshd uses it, but does not print it: \(line)")
        return
    }
    result.found(
        .sshdBroken, "sshd cannot use its configuration: \(line)",
        fix: "correct it until this is silent: sshd -t")
}

private func login(_ configuration: SSHDConfiguration, _ result: inout CheckResult) {
    if configuration["usepam"] == "yes" {
        result.isFine("UsePAM yes")
    } else {
        result.found(
            .sshdNoPAM, "sshd does not ask PAM, so disabled people get in with their keys",
            fix: "in /etc/ssh/sshd_config write: UsePAM yes; then: systemctl reload ssh")
    }
    if configuration["passwordauthentication"] == "no",
        configuration["kbdinteractiveauthentication"] == "no"
    {
        result.found(
            .sshdNoPasswords, "sshd takes no passwords, so people log in by key only",
            fix: "if passwords are wanted, in \(SSHD.localDropIn) write: "
                + "PasswordAuthentication yes; then: systemctl reload ssh")
    }
}

private func keys(
    _ configuration: SSHDConfiguration, _ host: DoctorHost, _ result: inout CheckResult
) {
    let words = configuration.words("authorizedkeyscommand")
    let program = words.first ?? "none"
    let write = "in \(SSHD.dropIn) write the lines \(SSHD.lines); then: systemctl reload ssh"
    guard program != "none" else {
        result.found(.sshdNoKeys, "sshd does not ask for the keys of the directory", fix: write)
        return
    }
    guard program == SSHD.helper else {
        result.found(
            .sshdOtherKeys, "sshd asks \(program) for keys, and only one program can be asked",
            fix: "if the keys of the directory are wanted, \(write)")
        return
    }
    if !["%u", ""].contains(words.dropFirst().joined(separator: " ")) {
        result.found(
            .sshdKeysArguments,
            "sshd calls \(program) with \(words.dropFirst().joined(separator: " ")) instead of %u",
            fix: write)
    }
    let user = configuration["authorizedkeyscommanduser"] ?? "none"
    if user != SSHD.helperUser {
        result.found(
            .sshdKeysUser,
            "sshd runs \(program) as \(user), which may not read the gate part of the index",
            fix: write)
    } else if host.account(user) == nil {
        result.found(
            .sshdKeysUser, "the user \(user) does not exist, so sshd gets no keys",
            fix: "systemd-sysusers, or reinstall the package: apt-get install --reinstall roster")
    } else {
        result.isFine("AuthorizedKeysCommand \(words.joined(separator: " ")) as \(user)")
    }
    path(of: program, host, &result)
}

/// sshd runs the program only if nobody but root could change it.
private func path(of program: String, _ host: DoctorHost, _ result: inout CheckResult) {
    guard host.state(program) != nil else {
        result.found(
            .sshdKeysProgram, "\(program) is not there, so sshd gets no keys",
            fix: "apt-get install --reinstall roster")
        return
    }
    var path = ""
    let parts = program.split(separator: "/")
    for (place, part) in parts.enumerated() {
        path += "/\(part)"
        guard let state = host.state(path) else { continue }
        let isProgram = place == parts.count - 1
        if state.kind == .link { continue }
        if state.owner != 0 || state.mode & 0o022 != 0 || (isProgram && state.mode & 0o005 != 0o005)
        {
            result.found(
                .sshdKeysProgram,
                "sshd will not run \(program), because of the owner or mode of \(path)",
                fix: "chown root:root \(path); chmod 0755 \(path)")
        }
    }
}

/// The names in the four lists of who may log in.
private func names(
    _ configuration: SSHDConfiguration, _ host: DoctorHost, _ result: inout CheckResult
) {
    for (key, shown) in [("allowgroups", "AllowGroups"), ("denygroups", "DenyGroups")] {
        for name in configuration.words(key) where isPlain(name) && host.group(name) == nil {
            let effect =
                key == "denygroups" ? "so it keeps nobody out" : "so it lets nobody in"
            result.found(
                .sshdUnknownGroup,
                "\(shown) of sshd names \(name), which is no group here, \(effect)",
                fix:
                    "correct the name in /etc/ssh/sshd_config; roster group \(name) asks the mirror"
            )
        }
    }
    for (key, shown) in [("allowusers", "AllowUsers"), ("denyusers", "DenyUsers")] {
        for word in configuration.words(key) {
            let name = String(word.prefix { $0 != "@" })
            guard isPlain(name), host.account(name) == nil else { continue }
            result.found(
                .sshdUnknownUser, "\(shown) of sshd names \(name), whom nobody knows here",
                fix: "correct or remove the name in /etc/ssh/sshd_config")
        }
    }
}

/// Whether one of the four lists keeps a person out, from wherever the person comes.
private func person(
    _ name: String, _ configuration: SSHDConfiguration, _ host: DoctorHost,
    _ result: inout CheckResult
) {
    let groups = host.groupsOf(name)
    func isNamed(_ key: String) -> Bool {
        configuration.words(key).contains { matches(name, $0[...]) }
    }
    // sshd lets in from some hosts what AllowUsers names with them.
    let isAllowed = configuration.words("allowusers").contains { word in
        matches(name, word.prefix { $0 != "@" })
    }
    func hasGroup(_ key: String) -> Bool {
        configuration.words(key).contains { word in groups.contains { matches($0, word[...]) } }
    }
    let reason: String? =
        if isNamed("denyusers") {
            "DenyUsers names \(name)"
        } else if !configuration.words("allowusers").isEmpty, !isAllowed {
            "AllowUsers does not name \(name)"
        } else if hasGroup("denygroups") {
            "DenyGroups names a group of \(name)"
        } else if !configuration.words("allowgroups").isEmpty, !hasGroup("allowgroups") {
            "AllowGroups names no group of \(name)"
        } else {
            nil
        }
    guard let reason else {
        result.isFine("no list of sshd keeps \(name) out")
        return
    }
    result.found(
        .userNotForSSHD, "sshd refuses \(name): \(reason)",
        fix: "if that is not meant, change the list in /etc/ssh/sshd_config; then: "
            + "systemctl reload ssh")
}

/// Whether a name fits a pattern of sshd: `*` for any text, `?` for one character.
func matches(_ name: String, _ pattern: Substring) -> Bool {
    // Where in the pattern one can be, after each character of the name.
    let pattern = Array(pattern)
    var places: Set<Int> = [0]
    func passingStars(_ places: Set<Int>) -> Set<Int> {
        places.reduce(into: []) { all, place in
            var place = place
            all.insert(place)
            while place < pattern.count, pattern[place] == "*" {
                place += 1
                all.insert(place)
            }
        }
    }
    for character in name {
        places = passingStars(places).reduce(into: []) { next, place in
            guard place < pattern.count else { return }
            if pattern[place] == "*" { next.insert(place) }
            if pattern[place] == "?" || pattern[place] == character { next.insert(place + 1) }
        }
    }
    return passingStars(places).contains(pattern.count)
}

/// Whether it is a name and no pattern.
private func isPlain(_ name: String) -> Bool {
    !name.isEmpty && !name.contains { "*?!".contains($0) }
}

private func dropIns(_ host: DoctorHost, _ result: inout CheckResult) {
    guard let text = host.read("/etc/ssh/sshd_config").text else { return }
    let isIncluded = text.split(whereSeparator: \.isNewline).contains { line in
        let words = line.split { $0 == " " || $0 == "\t" || $0 == "=" }
        return words.first?.lowercased() == "include"
            && words.dropFirst().contains { $0.contains("sshd_config.d/") }
    }
    if !isIncluded {
        result.found(
            .sshdNoDropIns, "sshd_config does not read the files of /etc/ssh/sshd_config.d",
            fix: "first in /etc/ssh/sshd_config write: Include /etc/ssh/sshd_config.d/*.conf")
    }
}
