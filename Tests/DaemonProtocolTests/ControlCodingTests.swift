import DaemonProtocol
import Testing

@Suite struct ControlCodingTests {
    static let requests: [ControlRequest] = [
        .status, .user(name: "ada"), .group(name: "dévs"), .check,
        .history(name: nil, limit: 50), .history(name: "ada", limit: 1),
        .wait(timeoutSeconds: 0), .sync(full: true, acceptRemovals: false), .allow(name: "x\u{1b}"),
        .deny(name: "ada"), .confirm(name: "linux"), .explain(name: "ada", service: nil),
        .explain(name: "ada", service: "sshd"),
    ]

    @Test("every request is read back as it was written", arguments: requests)
    func requestRoundTrip(request: ControlRequest) throws {
        #expect(try ControlRequest(payload: request.payload()) == request)
    }

    static let details = AccountReport.Details(
        uuid: "u", dn: "uid=ada", withheld: "uid: taken", notes: ["n"], disabled: true,
        expiresAt: 5, heldSince: 7)
    static let ada = AccountReport(
        name: "ada", uid: 2001, gid: 2000, gecos: "Ada", home: "/home/ada", shell: "/bin/bash",
        groups: [NamedID(name: nil, id: 2000), NamedID(name: "devs", id: 3000)], details: details)
    static let devs = GroupReport(
        name: "devs", gid: 3000, members: ["ada"],
        details: .init(uuid: "g", dn: "cn=devs", heldSince: 3))
    static let check = CheckReport(
        errors: ["e"], warnings: ["w"],
        withheld: [
            WithheldEntry(kind: .person, uuid: "u", dn: "d", name: nil, reason: "r")
        ], held: [HeldRemoval(kind: .membership, name: "ada", group: "devs", since: 9)],
        notes: [EntryNote(kind: .person, name: "ada", dn: "d", text: "t")])
    static var status: StatusReport {
        var report = StatusReport(
            state: .inSync, since: 1, pid: 2, version: "1", startedAt: 3)
        report.cookies = ["rid=000"]
        report.blocked = [BlockedName(name: "eve", since: 1, byUID: 0)]
        report.accessProblems = ["p"]
        report.load = .init(entries: 1, expected: 2, startedAt: 3)
        report.publicationDelay = .init(changes: 9, medianMilliseconds: 1.5, p99Milliseconds: 4)
        return report
    }
    static let history = HistoryReport(
        changes: [
            .init(effectiveAt: 1, directoryAt: nil, kind: .group, name: "devs", what: "appeared")
        ], truncated: true)
    static let replies: [ControlReply] = [
        .status(status), .user(nil), .user(ada), .group(nil), .group(devs), .check(check),
        .history(history),
        .wait(WaitReport(inSync: false, state: .loading, generation: .max, lastError: "x")),
        .sync(SyncReport(full: true, state: .inSync, generation: 1, entries: 2, changed: 3)),
        .allow(AllowReport(name: "ada", released: true, message: "m")),
        .deny(DenyReport(name: "ada", blocked: true, message: "m")),
        .confirm(ConfirmReport(name: "linux", changed: 1, message: "m")), .explain(nil),
        .explain(explanation), .failure(.notPermitted),
    ]
    static var explanation: ExplainReport {
        var report = ExplainReport(
            name: "ada", service: "sshd", verdict: "accepted", admitted: true, rule: "[access]",
            offline: .init(allowed: true, maxAgeSeconds: 1, madeAt: 2, changeSeen: true),
            freshness: .init(lastContactAt: 1, ageSeconds: 2))
        report.entry = .init(dn: "uid=ada", uuid: "u")
        report.keys = [.init(type: "ssh-rsa", comment: "c", options: false)]
        return report
    }

    @Test("every reply is read back as it was written", arguments: replies)
    func replyRoundTrip(reply: ControlReply) throws {
        #expect(try ControlReply(payload: reply.payload()) == reply)
    }

    @Test("a reply without what only root may see shows no state, place, reason or cookie")
    func reduction() {
        #expect(
            ControlReply.user(Self.ada).reduced() == .user(without(Self.ada) { $0.details = nil }))
        #expect(
            ControlReply.group(Self.devs).reduced()
                == .group(without(Self.devs) { $0.details = nil }))
        #expect(
            ControlReply.status(Self.status).reduced()
                == .status(
                    without(Self.status) {
                        $0.cookies = nil
                        $0.blocked = nil
                        $0.accessProblems = nil
                    }))
        let hidden = without(Self.check) {
            $0.withheld = nil
            $0.held = nil
            $0.notes = nil
            $0.warnings = []
            $0.errors = ["the configuration has findings that only root may read"]
        }
        #expect(ControlReply.check(Self.check).reduced() == .check(hidden))
    }

    @Test("who is not published is nobody, except to root")
    func withheldIsHidden() {
        let person = without(Self.ada) { $0.published = false }
        #expect(ControlReply.user(person).reduced() == .user(nil))
        let group = without(Self.devs) { $0.published = false }
        #expect(ControlReply.group(group).reduced() == .group(nil))
    }

    @Test(
        "an answer to a request that needs root is never passed on reduced",
        arguments: [replies[6], replies[8], replies[9]])
    func administratorsOnly(reply: ControlReply) {
        #expect(reply.reduced() == .failure(.notPermitted))
    }

    @Test(
        "what is no request is refused",
        arguments: [
            "", "{}", "[]", "null", "\"status\"", #"{"reboot":{}}"#, #"{"allow":{}}"#,
            #"{"allow":{"name":7}}"#, #"{"wait":{"timeoutSeconds":1e99}}"#,
            #"{"history":{"limit":-99999999999999999999}}"#, #"{"status":{}"#,
            String(repeating: "[", count: 60_000), String(repeating: #"{"a":"#, count: 10_000),
        ])
    func malformed(text: String) {
        #expect(throws: ControlCodingError.self) { try ControlRequest(payload: Array(text.utf8)) }
        #expect(throws: ControlCodingError.self) { try ControlReply(payload: Array(text.utf8)) }
    }

    @Test("flipped octets of a request are another request or an error, never a trap")
    func flipped() throws {
        let payload = try ControlRequest.history(name: "ada", limit: 50).payload()
        for place in payload.indices {
            for bit in 0..<8 {
                var octets = payload
                octets[place] ^= 1 << UInt8(bit)
                _ = try? ControlRequest(payload: octets).fault
            }
        }
    }

    @Test(
        "values out of bounds are named before a handler sees them",
        arguments: [
            .user(name: ""), .group(name: "a\0b"),
            .allow(name: String(repeating: "x", count: 1025)),
            .history(name: nil, limit: 0), .history(name: nil, limit: 10_001),
            .history(name: "", limit: 5), .wait(timeoutSeconds: -1), .wait(timeoutSeconds: .max),
        ] as [ControlRequest])
    func bounds(request: ControlRequest) {
        #expect(request.fault != nil)
    }

    @Test("the requests of the command line are in bounds", arguments: requests)
    func inBounds(request: ControlRequest) {
        #expect(request.fault == nil)
    }

    @Test("a reply that is too long says so instead of being cut")
    func tooLong() {
        let group = GroupReport(
            name: "all", gid: 3000, members: [String(repeating: "x", count: Frame.longestReply)])
        #expect(throws: ControlCodingError.self) { try ControlReply.group(group).frame() }
    }
}

private func without<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
    var value = value
    change(&value)
    return value
}
