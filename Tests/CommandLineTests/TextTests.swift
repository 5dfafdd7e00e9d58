import Testing

@testable import roster

@Suite struct TextTests {
    static let utc = TimeText(now: 1_000_000, offsetSeconds: { _ in 0 })

    @Test(
        "a moment is written as ISO 8601",
        arguments: [
            (0, 0, "1970-01-01T00:00:00+00:00"),
            (0, -18_000, "1969-12-31T19:00:00-05:00"),
            (951_782_400, 0, "2000-02-29T00:00:00+00:00"),
            (1_795_262_400, 20_700, "2026-11-21T17:45:00+05:45"),
            (4_102_444_799, 3600, "2100-01-01T00:59:59+01:00"),
            (253_402_300_799, 0, "9999-12-31T23:59:59+00:00"),
            (-1, 0, "-1 s since 1970"),
            (.max, 0, "9223372036854775807 s since 1970"),
        ] as [(Int64, Int, String)])
    func moments(time: Int64, offset: Int, text: String) {
        #expect(TimeText(now: 0, offsetSeconds: { _ in offset }).iso(time) == text)
    }

    @Test(
        "an age is told in the largest unit of which there are two",
        arguments: [
            (1_000_000, "now"), (999_999, "1 second ago"), (999_881, "119 seconds ago"),
            (999_880, "2 minutes ago"), (992_800, "2 hours ago"), (827_200, "2 days ago"),
            (1_000_300, "in 5 minutes"), (.min, "long ago or far ahead"),
        ] as [(Int64, String)])
    func ages(time: Int64, text: String) {
        #expect(Self.utc.age(time) == text)
    }

    @Test("how changes are followed is said in words where its name is none")
    func strategies() {
        #expect(strategyInWords("usn") == "change numbers (Active Directory)")
        #expect(strategyInWords("syncrepl") == "syncrepl" && strategyInWords("poll") == "poll")
    }

    @Test(
        "nothing that a terminal obeys is printed",
        arguments: [
            ("plain é 名", "plain é 名"), ("a\u{1b}[2Jb", "a\\x1b[2Jb"), ("a\nb\tc", "a\\x0ab\\x09c"),
            ("\u{7f}\u{9b}", "\\x7f\\x9b"), ("\u{202e}x\u{2066}", "\\u{202e}x\\u{2066}"),
            ("\r\n", "\\x0d\\x0a"), ("\u{2028}", "\\u{2028}"),
        ])
    func escapes(text: String, printed: String) {
        #expect(printable(text) == printed)
    }

    @Test(
        "numbers and sizes are written for people",
        arguments: [
            (0, "0", "0 octets"), (999, "999", "999 octets"), (1000, "1,000", "1.0 kB"),
            (-1_234_567, "-1,234,567", "-1234567 octets"),
            (1_234_567, "1,234,567", "1.2 MB"),
            (.max, "9,223,372,036,854,775,807", "9,223,372,036.9 GB"),
        ] as [(Int64, String, String)])
    func numbers(value: Int64, text: String, octets: String) {
        #expect(number(value) == text)
        #expect(size(value) == octets)
    }

    @Test(
        "a time on the command line has a unit or is in seconds",
        arguments: [
            ("0", 0), ("30", 30), ("30s", 30), ("500ms", 1), ("5m", 300), ("2h", 7200),
            ("1d", 86_400), ("2d", nil), ("", nil), ("s", nil), ("-1", nil), ("1.5s", nil),
            ("99999999999999999999", nil), ("5 m", nil),
        ] as [(String, Int?)])
    func waitTimes(text: String, seconds: Int?) {
        #expect(WaitTime(argument: text)?.seconds == seconds)
    }
}
