import DaemonProtocol
import Testing

@testable import RosterDaemon

@Suite struct ControlTableTests {
    @Test("a user's silent connection makes room for the user's next one, the oldest first")
    func ownSilent() {
        var table = ConnectionTable<Int>(total: 8, perUser: 2)
        #expect(table.admit(1, uid: 1000) == .admitted)
        #expect(table.admit(2, uid: 1000) == .admitted)
        #expect(table.admit(3, uid: 1000) == .admittedInsteadOf(1))
        #expect(table.admit(4, uid: 1001) == .admitted)
        #expect(table.count == 3)
    }

    @Test("a connection whose request is being answered keeps its place")
    func answering() {
        var table = ConnectionTable<Int>(total: 8, perUser: 2)
        #expect(table.admit(1, uid: 1000) == .admitted)
        table.requestArrived(1)
        #expect(table.admit(2, uid: 1000) == .admitted)
        #expect(table.admit(3, uid: 1000) == .admittedInsteadOf(2))
        table.requestArrived(3)
        #expect(table.admit(4, uid: 1000) == .refused)
        table.remove(1)
        #expect(table.admit(4, uid: 1000) == .admitted)
    }

    @Test("when every place is taken a silent connection of any user but root goes")
    func full() {
        var table = ConnectionTable<Int>(total: 2, perUser: 2)
        #expect(table.admit(1, uid: 0) == .admitted)
        #expect(table.admit(2, uid: 1000) == .admitted)
        #expect(table.admit(3, uid: 1001) == .admitted)
        #expect(table.admit(4, uid: 1002) == .admittedInsteadOf(2))
        table.requestArrived(3)
        table.requestArrived(4)
        #expect(table.admit(5, uid: 1003) == .refused)
        #expect(table.admit(6, uid: 0) == .admitted)
        #expect(table.count == 4)
    }

    @Test(
        "who may ask what",
        arguments: [
            (.status, .reduced), (.user(name: "ada"), .reduced), (.group(name: "devs"), .reduced),
            (.check, .reduced), (.history(name: nil, limit: 1), .refused),
            (.wait(timeoutSeconds: 1), .whole),
            (.sync(full: false, acceptRemovals: false), .refused),
            (.sync(full: true, acceptRemovals: true), .refused), (.allow(name: "ada"), .refused),
            (.deny(name: "ada"), .refused), (.confirm(name: "linux"), .refused),
            (.explain(name: "ada", service: nil), .whole),
        ] as [(ControlRequest, ControlAuthorisation)])
    func authorisation(request: ControlRequest, verdict: ControlAuthorisation) {
        #expect(ControlAuthorisation(request: request, uid: 1000, owner: 990) == verdict)
        #expect(ControlAuthorisation(request: request, uid: 65534, owner: 990) == verdict)
        #expect(ControlAuthorisation(request: request, uid: 0, owner: 990) == .whole)
        #expect(ControlAuthorisation(request: request, uid: 990, owner: 990) == .whole)
    }
}
