// rosterd: mirrors the directory onto this host. Options and exit status: rosterd(8).
// Called as `roster`, by the link in /usr/bin, the same program is the administrator's command: one
// file holds both, so that they are never of two versions.

import ArgumentParser
import RosterDaemon
import Settings
import roster

@main
enum Program {
    static func main() async {
        let name = CommandLine.arguments.first?.split(separator: "/").last
        if name == "roster" { runRosterCommand() }
        await Rosterd.main()
    }
}

struct Rosterd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rosterd",
        abstract: "Mirror the people and groups of an LDAP directory onto this host.",
        discussion: "Runs in the foreground and logs to stderr. See rosterd(8) and roster.toml(5).",
        version: Daemon.version)

    @Option(help: "The configuration file.")
    var config = Settings.defaultPath

    @Flag(help: "Check configuration and directory, say what is wrong, and end.")
    var check = false

    @Option(help: "Where index and store are kept.")
    var stateDir = "/var/lib/roster"

    @Option(help: "Where the sockets are made.")
    var runDir = "/run/roster"

    @Flag(help: "Log what happens in detail. Never logs a secret.")
    var debug = false

    func run() async throws {
        let settings: Settings
        do {
            settings = try Settings.load(path: config)
        } catch {
            Daemon.complain("\(error)")
            throw ExitCode(78)
        }
        let daemon = Daemon(
            settings: settings, configurationPath: config,
            paths: DaemonPaths(state: stateDir, run: runDir), isDebugging: debug)
        let isFine = check ? daemon.check() : await daemon.run()
        guard isFine else { throw ExitCode.failure }
    }
}
