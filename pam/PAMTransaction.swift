// The module's end of libpam: what a phase asks of it, so that tests can script it.
internal import CLibc
internal import CPAM

/// An item of a PAM transaction that the module uses.
enum PAMItem {
    /// PAM_SERVICE
    case service
    /// PAM_RHOST
    case remoteHost
    /// PAM_AUTHTOK: the password; when one is changed, the new one.
    case password
    /// PAM_OLDAUTHTOK
    case oldPassword
}

/// How a message of the conversation is meant.
enum MessageStyle {
    /// PAM_PROMPT_ECHO_OFF
    case secretPrompt
    /// PAM_TEXT_INFO
    case information
    /// PAM_ERROR_MSG
    case error
}

/// A login as libpam presents it to the module.
///
/// Texts are NUL-terminated and belong to libpam; they are valid until the item is set anew.
protocol PAMTransaction {
    /// The account's name as pam_get_user(3) finds it, or the code that it failed with.
    func user() -> (code: CInt, name: UnsafePointer<CChar>?)
    /// An item's text; `nil`: there is none.
    func item(_ item: PAMItem) -> UnsafePointer<CChar>?
    /// Sets an item to a copy of `text` and returns the code.
    func set(_ item: PAMItem, to text: UnsafePointer<CChar>) -> CInt
    /// Calls the conversation with one message, and returns its code.
    ///
    /// `answer` is what the person answered, allocated by malloc: the caller wipes and frees it.
    func converse(
        _ style: MessageStyle, _ text: UnsafePointer<CChar>,
        answer: inout UnsafeMutablePointer<CChar>?
    ) -> CInt
    /// Asks libpam to wait that long, about, before it reports a failure.
    func requestFailDelay(microseconds: UInt32)
    /// Whether an earlier phase of the transaction found that the password has to be changed, as only
    /// the directory could tell: the directory refuses to say so without the password.
    var mustChange: Bool { get }
    /// Remembers that for the later phases, or that it is over; `false`: it could not be.
    func noteMustChange(_ isDue: Bool) -> Bool
    /// Writes a line to the system's log, facility authpriv.
    func log(_ priority: CInt, _ line: UnsafePointer<CChar>)
}

/// The real one, over the handle that the host gave us for the time of the call.
@safe
struct LinuxPAM: PAMTransaction {
    private let handle: OpaquePointer

    /// A transaction over a host's handle; `nil` without one.
    init?(_ handle: OpaquePointer?) {
        guard let handle = unsafe handle else { return nil }
        unsafe self.handle = handle
    }

    func user() -> (code: CInt, name: UnsafePointer<CChar>?) {
        var name: UnsafePointer<CChar>?
        let code = unsafe pam_get_user(handle, &name, nil)
        return unsafe (code, name)
    }

    func item(_ item: PAMItem) -> UnsafePointer<CChar>? {
        var text: UnsafeRawPointer?
        guard unsafe pam_get_item(handle, Self.number(item), &text) == PAM_SUCCESS else {
            return nil
        }
        return unsafe text?.assumingMemoryBound(to: CChar.self)
    }

    func set(_ item: PAMItem, to text: UnsafePointer<CChar>) -> CInt {
        unsafe pam_set_item(handle, Self.number(item), text)
    }

    func converse(
        _ style: MessageStyle, _ text: UnsafePointer<CChar>,
        answer: inout UnsafeMutablePointer<CChar>?
    ) -> CInt {
        var conversation: UnsafeRawPointer?
        let found = unsafe pam_get_item(handle, PAM_CONV, &conversation)
        guard found == PAM_SUCCESS else { return found }
        var response: UnsafeMutablePointer<pam_response>?
        let code = unsafe roster_converse(
            conversation?.assumingMemoryBound(to: pam_conv.self), Self.number(style), text,
            &response)
        guard let response = unsafe response else { return code }
        unsafe answer = response.pointee.resp
        unsafe free(response)
        return code
    }

    func requestFailDelay(microseconds: UInt32) {
        _ = unsafe pam_fail_delay(handle, microseconds)
    }

    var mustChange: Bool {
        var mark: UnsafeRawPointer?
        return unsafe pam_get_data(handle, Self.mark, &mark) == PAM_SUCCESS && mark != nil
    }

    func noteMustChange(_ isDue: Bool) -> Bool {
        guard isDue || mustChange else { return true }
        // A mark that nobody looks behind, and that needs no cleaning up.
        let mark = unsafe isDue ? UnsafeMutableRawPointer(handle) : nil
        return unsafe pam_set_data(handle, Self.mark, mark, nil) == PAM_SUCCESS
    }

    private static var mark: UnsafePointer<CChar> {
        let name: StaticString = "roster_must_change"
        return unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    func log(_ priority: CInt, _ line: UnsafePointer<CChar>) {
        unsafe roster_syslog(LOG_AUTHPRIV | priority, line)
    }

    private static func number(_ item: PAMItem) -> CInt {
        switch item {
        case .service: PAM_SERVICE
        case .remoteHost: PAM_RHOST
        case .password: PAM_AUTHTOK
        case .oldPassword: PAM_OLDAUTHTOK
        }
    }

    private static func number(_ style: MessageStyle) -> CInt {
        switch style {
        case .secretPrompt: PAM_PROMPT_ECHO_OFF
        case .information: PAM_TEXT_INFO
        case .error: PAM_ERROR_MSG
        }
    }
}
