// Many readers while the index changes and is replaced under them.
import Accounts
import CLibc
import Glibc
import Synchronization
import Testing

@testable import AccountIndex
@testable import NSSModule

/// What several threads of a test share.
private final class Shared: Sendable {
    let isOver = Atomic<Bool>(false)
    let lookups = Atomic<Int>(0)
    let newest = Atomic<Int>(0)
}

struct ConcurrencyTests {
    /// user0 to user4, all with the same shell in every generation.
    private func people(_ step: Int) -> [PublishedPerson] {
        (0..<5).map { person("user\($0)", UInt32(70000 + $0), shell: "/bin/sh\(step)") }
    }

    /// The number in the shell of an answer; -1 if it is no such answer.
    private func step(_ outcome: Outcome) -> Int {
        guard outcome.status == NSS_STATUS_SUCCESS, let shell = outcome.fields.last else {
            return -1
        }
        return Int(shell.dropFirst(7)) ?? -1
    }

    private func read(_ test: TestService, _ shared: Shared) {
        var last = 0
        while !shared.isOver.load(ordering: .relaxed) {
            let published = shared.newest.load(ordering: .acquiring)
            let seen = step(test.passwd(named: "user\(last % 5)"))
            // What is published is seen at once, and nobody goes back in time.
            #expect(seen >= published && seen >= last)
            last = max(seen, last)
            shared.lookups.wrappingAdd(1, ordering: .relaxed)
        }
    }

    private func enumerate(_ test: TestService, _ shared: Shared) {
        while !shared.isOver.load(ordering: .relaxed) {
            #expect(test.service.startPasswd() == NSS_STATUS_SUCCESS)
            var steps: [Int] = []
            while true {
                let outcome = test.nextPasswd()
                guard outcome.status == NSS_STATUS_SUCCESS else { break }
                steps.append(step(outcome))
            }
            #expect(steps.count == 5 && Set(steps).count == 1, "\(steps)")
            #expect(test.service.endPasswd() == NSS_STATUS_SUCCESS)
        }
    }

    private func write(_ test: TestService, _ shared: Shared, steps: Int) throws {
        defer { shared.isOver.store(true, ordering: .relaxed) }
        var writer = try test.build(people(0))
        for step in 1...steps {
            if step % 20 == 0 {
                writer = try test.build(people(step), generation: writer.generation + 1)
            } else {
                let changes = people(step).map { PersonChange(was: $0.key, now: $0) }
                _ = try writer.apply(PublicationChange(people: changes))
            }
            shared.newest.store(step, ordering: .releasing)
        }
    }

    @Test("readers see every publication at once, enumerations one generation each")
    func readersAndWriter() throws {
        let test = try TestService()
        let shared = Shared()
        _ = try test.build(people(0))
        var threads = (0..<3).map { _ in OwnThread { read(test, shared) } }
        threads.append(OwnThread { enumerate(test, shared) })
        defer { threads.forEach { $0.join() } }
        try write(test, shared, steps: 400)
        #expect(shared.lookups.load(ordering: .relaxed) > 0)
    }
}

/// A thread of its own: the concurrency pool has no more threads than there are processors.
private final class OwnThread {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private var thread = pthread_t()

    init(_ body: @escaping @Sendable () -> Void) {
        let work = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        let failed = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            }, work)
        #expect(failed == 0)
    }

    func join() {
        _ = pthread_join(thread, nil)
    }
}
