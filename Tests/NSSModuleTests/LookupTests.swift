// Lookups as glibc makes them.
import AccountIndex
import Accounts
import CLibc
import Testing

@testable import NSSModule

struct LookupTests {
    let anna = person("anna", 70001, groups: [3000, 3001, 3002])
    let bob = person("bob", 70002, shell: "")

    @Test("a person is found by name and by uid")
    func passwd() throws {
        let test = try TestService()
        _ = try test.build([anna, bob])
        #expect(test.passwd(named: "anna") == anna.outcome)
        #expect(test.passwd(uid: 70001) == anna.outcome)
        #expect(test.passwd(named: "bob") == bob.outcome)
        #expect(test.passwd(named: "ann") == .notFound)
        #expect(test.passwd(uid: 70003) == .notFound)
    }

    @Test("a group whose name has a space is found by it")
    func space() throws {
        let test = try TestService()
        _ = try test.build([anna], [(PublishedKey(name: "domain users", id: 3000), [])])
        #expect(test.group(named: "domain users") == test.group(gid: 3000))
        #expect(test.group(named: "domain users") != .notFound)
        #expect(test.group(named: "domain") == .notFound)
    }

    @Test(
        "names and ids that no directory may define are not found",
        arguments: [
            "", "0", "70001", "anna:x", "a\nb", "../anna", String(repeating: "a", count: 257),
        ])
    func refusedNames(name: String) throws {
        let test = try TestService()
        _ = try test.build([anna, person("70001", 70009)])
        #expect(test.passwd(named: name) == .notFound)
        #expect(test.group(named: name) == .notFound)
        #expect(test.groups(of: name, size: 4).status == NSS_STATUS_NOTFOUND)
    }

    @Test(
        "reserved ids in an index are never answered",
        arguments: [UInt32(0), 1, 999, 60001, 65534, 0x8000_0000, UInt32.max])
    func reservedIDs(id: UInt32) throws {
        let test = try TestService()
        var primary = person("primary", 70001)
        primary.passwd.gid = id
        let people = [person("mallory", id), primary, person("member", 70002, groups: [3000, id])]
        _ = try test.build(people, [(PublishedKey(name: "evil", id: id), [])])
        #expect(test.passwd(named: "mallory") == .unavailable(EBADMSG))
        #expect(test.passwd(uid: id) == .notFound)
        #expect(test.passwd(named: "primary") == .unavailable(EBADMSG))
        #expect(test.group(named: "evil") == .unavailable(EBADMSG))
        #expect(test.group(gid: id) == .notFound)
        #expect(test.groups(of: "member", size: 4).list == [])
        #expect(test.groups(of: "member", size: 4).status == NSS_STATUS_UNAVAIL)
    }

    @Test(
        "a passwd buffer is too small up to one byte less than needed, at any alignment",
        arguments: 0..<16)
    func passwdBuffer(offset: Int) throws {
        let test = try TestService()
        _ = try test.build([anna, bob])
        for person in [anna, bob] {
            let fields = person.passwd
            let needed =
                fields.name.utf8.count + fields.gecos.utf8.count + fields.home.utf8.count
                + fields.shell.utf8.count + 6
            for size in 0..<needed {
                #expect(test.passwd(named: fields.name, size: size, offset: offset) == .tooSmall)
            }
            #expect(
                test.passwd(named: fields.name, size: needed, offset: offset) == person.outcome)
        }
    }

    @Test(
        "a group buffer is too small up to one byte less than needed, at any alignment",
        arguments: 0..<16, [0, 1, 3])
    func groupBuffer(offset: Int, count: Int) throws {
        let test = try TestService()
        let members = (0..<count).map { "member\($0)" }
        _ = try test.build([], [(PublishedKey(name: "staff", id: 3000), members)])
        let padding = (8 - offset % 8) % 8
        let needed = padding + 8 * (count + 1) + 6 + 2 + count * 8
        for size in 0..<needed {
            #expect(test.group(named: "staff", size: size, offset: offset) == .tooSmall)
        }
        let outcome = test.group(named: "staff", size: needed, offset: offset)
        #expect(
            outcome
                == Outcome(
                    status: NSS_STATUS_SUCCESS, error: 0, fields: ["staff", "*", "3000"] + members))
    }

    @Test("a group with many members is answered in full", arguments: [192, 193, 5000])
    func largeGroup(count: Int) throws {
        let test = try TestService()
        let members = (0..<count).map { "member\(10000 + $0)" }
        _ = try test.build([], [(PublishedKey(name: "staff", id: 3000), members)])
        let outcome = test.group(gid: 3000, size: 1 << 20)
        #expect(outcome.fields.dropFirst(3) == members[...])
    }

    @Test("initgroups respects start, skip, size and limit")
    func initgroups() throws {
        let test = try TestService()
        _ = try test.build([anna, bob])
        #expect(test.groups(of: "anna", size: 8).list == [3000, 3001, 3002])
        #expect(test.groups(of: "anna", skip: 3001, size: 8).list == [3000, 3002])
        #expect(test.groups(of: "anna", list: [1, 2], size: 2).list == [1, 2, 3000, 3001, 3002])
        #expect(test.groups(of: "anna", size: 0).list == [3000, 3001, 3002])
        let limited = test.groups(of: "anna", list: [1], size: 1, limit: 3)
        #expect(limited.list == [1, 3000, 3001] && limited.size == 3)
        #expect(
            test.groups(of: "anna", skip: 3000, list: [1], size: 1, limit: 3).list == [
                1, 3001, 3002,
            ])
        #expect(test.groups(of: "anna", list: [1], size: 1, limit: 1).list == [1])
        #expect(test.groups(of: "bob", size: 1).list == [])
        #expect(test.groups(of: "bob", size: 1).status == NSS_STATUS_SUCCESS)
        #expect(test.groups(of: "root", list: [5], size: 1).list == [5])
        #expect(test.groups(of: "root", size: 1).status == NSS_STATUS_NOTFOUND)
    }

    @Test("errno of the caller survives every kind of answer")
    func errnoKept() throws {
        let test = try TestService()
        roster_set_errno(77)
        #expect(test.passwd(named: "anna").status == NSS_STATUS_UNAVAIL)
        _ = try test.build([anna])
        roster_set_errno(77)
        let before = test.passwd(named: "anna")
        #expect(roster_errno() == 77)
        #expect(before == anna.outcome)
    }
}
