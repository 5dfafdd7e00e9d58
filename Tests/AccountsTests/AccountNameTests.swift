import Accounts
import Testing

@Suite("Names and rules")
struct AccountNameTests {
    @Test(
        "names that are allowed",
        arguments: [
            "jane", "J", "_jane", "1jane", "jane.doe", "jane-doe", "jane_", "j.", "12a",
            String(repeating: "a", count: 32),
        ])
    func allowed(name: String) {
        #expect(AccountNameRule().allows(name.utf8))
    }

    @Test(
        "names that are not",
        arguments: [
            "", "1000", "0", ".jane", "-jane", "jane doe", "jane:", "jane\n", "jäne", "jane$",
            "jane@example.com", "a/b", "a\\b", "a\u{0}", "jane\u{7F}", "*", "+jane",
            String(repeating: "a", count: 33),
        ])
    func refused(name: String) {
        #expect(!AccountNameRule().allows(name.utf8))
    }

    @Test("a rule can allow a few characters more, and longer names")
    func more() {
        var rule = AccountNameRule()
        rule.extraCharacters = Array("@+".utf8)
        rule.maximumLength = 64
        for name in ["jane@example.com", "jane+x", "j@", String(repeating: "a", count: 64)] {
            #expect(rule.allows(name.utf8))
        }
        for name in [
            "@jane", "+jane", "jane$", "1@", "@", "a:b", "a/b", String(repeating: "a", count: 65),
        ] {
            #expect(rule.allows(name.utf8) == (name == "1@"))
        }
    }

    @Test("a rule is an attribute and a value")
    func rule() {
        #expect(
            DisabledRule(text: "employeeType=Left=Us")
                == DisabledRule(attribute: "employeeType", condition: .equals("Left=Us")))
        #expect(DisabledRule(text: "1.2.3=x")?.attribute == "1.2.3")
        #expect(DisabledRule(text: "a=*")?.condition == .present)
        for text in ["", "a", "=b", "a=", "a b=c", "1=x", "1.=x", "ä=x"] {
            #expect(DisabledRule(text: text) == nil)
        }
    }
}
