// A PAM transaction that follows a script, and fails the test at any step that differs from it.
import CLibc
import CPAM
import Testing

@testable import PAMModule

/// What the module says to the person, and what the person answers.
enum ScriptStep: Equatable {
    /// A hidden prompt and its answer; without one the conversation fails with that code.
    case asks(String, String?, code: CInt = PAM_SUCCESS)
    case informs(String)
    case complains(String)
}

/// A transaction with items and a script of its own.
@safe
final class ScriptedPAM: PAMTransaction {
    private var items: [PAMItem: UnsafeMutablePointer<CChar>] = unsafe [:]
    private let name: UnsafeMutablePointer<CChar>?
    private var script: [ScriptStep]
    private(set) var mustChange = false
    /// Whether libpam has memory for a mark.
    var hasMemory = true
    private(set) var delays: [UInt32] = []
    private(set) var lines: [String] = []

    init(
        user: String, items: [PAMItem: String] = [.service: "sshd"], script: [ScriptStep] = []
    ) {
        unsafe name = unsafe strdup(user)
        self.script = script
        for (item, text) in items { unsafe self.items[item] = strdup(text) }
    }

    deinit {
        unsafe free(name)
        unsafe items.values.forEach { unsafe free($0) }
        if !script.isEmpty { Issue.record("not said: \(script)") }
    }

    func text(_ item: PAMItem) -> String? {
        unsafe items[item].map { unsafe String(cString: $0) }
    }

    func user() -> (code: CInt, name: UnsafePointer<CChar>?) {
        unsafe (PAM_SUCCESS, UnsafePointer(name))
    }

    func item(_ item: PAMItem) -> UnsafePointer<CChar>? {
        unsafe items[item].map { unsafe UnsafePointer($0) }
    }

    func set(_ item: PAMItem, to text: UnsafePointer<CChar>) -> CInt {
        let copy = unsafe strdup(text)
        unsafe free(items[item])
        unsafe items[item] = copy
        return PAM_SUCCESS
    }

    func converse(
        _ style: MessageStyle, _ text: UnsafePointer<CChar>,
        answer: inout UnsafeMutablePointer<CChar>?
    ) -> CInt {
        let said = unsafe String(cString: text)
        guard !script.isEmpty else {
            Issue.record("said beyond the script: \(said)")
            return PAM_CONV_ERR
        }
        let step = script.removeFirst()
        switch (style, step) {
        case (.secretPrompt, .asks(let prompt, let typed, let code)):
            #expect(said == prompt)
            if let typed { unsafe answer = strdup(typed) }
            return code
        case (.information, .informs(let expected)), (.error, .complains(let expected)):
            #expect(said == expected)
            return PAM_SUCCESS
        default:
            Issue.record("said \(said) where the script has \(step)")
            return PAM_CONV_ERR
        }
    }

    func requestFailDelay(microseconds: UInt32) { delays.append(microseconds) }

    func noteMustChange(_ isDue: Bool) -> Bool {
        guard hasMemory || isDue == mustChange else { return false }
        mustChange = isDue
        return true
    }

    func log(_ priority: CInt, _ line: UnsafePointer<CChar>) {
        unsafe lines.append("\(priority) " + String(cString: line))
    }
}
