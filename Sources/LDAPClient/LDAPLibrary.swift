// What must be true of the process before libldap is used for the first time.

internal import Glibc

/// The process-wide state of libldap.
public enum LDAPLibrary {
    /// Keeps libldap from reading ldap.conf, ldaprc and `LDAP*` variables, and makes a closed
    /// connection an error instead of a signal.
    ///
    /// Every session calls this. A daemon calls it first thing in its main as well: it changes the
    /// environment and the disposition of SIGPIPE, which is best done while there is one thread.
    /// Source: ldap.conf(5), LDAPNOINIT.
    public static func prepare() {
        _ = prepared
    }

    private static let prepared: Bool = {
        let isSet = unsafe setenv("LDAPNOINIT", "1", 1) == 0
        signal(SIGPIPE, SIG_IGN)
        return isSet
    }()
}
