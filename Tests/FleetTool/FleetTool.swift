// fleet-tool: a fleet of simulated hosts that follow one directory, for `Tests/bench fleet`.
//
// Commands come on standard input, one a line; each is answered by lines of "key value" pairs, the
// last of which begins with "done".
internal import Accounts
internal import DirectorySync
internal import Glibc
internal import LDAPClient

@main
enum FleetTool {
    static let usage = """
        usage: fleet-tool URI CA_FILE BIND_DN PASSWORD BASE HOSTS
               start SPREAD_MS JITTER   connect, within that time; JITTER 1: reconnect as rosterd does
               pause                    close all connections
               state                    how many hosts are in sync, and since when
               changes                  when each change arrived, then forget them
               compare COUNT            so many hosts list everything, all at once
               quit
        """

    static func main() {
        let words = CommandLine.arguments
        guard words.count == 7, let hosts = Int(words[6]), (1...100_000).contains(hosts) else {
            print(usage)
            exit(2)
        }
        var options = LDAPConnectOptions(uri: words[1], tls: .ldaps, caFile: words[2])
        // The daemon's network_timeout.
        options.networkTimeout = .seconds(10)
        options.operationTimeout = .seconds(10)
        let scope = SearchScope(peopleBase: words[5], groupsBase: words[5])
        let rules = EntryRules(
            policy: AccountPolicy(), scope: scope, local: LocalAccounts(), shells: .ofThisHost())
        let plan = FleetPlan(
            options: options, bindDN: words[3], password: Array(words[4].utf8),
            search: rules.searchPlan.searches[0])
        let fleet = Fleet(plan: plan, hosts: hosts)
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            guard words != ["quit"] else { break }
            print(answer(words, of: fleet))
            fflush(nil)
        }
        // The hosts' threads end with the process.
        exit(0)
    }

    static func answer(_ words: [String], of fleet: Fleet) -> String {
        let numbers = words.dropFirst().map { Int($0) ?? 0 }
        switch (words.first ?? "", numbers.count) {
        case ("start", 2):
            fleet.start(within: .milliseconds(numbers[0]), hasJitter: numbers[1] == 1)
            return "done"
        case ("pause", 0):
            fleet.pause()
            return "done"
        case ("state", 0): return fleet.state
        case ("changes", 0): return fleet.takeChanges()
        case ("compare", 1): return fleet.compare(numbers[0])
        default: return "done unknown 1"
        }
    }
}
