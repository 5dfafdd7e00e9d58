// authorized-keys USER: the ssh keys of an account that may log in now, for sshd's
// AuthorizedKeysCommand.
//
// Answers from the gate part of the index alone: no daemon, no network, no settings, no environment.

/// `main` of C: there is no `CommandLine` in Embedded Swift. The package manager lets an executable's
/// `main` lead to the symbol MODULE_main.
@c(AuthorizedKeys_main)
public func main(
    _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
    unsafe KeyProgram.run(count, arguments)
}
