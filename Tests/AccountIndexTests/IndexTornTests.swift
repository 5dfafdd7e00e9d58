// A writer that dies between any two steps.
import Accounts
import CLibc
import Testing

@testable import AccountIndex

struct IndexTornTests {
    private let before = (0..<5).map { person("user\($0)", UInt32(70000 + $0)) }
    private let staff = group("staff", 3000, ["user0", "user1"])

    /// A change that touches everything: one removed, renamed, changed, added, and the group.
    private var everything: PublicationChange {
        PublicationChange(
            people: [
                PersonChange(was: before[0].key, now: nil),
                PersonChange(was: before[1].key, now: person("neo", 70001)),
                PersonChange(
                    was: before[2].key,
                    now: person("user2", 70002, shell: "/bin/zsh", state: .init(disabledBy: ""))),
                PersonChange(was: nil, now: person("new", 70009)),
            ],
            groups: [
                GroupChange(
                    was: staff.key, now: PublishedKey(name: "crew", id: 3000),
                    membersAdded: ["neo"], membersRemoved: ["user0", "user1"])
            ], policy: AccessPolicy(maxStaleness: 60))
    }

    private struct Died: Error {}

    /// Lets the writer die before its step number `step`; whether it did.
    private func die(
        at step: Int, _ writer: inout IndexWriter, _ body: (inout IndexWriter) throws -> Void
    ) -> Bool {
        var count = 0
        writer.beforeStep = { _ throws(IndexError) in
            count += 1
            if count == step { throw .damaged("killed") }
        }
        do {
            try body(&writer)
            return false
        } catch {
            return true
        }
    }

    @Test("a publication that dies leaves readers the old generation, or the whole new one")
    func publication() throws {
        var died = true
        var step = 0
        while died {
            step += 1
            let index = try TestIndex()
            var writer = try index.build(before, [staff])
            let old = try index.everything()
            died = die(at: step, &writer) { _ = try $0.apply(everything) }
            #expect(try index.everything() == old || !died)
            let canContinue = try index.canContinue()
            // Before the first append nothing happened; after the last step everything did.
            if canContinue && died { #expect(step <= 2) }
            var rebuilt = try index.prepare(before, [staff], generation: 9)
            _ = try rebuilt.apply(everything)
            try rebuilt.install()
            let new = try index.everything()
            #expect(new.people.keys.sorted() == ["neo", "new", "user2", "user3", "user4"])
            #expect(new.groups["crew"]?.members == ["neo"])
            try index.snapshot().verify()
            try index.snapshot(.gate).verify()
        }
        #expect(step > 10)
    }

    @Test("an installation that dies leaves one complete index, and the next one succeeds")
    func installation() throws {
        var died = true
        var step = 0
        while died {
            step += 1
            let index = try TestIndex()
            _ = try index.build(before, [staff])
            let old = try index.everything()
            var next = try index.prepare([before[4]], generation: 5)
            died = die(at: step, &next) { try $0.install() }
            let now = try index.everything()
            #expect(now == old || now.people.count == 1)
            if try index.canContinue() { #expect(!died || step == 1 || step == 4) }
            _ = try index.build([before[3]], generation: 6)
            #expect(try index.canContinue())
            #expect(try index.everything().people.keys.sorted() == ["user3"])
        }
        #expect(step == 5)
    }

    @Test(
        "directories in the place of the files are put aside, with what is in them",
        arguments: [true, false])
    func directories(empty: Bool) throws {
        let index = try TestIndex()
        for turn in 1...3 {
            _ = try index.build(before, [staff])
            for name in ["public.1", "gate.1"] {
                let path = index.directory + "/" + name
                try #require(unsafe unlink(path) == 0 && mkdir(path, 0o700) == 0)
                if !empty { try #require(unsafe mkdir(path + "/kept", 0o700) == 0) }
            }
            _ = try index.build([before[turn]], generation: 6)
            #expect(try index.everything().people.count == 1)
            try index.snapshot(.gate).verify()
        }
        for name in ["public.1", "gate.1"] {
            for turn in 0..<3 {
                let aside = "\(index.directory)/\(name).aside-\(turn)"
                #expect(unsafe rmdir(aside + "/kept") == (empty ? -1 : 0))
                #expect(unsafe rmdir(aside) == (empty ? -1 : 0))
            }
        }
    }

    @Test("a writer goes on where the last one stopped")
    func continued() throws {
        let index = try TestIndex()
        _ = try index.build(before, [staff])
        for step in 0..<10 {
            guard var writer = try IndexWriter.open(directory: index.directory) else {
                Issue.record("cannot continue at step \(step)")
                return
            }
            let now = person("user2", 70002, shell: "/bin/sh\(step)")
            _ = try writer.apply(change((before[2], now)))
            #expect(try index.snapshot().person(uid: 70002) == now.indexed)
        }
        #expect(try index.snapshot().generation == 11)
        #expect(try index.everything().people.count == 5)
    }

    @Test("files of two different pairs are not continued")
    func mixedPair() throws {
        let index = try TestIndex()
        _ = try index.build(before)
        let other = try TestIndex()
        _ = try other.build(before)
        try #require(unsafe rename(other.gatePath, index.gatePath) == 0)
        #expect(try index.canContinue() == false)
    }
}
