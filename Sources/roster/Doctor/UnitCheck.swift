// Whether systemd starts roster, and which processes still run on what an upgrade replaced.

/// Checks the units; nothing where systemd does not run.
func checkUnits(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.units)
    guard host.isJoined else { return result }
    guard host.state("/run/systemd/system") != nil else {
        result.couldNotSee("units: systemd does not run here")
        return result
    }
    for unit in ["rosterd.socket", "rosterd.service"] {
        let command = [
            "/usr/bin/systemctl", "show", unit, "--property",
            "LoadState,ActiveState,SubState,UnitFileState,Result",
        ]
        guard let said = host.run(command), said.status == 0 else {
            result.couldNotSee("\(unit): systemctl does not answer")
            continue
        }
        judge(unit, UnitState(said.output), &result)
    }
    return result
}

/// What systemctl show printed.
private struct UnitState {
    private let properties: [String: String]

    init(_ text: String) {
        var properties: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let sides = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2 { properties[String(sides[0])] = String(sides[1]) }
        }
        self.properties = properties
    }

    subscript(_ name: String) -> String { properties[name] ?? "" }
}

private func judge(_ unit: String, _ state: UnitState, _ result: inout CheckResult) {
    guard state["LoadState"] != "masked", !state["UnitFileState"].hasPrefix("masked") else {
        result.found(
            .unitMasked, "\(unit) is masked, so it never starts",
            fix: "systemctl unmask \(unit); systemctl start \(unit)")
        return
    }
    guard state["LoadState"] != "not-found" else {
        result.found(
            .unitMissing, "systemd knows no \(unit), so nothing starts rosterd",
            fix: "systemctl daemon-reload, or apt-get install --reinstall roster")
        return
    }
    var isFine = true
    if ["disabled", "indirect"].contains(state["UnitFileState"]) {
        isFine = false
        result.found(
            .unitDisabled, "\(unit) is not started at boot", fix: "systemctl enable \(unit)")
    }
    if state["ActiveState"] == "failed" || state["SubState"] == "auto-restart" {
        isFine = false
        result.found(
            .unitFailed, "\(unit) failed (\(state["Result"]))",
            fix: "journalctl -u \(unit) says why; then: systemctl restart \(unit)")
    } else if state["ActiveState"] == "inactive" {
        isFine = false
        result.found(
            .unitInactive, "\(unit) is stopped", fix: "systemctl start \(unit)")
    }
    if isFine { result.isFine("\(unit) is \(state["ActiveState"])") }
}

/// Checks for processes that began before an upgrade and go on with the old modules.
func checkProcesses(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.processes)
    guard let processes = host.oldModules() else {
        result.couldNotSee("which processes map an older module: only root may")
        return result
    }
    if !host.isRoot {
        result.couldNotSee("which modules other users' processes map: only root may")
    }
    let names = Set(processes.map(\.name)).sorted()
    for name in names {
        let some = processes.filter { $0.name == name }
        let pids = some.prefix(5).map { "\($0.pid)" }.joined(separator: ", ")
        let files = Set(some.map(\.file)).sorted().joined(separator: " and ")
        result.found(
            .oldModule,
            "\(name) (\(some.count > 5 ? "\(pids), ..." : pids)) still runs on the old \(files)",
            fix: name == "systemd"
                ? "systemctl daemon-reexec"
                : "systemctl restart its unit: systemctl status \(some[0].pid) names it")
    }
    if names.isEmpty { result.isFine("no process runs on an older module") }
    return result
}

/// The older modules that a process maps, by its /proc/PID/maps.
///
/// dpkg replaces a file by renaming; the kernel then says "(deleted)" of the old one.
func oldModules(inMaps text: String) -> [String] {
    var found: [String] = []
    for line in text.split(separator: "\n") where line.hasSuffix(" (deleted)") {
        let path = line.dropLast(" (deleted)".count)
        guard let name = path.split(separator: "/").last else { continue }
        // While dpkg works, the old file has a name of its own for a moment.
        let plain = name.hasSuffix(".dpkg-tmp") ? name.dropLast(9) : name
        for module in ["libnss_roster.so.2", "pam_roster.so"] where plain == module {
            if !found.contains(module) { found.append(module) }
        }
    }
    return found
}
