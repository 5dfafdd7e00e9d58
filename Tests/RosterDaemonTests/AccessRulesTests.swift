// From the tables of [access] to the rules that the index carries.

import Accounts
import Settings
import Testing

@testable import AccountStore
@testable import RosterDaemon

struct AccessRulesTests {
    private func policy(_ tables: String) throws -> AccessPolicy {
        let text = "[directory]\nuris = [\"ldaps://a\"]\nbase = \"dc=a\"\n" + tables
        var access = StoreAccess()
        for (slot, name) in [(UInt32(1), "linux"), (2, "maintainers"), (3, "contractors")] {
            var binding = AccessBinding(
                slot: slot, name: name, uuid: EntryUUID(high: 0, low: UInt64(slot)), firstSeen: 1,
                isBound: true)
            binding.isShown = true
            access.bindings.append(binding)
        }
        return AccessPolicy(try Settings.parse(Array(text.utf8)), access)
    }

    @Test("sudo -i, su - and runuser -l go by the rules of sudo, su and runuser")
    func loginForms() throws {
        let policy = try policy(
            """
            [access]
            allow_groups = ["linux"]
            [access.sudo]
            allow_groups = ["maintainers"]
            deny_groups = ["contractors"]
            [access.su]
            allow_users = ["jane"]
            [access.runuser]
            deny_groups = ["linux"]
            """)
        #expect(policy.services["sudo"]?.allowGroups == [2])
        #expect(policy.services["sudo"]?.denyGroups == [3])
        for (form, base) in [("sudo-i", "sudo"), ("su-l", "su"), ("runuser-l", "runuser")] {
            #expect(policy.services[form] != nil && policy.services[form] == policy.services[base])
        }
        #expect(policy.services.count == 6 && policy.general.allowGroups == [1])
    }

    @Test("their own table stands, and is nobody else's")
    func ownTables() throws {
        let policy = try policy(
            """
            [access.sudo]
            allow_groups = ["maintainers"]
            [access.sudo-i]
            deny_groups = ["contractors"]
            [access.su-l]
            allow_users = ["jane"]
            """)
        #expect(policy.services["sudo-i"]?.allowGroups == nil)
        #expect(policy.services["sudo-i"]?.denyGroups == [3])
        #expect(Set(policy.services.keys) == ["sudo", "sudo-i", "su-l"])
        #expect(try self.policy("").services.isEmpty)
    }
}
