import DirectorySync
import LDAPClient
import Settings
import Testing

@testable import RosterDaemon

@Suite("What is promised of following a directory")
struct FollowPromiseTests {
    private func connector(_ lines: String = "") throws -> DirectoryConnector {
        let text = "[directory]\nuris = [\"ldaps://a\"]\nbase = \"dc=a\"\n\(lines)"
        return DirectoryConnector(settings: try Settings.parse(Array(text.utf8)))
    }

    private func root(_ controls: [String]) -> RootDSE {
        let octets = controls.map { Array($0.utf8) }
        return RootDSE(LDAPEntry(dn: "", attributes: ["supportedcontrol": octets]))
    }

    private let syncrepl = "1.3.6.1.4.1.4203.1.9.1.1"
    private let persistentSearch = "2.16.840.1.113730.3.4.3"

    @Test("by RFC 4533: milliseconds, verified as often as configured")
    func synchronised() throws {
        let connector = try connector("compare_interval = \"15m\"")
        let promise = connector.promise(try connector.strategy(root([syncrepl])))
        #expect(
            promise.text
                == "changes within milliseconds; deletions within milliseconds, verified every 15 min"
        )
    }

    @Test("by polling: its interval, and deletions by comparisons every five minutes")
    func polled() throws {
        let connector = try connector()
        let strategy = try connector.strategy(root([]))
        #expect(
            connector.promise(strategy).text
                == "changes within 30 s; deletions within 5 min")
        let awake = try connector.strategy(root([persistentSearch]))
        #expect(
            connector.promise(awake).text
                == "changes within 30 s, usually at once; deletions within 5 min, usually at once")
        #expect(connector.promise(awake, isAwake: false).text == connector.promise(strategy).text)
    }

    @Test("a directory that takes long to answer or to compare makes it longer, honestly")
    func slow() throws {
        let connector = try connector()
        let strategy = try connector.strategy(root([]))
        let slow = connector.promise(strategy, lastTook: .seconds(20), answerTime: .seconds(20))
        #expect(slow.text == "changes within 1 min; deletions within 17 min")
        // No rest is shorter than fifty times the comparison, whatever is configured.
        let huge = connector.promise(strategy, lastTook: .seconds(100))
        #expect(huge.deletions == "within 85 min")
        #expect(connector.comparisonInterval(strategy, lastTook: .zero) == .seconds(300))
    }

    @Test("comparisons are never rarer than configured, nor too rare for max_staleness")
    func configured() throws {
        let often = try connector("compare_interval = \"1m\"")
        #expect(often.promise(try often.strategy(root([]))).deletions == "within 1 min")
        let strict = try connector("\n[login]\nmax_staleness = \"6m\"")
        #expect(strict.promise(try strict.strategy(root([]))).deletions == "within 2 min")
    }

    private func controller(_ controls: [String] = [], isLDS: Bool = false) -> RootDSE {
        let capability = isLDS ? "1.2.840.113556.1.4.1851" : "1.2.840.113556.1.4.800"
        return RootDSE(
            LDAPEntry(
                dn: "",
                attributes: [
                    "supportedcontrol": controls.map { Array($0.utf8) },
                    "supportedcapabilities": [Array(capability.utf8)],
                    "namingcontexts": [Array("DC=a".utf8)],
                ]))
    }

    private let notification = "1.2.840.113556.1.4.528"

    @Test("by change numbers: changes usually at once, deletions only with the right to see them")
    func activeDirectory() throws {
        let connector = try connector("schema = \"ad\"\ncompare_interval = \"1h\"")
        var strategy = try connector.strategy(controller([notification]))
        #expect(strategy.method == .usn && strategy.offersWakeUp)
        let hidden = connector.promise(strategy)
        #expect(hidden.text == "changes within 30 s, usually at once; deletions within 5 min")
        #expect(hidden.advice?.contains("Deleted Objects") == true)
        strategy.controller = DomainController(invocationID: nil, showsDeleted: true)
        let shown = connector.promise(strategy)
        #expect(
            shown.text == "changes within 30 s, usually at once; "
                + "deletions within 30 s, usually at once, verified every 1 h")
        #expect(shown.advice == nil)
        #expect(connector.comparisonInterval(strategy, lastTook: .zero) == .seconds(3600))
        // A group that is left gives its member no new change number.
        strategy.selectsByBackLink = true
        let late = connector.promise(strategy)
        #expect(late.text == "changes within 30 s, usually at once; deletions within 5 min")
        #expect(late.advice?.contains("memberOf") == true)
    }

    @Test("a domain controller is told from another by the DN of its settings")
    func oneOfMany() {
        func root(_ settings: String?) -> RootDSE {
            RootDSE(
                LDAPEntry(
                    dn: "",
                    attributes: settings.map { ["dsservicename": [Array($0.utf8)]] } ?? [:]))
        }
        let followed = DomainController(
            invocationID: nil, showsDeleted: true, settingsDN: "CN=NTDS Settings,CN=DC1")
        #expect(followed.isServer(of: root("CN=NTDS Settings,CN=DC1")))
        #expect(!followed.isServer(of: root("CN=NTDS Settings,CN=DC2")))
        #expect(!followed.isServer(of: root(nil)))
    }

    @Test("what is configured and what the server is have to fit together")
    func misfits() throws {
        for isLDS in [false, true] {
            let server = controller([notification], isLDS: isLDS)
            let withoutSchema = #expect(throws: DirectoryFailure.self) {
                try connector().strategy(server)
            }
            #expect(withoutSchema?.description.contains("schema = \"ad\"") == true)
            let refused = #expect(throws: DirectoryFailure.self) {
                try connector("schema = \"ad\"\nsync = \"syncrepl\"").strategy(server)
            }
            #expect(refused?.description.contains("RFC 4533") == true)
            let named = try connector("schema = \"ad\"\nsync = \"dirsync\"").strategy(server)
            #expect(named.method == .usn && named.offersWakeUp)
            let alone = try connector("schema = \"ad\"\nsync = \"poll\"").strategy(server)
            #expect(alone.method == .usn && !alone.offersWakeUp)
        }
        let other = #expect(throws: DirectoryFailure.self) {
            try connector("sync = \"dirsync\"").strategy(root([]))
        }
        #expect(other?.description.contains("is for Active Directory") == true)
    }
}
