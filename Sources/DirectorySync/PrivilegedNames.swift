// Names that mean privilege on a Debian host: no directory may give them by accident.

/// Names of groups and people that programs treat as more than ordinary.
enum PrivilegedNames {
    /// Whether a group of this name gives its members power over the host, as root's programs,
    /// device nodes, sockets or sudoers(5) see it; also whether Debian owns the name (base-passwd).
    static func isPrivilegedGroup(_ name: String) -> Bool {
        groups.contains(name) || prefixes.contains { name.hasPrefix($0) }
    }

    /// Whether a person of this name would be taken for a part of the system.
    static func isSystemUser(_ name: String) -> Bool {
        users.contains(name) || name.hasPrefix("systemd-")
    }

    private static let prefixes = ["systemd-", "libvirt-", "polkit"]

    private static let users: Set<String> = [
        "root", "toor", "nobody", "daemon", "bin", "sys", "messagebus", "roster", "roster-keys",
    ]

    private static let groups: Set<String> = [
        // become root, or root's own
        "root", "sudo", "wheel", "admin", "adm", "sudoers", "staff", "operator", "daemon", "bin",
        "sys", "shadow", "src", "backup", "utmp", "nogroup", "nobody", "roster", "roster-keys",
        // run containers and machines, which is to be root
        "docker", "lxd", "incus", "incus-admin", "podman", "kvm", "libvirt", "libvirtd",
        "microk8s", "sgx", "vboxusers",
        // read or write devices
        "disk", "kmem", "mem", "tape", "cdrom", "floppy", "tty", "dialout", "dip", "video",
        "render", "input", "audio", "plugdev", "rdma", "gpio", "i2c", "spi", "uucp",
        // steer services
        "netdev", "bluetooth", "lp", "lpadmin", "scanner", "sambashare", "wireshark", "crontab",
        "messagebus", "mail", "news", "man", "proxy", "www-data", "list", "irc", "fax", "voice",
        "sasl", "ssl-cert", "postgres", "mysql", "openldap", "ssh", "_ssh", "snap_daemon",
        "landscape",
    ]
}
