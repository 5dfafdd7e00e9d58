import Accounts
import Testing

@testable import Settings

private func settings(
    schema: String = "ad", directory: String = "", accounts: String = "", more: String = ""
) throws -> Settings {
    let text = """
        [directory]
        uris = ["ldaps://a"]
        base = "dc=a"
        schema = "\(schema)"
        \(directory)
        [accounts]
        \(accounts)
        \(more)
        """
    return try Settings.parse(Array(text.utf8))
}

@Suite("Settings of Active Directory and of ids")
struct IdentitySettingsTests {
    @Test("schema = \"ad\" makes identity, names and homes those of Active Directory")
    func activeDirectory() throws {
        let ad = try settings()
        #expect(ad.directory.entryID == "objectGUID")
        #expect(ad.accounts.foldsNames && ad.accounts.defaultHome == "/home/%u")
        #expect(ad.accounts.idSource == .attribute && ad.accounts.ids == 1000...60000)
        #expect(
            ad.namedAttributes.map(\.attribute) == ["sAMAccountName", "uidNumber", "gidNumber"])
        let other = try settings(schema: "auto")
        #expect(other.directory.entryID == "entryUUID")
        #expect(!other.accounts.foldsNames && other.accounts.defaultHome == nil)
        let plain = try settings(
            directory: "entry_id = \"x\"",
            accounts: "fold_names = false\ndefault_home = \"/home/%u/x\"")
        #expect(plain.directory.entryID == "x" && !plain.accounts.foldsNames)
        #expect(plain.accounts.defaultHome == "/home/%u/x")
        let elsewhere = try settings(accounts: "home_prefixes = [\"/srv/home\"]")
        #expect(elsewhere.accounts.defaultHome == "/srv/home/%u")
    }

    @Test("ids that are computed have SSSD's room, or the window that is named")
    func windows() throws {
        for source in ["sid", "hash"] {
            let usual = try settings(accounts: "ids = \"\(source)\"").accounts
            #expect(usual.ids == 200_000...2_000_200_000 && usual.idSource.rawValue == source)
        }
        let own = try settings(
            accounts: """
                ids = "sid"
                min_id = 100000
                max_id = 900000
                sid_slice_size = 100000
                """)
        #expect(own.accounts.ids == 100_000...900_000 && own.accounts.sidSliceSize == 100_000)
        #expect(
            own.namedAttributes.map(\.attribute) == [
                "sAMAccountName", "objectSid", "primaryGroupID",
            ])
        let hashed = try settings(accounts: "ids = \"hash\"\ndefault_gid = 70000")
        #expect(hashed.accounts.defaultGID == 70_000)
        #expect(hashed.namedAttributes.map(\.attribute) == ["sAMAccountName"])
    }

    @Test(
        "what does not go together is refused",
        arguments: [
            ("auto", "ids = \"sid\"", "accounts.ids"),
            ("ad", "ids = \"rid\"", "accounts.ids"),
            ("ad", "ids = \"sid\"\nmax_id = 300000", "accounts.sid_slice_size"),
            ("ad", "ids = \"sid\"\ndefault_gid = 70000", "accounts.default_gid"),
            ("ad", "sid_slice_size = 0", "accounts.sid_slice_size"),
            ("ad", "default_gid = 65534", "accounts.default_gid"),
            ("ad", "default_gid = 100", "accounts.default_gid"),
            ("ad", "default_home = \"/home/%n\"", "accounts.default_home"),
            ("ad", "default_home = \"/home/x\"", "accounts.default_home"),
            ("ad", "default_home = \"/srv/%u\"", "accounts.default_home"),
            ("ad", "default_home = \"/home/../%u\"", "accounts.default_home"),
            ("ad", "default_home = \"/home/%u%\"", "accounts.default_home"),
            ("ad", "fold_names = 1", "accounts.fold_names"),
            ("ad", "extra_name_characters = \"/\"", "accounts.extra_name_characters"),
        ])
    func refused(schema: String, accounts: String, key: String) throws {
        let error = #expect(throws: SettingsError.self) {
            try settings(schema: schema, accounts: accounts)
        }
        guard case .invalid(_, let problems) = error else { return }
        #expect(problems.map(\.key) == [key])
    }

    @Test(
        "names of access rules are folded as those of the directory are, and groups may have a space"
    )
    func names() throws {
        let rules = """
            [access]
            allow_groups = ["Domain Users"]
            deny_groups = ["Guests"]
            allow_users = ["Jane"]
            """
        let spaced = "extra_name_characters = \" \"\nprivileged_groups = [\"Docker\"]\n"
        let folded = try settings(accounts: spaced, more: rules)
        #expect(folded.access.general.allowGroups == ["domain users"])
        #expect(folded.access.general.denyGroups == ["guests"])
        #expect(folded.access.general.allowUsers == ["jane"])
        #expect(folded.accounts.privilegedGroups == ["docker"])
        let kept = try settings(accounts: spaced + "fold_names = false", more: rules)
        #expect(kept.access.general.allowUsers == ["Jane"])
        #expect(throws: SettingsError.self) {
            try settings(accounts: spaced, more: "[access]\nallow_users = [\"Jane Doe\"]")
        }
        #expect(throws: SettingsError.self) { try settings(more: rules) }
    }
}
