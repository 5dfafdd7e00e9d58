// authorized-keys USER: the ssh keys of an account that may log in now, for sshd's
// AuthorizedKeysCommand.
//
// Answers from the gate part of the index alone: no daemon, no network, no settings, no environment.

/// What the C library calls `main`, because there is no `CommandLine` in Embedded Swift.
///
/// The package manager lets the symbol `main` of an executable lead to MODULE_main.
@c(AuthorizedKeys_main)
public func main(
    _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
    unsafe KeyProgram.run(count, arguments)
}
