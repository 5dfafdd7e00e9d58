// The module's arguments in the stack, see pam_roster(8).
internal import CLibc

/// The options that an administrator wrote behind the module's name.
@safe
struct ModuleOptions {
    /// The password of an earlier module is the only one to try; never ask.
    private(set) var useFirstPass = false
    /// The new password comes from an earlier module; never ask for it.
    private(set) var useAuthtok = false
    /// Tell the person nothing.
    private(set) var noWarn = false
    /// Log what is decided, without secrets.
    private(set) var debug = false
    /// The first option that means nothing here; `nil`: all are known.
    private(set) var unknown: UnsafePointer<CChar>?

    /// The options among a module's arguments.
    ///
    /// `try_first_pass` names what is done anyway: take an earlier module's password, else ask.
    init(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?) {
        guard let arguments = unsafe arguments, count > 0 else { return }
        for index in 0..<Int(count) {
            guard let argument = unsafe arguments[index] else { continue }
            if unsafe Self.text(argument, is: "use_first_pass") {
                useFirstPass = true
            } else if unsafe Self.text(argument, is: "use_authtok") {
                useAuthtok = true
            } else if unsafe Self.text(argument, is: "no_warn") {
                noWarn = true
            } else if unsafe Self.text(argument, is: "debug") {
                debug = true
            } else if unsafe !Self.text(argument, is: "try_first_pass"), unsafe unknown == nil {
                unsafe unknown = argument
            }
        }
    }

    private static func text(_ argument: UnsafePointer<CChar>, is option: StaticString) -> Bool {
        unsafe strcmp(
            argument, UnsafeRawPointer(option.utf8Start).assumingMemoryBound(to: CChar.self)) == 0
    }
}
