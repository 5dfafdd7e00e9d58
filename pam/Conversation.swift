// Talking to the person, and taking passwords.
internal import CLibc
internal import CPAM
internal import DaemonProtocol

extension Phase {
    /// Tells the person something, unless nothing is to be told (PAM_SILENT, `no_warn`).
    ///
    /// Texts over ``LoginLimits/message`` octets are not told. A person who cannot be told is
    /// refused or let in all the same.
    func tell(_ style: MessageStyle, _ text: UnsafeRawBufferPointer) {
        guard !isSilent, unsafe !text.isEmpty, text.count <= LoginLimits.message,
            let copy = SecretOctets(count: text.count &+ 1),
            let start = unsafe copy.octets.baseAddress
        else { return }
        unsafe copy.octets.copyMemory(from: text)
        var answer: UnsafeMutablePointer<CChar>?
        _ = unsafe transaction.converse(
            style, start.assumingMemoryBound(to: CChar.self), answer: &answer)
        unsafe wipeAndFree(answer)
    }

    /// Tells the person a fixed text.
    func tell(_ style: MessageStyle, _ text: StaticString) {
        unsafe tell(style, octets(of: text))
    }

    /// Asks for a password and returns PAM_SUCCESS when the item holds the answer.
    ///
    /// libpam keeps a copy for the modules after us and wipes it at its end; ours is wiped here.
    func ask(_ prompt: StaticString, for item: PAMItem) -> CInt {
        var answer: UnsafeMutablePointer<CChar>?
        let code = unsafe transaction.converse(.secretPrompt, cText(prompt), answer: &answer)
        defer { unsafe wipeAndFree(answer) }
        guard code == PAM_SUCCESS else { return code }
        guard let answer = unsafe answer else { return PAM_CONV_ERR }
        return unsafe transaction.set(item, to: answer)
    }

    /// Asks for the new password twice and returns PAM_SUCCESS when the item holds it.
    func askForNewPassword() -> CInt {
        var first: UnsafeMutablePointer<CChar>?
        var second: UnsafeMutablePointer<CChar>?
        defer {
            unsafe wipeAndFree(first)
            unsafe wipeAndFree(second)
        }
        var code = unsafe transaction.converse(
            .secretPrompt, cText("New password: "), answer: &first)
        guard code == PAM_SUCCESS else { return code }
        code = unsafe transaction.converse(
            .secretPrompt, cText("Retype new password: "), answer: &second)
        guard code == PAM_SUCCESS else { return code }
        guard let first = unsafe first, let second = unsafe second else { return PAM_CONV_ERR }
        guard unsafe strcmp(first, second) == 0 else {
            tell(.error, "Sorry, the passwords do not match.")
            return PAM_AUTHTOK_ERR
        }
        return unsafe transaction.set(.password, to: first)
    }
}

/// Wipes and frees what a conversation answered.
private func wipeAndFree(_ answer: UnsafeMutablePointer<CChar>?) {
    guard let answer = unsafe answer else { return }
    unsafe explicit_bzero(answer, strlen(answer))
    unsafe free(answer)
}

/// A fixed text as C takes it.
func cText(_ text: StaticString) -> UnsafePointer<CChar> {
    unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// The octets of a fixed text.
func octets(of text: StaticString) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
}

/// The octets of a C text, at most `limit` and one more; none without a text.
func octets(of text: UnsafePointer<CChar>?, limit: Int) -> UnsafeRawBufferPointer {
    guard let text = unsafe text else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    return unsafe UnsafeRawBufferPointer(start: text, count: strnlen(text, limit &+ 1))
}
