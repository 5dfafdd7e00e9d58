// setpwent, getpwent, endpwent and the like.
import AccountIndex
import Accounts
import CLibc
import Testing

@testable import NSSModule

struct EnumerationTests {
    private let people = (0..<5).map { person("user\($0)", UInt32(70000 + $0)) }

    private func names(_ test: TestService, limit: Int = 100) -> [String] {
        var names: [String] = []
        while names.count < limit, let name = test.nextPasswd().fields.first { names.append(name) }
        return names
    }

    @Test("everybody is shown once, with or without a beginning, and again from the start")
    func whole() throws {
        let test = try TestService()
        _ = try test.build(people)
        let all = people.map(\.passwd.name)
        #expect(names(test) == all)
        #expect(test.nextPasswd() == .notFound)
        #expect(names(test) == [])
        #expect(test.service.startPasswd() == NSS_STATUS_SUCCESS)
        #expect(names(test) == all)
        #expect(test.service.endPasswd() == NSS_STATUS_SUCCESS)
        #expect(names(test, limit: 2) == ["user0", "user1"])
        #expect(test.service.startPasswd() == NSS_STATUS_SUCCESS)
        #expect(names(test) == all)
    }

    @Test("a buffer that is too small does not move on")
    func tooSmall() throws {
        let test = try TestService()
        _ = try test.build(people)
        #expect(test.nextPasswd(size: 1) == .tooSmall)
        #expect(test.nextPasswd(size: 10) == .tooSmall)
        #expect(names(test) == people.map(\.passwd.name))
    }

    @Test("an enumeration shows its generation through changes and rebuilds")
    func pinned() throws {
        let test = try TestService()
        var writer = try test.build(people)
        #expect(names(test, limit: 2) == ["user0", "user1"])
        _ = try writer.apply(
            PublicationChange(people: [
                PersonChange(was: people[3].key, now: nil),
                PersonChange(was: nil, now: person("neo", 71000)),
            ]))
        for generation in 5..<17 {
            _ = try test.build(
                [person("other\(generation)", 72000)], generation: UInt64(generation))
            #expect(test.passwd(named: "other\(generation)").status == NSS_STATUS_SUCCESS)
        }
        #expect(names(test) == ["user2", "user3", "user4"])
        #expect(test.service.startPasswd() == NSS_STATUS_SUCCESS)
        #expect(names(test) == ["other16"])
    }

    @Test("changes of the delta are enumerated, removed and renamed people are not")
    func delta() throws {
        let test = try TestService()
        var writer = try test.build(people)
        _ = try writer.apply(
            PublicationChange(people: [
                PersonChange(was: people[0].key, now: nil),
                PersonChange(was: people[1].key, now: person("neo", 70001)),
                PersonChange(was: people[2].key, now: person("user2", 70002, shell: "/bin/zsh")),
            ]))
        _ = try writer.apply(
            PublicationChange(people: [
                PersonChange(
                    was: people[2].key, now: person("user2", 70002, shell: "/bin/fish"))
            ]))
        #expect(names(test) == ["user3", "user4", "neo", "user2"])
    }

    @Test("groups are enumerated beside people, each with its own position")
    func groups() throws {
        let test = try TestService()
        _ = try test.build(
            people,
            [
                (PublishedKey(name: "one", id: 3001), ["user0"]),
                (PublishedKey(name: "two", id: 3002), []),
            ])
        #expect(test.service.startGroup() == NSS_STATUS_SUCCESS)
        #expect(test.nextGroup() == .found("one", "*", "3001", "user0"))
        #expect(names(test, limit: 1) == ["user0"])
        #expect(test.nextGroup() == .found("two", "*", "3002"))
        #expect(test.nextGroup() == .notFound)
        #expect(names(test, limit: 1) == ["user1"])
        #expect(test.service.endGroup() == NSS_STATUS_SUCCESS)
    }
}
